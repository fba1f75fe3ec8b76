"""Lesson 02, sections 2.6 and 2.7: how much of which language, and which words to throw away."""

import torch

from course_utils.exercises.exercise import case, coding, guess_question, plot_question


def mixing_shares(counts: list[int], alpha: float) -> list[float]:
    """With what chance to draw the next text from each language, so that small ones are heard."""
    weights = [count**alpha for count in counts]
    return [weight / sum(weights) for weight in weights]


mixing = coding(
    "02.11",
    title="Let the small ones speak",
    difficulty=2,
    minutes=5,
    given="how many texts there are of each language, none of them zero, and a number from 0 to 1",
    reference=mixing_shares,
    task="""With what chance to draw the next text from each language.

    The chances add up to one and are proportional to the number of texts to the power `alpha`:
    1 leaves the languages as they are, 0 makes them all equal.
    """,
    hints=[
        "First the powers, then divide each by their sum.",
        "Check by hand: 90 and 10 with alpha = 0.5. The roots are 9.49 and 3.16.",
    ],
    why="A power below one shrinks large numbers more than small ones. Nothing is created by it: a "
    "small language is only read more often, and by and by learned by heart.",
    then="with 81 texts to 1, which alpha gives the small language a quarter?",
)


@mixing.cases
def mixing_cases(draw):
    yield case([81, 1], 0.5)
    for alpha in (0.0, 1.0, 0.3, 0.7):
        yield case([draw.size(2, 5000) for _ in range(draw.size(2, 6))], alpha)
    yield case([1, 10, 100, 1000], 0.5)


@mixing.oracle
def by_softmax(counts, alpha):
    """PyTorch's softmax of alpha times the logarithms."""
    return (alpha * torch.tensor(counts, dtype=torch.float64).log()).softmax(0).tolist()


mixing.wrong_edit(
    "forgot_to_divide",
    old="weight / sum(weights)",
    new="weight",
    message="these are weights; chances add up to one",
    section="2.6",
)
mixing.wrong_edit(
    "ignored_alpha",
    old="count**alpha",
    new="count",
    message="alpha is never used: the languages stay as they are",
    section="2.6",
)
mixing.wrong_edit(
    "the_other_power",
    old="count**alpha",
    new="count ** (1 - alpha)",
    message="the wrong way round: 1 leaves the languages as they are, and 0 makes them equal",
    section="2.6",
)
mixing.wrong_edit(
    "divided_by_the_texts",
    old="sum(weights)",
    new="sum(counts)",
    message="you divide by the number of texts, not by the sum of the powers: the sum is not one",
    section="2.6",
)
mixing.wrong_edit(
    "divided_by_the_largest",
    old="sum(weights)",
    new="max(weights)",
    message="the largest language gets 1: divide by the sum, not by the maximum",
    section="2.6",
)


@mixing.wrong("a mixture with equal shares is another recipe: alpha is a power here", "2.6")
def blended_with_equal_shares(counts, alpha):
    return [alpha * n / sum(counts) + (1 - alpha) / len(counts) for n in counts]


@mixing.wrong("the shares were taken to a power, but do not add up to one any more", "2.6")
def powers_of_the_shares(counts, alpha):
    return [(count / sum(counts)) ** alpha for count in counts]


@mixing.alternative
def with_logarithms(counts, alpha):
    return (alpha * torch.tensor(counts).double().log()).softmax(0)


@mixing.alternative
def shares_first(counts, alpha):
    total = sum(counts)
    powers = [pow(count / total, alpha) for count in counts]
    return [power / sum(powers) for power in powers]


needed = guess_question(
    "02.12",
    title="Words that say nothing",
    difficulty=1,
    minutes=1,
    given="film sentences, TF-IDF, and scikit-learn's list of 318 English stop words, which many "
    "tutorials remove first",
    ask="We remove them. What happens to the accuracy?",
    options={
        "a": "it rises by a point or more: less noise",
        "b": "it stays where it is, within a point",
        "c": "it falls by a point or more",
    },
    answer="c",
    wrong={
        "a": "TF-IDF has already given common words a low weight; what noise was left to remove?",
        "b": "look through the list: which of its words would you miss in a review?",
    },
    section="2.7",
    hints=[
        "Print the list. Would you read a review without these words?",
        "*not*, *never*, *nothing*, *but*, *although*, *too*, *well* …",
    ],
    why="The list holds *not*, *never*, *too* and *but*, which are half of what criticism is made "
    "of. Without these in the list the loss is gone, and nothing is gained either.",
)

reading = plot_question(
    "02.13",
    title="A fair comparison",
    difficulty=2,
    minutes=3,
    given="Figure 2.5",
    ask="Somebody says: removing stop words removes four words of ten, so of course something is "
    "lost; any four of ten would do the same harm. What does the figure say?",
    options={
        "a": "right: the control, words removed at random, loses as much",
        "b": "wrong: words removed at random lose more, so stop words do carry less than others",
        "c": "wrong: words removed at random lose less, so stop words carry more than others",
    },
    answer="b",
    wrong={
        "a": "compare the two rows again, for any of the readers",
        "c": "the other way round: which of the two rows lies further to the left?",
    },
    section="2.7",
    hints=[
        "Find the row of the control, in which as many words are removed at random.",
        "A loss lies to the left of the line at zero.",
    ],
    why="The list does pick words that say less than others. Less than others is not nothing, "
    "though: the row still lies to the left of zero.",
)
