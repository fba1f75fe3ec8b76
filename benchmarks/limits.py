"""The limit: useful arithmetic of a step, what the machine could do, and the share that is used."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from course_utils.machine import (
    bf16_is_native,
    matmul_peak,
    pick_device,
    product_seconds,
    training_flops,
)


@dataclass(frozen=True)
class Product:
    """`count` times in a forward pass: `batch` products of (rows, inner) with (inner, columns)."""

    name: str
    count: int
    batch: int
    rows: int
    inner: int
    columns: int

    @property
    def flops(self) -> int:
        """Floating-point operations of all of them."""
        return 2 * self.count * self.batch * self.rows * self.inner * self.columns


def products(config, batch_size: int, length: int, masked: int) -> list[Product]:
    """The matrix products of one forward pass that predicts `masked` tokens in each row.

    >>> from benchmarks.shapes import S1
    >>> sum(p.flops for p in products(S1.bert(), 32, 128, 19)) * 3 == useful_flops(
    ...     S1.bert(), 32, 128, 19)
    True
    """
    d, f, n = config.hidden_size, config.mlp_size, batch_size * length
    layers, heads = config.num_layers, config.num_heads
    up = f * (2 if config.mlp == "gated" else 1)
    pairs = layers, batch_size * heads
    m = batch_size * masked
    return [
        Product("queries, keys, values", layers, 1, n, d, 3 * d),
        Product("attention scores", *pairs, length, d // heads, length),
        Product("attention mix", *pairs, length, length, d // heads),
        Product("attention output", layers, 1, n, d, d),
        Product("MLP up", layers, 1, n, d, up),
        Product("MLP down", layers, 1, n, f, d),
        Product("head", 1, 1, m, d, d),
        Product("decoder", 1, 1, m, d, config.vocab_size),
    ]


def useful_flops(config, batch_size: int, length: int, masked: int) -> float:
    """FLOPs that one training step needs: 6·n·P_block + 12·n·layers·D·L + 6·m·P_head.

    What a contestant computes beyond that, such as logits that nobody scores, is not useful.
    """
    return training_flops(config, batch_size * length, batch_size * masked, length)


def shaped_peak(
    config, batch_size: int, length: int, masked: int, dtype: torch.dtype, seconds: float = 1.0
) -> float:
    """FLOP/s of the model's own products, each at its best of several tries: the rate of a step
    that did nothing else. `seconds` are shared out among the shapes."""
    device = pick_device()
    work = products(config, batch_size, length, masked)
    total = 0.0
    for one in work:
        a = torch.rand(one.batch, one.rows, one.inner, device=device).to(dtype)
        b = torch.rand(one.batch, one.inner, one.columns, device=device).to(dtype)
        if one.batch == 1:
            a, b = a[0], b[0]
        total += one.count * product_seconds(a, b, seconds / len(work))
    return sum(one.flops for one in work) / total


def square_peaks(size: int = 2048, seconds: float = 1.0) -> dict[str, float]:
    """FLOP/s of square products: float32, and bfloat16 where the hardware has it."""
    kinds = [torch.float32]
    if bf16_is_native(pick_device()):
        kinds.append(torch.bfloat16)
    names = [str(kind).removeprefix("torch.") for kind in kinds]
    rates = [matmul_peak(kind, size, seconds=seconds) for kind in kinds]
    return dict(zip(names, rates, strict=True))


def mfu(flops: float, step_seconds: float, peak: float) -> float:
    """Model FLOPs utilisation: the share of the peak that a step turns into useful work.

    >>> mfu(2e11, 1.0, 4e11)
    0.5
    """
    return flops / (step_seconds * peak)


def drift(*peaks: float) -> float:
    """How far apart the peaks of one machine lie: (largest - smallest) / largest.

    >>> round(drift(100.0, 96.0, 99.0), 2)
    0.04
    """
    return (max(peaks) - min(peaks)) / max(peaks)
