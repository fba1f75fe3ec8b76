"""Scores for a masked language model: always the same masks, always in nats, always in eval mode.

A fresh random mask at each evaluation adds noise that is larger than most effects we look for,
so the masks come from `masking.frozen_masks`. Losses are summed over masked tokens and divided
once: a mean of batch means would weigh a token in a small batch more heavily.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..text.masking import IGNORE, MaskedBatch


@contextmanager
def _judged(model: nn.Module) -> Iterator[torch.device]:
    """Evaluation mode, no gradients, no autocast; afterwards every module is as it was before."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}.")
    weights = next(model.parameters(), None)
    device = torch.device("cpu") if weights is None else weights.device
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield device
    finally:
        for module, training in before.items():
            module.training = training


def _masked_logits(
    model: nn.Module, frozen: MaskedBatch, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (T, V) in fp32 and targets (T,) of the tokens that count, batch by batch."""
    if not isinstance(frozen, MaskedBatch):
        raise TypeError(
            f"frozen must be a MaskedBatch, such as frozen_masks() returns, "
            f"not {type(frozen).__name__}."
        )
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number from 1 upwards, not {batch_size!r}.")
    if frozen.count() == 0:
        raise ValueError("frozen hides no token at all, so there is nothing to score.")
    with _judged(model) as device:
        for start in range(0, len(frozen), batch_size):
            batch = frozen[start : start + batch_size].to(device)
            logits = model(batch.input_ids, positions=batch.positions)  # (B, M, V)
            if logits.shape[:2] != batch.targets.shape:
                raise ValueError(
                    f"The model gave logits of shape {tuple(logits.shape)} where "
                    f"{(*batch.targets.shape, 'V')} were asked for."
                )
            counts = batch.targets != IGNORE
            targets = batch.targets[counts]
            if len(targets) and int(targets.max()) >= logits.shape[-1]:
                raise ValueError(
                    f"The target {int(targets.max())} lies outside the model's vocabulary of "
                    f"{logits.shape[-1]}: do text and model use the same tokenizer?"
                )
            yield logits[counts].float(), targets


def masked_scores(
    model: nn.Module, frozen: MaskedBatch, batch_size: int = 64
) -> dict[str, float]:
    """`masked_loss` as "loss" and `masked_top1` as "top1", from one pass over `frozen`.

    Arguments and errors as in `masked_loss`.

    >>> class AlwaysSeven(nn.Module):
    ...     def forward(self, input_ids, positions):
    ...         return 100 * F.one_hot(positions * 0 + 7, 50).float()
    >>> targets = torch.tensor([[7, 3], [7, 7]])
    >>> masked_scores(AlwaysSeven(), MaskedBatch(targets, targets * 0, targets))
    {'loss': 25.0, 'top1': 0.75}
    """
    total, right, count = 0.0, 0, 0
    for logits, targets in _masked_logits(model, frozen, batch_size):
        total += F.cross_entropy(logits, targets, reduction="none").double().sum().item()
        right += int((logits.argmax(-1) == targets).sum())
        count += len(targets)
    return {"loss": total / count, "top1": right / count}


def masked_loss(model: nn.Module, frozen: MaskedBatch, batch_size: int = 64) -> float:
    """Mean nats per masked token: the number on the loss ladder.

    `model(input_ids, positions=positions)` must return logits (B, M, V); `frozen` is what
    `masking.frozen_masks` returns. It runs on the model's device, in fp32 and evaluation mode;
    the model is left as it was. The result does not depend on `batch_size`.

    Raises TypeError for a model or masks of another kind, ValueError for logits of the wrong
    shape, a target outside the model's vocabulary, or masks that hide nothing.

    >>> class Uniform(nn.Module):
    ...     def forward(self, input_ids, positions):
    ...         return torch.zeros(*positions.shape, 50)
    >>> ids = torch.full((3, 4), 7)
    >>> frozen = MaskedBatch(ids, positions=ids[:, :2] * 0, targets=ids[:, :2])
    >>> round(masked_loss(Uniform(), frozen), 4) == round(math.log(50), 4)
    True
    """
    return masked_scores(model, frozen, batch_size)["loss"]


def masked_top1(model: nn.Module, frozen: MaskedBatch, batch_size: int = 64) -> float:
    """Share of masked tokens that are the model's first guess, from 0 to 1.

    Arguments and errors as in `masked_loss`.

    >>> class AlwaysSeven(nn.Module):
    ...     def forward(self, input_ids, positions):
    ...         return F.one_hot(positions * 0 + 7, 50).float()
    >>> targets = torch.tensor([[7, 3], [7, 7]])
    >>> masked_top1(AlwaysSeven(), MaskedBatch(targets, targets * 0, targets))
    0.75
    """
    return masked_scores(model, frozen, batch_size)["top1"]


def _check_text(ids: Tensor) -> None:
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64:
        raise TypeError("ids must be an int64 tensor of token ids.")
    if ids.dim() != 1 or len(ids) == 0:
        raise ValueError(f"ids must be one text of shape (L,), not {tuple(ids.shape)}.")


def masked_log_probabilities(
    model: nn.Module,
    ids: Tensor,
    positions: Sequence[int],
    mask_id: int,
    batch_size: int = 64,
) -> Tensor:
    """ln p(token | all the others), in nats, for each of `positions`, masked one at a time.

    `ids` is one text, int64 (L,); the result is float32 (len(positions),) on the CPU. Raises
    TypeError when `ids` is no int64 tensor, ValueError when it is not one-dimensional or a
    position lies outside it.

    >>> class Uniform(nn.Module):
    ...     def forward(self, input_ids, positions):
    ...         return torch.zeros(*positions.shape, 8)
    >>> masked_log_probabilities(Uniform(), torch.tensor([2, 5, 6, 3]), [1, 2], mask_id=4).exp()
    tensor([0.1250, 0.1250])
    """
    _check_text(ids)
    place = torch.as_tensor(positions, dtype=torch.int64).cpu().reshape(-1, 1)  # (M, 1)
    if len(place) == 0:
        raise ValueError("No positions were asked for: is every token of the text special?")
    if int(place.min()) < 0 or int(place.max()) >= len(ids):
        raise ValueError(f"positions must lie in 0 ... {len(ids) - 1}, the places of the text.")
    copies = ids.cpu().expand(len(place), -1)  # (M, L): one copy of the text for each mask
    batch = MaskedBatch(copies.scatter(1, place, mask_id), place, copies.gather(1, place))
    scores = [
        -F.cross_entropy(logits, targets, reduction="none").cpu()
        for logits, targets in _masked_logits(model, batch, batch_size)
    ]
    return torch.cat(scores)


def pseudo_log_likelihood(
    model: nn.Module,
    ids: Tensor,
    mask_id: int,
    special_ids: Sequence[int] = (),
    batch_size: int = 64,
) -> float:
    """Sum over the text of ln p(token | all the others), in nats: always below zero.

    The masked model's substitute for a sentence's log-probability (Salazar et al. 2020, "Masked
    Language Model Scoring", section 2). It is no probability: each token is guessed with the
    *later* ones in sight, so it must not be read as the perplexity of a left-to-right model.
    `ids` is int64 (L,); tokens in `special_ids` are seen but not scored. Errors as in
    `masked_log_probabilities`.

    >>> class Uniform(nn.Module):
    ...     def forward(self, input_ids, positions):
    ...         return torch.zeros(*positions.shape, 8)
    >>> ids = torch.tensor([2, 5, 6, 3])
    >>> nats = pseudo_log_likelihood(Uniform(), ids, mask_id=4, special_ids=(2, 3))
    >>> round(nats / math.log(8), 4)
    -2.0
    """
    _check_text(ids)
    special = set(special_ids)
    positions = [place for place, token in enumerate(ids.tolist()) if token not in special]
    scores = masked_log_probabilities(model, ids, positions, mask_id, batch_size)
    return scores.double().sum().item()


def bits_per_byte(nats: float, tokens: int, bytes: int) -> float:
    """Bits per UTF-8 byte from a loss of `nats` per token, over a text of `tokens` and `bytes`.

    Losses per token cannot be compared between vocabularies: a longer token is harder to guess
    and there are fewer of them. Bytes are the same for everybody. For a masked model it is a
    pseudo-score, as in `pseudo_log_likelihood`. Raises ValueError for numbers that are negative
    or, in `tokens` and `bytes`, zero.

    >>> bits_per_byte(math.log(256), tokens=1000, bytes=1000)    # a byte guessed blindly
    8.0
    """
    if not (math.isfinite(nats) and nats >= 0):
        raise ValueError(f"nats must be a loss, finite and not negative, not {nats}.")
    if tokens <= 0 or bytes <= 0:
        raise ValueError(f"tokens ({tokens}) and bytes ({bytes}) must both be positive.")
    return nats * tokens / (bytes * math.log(2))
