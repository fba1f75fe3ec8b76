"""Weights, losses and thresholds against scikit-learn, PyTorch and trying everything."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight

from course_utils.evaluation import imbalance

DICE = np.random.default_rng(0)


def test_class_weights_are_those_of_scikit_learn():
    labels = DICE.choice(3, 400, p=[0.9, 0.08, 0.02])
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    ours = imbalance.class_weights(labels)
    assert ours.dtype == torch.float32 and np.allclose(ours, theirs)
    assert ours[labels].mean() == pytest.approx(1)


def test_focal_loss_without_focus_is_cross_entropy():
    logits, labels = torch.randn(50, 3), torch.randint(3, (50,))
    assert imbalance.focal_loss(logits, labels, 0).allclose(F.cross_entropy(logits, labels))
    weights = torch.tensor([0.5, 2.0, 1.0])
    theirs = F.cross_entropy(logits, labels, weights, reduction="sum") / 50
    assert imbalance.focal_loss(logits, labels, 0, weights).allclose(theirs)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_loss_is_the_formula_text_by_text(gamma):
    logits, labels = torch.randn(20, 4, dtype=torch.float64), torch.randint(4, (20,))
    chances = logits.softmax(1)[range(20), labels].tolist()
    by_hand = np.mean([-((1 - p) ** gamma) * math.log(p) for p in chances])
    assert imbalance.focal_loss(logits, labels, gamma).item() == pytest.approx(by_hand)


def test_focal_loss_has_the_slope_of_its_differences():
    logits = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 1, 1, 0])
    assert torch.autograd.gradcheck(lambda x: imbalance.focal_loss(x, labels), (logits,))


@pytest.mark.parametrize("gamma", [0, 0.1, 0.5, 1, 2.0])
def test_a_text_that_is_sure_and_right_has_a_finite_slope(gamma):
    logits = torch.tensor([[80.0, -80.0]], requires_grad=True)
    imbalance.focal_loss(logits, torch.tensor([0]), gamma).backward()
    assert logits.grad.isfinite().all()


def test_weights_make_the_share():
    labels = DICE.choice(2, 300, p=[0.8, 0.2])
    weights = imbalance.at_share(labels, 0.02)
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 1].sum() / weights.sum() == pytest.approx(0.02)


def test_precision_at_a_share_is_scikit_learns_with_weights():
    truth = DICE.choice(2, 500, p=[0.7, 0.3])
    said = (truth + DICE.normal(0, 0.6, 500) > 0.5).astype(int)
    weights = imbalance.at_share(truth, 0.05)
    recall, alarms = said[truth == 1].mean(), said[truth == 0].mean()
    theirs = metrics.precision_score(truth, said, sample_weight=weights)
    assert imbalance.precision_at(recall, alarms, 0.05) == pytest.approx(theirs)


def test_expected_cost_is_read_from_the_confusion_matrix():
    truth, chances = DICE.choice(2, 200), DICE.random(200).round(1)
    for weights in (None, DICE.random(200)):
        table = metrics.confusion_matrix(truth, chances >= 0.4, sample_weight=weights)
        total = 200 if weights is None else weights.sum()
        by_hand = (7 * table[1, 0] + 2 * table[0, 1]) / total
        assert imbalance.expected_cost(truth, chances, 0.4, 7, 2, weights) == pytest.approx(by_hand)


@pytest.mark.parametrize("costs", [(1, 1), (10, 1), (1, 30), (0, 1), (1, 0)])
def test_no_threshold_is_cheaper_than_the_best(costs):
    for _ in range(20):
        truth, chances = DICE.choice(2, 40), DICE.random(40).round(1)  # many are equal
        weights = DICE.random(40)
        best = imbalance.best_threshold(truth, chances, *costs, weights)
        tried = [imbalance.expected_cost(truth, chances, t, *costs, weights)
                 for t in [*np.unique(chances), math.inf]]  # fmt: skip
        found = imbalance.expected_cost(truth, chances, best, *costs, weights)
        assert found == pytest.approx(min(tried))


def test_with_true_probabilities_the_threshold_is_elkans():
    """Where chances are true, the best threshold is alarm / (alarm + miss) = 1/11."""
    dice = np.random.default_rng(3)
    chances = dice.random(400_000)
    truth = (dice.random(400_000) < chances).astype(int)
    assert imbalance.best_threshold(truth, chances, 10, 1) == pytest.approx(1 / 11, abs=0.02)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: imbalance.class_weights([0, 2]), ValueError, "No label is 1"),
        (lambda: imbalance.class_weights([0.5]), TypeError, "whole-number"),
        (lambda: imbalance.class_weights([-1, 0]), ValueError, "0 or more"),
        (lambda: imbalance.focal_loss(torch.ones(2, 2), torch.ones(3)), ValueError, "shape|be"),
        (lambda: imbalance.focal_loss(torch.ones(1, 2), torch.tensor([0]), -1), ValueError, "gam"),
        (lambda: imbalance.at_share([0, 1], 1.0), ValueError, "strictly"),
        (lambda: imbalance.at_share([0, 0], 0.1), ValueError, "Both classes"),
        (lambda: imbalance.precision_at(2, 0, 0.1), ValueError, "recall"),
        (lambda: imbalance.precision_at(0, 0, 0.1), ValueError, "no alarm"),
        (lambda: imbalance.expected_cost([0, 1], [0.5], 0.5, 1, 1), ValueError, "2 numbers"),
        (lambda: imbalance.expected_cost([0, 2], [0.5, 1], 0.5, 1, 1), ValueError, "0 and 1"),
        (lambda: imbalance.expected_cost([0, 1], [0.5, 1], 0.5, -1, 1), ValueError, "costs"),
        (lambda: imbalance.expected_cost([0], [1], 0, 1, 1, [0]), ValueError, "weights"),
        (lambda: imbalance.best_threshold([0, 1], [0.5, math.nan], 1, 1), ValueError, "finite"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
