"""Lesson 11, section 11.6: BLEU by hand."""

import math

import sacrebleu

from course_utils.evaluation.translation import bleu, clipped_matches
from course_utils.exercises.exercise import case, coding

score = coding(
    "11.8",
    title="Four precisions and a penalty",
    difficulty=4,
    minutes=12,
    given="translations and references as lists of tokens, and `clipped_matches(hypothesis, "
    "reference, n)`: (how many runs of n are right, how many there are)",
    reference=bleu,
    task="""BLEU of a whole test part, from 0 to 100; one reference for each translation.

    Add up the two numbers of `clipped_matches` over the whole part, for n = 1 … longest, and
    divide: that is a precision.  Take the geometric mean of the precisions (0 where one is 0).
    Where all translations together have c tokens and all references r > c, multiply by e^(1 − r/c).
    """,
    hints=[
        "First the sums over the part, then the division: never a mean of sentence scores.",
        "The geometric mean is exp of the mean of the logarithms.",
        "The penalty is exp(min(0, 1 − r/c)): a long translation gets no reward.",
    ],
    why="Precision alone would be won by a translation of one safe word, so brevity is punished; "
    "recall is nowhere. A score for each sentence would be zero for most short ones, which hold no "
    "run of four that is right, and so would drag the mean down.",
    then="what is the BLEU of a single sentence of three words, translated perfectly?",
)


@score.cases
def score_cases(draw):
    yield case([list("abcde")], [list("abcdf")])
    yield case([list("abxcd")], [list("abcde")])  # no run of four is right
    for longest in (4, 4, 2):
        references = [
            [draw.random.choice("abcd") for _ in range(draw.size(5, 11))] for _ in range(8)
        ]
        hypotheses = [
            [c if draw.random.random() < 0.85 else "z" for c in text] for text in references
        ]
        if longest == 4:
            hypotheses = [text[: len(text) - draw.size(0, 2)] for text in hypotheses[:4]] + [
                text[1:] for text in hypotheses[4:]
            ]
        else:
            hypotheses = [[*text, "a"] for text in hypotheses]
        hypotheses[0] = list(references[0])[:-1]
        yield case(hypotheses, references, longest)


@score.oracle
def sacrebleus(hypotheses, references, longest=4):
    judge = sacrebleu.BLEU(
        tokenize="none", smooth_method="none", max_ngram_order=longest, effective_order=False
    )
    ours, theirs = ([" ".join(text) for text in texts] for texts in (hypotheses, references))
    return judge.corpus_score(ours, [theirs]).score


score.wrong_edit(
    "no_penalty",
    old="    brevity = min(0.0, 1 - theirs / ours)\n",
    new="    brevity = 0.0\n",
    message="short translations are not punished: precision alone loves silence",
    section="11.6",
)
score.wrong_edit(
    "rewards_length",
    old="min(0.0, 1 - theirs / ours)",
    new="1 - theirs / ours",
    message="a translation that is too long is rewarded: the penalty is never above 1",
    section="11.6",
)
score.wrong_edit(
    "penalty_upside_down",
    old="1 - theirs / ours)",
    new="1 - ours / theirs)",
    message="the ratio is upside down: it is the short ones that are punished",
    section="11.6",
)
score.wrong_edit(
    "as_a_share",
    old="return 100 * math",
    new="return math",
    message="right, as a share; BLEU is told from 0 to 100",
    section="11.6",
)


@score.wrong("that is the arithmetic mean of the precisions; BLEU takes the geometric one", "11.6")
def arithmetic(hypotheses, references, longest=4):
    shares = []
    for n in range(1, longest + 1):
        counts = [clipped_matches(*both, n) for both in zip(hypotheses, references, strict=True)]
        right, everything = map(sum, zip(*counts, strict=True))
        shares.append(right / everything)
    ours, theirs = sum(map(len, hypotheses)), sum(map(len, references))
    return 100 * sum(shares) / longest * math.exp(min(0.0, 1 - theirs / ours))


@score.wrong("that is a mean over sentences: add up over the whole part first", "11.6")
def mean_over_sentences(hypotheses, references, longest=4):
    scores = [
        bleu([ours], [theirs], longest) for ours, theirs in zip(hypotheses, references, strict=True)
    ]
    return sum(scores) / len(scores) + (1e-9 if len(scores) == 1 else 0)


@score.alternative
def with_a_product(hypotheses, references, longest=4):
    product = 1.0
    for n in range(1, longest + 1):
        right = everything = 0
        for ours, theirs in zip(hypotheses, references, strict=True):
            one, other = clipped_matches(ours, theirs, n)
            right, everything = right + one, everything + other
        product *= right / everything if everything else 0.0
    ours, theirs = sum(map(len, hypotheses)), sum(map(len, references))
    penalty = 1.0 if ours >= theirs else math.exp(1 - theirs / ours)
    return 100 * penalty * product ** (1 / longest)


@score.alternative
def with_the_library(hypotheses, references, longest=4):
    return sacrebleus(hypotheses, references, longest)
