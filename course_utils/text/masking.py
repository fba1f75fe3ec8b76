"""Packing, and the masking machine: how plain text becomes a masked-language-model exercise.

Source: Devlin et al. 2018, "BERT", section 3.1 (masked LM) and appendix A.1 (80/10/10).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

IGNORE = -100  # the label that the loss skips (the default of torch's cross_entropy)


@dataclass(frozen=True)
class MaskedBatch:
    """A masked batch whose every row hides the same number M of tokens.

    input_ids: (B, L) int64, the corrupted text.
    positions: (B, M) int64, the places that must be predicted.
    targets: (B, M) int64, the original ids there; ``IGNORE`` where a row had fewer than M.
    """

    input_ids: Tensor
    positions: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.input_ids)

    def __getitem__(self, rows) -> "MaskedBatch":
        return MaskedBatch(self.input_ids[rows], self.positions[rows], self.targets[rows])

    def count(self) -> int:
        """How many tokens must be predicted."""
        return int((self.targets != IGNORE).sum())

    def to(self, device) -> "MaskedBatch":
        """The same batch on another device."""
        return MaskedBatch(
            self.input_ids.to(device), self.positions.to(device), self.targets.to(device)
        )


@dataclass(frozen=True)
class Corruption:
    """What is done to the chosen tokens.

    rate: share of ordinary tokens that are chosen, in (0, 1).
    mask_share, random_share: of the chosen, the share that becomes [MASK] and the share that
    becomes a random ordinary token; the rest stays as it is (80/10/10 in BERT).
    special_ids are never chosen and never drawn.

    >>> Corruption(mask_id=4, vocab_size=10, special_ids=(0, 1, 2, 3, 4)).ordinary_ids
    tensor([5, 6, 7, 8, 9])
    """

    mask_id: int
    vocab_size: int
    special_ids: Sequence[int]
    rate: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1

    def __post_init__(self):
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must lie between 0 and 1, not {self.rate}.")
        if min(self.mask_share, self.random_share) < 0 or self.mask_share + self.random_share > 1:
            raise ValueError(
                f"mask_share {self.mask_share} and random_share {self.random_share} must be "
                "shares that add up to at most 1."
            )
        if self.mask_id not in self.special_ids:
            raise ValueError(f"mask_id {self.mask_id} must be one of special_ids.")
        if not 0 <= self.mask_id < self.vocab_size:
            raise ValueError(
                f"mask_id {self.mask_id} lies outside a vocabulary of {self.vocab_size}."
            )
        if self.vocab_size <= len(set(self.special_ids)):
            raise ValueError("The vocabulary holds nothing but special tokens.")

    @classmethod
    def of(cls, tokenizer, **shares) -> "Corruption":
        """The corruption for a ``transformers`` tokenizer; ``shares`` as in the dataclass."""
        if tokenizer.mask_token_id is None:
            raise ValueError("This tokenizer has no mask token, so nothing can be masked.")
        special = tuple(sorted(tokenizer.all_special_ids))
        return cls(tokenizer.mask_token_id, len(tokenizer), special, **shares)

    @cached_property
    def ordinary_ids(self) -> Tensor:
        """(V - specials,) int64: the ids that a random replacement is drawn from."""
        keep = torch.ones(self.vocab_size, dtype=torch.bool)
        keep[list(self.special_ids)] = False
        return keep.nonzero().squeeze(1)

    @cached_property
    def is_special(self) -> Tensor:
        """(V,) bool: True at special ids."""
        table = torch.zeros(self.vocab_size, dtype=torch.bool)
        table[list(self.special_ids)] = True
        return table


def _check_rows(input_ids: Tensor, vocab_size: int) -> None:
    if not isinstance(input_ids, Tensor) or input_ids.dtype != torch.int64:
        raise TypeError("input_ids must be an int64 tensor of token ids.")
    if input_ids.dim() != 2 or input_ids.numel() == 0:
        raise ValueError(f"input_ids must have shape (B, L), not {tuple(input_ids.shape)}.")
    if int(input_ids.min()) < 0 or int(input_ids.max()) >= vocab_size:
        raise ValueError(f"input_ids must lie in 0 … {vocab_size - 1}.")


def _check(input_ids: Tensor, corruption: Corruption, generator: torch.Generator) -> None:
    if not isinstance(corruption, Corruption):
        raise TypeError(f"corruption must be a Corruption, not {type(corruption).__name__}.")
    _check_rows(input_ids, corruption.vocab_size)
    if not isinstance(generator, torch.Generator):
        raise TypeError("generator must be a torch.Generator: it decides what is hidden.")


def pack(sequences: Iterable[Sequence[int]], length: int, cls_id: int, sep_id: int) -> Tensor:
    """Lay token sequences end to end and cut the ribbon into rows: ``[CLS] … [SEP]``.

    Inside a row, one document ends with [SEP] and the next begins. No token is padding, so no
    computation is wasted; the last piece, if shorter than a row, is dropped.

    Returns (N, length) int64. Raises ValueError when the text fills no row, TypeError for
    texts that were not tokenized.

    >>> pack([[5, 6, 7], [8, 9]], length=4, cls_id=2, sep_id=3)
    tensor([[2, 5, 6, 3],
            [2, 7, 3, 3],
            [2, 8, 9, 3]])
    """
    if length < 3:
        raise ValueError(f"length must be at least 3 ([CLS], a token, [SEP]), not {length}.")
    ribbon: list[int] = []
    for tokens in sequences:
        if isinstance(tokens, str):
            raise TypeError("sequences must hold token ids, not text: tokenize the texts first.")
        if len(tokens):
            ribbon.extend(tokens)
            ribbon.append(sep_id)
    body = length - 2
    rows = len(ribbon) // body
    if rows == 0:
        raise ValueError(f"{len(ribbon)} tokens do not fill one row of length {length}.")
    packed = torch.full((rows, length), sep_id, dtype=torch.int64)
    packed[:, 0] = cls_id
    packed[:, 1:-1] = torch.tensor(ribbon[: rows * body], dtype=torch.int64).view(rows, body)
    return packed


def _corrupt(tokens: Tensor, corruption: Corruption, generator: torch.Generator) -> Tensor:
    """What is written in place of the chosen ``tokens`` (any shape): one dice roll for each."""
    dice = torch.rand(tokens.shape, generator=generator)
    pool = corruption.ordinary_ids
    random_ids = pool[torch.randint(len(pool), tokens.shape, generator=generator)]
    below = corruption.mask_share
    masked = torch.where(dice < below, torch.tensor(corruption.mask_id), tokens)
    is_random = (dice >= below) & (dice < below + corruption.random_share)
    return torch.where(is_random, random_ids, masked)


def mask_tokens(
    input_ids: Tensor, corruption: Corruption, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The textbook form: each ordinary token is chosen by its own coin of weight ``rate``.

    input_ids: (B, L) int64, left unchanged. Returns ``(corrupted, labels)``, both (B, L) int64;
    labels hold the original id at chosen places and ``IGNORE`` elsewhere.

    >>> c = Corruption(mask_id=4, vocab_size=10, special_ids=(0, 1, 2, 3, 4), rate=0.5,
    ...                mask_share=1.0, random_share=0.0)
    >>> ids = torch.tensor([[2, 5, 6, 7, 8, 9, 3]])
    >>> corrupted, labels = mask_tokens(ids, c, torch.Generator().manual_seed(0))
    >>> bool((corrupted[labels != IGNORE] == 4).all()), labels[0, 0].item()
    (True, -100)
    """
    _check(input_ids, corruption, generator)
    chosen = torch.rand(input_ids.shape, generator=generator) < corruption.rate
    chosen &= ~corruption.is_special[input_ids]
    labels = torch.where(chosen, input_ids, IGNORE)
    corrupted = torch.where(chosen, _corrupt(input_ids, corruption, generator), input_ids)
    return corrupted, labels


def mask_rows(input_ids: Tensor, corruption: Corruption, generator: torch.Generator) -> MaskedBatch:
    """The fast form: exactly M = round(rate · L) places a row, so that shapes never change.

    The model computes its output layer at these M places only, which at a rate of 0.15 saves
    85 % of the most expensive matrix product of a small model. A row with fewer than M ordinary
    tokens has targets ``IGNORE`` at the surplus places.

    >>> c = Corruption(mask_id=4, vocab_size=10, special_ids=(0, 1, 2, 3, 4), rate=0.3)
    >>> batch = mask_rows(torch.tensor([[2, 5, 6, 7, 8, 9, 3]]), c, torch.Generator())
    >>> batch.positions.shape, bool(((batch.targets >= 5) & (batch.targets <= 9)).all())
    (torch.Size([1, 2]), True)
    """
    _check(input_ids, corruption, generator)
    count = max(1, round(corruption.rate * input_ids.shape[1]))
    return _hide(input_ids, count, corruption, generator)


def frozen_masks(
    rows: Tensor,
    per_row: int = 19,
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Sequence[int],
    seed: int = 0,
) -> MaskedBatch:
    """Masks for evaluation, drawn once: ``per_row`` places a row, all of them [MASK].

    A fresh random mask at every evaluation adds noise that is often larger than the effect one
    wants to see; the same seed always hides the same tokens.

    >>> rows = torch.tensor([[2, 5, 6, 7, 8, 9, 3]])
    >>> frozen = frozen_masks(rows, 2, mask_id=4, vocab_size=10, special_ids=(0, 1, 2, 3, 4))
    >>> (frozen.input_ids == 4).sum().item()
    2
    """
    corruption = Corruption(mask_id, vocab_size, special_ids, mask_share=1.0, random_share=0.0)
    _check_rows(rows, vocab_size)
    if not 0 < per_row <= rows.shape[1]:
        raise ValueError(f"per_row must lie in 1 … {rows.shape[1]}, not {per_row}.")
    return _hide(rows, per_row, corruption, torch.Generator().manual_seed(seed))


def _hide(
    input_ids: Tensor, count: int, corruption: Corruption, generator: torch.Generator
) -> MaskedBatch:
    """Choose ``count`` ordinary places a row without replacement and corrupt them."""
    special = corruption.is_special[input_ids]
    lottery = torch.rand(input_ids.shape, generator=generator).masked_fill_(special, 2.0)
    positions = lottery.topk(count, largest=False).indices.sort().values  # (B, M)
    originals = input_ids.gather(1, positions)
    ordinary = ~corruption.is_special[originals]
    written = torch.where(ordinary, _corrupt(originals, corruption, generator), originals)
    targets = torch.where(ordinary, originals, IGNORE)
    return MaskedBatch(input_ids.scatter(1, positions, written), positions, targets)
