"""Lesson 04, section 4.5: several heads."""

import torch
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.model import attention

split = coding(
    "04.8",
    title="Cut the width into heads",
    difficulty=2,
    minutes=5,
    given="a batch x (B, L, D) and a number of heads H that divides D",
    reference=attention.split_heads,
    task="""Cut the width into heads: (B, L, D) → (B, H, L, D/H).

    Head h is the h-th slice of the width: for D = 6 and H = 2, head 0 holds the numbers 0, 1, 2
    of every token and head 1 holds 3, 4, 5.
    """,
    hints=[
        "Two steps: the width becomes two axes (which comes first, H or D/H?), then axes swap.",
        "(B, L, D) → (B, L, H, D/H) by `reshape`, → (B, H, L, D/H) by `transpose(1, 2)`.",
    ],
    why="A reshape never moves a number in memory order, so it can cut the last axis but not carry "
    "H past L; that takes a transpose.",
    then="write the way back; (B, H, L, d) → (B, L, D).",
)


@split.cases
def split_cases(draw):
    yield case(torch.arange(12.0).to(draw.dtype).reshape(1, 2, 6) + draw.size(0, 9), 2)
    heads = draw.size(2, 4)
    yield case(draw.normal(3, 5, 5 * heads), heads)
    yield case(draw.normal(2, 12, 7).transpose(1, 2), 4)  # not contiguous: (2, 7, 12)
    yield case(draw.normal(2, 3, 5), 1)


@split.oracle
def slices(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=-1), dim=1)


@split.wrong("a reshape alone mixes tokens: cut the last axis, then swap two axes", "4.5")
def reshaped_only(x, num_heads):
    return x.reshape(x.size(0), num_heads, x.size(1), -1)


@split.wrong("the heads stand behind the length: (B, L, H, d); swap the two axes", "4.5")
def forgot_to_swap(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, -1)


@split.wrong("head h took every H-th number; it should take a slice of neighbours", "4.5")
def dealt_like_cards(x, num_heads):
    return x.reshape(*x.shape[:2], -1, num_heads).permute(0, 3, 1, 2)


@split.wrong("H and d have changed places: this is (B, d, L, H)", "4.5")
def heads_last(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, -1).transpose(1, 3)


@split.wrong("you cut the length; every head sees all tokens, through a part of the width", "4.5")
def cut_the_length(x, num_heads):
    return torch.stack(x.tensor_split(num_heads, dim=1)[:1] * num_heads, dim=1)


@split.alternative
def reshape_and_permute(x, num_heads):
    batch, length, width = x.shape
    return x.reshape(batch, length, num_heads, width // num_heads).permute(0, 2, 1, 3)


@split.alternative
def one_slice_for_each(x, h):
    width = x.shape[-1] // h
    return torch.stack([x[..., i * width : (i + 1) * width] for i in range(h)], 1)


@split.alternative
def via_movedim(x, num_heads):
    return x.unflatten(2, (num_heads, x.size(2) // num_heads)).movedim(2, 1)


multi_head = coding(
    "04.9",
    title="Multi-head attention, whole",
    difficulty=5,
    minutes=20,
    given="the two linear layers; `apply_rotary`, `merge_heads` and F.scaled_dot_product_attention",
    reference=attention.MultiHeadAttention,
    keep=("__init__", "weights"),
    tolerance=1e-4,  # the oracle turns in float32, whatever the input
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
def modern_bert(x, qkv, out, num_heads, mask=None, rotary=None):
    """ModernBERT's attention in `transformers`; without a table, nothing is turned."""
    from transformers import ModernBertConfig  # slow to import: only for those who come this far
    from transformers.models.modernbert.modeling_modernbert import ModernBertAttention

    config = ModernBertConfig(
        hidden_size=x.size(-1),
        num_attention_heads=num_heads,
        num_hidden_layers=1,
        layer_types=["full_attention"],
    )
    config._attn_implementation = "sdpa"
    layer = ModernBertAttention(config, layer_idx=0).to(x.dtype).eval()
    layer.load_state_dict({"Wqkv.weight": qkv, "Wo.weight": out})
    length, width = x.size(1), x.size(-1) // num_heads
    cos, sin = rotary or (torch.ones(length, width).to(x), torch.zeros(length, width).to(x))
    with torch.no_grad():
        return layer(x, position_embeddings=(cos[None], sin[None]), attention_mask=mask)[0]


multi_head.wrong_edit(
    "forgot_the_last_matrix",
    old="self.out(merge_heads(mixed))",
    new="merge_heads(mixed)",
    message="what the heads found is never mixed: the last matrix, `self.out`, is missing",
    section="4.5",
)
multi_head.wrong_edit(
    "merged_without_swapping",
    old="merge_heads(mixed)",
    new="mixed.reshape(x.shape)",
    message="a reshape alone mixes tokens: L and H have to change places first (`merge_heads`)",
    section="4.5",
)
multi_head.wrong_edit(
    "ignored_the_mask",
    old="attn_mask=mask, ",
    new="",
    message="the mask is never used",
    section="4.4",
)
multi_head.wrong_edit(
    "turned_the_values",
    old="            q, k = apply_rotary(q, *rotary), apply_rotary(k, *rotary)",
    new="            q, k, v = (apply_rotary(part, *rotary) for part in (q, k, v))",
    message="values carry what is said, not where: only queries and keys are turned",
    section="4.6",
)
multi_head.wrong_edit(
    "turned_the_queries_only",
    old=", apply_rotary(k, *rotary)",
    new=", k",
    message="keys have positions too: turn both, or distances come out wrong",
    section="4.6",
)
multi_head.wrong_edit(
    "forgot_the_positions",
    old="if rotary is not None:",
    new="if False:",
    message="the rotary tables are never used: your layer cannot tell the order of words",
    section="4.6",
)
multi_head.wrong_edit(
    "heads_before_parts",
    old="(3, self.num_heads, -1)).unbind(2)",
    new="(self.num_heads, 3, -1)).unbind(3)",
    message="the 3D numbers are first cut into q, k, v, and each of those into heads",
    section="4.5",
)


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
