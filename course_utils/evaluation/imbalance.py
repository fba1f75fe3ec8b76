"""Rare classes: what they weigh in a loss, what a mistake costs, and where to put the threshold.

Everywhere the rare class is 1, and `chances` are the probabilities that a model gives it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.evaluation.checks import labels_and_chances, text_weights, whole_labels


def class_weights(labels: Sequence[int]) -> Tensor:
    """A weight for each class 0 … C-1, float32 (C,): N / (C · how often it is there).

    With them every class has the same say in a loss, and the mean weight of a text is 1 (King
    and Zeng 2001, "Logistic regression in rare events data"). Raises TypeError for labels that
    are no whole numbers, ValueError when there are none or a class below the largest is missing.

    >>> class_weights([0, 0, 0, 1])
    tensor([0.6667, 2.0000])
    """
    counts = np.bincount(whole_labels(labels, "labels"))
    if not counts.all():
        missing = int(np.flatnonzero(counts == 0)[0])
        raise ValueError(f"No label is {missing}: a class that is never there has no weight.")
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def focal_loss(
    logits: Tensor, labels: Tensor, gamma: float = 2.0, weights: Tensor | None = None
) -> Tensor:
    """The mean over N texts of -(1 - p)^γ ln p, where p is the chance given to the true class.

    Lin et al. (2017), "Focal loss for dense object detection", section 3: a text that is right
    for sure hardly counts any more. With γ = 0 it is cross-entropy. `logits` are (N, C),
    `labels` int64 (N,); `weights` (C,) multiplies each text's loss by the weight of its class.
    Returns a scalar in nats. Raises ValueError for γ below 0 or shapes that do not fit.

    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 3.0]])
    >>> round(focal_loss(logits, torch.tensor([1, 1])).item(), 4)     # (¼ ln 2 + 0.0001) / 2
    0.0867
    """
    if gamma < 0:
        raise ValueError(f"gamma must be 0 or more, not {gamma}.")
    if logits.dim() != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits must be (N, C) and labels (N,), not {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}."
        )
    surprise = F.cross_entropy(logits, labels, reduction="none")  # (N,), -ln p
    missing = 1 - torch.exp(-surprise)
    losses = missing.clamp_min(1e-30) ** gamma * surprise  # 0^γ has no slope for γ < 1
    if weights is not None:
        losses = losses * weights[labels]
    return losses.mean()


def at_share(labels: Sequence[int], share: float) -> np.ndarray:
    """A weight for each text, float64 (N,), such that class 1 makes up `share` of the whole.

    Every text stays and no class is thrown away; the weights have the mean 1. This is what
    `sample_weight` in scikit-learn's scores is for. Raises ValueError unless both classes are
    there and 0 < share < 1.

    >>> at_share([0, 0, 0, 1], 0.1)
    array([1.2, 1.2, 1.2, 0.4])
    """
    labels = whole_labels(labels, "labels")
    if not 0 < share < 1:
        raise ValueError(f"share must lie strictly between 0 and 1, not {share!r}.")
    found = float((labels == 1).mean())
    if not 0 < found < 1 or not np.isin(labels, (0, 1)).all():
        raise ValueError("Both classes, 0 and 1, must be there, and no other.")
    return np.where(labels == 1, share / found, (1 - share) / (1 - found))


def precision_at(recall: float, alarms: float, share: float) -> float:
    """What share of the alarms is true, where the rare class makes up `share` of all texts.

    `recall` is the share of the rare class that is found, `alarms` that of the other class which
    is taken for it. Neither depends on how rare the class is; precision does (Bayes). Raises
    ValueError for a number outside 0 … 1, or when there is no alarm at all.

    >>> [round(precision_at(0.9, 0.01, share), 2) for share in (0.5, 0.02)]
    [0.99, 0.65]
    """
    for name, value in (("recall", recall), ("alarms", alarms), ("share", share)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be a share from 0 to 1, not {value!r}.")
    true, false = share * recall, (1 - share) * alarms
    if true + false == 0:
        raise ValueError("There is no alarm, so no share of the alarms can be true.")
    return true / (true + false)


def expected_cost(
    truth, chances, threshold: float, miss: float, alarm: float, weights=None
) -> float:
    """What a decision costs on average, if a text is called 1 whenever its chance ≥ `threshold`.

    `miss` is the cost of a 1 that is called 0, `alarm` that of a 0 that is called 1; being right
    costs nothing. `truth` (N,) are labels 0 and 1, `chances` (N,) probabilities or any scores,
    `weights` (N,) what each text counts (see `at_share`). Elkan (2001), "The foundations of
    cost-sensitive learning". Raises ValueError for a negative cost or unequal lengths, TypeError
    for labels that are no whole numbers.

    >>> expected_cost([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], threshold=0.5, miss=10, alarm=1)
    2.75
    """
    truth, chances = labels_and_chances(truth, chances)
    weights = text_weights(weights, len(truth))
    _check_costs(miss, alarm)
    said = chances >= threshold
    costs = np.where(truth == 1, miss * ~said, alarm * said)
    return float((weights * costs).sum() / weights.sum())


def best_threshold(truth, chances, miss: float, alarm: float, weights=None) -> float:
    """The threshold with the lowest expected cost on these texts; of equal ones, the highest.

    Only the chances themselves can be thresholds that differ, and infinity, which never calls a
    text 1; all of them are tried in one pass over the sorted texts. Choose it on the validation
    part: on the test part it would flatter itself. Arguments and errors as in `expected_cost`.

    >>> best_threshold([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], miss=10, alarm=1)
    0.4
    >>> best_threshold([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], miss=1, alarm=10)
    0.9
    """
    truth, chances = labels_and_chances(truth, chances)
    weights = text_weights(weights, len(truth))
    _check_costs(miss, alarm)
    order = np.argsort(-chances, kind="stable")
    steps = np.where(truth == 1, -miss, alarm) * weights  # what calling one more text 1 changes
    costs = np.concatenate([[0.0], np.cumsum(steps[order])])  # (N + 1,), the k highest are called
    cuts = np.concatenate([[np.inf], chances[order]])
    last = np.append(cuts[1:] != cuts[:-1], True)  # texts of equal chance go together
    costs, cuts = costs[last], cuts[last]
    return float(cuts[np.argmin(np.round(costs, 9))])


def _check_costs(miss: float, alarm: float) -> None:
    if not miss >= 0 or not alarm >= 0:
        raise ValueError(f"A mistake costs 0 or more, not miss={miss!r} and alarm={alarm!r}.")
