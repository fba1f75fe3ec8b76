"""Attention, one function at a time.

Vaswani et al. (2017), "Attention Is All You Need", section 3.2; rotary positions from
Su et al. (2021), "RoFormer", section 3.4.2.  Axis letters: B batch, L length, D width,
H heads, d = D / H the width of one head.  A mask is boolean, and True means *may look*.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.machine import trains_on_plain_products


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    """How well each query matches each key: q·k / √d  (2017 paper, section 3.2.1).

    q is (..., Lq, d) and k is (..., Lk, d); the scores are (..., Lq, Lk).  Without the
    division they would grow like √d, and the softmax after them would saturate.

    >>> q = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    >>> k = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    >>> attention_scores(q, k)
    tensor([[1., 0.]])
    """
    if not isinstance(q, Tensor) or not isinstance(k, Tensor):
        raise TypeError("queries and keys must be tensors")
    if q.size(-1) != k.size(-1):
        raise ValueError(
            f"queries are {q.size(-1)} wide and keys {k.size(-1)}: a dot product needs equal widths"
        )
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))  # (..., Lq, Lk)


def padding_mask(attention_mask: Tensor) -> Tensor:
    """Turn a tokenizer's (B, L) mask, 1 = real token, into a (B, 1, 1, L) boolean mask.

    The two axes of length one broadcast over heads and queries: padding is hidden as a *key*.

    >>> padding_mask(torch.tensor([[1, 1, 0]]))
    tensor([[[[ True,  True, False]]]])
    """
    if not isinstance(attention_mask, Tensor):
        raise TypeError(f"an attention mask is a tensor, not {type(attention_mask).__name__}")
    if attention_mask.dim() != 2:
        raise ValueError(f"an attention mask is (B, L), not {tuple(attention_mask.shape)}")
    return attention_mask.bool()[:, None, None, :]  # (B, 1, 1, L)


def causal_mask(length: int, device: torch.device | str | None = None) -> Tensor:
    """An (L, L) boolean mask that lets position i look at positions 0 … i.

    >>> causal_mask(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    if length < 1:
        raise ValueError(f"the length must be at least 1, not {length}")
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def window_mask(length: int, window: int, device: torch.device | str | None = None) -> Tensor:
    """An (L, L) boolean mask that lets each position look `window` places to either side.

    Beltagy et al. (2020), "Longformer", section 3.1.

    >>> window_mask(4, 1).int()
    tensor([[1, 1, 0, 0],
            [1, 1, 1, 0],
            [0, 1, 1, 1],
            [0, 0, 1, 1]], dtype=torch.int32)
    """
    if length < 1 or window < 0:
        raise ValueError(f"a length of {length} ≥ 1 and a window of {window} ≥ 0 are needed")
    place = torch.arange(length, device=device)
    return (place[:, None] - place).abs() <= window  # (L, L)


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax over the last axis (the keys), with forbidden keys at exactly zero.

    The mask goes in *before* the softmax, as −∞, so that the allowed weights still add up
    to one.  A query that may look nowhere gets a row of zeros, as in PyTorch's own kernel.

    >>> masked_softmax(torch.zeros(1, 3), torch.tensor([True, True, False]))
    tensor([[0.5000, 0.5000, 0.0000]])
    """
    if mask is None:
        return scores.softmax(-1)
    if mask.dtype != torch.bool:
        raise TypeError(f"a mask must be boolean (True = may look), not {mask.dtype}")
    try:
        hidden = ~mask.broadcast_to(scores.shape)
    except RuntimeError:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} does not fit scores of shape "
            f"{tuple(scores.shape)} (..., Lq, Lk)"
        ) from None
    weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    return weights.masked_fill(hidden, 0.0)  # only changes rows that were hidden altogether


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(q kᵀ / √d) v: for each query, an average of the values weighted by the match.

    q (..., Lq, d), k (..., Lk, d) and v (..., Lk, dv) give (..., Lq, dv).

    >>> k = torch.tensor([[10.0, 0.0], [0.0, 10.0]])
    >>> attention(k[:1], k, torch.tensor([[1.0], [3.0]]))
    tensor([[1.]])
    """
    if v.size(-2) != k.size(-2):
        raise ValueError(f"there are {k.size(-2)} keys but {v.size(-2)} values: each key has one")
    return masked_softmax(attention_scores(q, k), mask) @ v  # (..., Lq, dv)


def _fast_attention(
    q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0
) -> Tensor:
    """The numbers of `attention`, by the way that is fastest here; shapes as there.

    That is PyTorch's fused kernel, except where `machine.trains_on_plain_products`: there the
    kernel's backward pass is slow, and plain products win, with the division moved from the
    Lq × Lk scores to the smaller queries. With `dropout_p` it is always the kernel.

    >>> q = torch.randn(2, 3, 8, requires_grad=True)
    >>> torch.allclose(_fast_attention(q, q, q), attention(q, q, q), atol=1e-6)
    True
    """
    plain = q.requires_grad and trains_on_plain_products(q.device, k.size(-2))
    if dropout_p or not plain:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, dropout_p=dropout_p)
    scores = (q / math.sqrt(q.size(-1))) @ k.transpose(-2, -1)  # (..., Lq, Lk)
    if attn_mask is None or torch.compiler.is_compiling() or not attn_mask.any(-1).all():
        return masked_softmax(scores, attn_mask) @ v  # (..., Lq, dv)
    # Every query may look somewhere: no row of zeros is needed, and one addition hides the rest.
    barrier = torch.zeros_like(attn_mask, dtype=scores.dtype).masked_fill_(~attn_mask, -torch.inf)
    return (scores + barrier).softmax(-1) @ v


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Cut the width into heads: (B, L, D) → (B, H, L, D/H).

    >>> split_heads(torch.arange(4.0).reshape(1, 1, 4), 2)
    tensor([[[[0., 1.]],
    <BLANKLINE>
             [[2., 3.]]]])
    """
    if num_heads < 1 or x.size(-1) % num_heads:
        raise ValueError(f"a width of {x.size(-1)} cannot be cut into {num_heads} equal heads")
    return x.unflatten(-1, (num_heads, -1)).transpose(-3, -2)  # (B, H, L, d)


def merge_heads(x: Tensor) -> Tensor:
    """Put the heads back side by side: (B, H, L, d) → (B, L, H·d).

    >>> x = torch.randn(2, 5, 12)
    >>> torch.equal(merge_heads(split_heads(x, 3)), x)
    True
    """
    if x.dim() < 3:
        raise ValueError(f"heads are (B, H, L, d), not {tuple(x.shape)}")
    return x.transpose(-3, -2).flatten(-2)  # (B, L, D)


def rotary_table(length: int, head_dim: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles of rotary positions, both (L, d) (RoFormer, 3.4.2).

    Number i of the first half and number i of the second half form a pair that turns by
    base^(−2i/d) radians for every position.

    >>> cos, sin = rotary_table(2, 4)
    >>> cos[0], sin[1, :2]                          # no turn at position 0; 1 and 0.01 at 1
    (tensor([1., 1., 1., 1.]), tensor([0.8415, 0.0100]))
    """
    if head_dim % 2:
        raise ValueError(f"rotary positions turn pairs of numbers: head width {head_dim} is odd")
    frequencies = base ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), frequencies)  # (L, d/2)
    angles = torch.cat([angles, angles], dim=-1)  # (L, d)
    return angles.cos(), angles.sin()


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn every pair (xᵢ, xᵢ₊d/₂) of queries or keys x (..., L, d) by its position's angle.

    Values are never turned.  Afterwards q·k depends on positions only through their distance.

    >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.0]])                    # two positions, d = 2
    >>> apply_rotary(x, *rotary_table(2, 2))
    tensor([[1.0000, 0.0000],
            [0.5403, 0.8415]])
    """
    if not x.shape[-2:] == cos.shape == sin.shape:
        raise ValueError(
            f"cosines {tuple(cos.shape)} and sines {tuple(sin.shape)} must be (L, d), as x is "
            f"{tuple(x.shape)}"
        )
    half = x.size(-1) // 2
    signed = torch.cat([-sin[..., :half], sin[..., half:]], dim=-1).to(x.dtype)  # (L, d)
    return x * cos.to(x.dtype) + x.roll(half, dims=-1) * signed


class MultiHeadAttention(nn.Module):
    """Self-attention with H heads (2017 paper, section 3.2.2).

    One matrix makes queries, keys and values together: one large product is faster than
    three small ones.  Maps (B, L, D) to (B, L, D).
    """

    def __init__(self, hidden_size: int, num_heads: int, bias: bool = True, dropout: float = 0.0):
        super().__init__()
        if num_heads < 1 or hidden_size % num_heads:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of {num_heads} heads")
        self.num_heads, self.dropout = num_heads, dropout
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size, bias=bias)
        self.out = nn.Linear(hidden_size, hidden_size, bias=bias)

    def project(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None) -> tuple[Tensor, ...]:
        """Queries, keys and values of x (B, L, D), each (B, H, L, d)."""
        q, k, v = (part for part in self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(2))
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, H, L, d)
        if rotary is not None:
            q, k = apply_rotary(q, *rotary), apply_rotary(k, *rotary)
        return q, k, v

    def forward(
        self, x: Tensor, mask: Tensor | None = None, rotary: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """The same numbers as `attention`, by the way that is fastest here."""
        q, k, v = self.project(x, rotary)
        dropout = self.dropout if self.training else 0.0
        mixed = _fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.out(merge_heads(mixed))

    def weights(
        self, x: Tensor, mask: Tensor | None = None, rotary: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """The attention weights (B, H, L, L), which the fused kernel never writes down."""
        q, k, _ = self.project(x, rotary)
        return masked_softmax(attention_scores(q, k), mask)
