"""The law against SciPy's optimizers, its interval against Student's and against simulation."""

import numpy as np
import pytest
from scipy import optimize, stats

from course_utils.evaluation.scaling import (
    EXPONENTS,
    ScalingLaw,
    compute_optimal,
    fit_law,
    possible_laws,
    predict_loss,
)

N = np.repeat([5e4, 1.6e5, 4.4e5], 3)
D = np.array([1, 2, 4] * 3) * 2e11 / N
TRUTH = ScalingLaw(floor=2.5, a=60.0, alpha=0.4, b=200.0, beta=0.4)


def runs(seed, spread=0.02):
    return TRUTH.loss(N, D) + np.random.default_rng(seed).normal(0, spread, len(N))


def law(numbers, n, d):
    floor, a, alpha, b, beta = numbers
    return floor + a * (n / 1e5) ** -alpha + b * (d / 1e6) ** -beta


@pytest.mark.parametrize("seed", range(3))
def test_no_optimizer_of_scipy_finds_a_clearly_better_law(seed):
    losses = runs(seed)
    ours = fit_law(N, D, losses)
    low, high = EXPONENTS[0], EXPONENTS[-1]
    bounds = [0, 0, low, 0, low], [np.inf, np.inf, high, np.inf, high]
    starts = [(2, 1, alpha, 1, beta) for alpha in (0.1, 0.5, 1.0) for beta in (0.1, 0.5, 1.0)]
    theirs = min(
        (
            optimize.least_squares(lambda x: law(x, N, D) - losses, start, bounds=bounds)
            for start in starts
        ),
        key=lambda fit: fit.cost,
    )
    error = ((ours.loss(N, D) - losses) ** 2).sum()
    assert error <= 2 * theirs.cost * 1.05 + 1e-12
    assert ours.loss(N, D) == pytest.approx(law(theirs.x, N, D), rel=2e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [0.02, 1.5])  # so wide that some of E, A and B end at zero
def test_with_given_exponents_it_is_scipys_non_negative_least_squares(seed, spread):
    losses = np.abs(runs(seed, spread))
    ours = fit_law(N, D, losses, exponents=[0.4])
    columns = np.stack([np.ones(len(N)), (N / 1e5) ** -0.4, (D / 1e6) ** -0.4], axis=1)
    (floor, a, b), _ = optimize.nnls(columns, losses)
    assert ours.floor == pytest.approx(floor, abs=1e-9)
    assert ours.a == pytest.approx(a * 1e5**0.4, abs=1e-6)
    assert ours.b == pytest.approx(b * 1e6**0.4, abs=1e-6)


def test_a_law_without_noise_is_found_again_and_shared_exponents_are_equal():
    exact = fit_law(N, D, TRUTH.loss(N, D), exponents=[0.2, 0.4, 0.8])
    assert np.allclose([exact.floor, exact.a, exact.b], [2.5, 60, 200])
    assert exact.alpha == exact.beta == 0.4
    tied = fit_law(N, D, runs(0), shared=True)
    assert tied.alpha == tied.beta


def test_with_given_exponents_the_interval_is_students():
    """The prediction interval of a straight least squares problem is in every textbook."""
    losses = runs(1)
    shot = predict_loss(N, D, losses, 1e6, 2e6, draws=20_000, exponents=[0.4], confidence=0.9)
    columns = np.stack([np.ones(len(N)), N**-0.4, D**-0.4], axis=1)
    new = np.array([1, 1e6**-0.4, 2e6**-0.4])
    numbers, rss, *_ = np.linalg.lstsq(columns, losses, rcond=None)
    assert (numbers > 0).all()  # else the bound at zero would show
    error = np.sqrt(rss[0] / 6 * (1 + new @ np.linalg.inv(columns.T @ columns) @ new))
    mean, reach = new @ numbers, stats.t.ppf(0.95, df=6) * error
    assert shot.mean == pytest.approx(mean, abs=1e-6)
    assert shot.low == pytest.approx(mean - reach, abs=0.05 * reach)
    assert shot.high == pytest.approx(mean + reach, abs=0.05 * reach)


def test_the_interval_holds_a_new_run_about_as_often_as_it_says():
    dice, held = np.random.default_rng(5), 0
    for trial in range(60):
        shot = predict_loss(N, D, runs(trial), 8e5, 1e6, draws=60, seed=trial, shared=True)
        held += shot.low < TRUTH.loss(8e5, 1e6) + dice.normal(0, 0.02) < shot.high
    assert held >= 60 * 0.85


def test_runs_in_step_and_sizes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="in step"):
        fit_law([1, 2, 3, 4, 5, 6], [20, 40, 60, 80, 100, 120], [9, 8, 7, 6, 5, 4])
    with pytest.raises(ValueError, match="positive"):
        predict_loss(N, D, runs(0), 0, 9)


def test_one_seed_gives_one_interval():
    shots = [
        predict_loss(N, D, runs(0), 8e5, 1e6, draws=20, seed=s, shared=True) for s in (0, 0, 1)
    ]
    assert shots[0] == shots[1] != shots[2]


@pytest.mark.parametrize("flops", [1e10, 3e12, 1e15])
def test_the_valley_is_where_scipy_finds_it(flops):
    law = ScalingLaw(floor=2.0, a=60.0, alpha=0.35, b=500.0, beta=0.28)
    n, d = compute_optimal(law, flops)
    found = optimize.minimize_scalar(
        lambda x: law.loss(np.exp(x), flops / 6 / np.exp(x)), bounds=(0, 40), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert n == pytest.approx(np.exp(found.x), rel=1e-3)
    assert 6 * n * d == pytest.approx(flops)


def test_the_laws_of_the_bootstrap_scatter_around_the_one_that_was_found():
    laws, spreads = possible_laws(N, D, runs(2), draws=200, shared=True)
    middle = np.median([law.loss(N, D) for law in laws], axis=0)
    assert middle == pytest.approx(TRUTH.loss(N, D), abs=0.05)
    assert 0.01 < np.median(spreads) < 0.04
