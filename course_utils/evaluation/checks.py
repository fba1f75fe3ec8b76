"""What the scores of this room ask of labels and probabilities; each error is one sentence."""

from __future__ import annotations

import numpy as np


def whole_labels(values, name: str) -> np.ndarray:
    """Whole-number labels of 0 or more as an array (N,), N ≥ 1, or one sentence that says why not.

    >>> whole_labels([0, 1], "truth")
    array([0, 1])
    """
    array = as_array(values, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be labels of shape (N,), not {array.shape}.")
    if array.dtype.kind not in "iub":
        raise TypeError(f"{name} must be whole-number labels, not {array.dtype}.")
    if array.min() < 0:
        raise ValueError(f"{name} must be labels of 0 or more, not {array.min()}.")
    return array.astype(np.int64)


def labels_and_chances(truth, chances) -> tuple[np.ndarray, np.ndarray]:
    """Labels 0 and 1 and as many finite numbers, both (N,), or one sentence that says why not.

    >>> labels_and_chances([0, 1], [0.2, 0.7])
    (array([0, 1]), array([0.2, 0.7]))
    """
    truth, chances = whole_labels(truth, "truth"), as_array(chances, "chances")
    if truth.max() > 1:
        raise ValueError(f"truth must hold the labels 0 and 1 alone, not {truth.max()}.")
    if chances.dtype.kind not in "iuf" or chances.shape != truth.shape:
        raise ValueError(
            f"chances must be {len(truth)} numbers, one for each label, not {chances.dtype} of "
            f"shape {chances.shape}."
        )
    if not np.isfinite(chances).all():
        raise ValueError("chances holds a number that is not finite.")
    return truth, chances.astype(np.float64)


def text_weights(weights, count: int) -> np.ndarray:
    """What each of `count` texts counts, float64 (N,), all 1 for None, or one sentence.

    >>> text_weights(None, 2)
    array([1., 1.])
    """
    if weights is None:
        return np.ones(count)
    weights = np.asarray(weights, np.float64)
    if weights.shape != (count,) or not (weights >= 0).all() or not weights.sum() > 0:
        raise ValueError(f"weights must be {count} numbers of 0 or more, and not all 0.")
    return weights


def as_array(values, name: str) -> np.ndarray:
    """Whatever is flat as an array, or one sentence that says that it is not.

    >>> as_array((1, 2), "truth")
    array([1, 2])
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        raise TypeError(f"{name} must be a flat list, an array or a CPU tensor.") from None
