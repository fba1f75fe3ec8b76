"""The p-value against SciPy, the interval against a simulation, the searches against a table."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks import verdict

LOSSES = [4.93, 4.97, 4.95, 4.99, 4.94]


@pytest.mark.parametrize("target", [4.90, 4.96, 5.00])
def test_the_p_value_is_students(target):
    mean, error = np.mean(LOSSES), stats.sem(LOSSES)
    by_hand = stats.t.cdf((mean - target) / error, df=len(LOSSES) - 1)
    assert verdict.reaches(LOSSES, target) == pytest.approx(by_hand, abs=1e-9)


def test_runs_that_say_nothing():
    assert verdict.reaches([math.inf, 4.0, 4.1], 5.0) == 1.0
    assert verdict.reaches([4.0, 4.0], 5.0) == 0.0 and verdict.reaches([5.0, 5.0], 5.0) == 1.0
    with pytest.raises(ValueError, match="two runs"):
        verdict.reaches([4.0], 5.0)
    with pytest.raises(ValueError, match="slope"):
        verdict.time_ratio([1.0], [1.0], [1.0], [1.0], slope=0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Simulated races: our loss falls by `slope` a unit of ln t, and everything scatters."""
    dice, slope, truth, hits, races = np.random.default_rng(0), 0.4, 6.0, 0, 400
    for _ in range(races):
        their_losses = 5.0 + 0.03 * dice.standard_normal(3)
        target = their_losses.mean()
        their_seconds = 1200 * np.exp(0.01 * dice.standard_normal(3))
        # The budget at which our mean comes out at this target, seen through our seeds' noise.
        our_losses = target + 0.02 * dice.standard_normal(5)
        needed = 200 * math.exp((5.0 - target) / slope + (our_losses.mean() - target) / slope)
        our_seconds = needed * np.exp(0.01 * dice.standard_normal(5))
        found = verdict.time_ratio(their_seconds, their_losses, our_seconds, our_losses, slope)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / races <= 0.99


@pytest.mark.parametrize("limit", [0.5, 1, 3, 7.9, 100])
def test_the_search_finds_what_trying_all_finds(limit):
    speedups = [1, 2, 3, 4, 6, 8]
    best = max((s for s in speedups if s <= limit), default=None)
    assert verdict.reached(speedups, lambda s: s <= limit) == best
    for scout in (limit, 0, 100):  # the scout may be wrong in either direction
        assert verdict.shortest(speedups, lambda s, c=scout: s <= c, lambda s: s <= limit) == best


def test_crossing_and_slope():
    points = [(math.exp(k), 6 - 0.5 * k) for k in range(4)]
    assert verdict.crossing(points, 5.25) == pytest.approx(math.exp(1.5))
    assert verdict.crossing(points, 3.0) is None
    assert verdict.slope(points) == pytest.approx(0.5)
