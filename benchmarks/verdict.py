"""The two numbers that decide: is our mean loss below the target, and how much sooner were we?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

P_VALUE = 0.01
P_AS_GOOD, MARGIN = 0.025, 0.01  # of `as_good`, as is usual where something may not be worse
RUNG = 1.07  # from one budget that is tested to the next


def reaches(losses: Sequence[float], target: float) -> float:
    """The one-sided p-value of "our mean loss is below `target`", over seeds: small is good.

    Student's test of one sample; the target counts as given. Runs that are all alike and below
    the target have p = 0.

    Raises:
        ValueError: fewer than two losses.

    >>> reaches([4.90, 4.92, 4.91, 4.93, 4.89], 5.0) < P_VALUE
    True
    >>> reaches([4.9, 5.1, 5.0], 5.0)
    0.5
    """
    if len(losses) < 2:
        raise ValueError(f"A test over seeds needs at least two runs, not {len(losses)}.")
    if not all(map(math.isfinite, losses)):
        return 1.0
    if np.ptp(losses) == 0:
        return 0.0 if losses[0] < target else 1.0
    p = float(stats.ttest_1samp(losses, target, alternative="less").pvalue)
    return round(p, 12)


def as_good(ours: Sequence[float], theirs: Sequence[float], margin: float = MARGIN) -> float:
    """The one-sided p-value of "our mean is less than `margin` below theirs": small is good.

    Welch's test of two samples of scores of which a large one is good, such as accuracies.

    >>> as_good([0.75, 0.76, 0.755], [0.75, 0.76, 0.755]) < 0.05
    True
    >>> as_good([0.74, 0.75, 0.745], [0.75, 0.76, 0.755])
    0.5
    """
    lowest = [score - margin for score in theirs]
    test = stats.ttest_ind(ours, lowest, equal_var=False, alternative="greater")
    return round(float(test.pvalue), 12)


class Ratio(NamedTuple):
    """A ratio with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def time_ratio(
    their_seconds: Sequence[float],
    their_losses: Sequence[float],
    our_seconds: Sequence[float],
    our_losses: Sequence[float],
    slope: float,
    pace_error: float = 0.0,
) -> Ratio:
    """Their mean seconds over ours, with a 95 % interval that knows where the doubt comes from.

    The seconds scatter, and so does the target: had the opponent's seeds ended `e` nats lower, we
    had needed `e / slope` more of ln(seconds), where `slope` > 0 is how many nats our loss falls
    when ln(seconds) grows by one. Variances of the four means add up (delta method), with Welch
    and Satterthwaite's degrees of freedom. `pace_error` is the standard error of ln(ratio of the
    steps' seconds) where they were measured apart from the runs.

    Raises:
        ValueError: a slope that is not above 0, or no runs.

    >>> ratio = time_ratio([100, 100, 100], [5.0, 5.0, 5.0], [20, 20], [4.9, 4.9], slope=0.5)
    >>> ratio.value, ratio.low == ratio.high
    (5.0, True)
    """
    if not slope > 0:
        raise ValueError(f"slope must be above 0 (our loss falls with time), not {slope}.")
    groups = [np.log(their_seconds), np.log(our_seconds)]
    groups += [np.asarray(losses) / slope for losses in (their_losses, our_losses)]
    if not all(len(group) for group in groups):
        raise ValueError("A ratio needs runs on both sides.")
    parts = [(np.var(g, ddof=1) / len(g), len(g) - 1) for g in groups if len(g) > 1]
    parts += [(pace_error**2, math.inf)]
    variance = sum(v for v, _ in parts)
    value = float(np.mean(their_seconds) / np.mean(our_seconds))
    if variance == 0:
        return Ratio(value, value, value)
    doubt = sum(v**2 / n for v, n in parts)
    freedom = variance**2 / doubt if doubt else math.inf
    reach = float(stats.t.ppf(0.975, freedom)) * math.sqrt(variance)
    return Ratio(value, value * math.exp(-reach), value * math.exp(reach))


def ladder_of_speedups(first: float, last: float, factor: float) -> tuple[float, ...]:
    """first, first·factor, … up to last.

    >>> ladder_of_speedups(1, 8, 2)
    (1, 2, 4, 8)
    """
    found = [first]
    while found[-1] * factor <= last * 1.0001:
        found.append(found[-1] * factor)
    return tuple(found)


def reached(speedups: Sequence[float], scout: Callable[[float], bool]) -> float | None:
    """The largest of the rising `speedups` at which `scout` holds, by bisection, or None.

    >>> reached([1, 2, 4, 8, 16], lambda speedup: speedup < 9)
    8
    """
    low, high = -1, len(speedups)  # up to low it holds, from high on it does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if scout(speedups[middle]) else (low, middle)
    return None if low < 0 else speedups[low]


def shortest(
    speedups: Sequence[float], scout: Callable[[float], bool], passes: Callable[[float], bool]
) -> float | None:
    """The largest of the rising `speedups` at which the target is still reached, or None.

    `scout` is a cheap try (one seed), `passes` the test over seeds. The scouts bisect; from where
    they end, the tests go on to the next larger as long as they pass, else down until one does.

    >>> asked = []
    >>> shortest([1, 2, 4, 8, 16], lambda s: s <= 8, lambda s: asked.append(s) or s <= 4)
    4
    >>> asked
    [8, 4]
    """
    likely = reached(speedups, scout)
    place = 0 if likely is None else speedups.index(likely)
    if passes(speedups[place]):
        while place + 1 < len(speedups) and passes(speedups[place + 1]):
            place += 1
        return speedups[place]
    for below in range(place - 1, -1, -1):
        if passes(speedups[below]):
            return speedups[below]
    return None


def crossing(points: Sequence[tuple[float, float]], target: float) -> float | None:
    """Seconds at which the loss falls to `target`, from (seconds, loss) of several runs.

    Straight lines in ln(seconds) between neighbours; None when the target does not lie between two
    of them.

    >>> round(crossing([(10.0, 6.0), (40.0, 5.0)], 5.5), 6)
    20.0
    """
    points = sorted(points)
    for (early, before), (late, after) in zip(points, points[1:], strict=False):
        if before > target >= after:
            share = (before - target) / (before - after)
            return early * (late / early) ** share
    return None


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How many nats the loss falls when ln(seconds) grows by one: least squares over the runs.

    >>> round(slope([(10.0, 6.0), (10.0 * math.e, 5.5)]), 6)
    0.5
    """
    seconds, losses = np.array(sorted(points)).T
    return -float(np.polyfit(np.log(seconds), losses, 1)[0])
