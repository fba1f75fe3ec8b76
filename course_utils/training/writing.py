"""Training a causal language model: rows of plain text, every token guessed from those before."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.training.translation import next_token_loss


@dataclass(frozen=True)
class TextBatch:
    """ids (B, L) int64, without padding."""

    ids: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows) -> "TextBatch":
        return TextBatch(self.ids[rows])

    def count(self) -> int:
        """How many tokens have to be guessed: all but the first of each row."""
        return self.ids.numel() - len(self.ids)

    def to(self, device) -> "TextBatch":
        """The same batch on another device."""
        return TextBatch(self.ids.to(device))


def text_batches(rows: Tensor, batch_size: int, seed: int) -> Callable[[int], TextBatch]:
    """The batch of every step, as a function of the step alone; each epoch has a new order.

    rows: (N, L) int64.

    >>> at = text_batches(torch.arange(12).reshape(6, 2), batch_size=3, seed=0)
    >>> sorted(torch.cat([at(4).ids, at(5).ids]).flatten().tolist()) == list(range(12))
    True
    """
    per_epoch = len(rows) // batch_size if batch_size > 0 else 0
    if not per_epoch:
        raise ValueError(f"{len(rows)} rows do not fill a batch of {batch_size}.")

    def at(step: int) -> TextBatch:
        epoch, place = divmod(step, per_epoch)
        dice = torch.Generator().manual_seed(seed * 7919 + epoch)
        order = torch.randperm(len(rows), generator=dice)
        return TextBatch(rows[order[place * batch_size :][:batch_size]])

    return at


def writing_loss(model: nn.Module, batch: TextBatch) -> Tensor:
    """Summed loss of a batch for `training.loop.train`."""
    return next_token_loss(model(batch.ids), batch.ids)


@torch.inference_mode()
def mean_writing_loss(model: nn.Module, rows: Tensor, batch_size: int = 16) -> float:
    """Mean nats a token over rows (N, L)."""
    device = next(model.parameters()).device
    batches = [TextBatch(part).to(device) for part in rows.split(batch_size)]
    return float(sum(writing_loss(model, b) for b in batches)) / sum(b.count() for b in batches)
