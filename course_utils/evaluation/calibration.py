"""Does a model that says 80 % win eight times out of ten? Measured, drawn, and mended.

`chances` (N,) are what a model says, from 0 to 1, and `truth` (N,) whether it came true, 0 or 1.
For the rare class, pass its probability and its labels; for several classes, the probability of
the class that was guessed and whether the guess was right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_utils.evaluation.checks import labels_and_chances, text_weights


class Reliability(NamedTuple):
    """For each bin that is not empty, float64 (K,): mean chance, share that came true, weight."""

    said: np.ndarray
    came: np.ndarray
    count: np.ndarray


def reliability(truth, chances, bins: int = 10, weights=None) -> Reliability:
    """Sort texts into bins by what was said, and count in each what came of it.

    The bins are equally wide; a chance on a border belongs to the lower bin, 0 to the first
    (Niculescu-Mizil and Caruana 2005, "Predicting good probabilities"). `weights` (N,) say what
    each text counts (see `imbalance.at_share`). Raises ValueError for chances outside 0 … 1,
    other labels than 0 and 1, unequal lengths, a negative weight, or fewer than one bin.

    >>> said, came, count = reliability([0, 1, 1, 1], [0.1, 0.1, 0.9, 0.7], bins=2)
    >>> said.round(2).tolist(), came.tolist(), count.tolist()
    ([0.1, 0.8], [0.5, 1.0], [2.0, 2.0])
    """
    truth, chances = _chances(truth, chances)
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, not {bins!r}.")
    borders = np.linspace(0, 1, bins + 1)[1:-1]
    places = np.searchsorted(borders, chances)
    weights = text_weights(weights, len(truth))
    count = np.bincount(places, weights, bins)
    there = count > 0
    said = np.bincount(places, weights * chances, bins)[there] / count[there]
    came = np.bincount(places, weights * truth, bins)[there] / count[there]
    return Reliability(said, came, count[there])


def expected_calibration_error(truth, chances, bins: int = 10) -> float:
    """The gap between what was said and what came of it, on average over texts, from 0 to 1.

    Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities"; Guo et al.
    (2017), "On calibration of modern neural networks", equation 3. It depends on the number of
    bins, and even a perfect model has some, by chance. Arguments and errors as in `reliability`.

    >>> round(expected_calibration_error([0, 1, 1, 1], [0.1, 0.1, 0.9, 0.7], bins=2), 3)
    0.3
    """
    said, came, count = reliability(truth, chances, bins)
    return float((count * abs(said - came)).sum() / count.sum())


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T for which softmax(logits / T) has the lowest cross-entropy on these texts.

    `logits` are (N, C) and `labels` int64 (N,), of texts that the model was not trained on: on
    those that it knows it looks far too good. One number cannot change which class comes first,
    so accuracy stays as it is (Guo et al. 2017, section 4.2). Found by bisection, since the
    loss falls and then rises in 1/T; T is sought from 1/100 to 100. Raises ValueError for shapes
    that do not fit, labels outside 0 … C-1, or logits that are not finite.

    >>> sure, labels = torch.tensor([[2.0, -2.0]]).repeat(4, 1), torch.tensor([0, 0, 0, 1])
    >>> round(fit_temperature(sure, labels), 2)          # 4 / T = ln 3: three right of four
    3.64
    """
    if logits.dim() != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"logits must be (N, C) and labels (N,), not {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}."
        )
    if labels.min() < 0 or labels.max() >= logits.size(1):
        raise ValueError(f"labels must lie in 0 … {logits.size(1) - 1}.")
    logits = logits.detach().double()
    if not logits.isfinite().all():
        raise ValueError("logits holds a number that is not finite.")
    true = logits.gather(1, labels[:, None]).squeeze(1)  # (N,)
    low, high = 0.01, 100.0  # of 1/T
    for _ in range(60):
        middle = (low * high) ** 0.5
        expected = ((logits * middle).softmax(-1) * logits).sum(-1)  # (N,)
        slope = (expected - true).mean()  # of the cross-entropy against 1/T
        low, high = (middle, high) if slope < 0 else (low, middle)
    return 1 / (low * high) ** 0.5


def with_temperature(logits: Tensor, temperature: float) -> Tensor:
    """softmax(logits / T): chances (N, C), flatter for T above 1. Raises ValueError for T ≤ 0.

    >>> with_temperature(torch.tensor([[4.0, 0.0]]), 2.0).round(decimals=2)
    tensor([[0.8800, 0.1200]])
    """
    if not temperature > 0:
        raise ValueError(f"The temperature must be above 0, not {temperature!r}.")
    return torch.softmax(logits / temperature, dim=-1)


def _chances(truth, chances) -> tuple[np.ndarray, np.ndarray]:
    truth, chances = labels_and_chances(truth, chances)
    if chances.min() < 0 or chances.max() > 1:
        raise ValueError("chances must lie in 0 … 1: are these logits before the softmax?")
    return truth, chances
