"""One clear sentence for inputs that no model can read.

The shapes are looked at everywhere.  The ids themselves are looked at on the CPU only, since
that would make an accelerator wait; a compiled model checks nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor


def check_inputs(config, input_ids, attention_mask=None, token_type_ids=None):
    """Raise unless an encoder of this configuration can read these (B, L) tables."""
    if torch.compiler.is_compiling():
        return
    check_ids("input_ids", input_ids, config.vocab_size, "a vocabulary of")
    if input_ids.size(1) > config.max_length:
        raise ValueError(
            f"rows of {input_ids.size(1)} tokens are longer than this encoder's max_length of "
            f"{config.max_length}: truncate them"
        )
    if attention_mask is not None and not isinstance(attention_mask, Tensor):
        raise TypeError(f"attention_mask must be a tensor, not {type(attention_mask).__name__}")
    if attention_mask is not None and attention_mask.shape != input_ids.shape:
        raise ValueError(
            f"attention_mask is {tuple(attention_mask.shape)}, but input_ids are "
            f"{tuple(input_ids.shape)}: both must be (B, L)"
        )
    if token_type_ids is not None and config.type_vocab_size:
        check_ids("token_type_ids", token_type_ids, config.type_vocab_size, "a number of types of")
        if token_type_ids.shape != input_ids.shape:
            raise ValueError(
                f"token_type_ids are {tuple(token_type_ids.shape)}, but input_ids are "
                f"{tuple(input_ids.shape)}: both must be (B, L)"
            )


def check_ids(name: str, ids: Tensor, limit: int, what: str) -> None:
    """Whole numbers of shape (B, L), at least one of them, each in [0, limit)."""
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int64, torch.int32):
        kind = ids.dtype if isinstance(ids, Tensor) else type(ids).__name__
        raise TypeError(f"{name} must be a tensor of whole numbers (torch.int64), not {kind}")
    if ids.dim() != 2 or ids.numel() == 0:
        raise ValueError(f"{name} must be a non-empty (B, L) table, not {tuple(ids.shape)}")
    if ids.device.type == "cpu":
        low, high = int(ids.min()), int(ids.max())
        if low < 0 or high >= limit:
            worst = low if low < 0 else high
            raise ValueError(f"{name} contain {worst}, which is outside {what} {limit}")
