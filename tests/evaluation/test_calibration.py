"""Calibration against scikit-learn's curve, SciPy's minimiser and simulated honesty."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from course_utils.evaluation import calibration

DICE = np.random.default_rng(0)


def honest(count, dice=DICE):
    """Chances, and outcomes that come true as often as they say."""
    chances = dice.random(count)
    return (dice.random(count) < chances).astype(int), chances


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_curve_is_that_of_scikit_learn(bins):
    truth, chances = honest(500)
    came, said = calibration_curve(truth, chances, n_bins=bins)
    ours = calibration.reliability(truth, chances, bins)
    assert ours.said == pytest.approx(said) and ours.came == pytest.approx(came)
    assert ours.count.sum() == 500


def test_borders_belong_to_the_lower_bin_and_nothing_is_lost():
    said, came, count = calibration.reliability([0, 1, 1, 0], [0.0, 0.5, 0.5001, 1.0], bins=2)
    assert count.tolist() == [2, 2]


def test_a_weight_of_three_is_a_text_that_is_there_thrice():
    truth, chances = honest(60)
    weights = np.random.default_rng(2).integers(1, 4, 60)
    weighted = calibration.reliability(truth, chances, 5, weights)
    repeated = calibration.reliability(truth.repeat(weights), chances.repeat(weights), 5)
    assert all(a == pytest.approx(b) for a, b in zip(weighted, repeated, strict=True))


def test_the_error_is_zero_for_a_constant_that_is_the_share_and_large_for_a_boaster():
    truth = np.array([1] * 30 + [0] * 70)
    assert calibration.expected_calibration_error(truth, np.full(100, 0.3)) == pytest.approx(0)
    assert calibration.expected_calibration_error(truth, np.ones(100)) == pytest.approx(0.7)


def test_honest_chances_have_a_small_error_that_falls_with_more_texts():
    dice = np.random.default_rng(1)
    small, large = (
        np.mean([calibration.expected_calibration_error(*honest(n, dice)) for _ in range(20)])
        for n in (100, 10_000)
    )
    assert large < 0.015 < small


def test_the_temperature_is_scipys():
    for scale in (0.3, 1.0, 4.0):
        logits = scale * torch.randn(300, 3)
        labels = torch.distributions.Categorical(logits=logits / scale).sample()
        found = minimize_scalar(
            lambda t, x=logits, y=labels: F.cross_entropy(x.double() / t, y).item(),
            bounds=(0.05, 50), method="bounded", options={"xatol": 1e-8},
        )  # fmt: skip
        assert calibration.fit_temperature(logits, labels) == pytest.approx(found.x, rel=1e-4)


def test_a_temperature_keeps_the_order_and_mends_the_boaster():
    true = torch.randn(4000, 2)
    labels = torch.distributions.Categorical(logits=true).sample()
    loud = 5 * true
    temperature = calibration.fit_temperature(loud, labels)
    assert temperature == pytest.approx(5, rel=0.15)
    mended = calibration.with_temperature(loud, temperature)
    assert mended.argmax(1).equal(loud.argmax(1))
    before, after = (
        calibration.expected_calibration_error(labels, chances[:, 1])
        for chances in (loud.softmax(1), mended)
    )
    assert after < 0.03 < before


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: calibration.reliability([0, 1], [0.1, 1.2]), ValueError, "logits"),
        (lambda: calibration.reliability([0, 1], [0.1, 0.2], 0), ValueError, "bins"),
        (lambda: calibration.expected_calibration_error([0, 3], [0, 1]), ValueError, "0 and 1"),
        (lambda: calibration.expected_calibration_error([0.5], [0.5]), TypeError, "whole-number"),
        (
            lambda: calibration.fit_temperature(torch.ones(2, 2), torch.tensor([0])),
            ValueError, "must be",
        ),
        (
            lambda: calibration.fit_temperature(torch.ones(1, 2), torch.tensor([2])),
            ValueError, "0 … 1",
        ),
        (
            lambda: calibration.fit_temperature(torch.full((1, 2), np.inf), torch.tensor([0])),
            ValueError, "finite",
        ),
        (lambda: calibration.with_temperature(torch.ones(1, 2), 0), ValueError, "above 0"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
