"""Lesson 09, sections 9.8 and 9.9: how sure we are, and whether one is better than another."""

import math

import numpy as np
from scipy import stats

from course_utils.evaluation import significance
from course_utils.exercises.exercise import case, coding

wilson = coding(
    "09.12",
    title="Sixteen of sixteen",
    difficulty=3,
    minutes=8,
    given="how many of how many texts were right; `stats` (scipy.stats) and `math`",
    reference=significance.wilson_interval,
    task="""A share of `hits` in `count` texts, with Wilson's interval: (share, low, high).

    The interval holds every share p for which `hits` would be no surprise:
    |hits/count - p| ≤ z √(p(1-p)/count).  Solved for p, its ends are

        (share + z²/(2·count) ± z √(share(1-share)/count + z²/(4·count²))) / (1 + z²/count)

    where z is the normal quantile that leaves half of 1 - confidence out on each side,
    `stats.norm.ppf(…)`.
    """,
    hints=[
        "For 95 %, 2.5 % lie outside on each side: z = stats.norm.ppf(0.975) = 1.96.",
        "Write the middle and the reach apart; both are divided by 1 + z²/count.",
    ],
    why="The plain interval puts the *found* share under the root. With sixteen of sixteen that "
    "gives a width of zero: certainty from sixteen texts. Wilson asks which true shares could "
    "have given what was found.",
    then="how many of how many must be found before the lower end is above 99 %?",
)


@wilson.cases
def wilson_cases(draw):
    yield case(3, 7)
    yield case(16, 16)
    yield case(0, draw.size(5, 30))
    count = draw.size(20, 900)
    yield case(draw.size(1, count - 1), count)
    yield case(draw.size(1, 8), 9, 0.8)


@wilson.oracle
def by_scipy(hits, count, confidence=0.95):
    found = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
    return hits / count, float(found.low), float(found.high)


@wilson.observe
def rounded(wilson_interval, hits, count, confidence=0.95):
    """To nine decimals: an end at 0 may come out as a tiny number."""
    return tuple(round(float(end), 9) for end in wilson_interval(hits, count, confidence))


@wilson.wrong(
    "that is the plain interval: of no width when all are hits, and it leaves 0 … 1", "9.8"
)
def plain(hits, count, confidence=0.95):
    share, z = hits / count, stats.norm.ppf((1 + confidence) / 2)
    reach = z * math.sqrt(share * (1 - share) / count)
    return share, share - reach, share + reach


@wilson.wrong("half of what is left out lies on each side: the quantile at 0.975, not 0.95", "9.8")
def one_sided(hits, count, confidence=0.95):
    return significance.wilson_interval(hits, count, 2 * confidence - 1)


@wilson.wrong("the confidence is never used", "9.8")
def always_95(hits, count, confidence=0.95):
    return significance.wilson_interval(hits, count)


@wilson.wrong("the denominator 1 + z²/count is missing", "9.8")
def forgot_to_shrink(hits, count, confidence=0.95):
    share, z = hits / count, stats.norm.ppf((1 + confidence) / 2)
    middle = share + z**2 / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return share, middle - reach, middle + reach


@wilson.wrong("the first number is the share that was found, not the middle of the interval", "9.8")
def gave_the_middle(hits, count, confidence=0.95):
    _, low, high = significance.wilson_interval(hits, count, confidence)
    return (low + high) / 2, low, high


@wilson.wrong(
    "that is the exact interval of Clopper and Pearson: a good one, but not Wilson's", "9.8"
)
def clopper_pearson(hits, count, confidence=0.95):
    found = stats.binomtest(hits, count).proportion_ci(confidence, method="exact")
    return hits / count, found.low, found.high


@wilson.alternative
def by_roots(hits, count, confidence=0.95):
    share, z = hits / count, stats.norm.ppf((1 + confidence) / 2)
    a, b, c = 1 + z**2 / count, -(2 * share + z**2 / count), share**2
    root = math.sqrt(max(0.0, b**2 - 4 * a * c))
    return share, (-b - root) / (2 * a), (-b + root) / (2 * a)


@wilson.alternative
def with_pseudo_counts(hits, count, confidence=0.95):
    z = stats.norm.isf((1 - confidence) / 2)
    total = count + z * z
    reach = z * math.sqrt(hits * (count - hits) / count + z * z / 4) / total
    return hits / count, (hits + z * z / 2) / total - reach, (hits + z * z / 2) / total + reach


pairs = coding(
    "09.13",
    title="Only the quarrels count",
    difficulty=3,
    minutes=8,
    given="which of the same texts two models get right; `stats` (scipy.stats)",
    reference=significance.mcnemar,
    task="""McNemar's exact p-value: how often two equally good models would differ so one-sidedly.

    `a_right` and `b_right` hold 0 or 1 for each of the same N texts.  Look only at texts on which
    exactly one model is right.  If both were equally good, each of these would fall on either
    side like a coin: the p-value is twice the chance of at most as many on the smaller side as
    were found, and never above 1.  `stats.binom.cdf(k, n, 0.5)` is the chance of at most k of n.
    """,
    hints=[
        "How often is A right and B not? How often the other way round?",
        "k is the smaller of the two numbers, n their sum.",
    ],
    why="Texts that both get right, or both get wrong, say nothing about which is better. Two "
    "models may differ by one point on ten texts or on two hundred, and only the first is news.",
    then="keep both accuracies as they are and let the two quarrel more. What happens to p?",
)


@pairs.cases
def pair_cases(draw):
    both = [1] * 6
    yield case(np.array([*both, 1, 1, 1, 1, 1, 0]), np.array([*both, 0, 0, 0, 0, 0, 1]))
    yield case(np.array([1, 0, 1, 0, 1]), np.array([1, 1, 0, 0, 1]))  # as many on each side
    for count, apart in ((61, 0.2), (2 * draw.size(60, 90) + 1, 0.35)):
        a = draw.mask(count, share=0.7)
        lean = draw.mask(count, share=apart)
        b = a ^ lean & (a | draw.mask(count, share=0.4))
        yield case(a.long().numpy(), b.long().numpy())
        yield case(b.long().numpy(), a.long().numpy())


@pairs.oracle
def by_scipy_test(a_right, b_right):
    only_a = int(((a_right == 1) & (b_right == 0)).sum())
    only_b = int(((a_right == 0) & (b_right == 1)).sum())
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


pairs.wrong_edit(
    "one_sided",
    old="2 * tail",
    new="tail",
    message="that is one side; either model might have been the better one",
    section="9.9",
)
pairs.wrong_edit(
    "forgot_the_cap",
    old="min(1.0, 2 * tail)",
    new="2 * tail",
    message="as many on both sides, and p comes out above 1: cap it",
    section="9.9",
)
pairs.wrong_edit(
    "larger_side",
    old="binom.cdf(min(",
    new="binom.cdf(max(",
    message="you take the larger side; the chance of *at most the smaller* was asked for",
    section="9.9",
)


@pairs.wrong("you compare two shares as if they came from different texts: pair them", "9.9")
def unpaired(a_right, b_right):
    a, b, count = a_right.mean(), b_right.mean(), len(a_right)
    both = (a + b) / 2
    z = (a - b) / math.sqrt(max(1e-12, 2 * both * (1 - both) / count))
    return float(2 * stats.norm.sf(abs(z)))


@pairs.wrong("all texts are counted as coins; those on which the two agree are none", "9.9")
def all_texts(a_right, b_right):
    ahead = int(max(a_right.sum(), b_right.sum()))
    return float(min(1.0, 2 * stats.binom.cdf(len(a_right) - ahead, len(a_right), 0.5)))


@pairs.wrong("that is the χ² approximation, poor for few quarrels; the exact one was asked", "9.9")
def chi_square(a_right, b_right):
    b, c = int((a_right > b_right).sum()), int((b_right > a_right).sum())
    return float(stats.chi2.sf((b - c) ** 2 / max(1, b + c), 1))


@pairs.alternative
def from_the_differences(a_right, b_right):
    change = np.asarray(a_right, int) - np.asarray(b_right, int)
    found = stats.binomtest(int((change > 0).sum()), max(1, int((change != 0).sum())))
    return found.pvalue if (change != 0).any() else 1.0


@pairs.alternative
def with_math(a_right, b_right):
    quarrels = [int(a) for a, b in zip(a_right, b_right, strict=True) if a != b]
    count, small = len(quarrels), min(sum(quarrels), len(quarrels) - sum(quarrels))
    tail = sum(math.comb(count, k) for k in range(small + 1)) / 2**count
    return min(1.0, 2 * tail)
