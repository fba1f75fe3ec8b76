"""Scores against counting by hand, intervals against simulation and scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course_utils.evaluation.tasks import (
    accuracy,
    f1,
    macro_f1,
    mean_interval,
    paired_difference,
)

DICE = np.random.default_rng(0)


def f1_by_hand(truth, guesses, label):
    hits = sum(t == g == label for t, g in zip(truth, guesses, strict=True))
    wrong = sum((t == label) != (g == label) for t, g in zip(truth, guesses, strict=True))
    return 2 * hits / (2 * hits + wrong) if hits or wrong else 0.0


@pytest.mark.parametrize("classes", [2, 5])
def test_scores_equal_counting(classes):
    truth, guesses = DICE.integers(0, classes, (2, 200)).tolist()
    right = sum(t == g for t, g in zip(truth, guesses, strict=True))
    each = [f1_by_hand(truth, guesses, label) for label in range(classes)]
    assert accuracy(truth, guesses) == right / 200
    assert f1(truth, guesses, positive=0) == pytest.approx(each[0])
    assert macro_f1(truth, guesses) == pytest.approx(sum(each) / classes)


def test_lists_arrays_and_tensors_are_the_same():
    truth, guesses = [0, 1, 1, 0, 1], [0, 1, 0, 0, 1]
    for kind in (np.array, torch.tensor, tuple):
        for score in (accuracy, f1, macro_f1):
            assert score(kind(truth), kind(guesses)) == score(truth, guesses)


def test_a_class_that_is_never_guessed_counts_as_zero_without_a_warning(recwarn):
    assert f1([0, 0, 1], [0, 0, 0]) == 0
    assert macro_f1([0, 0, 1], [0, 0, 0]) == pytest.approx(0.4)
    assert not recwarn.list


def test_the_interval_is_students():
    values = DICE.normal(3, 2, 7)
    mean, low, high = mean_interval(values, 0.9)
    error = stats.sem(values)
    assert (low, high) == pytest.approx(stats.t.interval(0.9, 6, loc=values.mean(), scale=error))
    assert mean == pytest.approx(values.mean())


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 4,000 samples of five, 95 % of the intervals hold the mean; 1.96 errors hold fewer."""
    samples = np.random.default_rng(1).normal(0, 1, (4_000, 5))
    inside = [low <= 0 <= high for _, low, high in map(mean_interval, samples)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)
    naive = np.abs(samples.mean(1)) <= 1.96 * samples.std(1, ddof=1) / math.sqrt(5)
    assert naive.mean() < 0.90


def test_pairing_cancels_what_the_seed_does_to_both():
    luck = DICE.normal(0, 0.05, 5)
    a, b = 0.75 + luck, 0.73 + luck + DICE.normal(0, 0.002, 5)
    assert paired_difference(a, b).low > 0
    assert mean_interval(a).low < mean_interval(b).high  # unpaired, nobody could tell
    assert paired_difference(b, a).mean == pytest.approx(-paired_difference(a, b).mean)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: accuracy([0, 1], [0]), ValueError, "2 true labels but 1 guess"),
        (lambda: accuracy([], []), ValueError, "shape"),
        (lambda: accuracy([0, 1], [0.2, 0.9]), TypeError, "whole-number"),
        (lambda: accuracy([0, 1], [[0.2, 0.8], [0.9, 0.1]]), ValueError, "argmax"),
        (lambda: accuracy(["good"], ["bad"]), TypeError, "whole-number"),
        (lambda: accuracy([[0], [1, 2]], [0, 1]), TypeError, "flat list"),
        (lambda: f1([0, 1], [0, 1], positive=2), ValueError, "neither"),
        (lambda: macro_f1([0, 1], None), ValueError, "shape"),
        (lambda: mean_interval([0.5]), ValueError, "at least two"),
        (lambda: mean_interval(0.5), ValueError, "at least two"),
        (lambda: mean_interval([0.5, math.nan]), ValueError, "finite"),
        (lambda: mean_interval([0.5, 0.6], 95), ValueError, "confidence"),
        (lambda: mean_interval("0.5"), TypeError, "numbers"),
        (lambda: paired_difference([0.1, 0.2], [0.1, 0.2, 0.3]), ValueError, "equally many"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
