"""Change the text, train on, look again: experiments on what a model owes to its text."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.text import masking
from course_utils.training.loop import TrainConfig, train
from course_utils.training.pretraining import batches, mlm_loss


def continued(
    model: nn.Module, tokenizer, rows: Tensor, lr: float = 1e-3, batch_size: int = 32, seed: int = 0
) -> nn.Module:
    """A copy of the model that has read the rows (N, L) once more or for the first time.

    One epoch of masked-language-model training with AdamW, 30 % of the tokens hidden; the last,
    short batch is dropped. `seed` decides order and masks. The model itself stays as it
    was. Raises ValueError when the rows do not fill one batch.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> from course_utils.model.heads import MaskedLanguageModel
    >>> from course_utils.text.toy_language import ToyLanguage
    >>> language = ToyLanguage()
    >>> rows = language.sample(8, 12, torch.Generator().manual_seed(0))
    >>> model = MaskedLanguageModel(EncoderConfig.modern(64, hidden_size=16, num_layers=1))
    >>> after = continued(model, language, rows, batch_size=4)
    >>> after is model, after.decoder.weight.equal(model.decoder.weight)
    (False, False)
    """
    if rows.dim() != 2 or len(rows) < batch_size:
        raise ValueError(
            f"rows must be (N, L) with at least one batch of {batch_size}, not {tuple(rows.shape)}."
        )
    noise = masking.Corruption(
        tokenizer.mask_token_id, len(tokenizer), tuple(sorted(tokenizer.all_special_ids)), rate=0.3
    )
    steps = len(rows) // batch_size
    config = TrainConfig(steps, lr=lr, warmup=min(3, steps), optimizer="adamw", seed=seed)
    model = copy.deepcopy(model)
    train(model, batches(rows, batch_size, noise, seed), mlm_loss, config, progress=False)
    return model


def plant(rows: Tensor, secrets: Sequence[Tensor], counts: Sequence[int], seed: int = 0) -> Tensor:
    """The rows (N, L) with each secret, int64 (S,), written over the end of `counts` of them.

    No row gets two; the last token of a row, [SEP], stays. `seed` decides which rows. Raises
    ValueError for lists of different lengths, more secrets than rows, or one that is too long.

    >>> rows = torch.zeros(3, 4, dtype=torch.int64)
    >>> plant(rows, [torch.tensor([7, 8])], [2])
    tensor([[0, 7, 8, 0],
            [0, 0, 0, 0],
            [0, 7, 8, 0]])
    """
    if len(secrets) != len(counts):
        raise ValueError(f"There are {len(secrets)} secrets but {len(counts)} counts.")
    if sum(counts) > len(rows) or any(len(secret) > rows.size(1) - 2 for secret in secrets):
        raise ValueError(
            f"{sum(counts)} secrets do not fit into {len(rows)} rows of {rows.size(1)} tokens."
        )
    places = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    planted, start = rows.clone(), 0
    for secret, count in zip(secrets, counts, strict=True):
        chosen = places[start : start + count]
        planted[chosen, -1 - len(secret) : -1] = secret
        start += count
    return planted
