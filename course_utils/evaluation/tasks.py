"""Scores of a classifier, and how far to trust them: accuracy, F1, intervals over seeds.

The scores are scikit-learn's; we add only the checks that catch the usual slips, such as
probabilities where decisions belong. The intervals are Student's (1908): with five seeds, 1.96
standard errors are far too few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn import metrics

from course_utils.evaluation.checks import as_array


def accuracy(truth, guesses) -> float:
    """Share of right guesses, from 0 to 1.

    `truth` and `guesses` are whole-number labels (N,), as a list, an array or a CPU tensor.
    Raises TypeError for probabilities or other things that are no labels, ValueError when the
    two differ in length or there are none.

    >>> accuracy([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    return float(metrics.accuracy_score(*_labels(truth, guesses)))


def f1(truth, guesses, positive: int = 1) -> float:
    """F1 of one class: the harmonic mean of precision and recall, from 0 to 1.

    A class that is neither there nor guessed counts as 0. Arguments and errors as in
    `accuracy`; ValueError also when no label anywhere is `positive`.

    >>> f1([0, 0, 1, 1], [0, 1, 1, 1])                       # precision 2/3, recall 1
    0.8
    """
    truth, guesses = _labels(truth, guesses)
    if positive not in truth and positive not in guesses:
        raise ValueError(f"The label {positive!r} stands neither in the truth nor in the guesses.")
    return float(metrics.f1_score(truth == positive, guesses == positive, zero_division=0))


def macro_f1(truth, guesses) -> float:
    """The mean of every class's F1, rare classes counting as much as common ones.

    Arguments and errors as in `accuracy`.

    >>> round(macro_f1([0] * 98 + [1] * 2, [0] * 100), 2)     # 98 % accurate and useless
    0.49
    """
    return float(metrics.f1_score(*_labels(truth, guesses), average="macro", zero_division=0))


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} … {self.high:.3f})"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of `values` (R,), one for each seed, and Student's interval for it.

    The interval says where the mean over all seeds may lie, if the scores scatter like a normal
    distribution. It says nothing about another test set, since all seeds share this one. Raises
    TypeError for values that are no numbers, ValueError for fewer than two, for one that is not
    finite, or a confidence outside (0, 1).

    >>> print(mean_interval([0.70, 0.72, 0.71, 0.69, 0.73]))
    0.710 (0.690 … 0.730)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence!r}.")
    values = _figures(values, "values")
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    reach = float(stats.t.ppf((1 + confidence) / 2, df=len(values) - 1)) * error
    return Interval(mean, mean - reach, mean + reach)


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Interval:
    """How much better `a` (R,) is than `b` (R,): the interval of the mean of a - b.

    Entry i of both must come from the same seed: the same labels drawn, the same order. What the
    seed does to both then cancels, which makes the interval narrower than that of either. When
    it lies above zero, `a` is better. Errors as in `mean_interval`, and ValueError for different
    lengths.

    >>> paired_difference([0.71, 0.81, 0.66], [0.69, 0.80, 0.63]).low > 0
    False
    >>> paired_difference([0.72, 0.82, 0.67], [0.69, 0.80, 0.64]).low > 0
    True
    """
    a, b = _figures(a, "a"), _figures(b, "b")
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} values and b has {len(b)}: pairs need equally many.")
    return mean_interval(a - b, confidence)


def _labels(truth, guesses) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of whole numbers (N,), or one sentence that says what is wrong."""
    arrays = []
    for name, values in (("truth", truth), ("guesses", guesses)):
        array = as_array(values, name)
        if array.ndim != 1 or array.size == 0:
            raise ValueError(
                f"{name} must be labels of shape (N,), not {array.shape}: of scores (N, C), pass "
                "the argmax."
            )
        if array.dtype.kind not in "iub":
            raise TypeError(f"{name} must be whole-number labels, not {array.dtype}: no scores.")
        arrays.append(array)
    if len(arrays[0]) != len(arrays[1]):
        raise ValueError(f"There are {len(arrays[0])} true labels but {len(arrays[1])} guesses.")
    return arrays[0], arrays[1]


def _figures(values, name: str) -> np.ndarray:
    """Finite float64 numbers (R,), at least two."""
    array = as_array(values, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be numbers, not {array.dtype}.")
    if array.ndim != 1 or array.size < 2:
        raise ValueError(
            f"{name} must be at least two numbers, one for each seed, but its shape is "
            f"{array.shape}: one run has no spread."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a number that is not finite.")
    return array.astype(np.float64)
