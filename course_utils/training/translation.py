"""Training a translator: pairs of sentences as batches, and the loss of the next token.

Sources: Vaswani et al. (2017), "Attention Is All You Need", section 5; labels that are shifted by
one, as in every decoder since.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.machine import seed_everything
from course_utils.model.decoder import Cache, Translator
from course_utils.model.decoding import Write, beam_search, generate
from course_utils.model.encoder import EncoderConfig
from course_utils.training.finetuning import pad_rows

Pair = tuple[list[int], list[int]]  # a source and its target, ids with [CLS] and [SEP]
POOL = 32  # batches that are cut together from pairs sorted by length


def new_translator(vocab_size: int, seed: int = 0) -> Translator:
    """An untrained translator of the course's size, two layers to read and two to write.

    >>> sum(weight.numel() for weight in new_translator(5000).parameters()) < 2.3e6
    True
    """
    seed_everything(seed)
    shape = {"hidden_size": 160, "num_layers": 2, "num_heads": 4, "max_length": 128}
    return Translator(EncoderConfig.modern(vocab_size, **shape))


@dataclass(frozen=True)
class PairBatch:
    """source (B, S), source_mask (B, S), target (B, L), all int64; a target is [CLS] … [SEP]."""

    source: Tensor
    source_mask: Tensor
    target: Tensor
    target_mask: Tensor

    @classmethod
    def of(cls, pairs: Sequence[Pair], pad_id: int = 0) -> "PairBatch":
        """Pairs of ids, padded on the right."""
        sources, targets = zip(*pairs, strict=True)
        return cls(*pad_rows(list(sources), pad_id), *pad_rows(list(targets), pad_id))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows) -> "PairBatch":
        return PairBatch(*(part[rows] for part in self._parts()))

    def count(self) -> int:
        """How many tokens have to be guessed: all of the targets but their first."""
        return int(self.target_mask[:, 1:].sum())

    def to(self, device) -> "PairBatch":
        """The same batch on another device."""
        return PairBatch(*(part.to(device) for part in self._parts()))

    def _parts(self) -> tuple[Tensor, ...]:
        return self.source, self.source_mask, self.target, self.target_mask


def next_token_loss(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    """Summed cross-entropy in nats of guessing each token from those before it; a scalar tensor.

    logits (B, L, V) are the model's answer to ids (B, L): row i guesses ids[i + 1], so the last
    row has nothing to guess and the first token is never guessed.  Where `mask` (B, L) is 0, the
    token is padding and costs nothing.

    >>> logits = torch.zeros(1, 3, 4)
    >>> next_token_loss(logits, torch.tensor([[0, 1, 2]])) / 2    # two guesses among four: ln 4
    tensor(1.3863)
    """
    if logits.dim() != 3 or logits.shape[:2] != ids.shape:
        raise ValueError(
            f"logits must be (B, L, V) for ids (B, L), not {tuple(logits.shape)} for "
            f"{tuple(ids.shape)}."
        )
    precise = torch.promote_types(logits.dtype, torch.float32)
    guesses, truth = logits[:, :-1].to(precise), ids[:, 1:]  # (B, L - 1, V) and (B, L - 1)
    if mask is not None:
        truth = truth.masked_fill(mask[:, 1:] == 0, -100)
    return F.cross_entropy(guesses.transpose(1, 2), truth, ignore_index=-100, reduction="sum")


def translation_loss(model: nn.Module, batch: PairBatch) -> Tensor:
    """Summed loss of a batch for `training.loop.train`."""
    logits = model(batch.source, batch.target, batch.source_mask)
    return next_token_loss(logits, batch.target, batch.target_mask)


def both_directions(tokenizer, english: Sequence[str], chinese: Sequence[str]) -> list[Pair]:
    """Ids of every pair twice, English to Chinese and back.

    Nothing tells the model which way to go: it sees the language of the source, and writes the
    other one.
    """
    if len(english) != len(chinese) or not len(english):
        raise ValueError(f"{len(english)} English and {len(chinese)} Chinese sentences: no pairs.")
    one, other = (tokenizer(list(texts))["input_ids"] for texts in (english, chinese))
    return [*zip(one, other, strict=True), *zip(other, one, strict=True)]


def pair_batches(
    pairs: Sequence[Pair], batch_size: int, seed: int, longest: int = 64
) -> Callable[[int], PairBatch]:
    """The batch of every step, as a function of the step alone; neighbours are equally long.

    Pairs with more than `longest` tokens on a side are left out; so is an epoch's short last batch.

    >>> at = pair_batches([([2, 7, 3], [2, 9, 9, 3])] * 5, batch_size=2, seed=0)
    >>> at(0).target.shape, at(7).count()
    (torch.Size([2, 4]), 6)
    """
    kept = [pair for pair in pairs if max(map(len, pair)) <= longest]
    per_epoch = len(kept) // batch_size
    if batch_size < 1 or not per_epoch:
        raise ValueError(f"{len(kept)} pairs do not fill a batch of {batch_size}.")
    plans: dict[int, list[list[int]]] = {}

    def plan(epoch: int) -> list[list[int]]:
        dice = torch.Generator().manual_seed(seed * 7919 + epoch)
        order = torch.randperm(len(kept), generator=dice).tolist()
        found = []
        for start in range(0, len(order), POOL * batch_size):
            pool = order[start : start + POOL * batch_size]
            pool.sort(key=lambda i: (len(kept[i][1]), len(kept[i][0])))
            found += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
        found = [rows for rows in found if len(rows) == batch_size]
        return [found[i] for i in torch.randperm(len(found), generator=dice).tolist()]

    def at(step: int) -> PairBatch:
        epoch, place = divmod(step, per_epoch)
        if epoch not in plans:
            plans.clear()
            plans[epoch] = plan(epoch)
        return PairBatch.of([kept[i] for i in plans[epoch][place]])

    return at


@torch.inference_mode()
def mean_loss(model: nn.Module, pairs: Sequence[Pair], batch_size: int = 64) -> float:
    """Mean nats a target token over all pairs, in their order by length."""
    ordered = sorted(pairs, key=lambda pair: len(pair[1]))
    summed, terms, device = 0.0, 0, next(model.parameters()).device
    for i in range(0, len(ordered), batch_size):
        batch = PairBatch.of(ordered[i : i + batch_size]).to(device)
        summed += float(translation_loss(model, batch))
        terms += batch.count()
    return summed / max(terms, 1) if terms else math.nan


def writer_for(model: Translator, source: Tensor, source_mask: Tensor | None = None) -> Write:
    """The translator as a writer, with one source for each row, or one for all of them."""
    memory = model.encoder(source, source_mask)  # read once, before the first word

    def write(ids: Tensor, cache: Cache | None) -> Tensor:
        rows = memory.expand(len(ids), -1, -1)
        mask = None if source_mask is None else source_mask.expand(len(ids), -1)
        return model.write(ids, rows, mask, cache)

    return write


@torch.inference_mode()
def translate(
    model: Translator,
    tokenizer,
    texts: Sequence[str],
    width: int = 1,
    length_power: float = 1.0,
    steps: int = 48,
    batch_size: int = 64,
) -> list[str]:
    """Translations of texts, in their order: greedy, or by a beam search of some width."""
    if isinstance(texts, str) or not len(texts):
        raise ValueError("texts must be a list with at least one str.")
    rows = tokenizer(list(texts))["input_ids"]
    first, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: dict[int, list[int]] = {}
    device = next(model.parameters()).device
    for start in range(0, len(order), batch_size if width == 1 else 1):
        chosen = order[start : start + (batch_size if width == 1 else 1)]
        source = pad_rows([rows[i] for i in chosen], tokenizer.pad_token_id)
        write = writer_for(model, *(part.to(device) for part in source))
        prompt = torch.full((len(chosen), 1), first, device=device)
        if width == 1:
            ids = generate(write, prompt, steps, end_id=end)[:, 1:].tolist()
        else:
            ids = [beam_search(write, prompt, width, steps, end, length_power)[0].ids]
        found |= dict(zip(chosen, ids, strict=True))
    return [tokenizer.decode(found[i], skip_special_tokens=True).strip() for i in range(len(rows))]
