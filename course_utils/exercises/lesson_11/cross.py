"""Lesson 11, section 11.5: attention into another text."""

import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.model.attention import attention, merge_heads, padding_mask, split_heads


def cross_attention(
    x: Tensor, memory: Tensor, w_q: Tensor, w_kv: Tensor, num_heads: int, source_mask: Tensor
) -> Tensor:
    """What each written token finds in the source: (B, L, D), before the last matrix.

    x (B, L, D) is what has been written, memory (B, S, D) the encoder's states of the source,
    source_mask (B, S) 1 = real token.  w_q is (D, D) and w_kv (2D, D), keys first, both used as in
    nn.Linear: `x @ w.T`.  Whatever lesson 04 has built may be used: `split_heads`, `merge_heads`,
    `padding_mask`, `attention`.
    """
    q = split_heads(x @ w_q.T, num_heads)  # (B, H, L, d)
    k, v = (split_heads(part, num_heads) for part in (memory @ w_kv.T).chunk(2, dim=-1))
    return merge_heads(attention(q, k, v, padding_mask(source_mask)))


cross = coding(
    "11.7",
    title="A look into the other text",
    difficulty=3,
    minutes=8,
    given="the states of two texts, and the functions of lesson 04",
    reference=cross_attention,
    hints=[
        "Who asks, and who is asked? The one who writes asks.",
        "Queries from x, keys and values from memory; the mask hides padding of the source, as "
        "keys, just as in lesson 04.",
    ],
    why="Cross attention is attention: only the keys and values come from elsewhere. It needs no "
    "causal mask, because all of the source may be read before the first word is written.",
    then="what changes when L = 1, as in writing token by token? What could be computed once?",
)


@cross.cases
def cross_cases(draw):
    for rows, length, source, heads, width in (
        (1, 2, 2, 1, 2),
        (2, 3, draw.size(4, 6), 2, 4),
        (3, 5, 3, 3, 6),
    ):
        padding = torch.arange(rows)[:, None] % 2 + int(rows > 1)
        mask = (torch.arange(source) < source - padding).long()
        yield case(
            draw.normal(rows, length, width), draw.normal(rows, source, width),
            draw.normal(width, width), draw.normal(2 * width, width), heads, mask,
        )  # fmt: skip


@cross.oracle
def pytorchs(x, memory, w_q, w_kv, num_heads, source_mask):
    width = x.size(-1)
    theirs = torch.nn.MultiheadAttention(
        width, num_heads, bias=False, batch_first=True, dtype=x.dtype
    )
    theirs.in_proj_weight.data = torch.cat([w_q, w_kv])
    theirs.out_proj.weight.data = torch.eye(width, dtype=x.dtype)
    hidden = source_mask == 0
    return theirs(x, memory, memory, key_padding_mask=hidden, need_weights=False)[0].detach()


cross.wrong_edit(
    "looked_into_itself",
    old="(memory @ w_kv.T)",
    new="(x @ w_kv.T)",
    message="keys and values come from x: that is self-attention, the source is never read",
    section="11.5",
)
cross.wrong_edit(
    "forgot_the_mask",
    old=", padding_mask(source_mask)",
    new="",
    message="the padding of the source is read as if it were text: pass the mask on",
    section="11.5",
)
cross.wrong_edit(
    "values_first",
    old="    return merge_heads(attention(q, k, v, padding_mask(source_mask)))",
    new="    return merge_heads(attention(q, v, k, padding_mask(source_mask)))",
    message="keys and values are mixed up: the first half of w_kv makes the keys",
    section="11.5",
)
cross.wrong_edit(
    "one_head",
    old="split_heads(x @ w_q.T, num_heads)",
    new="split_heads(x @ w_q.T, num_heads) * num_heads**0.5",
    message="the scores are too large: inside `attention` they are divided by the root of the "
    "*head's* width already",
    section="11.5",
)


@cross.wrong("each head mixes all of the width: split queries, keys and values into heads", "11.5")
def without_heads(x, memory, w_q, w_kv, num_heads, source_mask):
    k, v = (memory @ w_kv.T).chunk(2, dim=-1)
    return attention(x @ w_q.T, k, v, padding_mask(source_mask)[:, 0])


@cross.wrong("the source asks and the written text answers: it must be the other way round", "11.5")
def asked_the_wrong_way(x, memory, w_q, w_kv, num_heads, source_mask):
    q = split_heads(memory @ w_q.T, num_heads)
    k, v = (split_heads(part, num_heads) for part in (x @ w_kv.T).chunk(2, dim=-1))
    return merge_heads(attention(q, k, v))


@cross.alternative
def with_einsum(x, memory, w_q, w_kv, num_heads, source_mask):
    rows, length, width = x.shape
    q = (x @ w_q.T).reshape(rows, length, num_heads, -1)
    k, v = (memory @ w_kv.T).reshape(rows, memory.size(1), 2, num_heads, -1).unbind(2)
    scores = torch.einsum("blhd,bshd->bhls", q, k) / q.size(-1) ** 0.5
    scores = scores.masked_fill(source_mask[:, None, None] == 0, -torch.inf)
    return torch.einsum("bhls,bshd->blhd", scores.softmax(-1), v).reshape(rows, length, width)


@cross.alternative
def with_the_kernel(x, memory, w_q, w_kv, num_heads, source_mask):
    w_k, w_v = w_kv.chunk(2)
    q, k, v = (split_heads(t, num_heads) for t in (x @ w_q.T, memory @ w_k.T, memory @ w_v.T))
    mask = source_mask.bool()[:, None, None]
    mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return merge_heads(mixed)
