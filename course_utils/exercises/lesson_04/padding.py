"""Lesson 04, section 4.4: a silent bug in a padding mask."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def padded_attention(q: Tensor, k: Tensor, v: Tensor, attention_mask: Tensor) -> Tensor:
    """Attention over a padded batch; what stands at the padded places themselves is not used.

    q, k and v are (B, H, L, d); attention_mask is (B, L), 1 for a token and 0 for padding.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))  # (B, H, L, L)
    padding = (attention_mask == 0)[:, None, None, :]
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) @ v


def padded_attention_with_a_bug(q: Tensor, k: Tensor, v: Tensor, attention_mask: Tensor) -> Tensor:
    """Attention over a padded batch; what stands at the padded places themselves is not used.

    q, k and v are (B, H, L, d); attention_mask is (B, L), 1 for a token and 0 for padding.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))  # (B, H, L, L)
    padding = (attention_mask == 0)[:, None, :, None]
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) @ v


padded = coding(
    "04.7",
    title="The padding that talks",
    difficulty=3,
    minutes=6,
    given="a function that runs, gives the right shape, no nan, and is wrong: real tokens change "
    "with what stands in the padding",
    reference=padded_attention,
    buggy=padded_attention_with_a_bug,
    hints=[
        "Change a padded key and see which outputs move. Should any?",
        "The scores are (B, H, L of the queries, L of the keys). Along which L does `padding` lie?",
        "Padding must be hidden as a key: its L belongs on the last axis.",
    ],
    why="A padded *query* does no harm, since nobody reads its output; a padded *key* does, since "
    "every real query reads it. `[:, None, None, :]` puts the mask along the keys.",
    then="how would a unit test have found this? Change the padding and compare.",
)


@padded.cases
def padded_cases(draw):
    for batch, heads, length, width in ((1, 1, 3, 2), (3, 2, draw.size(5, 9), 4)):
        q, k, v = (draw.normal(batch, heads, length, width) for _ in range(3))
        real = torch.arange(1, batch + 1) if batch > 1 else torch.tensor([2])
        yield case(q, k, v, (torch.arange(length) < real[:, None]).long())


@padded.observe
def real_tokens_only(padded_attention, q, k, v, attention_mask):
    padding = attention_mask[:, None, :, None] == 0
    return torch.as_tensor(padded_attention(q, k, v, attention_mask)).masked_fill(padding, 0.0)


@padded.oracle
def fused_attention(q, k, v, attention_mask):
    mask = attention_mask.bool()[:, None, None, :]
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return torch.where(attention_mask.bool()[:, None, :, None], out, 0.0)


padded.wrong_edit(
    "hid_the_real_tokens",
    old="(attention_mask == 0)[:, None, None, :]",
    new="(attention_mask == 1)[:, None, None, :]",
    message="now the real keys are hidden and the padding is read: 0 is what marks padding",
    section="4.4",
)
padded.wrong_edit(
    "zero_for_minus_infinity",
    old="torch.finfo(scores.dtype).min",
    new="0.0",
    message="right axis, but a score of 0 is no wall: exp(0) = 1",
    section="4.4",
)
padded.wrong_edit(
    "softmax_over_the_queries",
    old="scores.softmax(-1)",
    new="scores.softmax(-2)",
    message="right axis for the mask, but the softmax now runs over the queries",
    section="4.2",
)
padded.wrong_edit(
    "forgot_the_minus",
    old="torch.finfo(scores.dtype).min",
    new="torch.finfo(scores.dtype).max",
    message="right axis, but the largest number gives the padding everything: `min`, or −∞",
    section="4.4",
)
padded.wrong_edit(
    "batch_in_the_wrong_place",
    old="[:, None, None, :]",
    new="[None, None, :, :]",
    message="right for one text only: the batch belongs on the first axis, [:, None, None, :]",
    section="4.4",
)
padded.wrong_edit(
    "mended_the_scale",
    old="math.sqrt(q.size(-1))",
    new="q.size(-1)",
    message="the mask is right now, but the scale, which was right before, is not",
    section="4.3",
)


@padded.wrong("a key of zeros scores 0, and exp(0) = 1: it takes its share; hide the score", "4.4")
def zeroed_keys_and_values(q, k, v, attention_mask):
    real = attention_mask[:, None, :, None]
    return (q @ (k * real).transpose(-2, -1) / math.sqrt(q.size(-1))).softmax(-1) @ (v * real)


@padded.wrong(
    "0 marks padding, and the key's axis is the last: both are the other way round", "4.4"
)
def inverted_on_the_wrong_axis(q, k, v, attention_mask):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return scores.masked_fill((attention_mask == 1)[:, None, :, None], -1e30).softmax(-1) @ v


@padded.wrong("the padding says nothing now, yet it still takes its share of the weight", "4.4")
def silenced_the_values(q, k, v, attention_mask):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return scores.softmax(-1) @ (v * attention_mask[:, None, :, None])


@padded.alternative
def with_the_fused_kernel(q, k, v, attention_mask):
    mask = attention_mask.bool()[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@padded.alternative
def queries_and_keys_hidden(q, k, v, attention_mask):
    real = attention_mask.bool()
    pairs = (real[:, :, None] & real[:, None, :])[:, None]
    scores = torch.einsum("bhid,bhjd->bhij", q, k) / q.size(-1) ** 0.5
    return scores.masked_fill(~pairs, -1e30).softmax(-1) @ v


@padded.alternative
def nan_at_the_padded_places(q, k, v, attention_mask):
    real = attention_mask.bool()
    pairs = (real[:, :, None] & real[:, None, :])[:, None]
    scores = q @ k.mT / math.sqrt(q.size(-1))
    return scores.masked_fill(~pairs, -torch.inf).softmax(-1) @ v


@padded.alternative
def without_the_padding(q, k, v, attention_mask):
    out = torch.zeros_like(v)
    for row, length in enumerate(attention_mask.sum(1).tolist()):
        real = (part[row, :, :length] for part in (q, k, v))
        out[row, :, :length] = F.scaled_dot_product_attention(*real)
    return out
