"""Lesson 12, sections 12.5 and 12.6: a share with its interval, and words swapped."""

import math
import re

import numpy as np
from scipy import stats

from course_utils.evaluation import bias
from course_utils.exercises.exercise import case, coding


def swap_words(text: str, pairs: list[tuple[str, str]]) -> str:
    """The text with both words of every pair exchanged, both ways at once.

    Only whole words count: "he" is not in "the".  What stands between the words, spaces included,
    stays as it is.  All words and the text are in lower case.
    """
    other = dict(pairs) | {b: a for a, b in pairs}
    return re.sub(r"[a-z]+", lambda word: other.get(word[0], word[0]), text)


swap = coding(
    "12.8",
    title="The other way round",
    difficulty=2,
    minutes=7,
    given="a text in lower case, and pairs of words such as (he, she) and (king, queen)",
    reference=swap_words,
    hints=[
        "Two calls of `replace` in a row: the second turns back what the first did.",
        "One dictionary for both directions, and one pass over the words.",
        '`re.sub(r"[a-z]+", lambda word: other.get(word[0], word[0]), text)`.',
    ],
    why="One pass looks at each word once, so nothing is turned back; a pattern for whole words "
    "leaves the 'he' in 'the' alone; and what stands between words stays as it was.",
    then="how would you swap 'her', which is two words in one?",
)


@swap.cases
def swap_cases(draw):
    yield case("he saw her, she saw him. the end.", [("he", "she"), ("him", "her")])
    pairs = [("he", "she"), ("king", "queen"), ("man", "woman"), ("actor", "actress")]
    words = ["he", "she", "the", "king", "queens", "queen", "man", "woman", "other", "actor", "a"]
    for _ in range(3):
        chosen = [draw.choice(words) + draw.choice(["", "", ",", "."]) for _ in range(14)]
        yield case("  ".join(chosen) + " he is a woman", pairs[: draw.size(3, 4)])


@swap.oracle
def by_splitting(text, pairs):
    table = np.asarray(pairs)
    found = []
    for piece in re.split(r"\b", text):
        row, column = np.nonzero(table == piece)
        found.append(str(table[row[0], 1 - column[0]]) if len(row) else piece)
    return "".join(found)


@swap.wrong(
    "the second replacement turns the first one back: both ways at once, in one pass", "12.6"
)
def one_after_the_other(text, pairs):
    for a, b in pairs:
        text = re.sub(rf"\b{a}\b", b, text)
        text = re.sub(rf"\b{b}\b", a, text)
    return text


@swap.wrong("only one way: everybody becomes the second word, and that is no balance", "12.6")
def one_way(text, pairs):
    for a, b in pairs:
        text = re.sub(rf"\b{a}\b", b, text)
    return text


@swap.wrong("'he' is found inside 'the' and 'other': only whole words count", "12.6")
def inside_words(text, pairs):
    other = dict(pairs) | {b: a for a, b in pairs}
    pattern = "|".join(sorted(other, key=len, reverse=True))
    return re.sub(pattern, lambda word: other[word[0]], text)


@swap.wrong(
    "split at spaces, a word before a comma is not found, and runs of spaces are lost", "12.6"
)
def split_at_spaces(text, pairs):
    other = dict(pairs) | {b: a for a, b in pairs}
    return " ".join(other.get(word, word) for word in text.split())


@swap.wrong("only the first pair is swapped", "12.6")
def first_pair_only(text, pairs):
    a, b = pairs[0]
    return re.sub(r"[a-z]+", lambda word: {a: b, b: a}.get(word[0], word[0]), text)


@swap.wrong("the text has become a list of words", "12.6")
def a_list(text, pairs):
    other = dict(pairs) | {b: a for a, b in pairs}
    return [other.get(word, word) for word in re.findall(r"[a-z]+", text)]


@swap.alternative
def with_placeholders(text, pairs):
    for number, (a, b) in enumerate(pairs):
        text = re.sub(rf"\b{a}\b", f"<{2 * number}>", text)
        text = re.sub(rf"\b{b}\b", f"<{2 * number + 1}>", text)
    for number, (a, b) in enumerate(pairs):
        text = text.replace(f"<{2 * number}>", b).replace(f"<{2 * number + 1}>", a)
    return text


@swap.alternative
def letter_by_letter(text, pairs):
    other = dict(pairs) | {b: a for a, b in pairs}
    out, word = "", ""
    for letter in text + "\0":
        if letter.isalpha():
            word += letter
        else:
            out, word = out + other.get(word, word) + letter, ""
    return out[:-1]


wilson = coding(
    "12.7",
    title="Six of six",
    difficulty=3,
    minutes=8,
    given="how many of N sentence pairs went one way. Write z² for the square of the normal "
    "quantile, `scipy.stats.norm.ppf((1 + confidence) / 2) ** 2`, and p for hits / total",
    reference=bias.share_interval,
    task="""A share and Wilson's interval for it: three floats, share, low and high.

    middle = (p + z²/2N) / (1 + z²/N)
    reach = √( z² · (p(1 − p)/N + z²/4N²) ) / (1 + z²/N),  within 0 … 1.
    """,
    hints=[
        "Write p, N and z² first, then the two lines of the task.",
        "`min(1.0, …)` and `max(0.0, …)` keep rounding from leaving 0 … 1.",
    ],
    why="Share ± 1.96 standard errors shrinks to a point when all cases agree: six of six would "
    "be a certainty. Wilson keeps every true share under which what we saw would be no surprise.",
    then="what is it for six of six? And for sixty of sixty?",
)


@wilson.cases
def wilson_cases(draw):
    yield case(6, 6)
    total = draw.size(20, 90)
    yield case(draw.size(1, total - 1), total)
    yield case(0, draw.size(3, 9), confidence=0.9)
    yield case(draw.size(2, 5), 11, confidence=0.99)


@wilson.observe
def three_floats(share_interval, *args, **kwargs):
    return [float(number) for number in share_interval(*args, **kwargs)]


@wilson.oracle
def by_scipy(hits, total, confidence=0.95):
    found = stats.binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return [hits / total, float(found.low), float(found.high)]


@wilson.wrong("that is share ± z standard errors: no width at all when all agree", "12.5")
def normal_interval(hits, total, confidence=0.95):
    share, z = hits / total, stats.norm.ppf((1 + confidence) / 2)
    reach = z * math.sqrt(share * (1 - share) / total)
    return share, max(0.0, share - reach), min(1.0, share + reach)


@wilson.wrong("1.96 whatever the confidence: take its own quantile", "12.5")
def always_95(hits, total, confidence=0.95):
    return bias.share_interval(hits, total)


@wilson.wrong(
    "one tail instead of two: (1 + confidence) / 2 leaves half of the rest on each side", "12.5"
)
def one_tail(hits, total, confidence=0.95):
    return bias.share_interval(hits, total, 2 * confidence - 1)


@wilson.wrong(
    "the first number is the middle of the interval; the share itself was asked for", "12.5"
)
def middle_for_the_share(hits, total, confidence=0.95):
    share, low, high = bias.share_interval(hits, total, confidence)
    z2 = stats.norm.ppf((1 + confidence) / 2) ** 2
    return (share + z2 / (2 * total)) / (1 + z2 / total), low, high


@wilson.wrong("z where z² belongs", "12.5")
def forgot_the_square(hits, total, confidence=0.95):
    z2, p = stats.norm.ppf((1 + confidence) / 2), hits / total
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    reach = math.sqrt(z2 * (p * (1 - p) / total + z2 / (4 * total**2))) / (1 + z2 / total)
    return p, max(0.0, middle - reach), min(1.0, middle + reach)


@wilson.alternative
def with_a_quadratic(hits, total, confidence=0.95):
    """The two shares at which the observed one lies exactly z standard errors away."""
    z2, p = stats.norm.ppf((1 + confidence) / 2) ** 2, hits / total
    low, high = np.sort(np.roots([total + z2, -(2 * hits + z2), total * p * p]).real)
    return p, max(0.0, float(low)), min(1.0, float(high))


@wilson.alternative
def with_scipy(hits, total, confidence=0.95):
    low, high = stats.binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return hits / total, low, high
