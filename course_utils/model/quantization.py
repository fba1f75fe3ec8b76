"""Fewer bits: a weight matrix as whole numbers and one scale a row, written out.

Symmetric and rounded to nearest, as in Jacob et al. (2018, "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", section 2.1) with a zero point of zero.
Each row has a scale of its own, since one long row must not make all others coarse (Krishnamoorthi
2018, "Quantizing deep convolutional networks for efficient inference").
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_BITS, MOST_BITS = 2, 8


def quantize_rows(weight: Tensor, bits: int = 8) -> tuple[Tensor, Tensor]:
    """Round each row of `weight` (rows, columns) to whole numbers: (codes int8, scales float32).

    The largest absolute value of a row becomes 2^(bits-1) - 1, which is 127 for 8 bits, and
    `codes * scales[:, None]` is what is left of the row. The error of a weight is at most half a
    scale. A row of zeros gets the scale 1. Codes of fewer bits are kept in int8, too.

    Raises:
        TypeError: `weight` is no floating-point tensor, or `bits` no whole number.
        ValueError: it is no matrix, holds a number that is not finite, or bits are not 2 … 8.

    >>> codes, scales = quantize_rows(torch.tensor([[1.0, -0.5, 0.25], [0.0, 0.0, 0.0]]))
    >>> codes.tolist(), round(1 / scales[0].item()), scales[1].item()
    ([[127, -64, 32], [0, 0, 0]], 127, 1.0)
    """
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        raise TypeError("weight must be a floating-point tensor.")
    if not isinstance(bits, int) or isinstance(bits, bool):
        raise TypeError(f"bits must be a whole number, not {bits!r}.")
    if weight.dim() != 2 or weight.numel() == 0:
        raise ValueError(f"weight must be a matrix (rows, columns), not {tuple(weight.shape)}.")
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise ValueError(f"bits must lie between {LEAST_BITS} and {MOST_BITS}, not {bits}.")
    weight = weight.detach().float()
    largest = weight.abs().amax(dim=1)  # (rows,)
    if not torch.isfinite(largest).all():
        raise ValueError("weight holds a number that is not finite.")
    top = 2 ** (bits - 1) - 1
    scales = torch.where(largest > 0, largest / top, torch.ones_like(largest))
    codes = (weight / scales[:, None]).round().clamp(-top, top)
    return codes.to(torch.int8), scales


class QuantizedLinear(nn.Module):
    """A linear layer that keeps its weights in `bits` bits and computes in the dtype of its input.

    It saves memory and not time: the weights are made long again for each product. For speed a
    kernel is needed that multiplies the whole numbers themselves.

    >>> layer = nn.Linear(64, 32)
    >>> quantized, x = QuantizedLinear(layer), torch.randn(5, 64)
    >>> bool((quantized(x) - layer(x)).abs().max() < 0.05)
    True
    """

    def __init__(self, layer: nn.Linear, bits: int = 8):
        super().__init__()
        if not isinstance(layer, nn.Linear):
            raise TypeError(f"layer must be a torch.nn.Linear, not {type(layer).__name__}.")
        _keep(self, layer, bits)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, (self.codes * self.scales[:, None]).to(x.dtype), self.bias)


class QuantizedEmbedding(nn.Module):
    """A table of vectors in `bits` bits, with one scale for each token: (...) → (..., D) float32.

    >>> table, ids = nn.Embedding(9, 64), torch.tensor([[3, 1]])
    >>> bool((QuantizedEmbedding(table)(ids) - table(ids)).abs().max() < 0.05)
    True
    """

    def __init__(self, table: nn.Embedding, bits: int = 8):
        super().__init__()
        if not isinstance(table, nn.Embedding):
            raise TypeError(f"table must be a torch.nn.Embedding, not {type(table).__name__}.")
        _keep(self, table, bits)

    @property
    def weight(self) -> Tensor:
        """All vectors, made long again; learned positions are read from here."""
        return self.codes * self.scales[:, None]

    def forward(self, ids: Tensor) -> Tensor:
        return self.codes[ids] * self.scales[ids].unsqueeze(-1)


SMALLER = {nn.Linear: QuantizedLinear, nn.Embedding: QuantizedEmbedding}


def quantize_model(model: nn.Module, bits: int = 8) -> nn.Module:
    """A copy of `model`, for use and not for training, with its matrices in few bits.

    Linear layers and tables of vectors are replaced; norms and biases stay as they are. A matrix
    that two layers share, as a masked language model's table, is shared afterwards, too. Errors
    as in `quantize_rows`, and ValueError when the model has no such layer.

    >>> model = nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 16), nn.Linear(16, 4))
    >>> weight_bytes(model), weight_bytes(quantize_model(model))
    (1936, 660)
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}.")
    model = copy.deepcopy(model).eval()
    layers = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) in SMALLER
    ]
    if not layers:
        raise ValueError("The model has no linear layer and no table of vectors to quantise.")
    first: dict[int, nn.Module] = {}
    for parent, name, layer in layers:
        small = SMALLER[type(layer)](layer, bits)
        twin = first.setdefault(layer.weight.data_ptr(), small)
        small.codes, small.scales = twin.codes, twin.scales
        setattr(parent, name, small)
    return model


def weight_bytes(model: nn.Module) -> int:
    """Bytes of a model's weights and buffers as they would be stored; `bits` bits for a code.

    >>> weight_bytes(nn.Linear(10, 5))
    220
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}.")
    tensors = {t.data_ptr(): t for t in (*model.parameters(), *model.buffers())}
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    small = (m for m in model.modules() if isinstance(m, QuantizedLinear | QuantizedEmbedding))
    codes = {m.codes.data_ptr(): m.codes.numel() * (8 - m.bits) for m in small}
    return total - sum(codes.values()) // 8


def _keep(module: nn.Module, layer: nn.Linear | nn.Embedding, bits: int) -> None:
    codes, scales = quantize_rows(layer.weight, bits)
    module.bits = bits
    module.register_buffer("codes", codes)  # (rows, columns)
    module.register_buffer("scales", scales)  # (rows,)
