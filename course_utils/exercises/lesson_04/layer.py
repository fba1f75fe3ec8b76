"""Lesson 04, section 4.5: multi-head attention as a layer."""

import math

import torch
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.model import attention

multi_head = coding(
    "04.9",
    title="Multi-head attention, whole",
    difficulty=5,
    minutes=20,
    given="the two linear layers; `apply_rotary`, `merge_heads`, F.scaled_dot_product_attention; a "
    "boolean mask that broadcasts to (B, H, L, L), or none; leave `dropout` to lesson 05",
    reference=attention.MultiHeadAttention,
    keep=("__init__", "weights"),
    hints=[
        "`self.qkv(x)` is (B, L, 3D): queries, keys and values side by side, each of them H heads "
        "side by side.",
        "`unflatten(-1, (3, H, -1))` gives (B, L, 3, H, d); `unbind(2)` takes the three apart; "
        "then L and H change places.",
        "Turn q and k, but not v, with `apply_rotary(q, *rotary)` when there is a table. Then the "
        "fused kernel, `merge_heads`, and `self.out`.",
    ],
    why="Heads are only a way of cutting the width: one product makes all queries, keys and "
    "values, the kernel treats heads like a batch, and one product mixes what they found.",
    then="count its parameters: do they depend on the number of heads?",
)


@multi_head.cases
def layer_cases(draw):
    for batch, length, heads, width in ((1, 3, 1, 4), (3, draw.size(4, 8), 2, 12), (2, 5, 3, 18)):
        x = draw.normal(batch, length, width)
        weights = draw.normal(3 * width, width) / 2, draw.normal(width, width) / 2
        yield case(x, *weights, heads)
        mask = draw.mask(batch, 1, 1, length)
        mask[..., 0], mask[..., -1] = True, False
        angles = draw.uniform(length, width // heads // 2).repeat(1, 2)
        yield case(x, *weights, heads, mask, (angles.cos(), angles.sin()))


@multi_head.observe
def mixed(MultiHeadAttention, x, qkv, out, num_heads, mask=None, rotary=None):
    layer = MultiHeadAttention(x.size(-1), num_heads, False, 0.5).to(x.dtype).eval()
    layer.load_state_dict({"qkv.weight": qkv, "out.weight": out})
    return layer(x, mask, rotary)


@multi_head.oracle
def module_of_pytorch(x, qkv, out, num_heads, mask=None, rotary=None):
    """torch.nn.MultiheadAttention; it knows no turns, so those are done with complex numbers."""
    if rotary is None:
        layer = nn.MultiheadAttention(x.size(-1), num_heads, bias=False, batch_first=True)
        layer = layer.to(x.dtype).eval()
        layer.load_state_dict({"in_proj_weight": qkv, "out_proj.weight": out})
        hidden = None if mask is None else ~mask[:, 0, 0]
        return layer(x, x, x, key_padding_mask=hidden, need_weights=False)[0].detach()
    q, k, v = (torch.stack((x @ part.mT).chunk(num_heads, -1), 1) for part in qkv.chunk(3))
    half = q.size(-1) // 2
    turn = torch.complex(*(table[:, :half].to(x.dtype) for table in rotary))
    q, k = (torch.complex(*part.split(half, -1)) * turn for part in (q, k))
    scores = (q @ k.mH).real / math.sqrt(2 * half)  # the real part is the dot product
    weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    return torch.cat((weights @ v).unbind(1), -1) @ out.mT


WRONG_EDITS = [  # name, what stands in the reference, what stands in its place, message, section
    (
        "forgot_the_last_matrix",
        "self.out(merge_heads(mixed))",
        "merge_heads(mixed)",
        "what the heads found is never mixed: the last matrix, `self.out`, is missing",
        "4.5",
    ),
    (
        "merged_without_swapping",
        "merge_heads(mixed)",
        "mixed.reshape(x.shape)",
        "a reshape alone mixes tokens: L and H have to change places first (`merge_heads`)",
        "4.5",
    ),
    (
        "mixed_each_head_alone",
        "self.out(merge_heads(mixed))",
        "merge_heads(self.out(mixed))",
        "`self.out` mixes what the heads found, so they have to be merged before it",
        "4.5",
    ),
    (
        "added_the_input",
        "self.out(merge_heads(mixed))",
        "x + self.out(merge_heads(mixed))",
        "the input is added around the layer, by the block of lesson 05, not inside it",
        "4.5",
    ),
    ("ignored_the_mask", "attn_mask=mask, ", "", "the mask is never used", "4.4"),
    (
        "inverted_the_mask",
        "attn_mask=mask",
        "attn_mask=None if mask is None else ~mask",
        "the mask is the wrong way round: True means may look, in PyTorch's kernel as well",
        "4.4",
    ),
    (
        "added_the_mask_as_numbers",
        "_fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)",
        "F.scaled_dot_product_attention(q, k, v, None if mask is None else mask.to(q.dtype))",
        "a mask of numbers is *added* to the scores, so 1 and 0 hide nothing: keep it boolean",
        "4.4",
    ),
    (
        "could_not_see_ahead",
        "_fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)",
        "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
        "`is_causal` hides the future; here every token sees both ways, and `mask` hides padding",
        "4.4",
    ),
    (
        "forgot_the_scale",
        "_fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)",
        "F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)",
        "the scores grow with the width of a head: divide by √d (the kernel does so by itself)",
        "4.3",
    ),
    (
        "scaled_by_the_whole_width",
        "_fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)",
        "F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=x.size(-1) ** -0.5)",
        "you divide by √D; what adds up in a score is the width of one head, D/H",
        "4.3",
    ),
    (
        "dropped_out_while_testing",
        "dropout if self.training else 0.0",
        "dropout",
        "dropout is for training only: in `eval` mode nothing is dropped",
        "5.6",
    ),
    (
        "queries_and_keys_exchanged",
        "attention(q, k, v, ",
        "attention(k, q, v, ",
        "queries and keys have changed places: q comes first, then k, then v",
        "4.5",
    ),
    (
        "heads_before_parts",
        "(3, self.num_heads, -1)).unbind(2)",
        "(self.num_heads, 3, -1)).unbind(3)",
        "the 3D numbers are first cut into q, k, v, and each of those into heads",
        "4.5",
    ),
    (
        "dealt_like_cards",
        "(3, self.num_heads, -1)).unbind(2)",
        "(3, -1, self.num_heads)).mT.unbind(2)",
        "head h took every H-th number; it should take a slice of neighbours",
        "4.5",
    ),
    (
        "cut_without_swapping",
        "q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)",
        "(part.reshape(len(x), self.num_heads, x.size(1), -1) for part in (q, k, v))",
        "a reshape alone mixes tokens: cut the width, then swap L and H",
        "4.5",
    ),
    (
        "turned_the_values",
        "q, k = apply_rotary(q, *rotary), apply_rotary(k, *rotary)",
        "q, k, v = (apply_rotary(part, *rotary) for part in (q, k, v))",
        "values carry what is said, not where: only queries and keys are turned",
        "4.6",
    ),
    (
        "turned_the_queries_only",
        ", apply_rotary(k, *rotary)",
        ", k",
        "keys have positions too: turn both, or distances come out wrong",
        "4.6",
    ),
    (
        "turned_the_keys_only",
        "apply_rotary(q, *rotary), ",
        "q, ",
        "queries have positions too: turn both, or distances come out wrong",
        "4.6",
    ),
    (
        "forgot_the_positions",
        "if rotary is not None:",
        "if False:",
        "the rotary tables are never used: your layer cannot tell the order of words",
        "4.6",
    ),
    (
        "always_turned",
        "if rotary is not None:",
        "if True:",
        "there may be no tables: when `rotary` is None nothing is turned",
        "4.6",
    ),
    (
        "sine_and_cosine_exchanged",
        "q, k = apply_rotary(q, *rotary), apply_rotary(k, *rotary)",
        "q, k = apply_rotary(q, *rotary[::-1]), apply_rotary(k, *rotary[::-1])",
        "sine and cosine have changed places: `rotary` is (cos, sin)",
        "4.6",
    ),
]
for name, old, new, message, section in WRONG_EDITS:
    multi_head.wrong_edit(name, old, new, message, section)


class ByHand(attention.MultiHeadAttention):
    """The layer without the fused kernel, for the mistakes that are only made by hand."""

    def forward(self, x, mask=None, rotary=None):
        q, k, v = self.project(x, rotary)
        weights = self.hidden(q @ k.mT / math.sqrt(q.size(-1)), mask)
        return self.out(attention.merge_heads(weights @ v))


@multi_head.wrong("the mask comes after the softmax: hidden keys still take their share", "4.4")
class MaskAfterTheSoftmax(ByHand):
    def hidden(self, scores, mask):
        return scores.softmax(-1) * (1 if mask is None else mask)


@multi_head.wrong("a score of 0 is a score like any other: hide a key with −∞", "4.4")
class ZeroForMinusInfinity(ByHand):
    def hidden(self, scores, mask):
        return (scores * (1 if mask is None else mask)).softmax(-1)


@multi_head.wrong(
    "the softmax runs over the queries; it should over the keys, the last axis", "4.2"
)
class SoftmaxOverTheQueries(ByHand):
    def hidden(self, scores, mask):
        return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-2)


@multi_head.alternative
class ThreeProducts(attention.MultiHeadAttention):
    def forward(self, x, mask=None, rotary=None):
        q, k, v = (x @ part.mT for part in self.qkv.weight.chunk(3))
        q, k, v = (attention.split_heads(part, self.num_heads) for part in (q, k, v))
        if rotary is not None:
            q, k = (attention.apply_rotary(part, *rotary) for part in (q, k))
        return self.out(attention.merge_heads(attention.attention(q, k, v, mask)))


@multi_head.alternative
class HeadByHead(nn.Module):
    def __init__(self, hidden_size, num_heads, bias=True, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size, bias=bias)
        self.out = nn.Linear(hidden_size, hidden_size, bias=bias)

    def forward(self, x, mask=None, rotary=None):
        pieces = [part.chunk(self.num_heads, -1) for part in self.qkv(x).chunk(3, -1)]
        found = []
        for q, k, v in zip(*pieces, strict=True):
            if rotary is not None:
                q, k = (attention.apply_rotary(part, *rotary) for part in (q, k))
            seen = None if mask is None else mask.squeeze(1)
            found.append(attention.attention(q, k, v, seen))
        return self.out(torch.cat(found, -1))
