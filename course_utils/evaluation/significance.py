"""How sure we may be of a score, and whether one model is really better than another.

Two doubts are kept apart: another *test set* (Wilson, bootstrap, McNemar), and another *run* of
the training (`tasks.mean_interval`, `sign_flip_test` over seeds).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from course_utils.evaluation.tasks import Interval


def wilson_interval(hits: int, count: int, confidence: float = 0.95) -> Interval:
    """A share of `hits` in `count` texts, with Wilson's interval (1927) for the true share.

    Those shares p for which `hits` would be no surprise: |hits/count - p| ≤ z √(p(1-p)/count).
    Unlike p̂ ± z √(p̂(1-p̂)/count) it never leaves 0 … 1 and has a width when all are hits.
    The first number is hits/count. Raises TypeError for counts that are no whole numbers,
    ValueError unless 0 ≤ hits ≤ count, count ≥ 1 and 0 < confidence < 1.

    >>> print(wilson_interval(16, 16))
    1.000 (0.806 … 1.000)
    """
    if not isinstance(hits, int | np.integer) or not isinstance(count, int | np.integer):
        raise TypeError(f"hits and count must be whole numbers, not {hits!r} and {count!r}.")
    if not 0 <= hits <= count or count < 1:
        raise ValueError(f"hits must lie in 0 … count and count be 1 or more: {hits} of {count}.")
    z, share = _quantile(confidence), hits / count
    shrink = 1 + z**2 / count
    middle = (share + z**2 / (2 * count)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach))


def bootstrap(
    score: Callable[..., float],
    *columns,
    draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """score(*columns), and where it lies in 95 of 100 test sets drawn anew from this one.

    `columns` are arrays (N, …) with one entry for each text, such as truth and chances; texts are
    drawn with replacement, always whole rows. The interval is that between the quantiles (Efron
    1979). A draw on which the score is not defined (nan) is left out. Raises ValueError for no
    columns, unequal lengths, or fewer than two draws.

    >>> right = np.array([1] * 80 + [0] * 20)
    >>> print(bootstrap(np.mean, right))
    0.800 (0.720 … 0.880)
    """
    columns = [np.asarray(column) for column in columns]
    if not columns or not columns[0].ndim or len({len(column) for column in columns}) != 1:
        raise ValueError("bootstrap needs columns of one length, with an entry for each text.")
    if draws < 2 or len(columns[0]) < 2:
        raise ValueError("bootstrap needs at least two texts and two draws.")
    _quantile(confidence)
    dice, count = np.random.default_rng(seed), len(columns[0])
    found = []
    for _ in range(draws):
        rows = dice.integers(0, count, count)
        found.append(score(*(column[rows] for column in columns)))
    low, high = np.nanquantile(found, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(float(score(*columns)), float(low), float(high))


def mcnemar(a_right, b_right) -> float:
    """How often two equally good models would disagree so one-sidedly: McNemar's exact p-value.

    `a_right` and `b_right` (N,) say which of the same N texts each model gets right. Only texts on
    which they differ count; each of them is a coin that falls on either side (McNemar 1947). The
    p-value is two-sided, and 1 when they never differ. Raises TypeError for anything but
    booleans or 0 and 1, ValueError for unequal lengths.

    >>> mcnemar([1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1])
    0.03125
    """
    a, b = (_right(values, name) for values, name in ((a_right, "a_right"), (b_right, "b_right")))
    if len(a) != len(b):
        raise ValueError(f"a_right has {len(a)} texts and b_right {len(b)}: they must be the same.")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    tail = stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)
    return float(min(1.0, 2 * tail))


def sign_flip_test(a: Sequence[float], b: Sequence[float]) -> float:
    """How often chance alone would part two equally good models so far: a paired permutation test.

    Entry i of `a` and `b` (R,) come from the same seed. If it did not matter which model was
    which, each difference could as well have the other sign: all 2^R signs are tried, up to
    R = 16 (Fisher 1935; Dror et al. 2018, "The hitchhiker's guide to testing statistical
    significance in NLP"). Two-sided. With R runs it cannot be below 2 / 2^R, so five seeds never
    give less than 0.0625. Raises TypeError for values that are no numbers, ValueError for
    unequal lengths, R outside 2 … 16, or a score that is not finite.

    >>> sign_flip_test([0.71, 0.74, 0.70, 0.75, 0.72], [0.69, 0.70, 0.68, 0.70, 0.71])
    0.0625
    """
    try:
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    except (TypeError, ValueError):
        raise TypeError("a and b must be numbers, one for each seed.") from None
    if a.shape != b.shape or a.ndim != 1 or not 2 <= a.size <= 16:
        raise ValueError(
            f"a and b must be equally many runs, 2 to 16 of them, not {a.shape} and {b.shape}."
        )
    if not (np.isfinite(a) & np.isfinite(b)).all():
        raise ValueError("a and b must be finite: a run that diverged has no score to compare.")
    signs = np.array(list(itertools.product((1, -1), repeat=a.size)))  # (2^R, R)
    found = abs(signs @ (a - b))
    return float((found >= found[0] - 1e-12).mean())  # the first row flips nothing


def _quantile(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence!r}.")
    return float(stats.norm.ppf((1 + confidence) / 2))


def _right(values, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        array = np.empty(0, object)
    if array.dtype.kind not in "iub" or array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise TypeError(f"{name} must say of each text whether it was right, as 0 or 1, (N,).")
    return array.astype(bool)
