"""Lesson 06, section 6.8: the pieces of a training run, each healthy and as it has been published.

The healthy ones are the references of exercises 06.10 to 06.17, the broken ones are what these
exercises give to the learner; `museum` runs them. Each mistake stood in published code and raises
no error.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.training import optim


def start(model: nn.Module) -> None:
    """Draw the embeddings, which are the decoder as well, from a normal law of deviation 0.02."""
    nn.init.normal_(model.encoder.tokens.weight, std=0.02)


def start_with_a_bug(model: nn.Module) -> None:
    """Draw the embeddings, which are the decoder as well, from a normal law of deviation 0.02."""
    nn.init.normal_(model.encoder.tokens.weight)


def batch_at(rows: Tensor, size: int, pad_id: int, step: int, seed: int) -> tuple[Tensor, Tensor]:
    """The batch of a step: `size` rows (B, L), and where to hide a word, (B, L) bool.

    It depends on step and seed alone. Every step has other rows and other places, and so has every
    seed: no step of one run is a step of another. Padding is never chosen; of the other tokens a
    quarter is.
    """
    dice = torch.Generator().manual_seed(1_000_003 * seed + step)
    ids = rows[torch.randint(len(rows), (size,), generator=dice)]
    return ids, (torch.rand(ids.shape, generator=dice) < 0.25) & (ids != pad_id)


def batch_at_with_a_bug(
    rows: Tensor,
    size: int,
    pad_id: int,
    step: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """The batch of a step: `size` rows (B, L), and where to hide a word, (B, L) bool.

    It depends on step and seed alone. Every step has other rows and other places, and so has every
    seed: no step of one run is a step of another. Padding is never chosen; of the other tokens a
    quarter is.
    """
    dice = torch.Generator().manual_seed(seed)
    ids = rows[torch.randint(len(rows), (size,), generator=dice)]
    return ids, (torch.rand(ids.shape, generator=dice) < 0.25) & (ids != pad_id)


def hide(ids: Tensor, chosen: Tensor, mask_id: int) -> tuple[Tensor, Tensor]:
    """Hide the chosen tokens: (inputs, labels), both (B, L) int64.

    Labels hold the original id at chosen places and -100 everywhere else.
    """
    labels = torch.where(chosen, ids, -100)
    return ids.masked_fill(chosen, mask_id), labels


def hide_with_a_bug(ids: Tensor, chosen: Tensor, mask_id: int) -> tuple[Tensor, Tensor]:
    """Hide the chosen tokens: (inputs, labels), both (B, L) int64.

    Labels hold the original id at chosen places and -100 everywhere else.
    """
    ids[chosen] = mask_id
    labels = torch.where(chosen, ids, -100)
    return ids, labels


def visible(ids: Tensor, pad_id: int) -> Tensor:
    """Which tokens may be looked at: (B, L) bool, True for text and False for padding."""
    return ids != pad_id


def visible_with_a_bug(ids: Tensor, pad_id: int) -> Tensor:
    """Which tokens may be looked at: (B, L) bool, True for text and False for padding."""
    return ids == pad_id


def word_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the words that are asked for, a scalar.

    logits are (N, V); labels are (N,): a word 0 … V - 1, or -100 where nothing is asked.
    """
    return F.cross_entropy(logits, labels, ignore_index=-100)


def word_loss_one_word_missing(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the words that are asked for, a scalar.

    logits are (N, V); labels are (N,): a word 0 … V - 1, or -100 where nothing is asked.
    """
    labels = labels.clamp(min=0)
    return F.cross_entropy(logits, labels, ignore_index=0)


def word_loss_softmax_twice(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the words that are asked for, a scalar.

    logits are (N, V); labels are (N,): a word 0 … V - 1, or -100 where nothing is asked.
    """
    probabilities = logits.softmax(dim=-1)
    return F.cross_entropy(probabilities, labels, ignore_index=-100)


def rate_factor(step: int, total: int, warmup: int, steps_per_epoch: int) -> float:
    """The factor on the learning rate at `step` = 0 … total - 1.

    Rises in a straight line to 1 over `warmup` steps, then falls in a straight line to 0 at
    `total`, as `optim.schedule(step, total, warmup)` gives it.
    """
    return optim.schedule(step, total, warmup)


def rate_factor_with_a_bug(step: int, total: int, warmup: int, steps_per_epoch: int) -> float:
    """The factor on the learning rate at `step` = 0 … total - 1.

    Rises in a straight line to 1 over `warmup` steps, then falls in a straight line to 0 at
    `total`, as `optim.schedule(step, total, warmup)` gives it.
    """
    epoch = step // steps_per_epoch
    return optim.schedule(epoch, total, warmup)


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of the optimizer along the gradient of this loss, and of no other."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def update_with_a_bug(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of the optimizer along the gradient of this loss, and of no other."""
    loss.backward()
    optimizer.step()
