"""Lesson 04, section 4.5: cutting the width into heads."""

import torch

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
def cut_into_pieces_of_h(x, num_heads):
    return x.reshape(*x.shape[:2], -1, num_heads).transpose(1, 2)


@split.wrong("H and d changed places in the cut, and L went to the end: (B, H, d, L)", "4.5")
def cut_and_carried_too_far(x, num_heads):
    return x.reshape(*x.shape[:2], -1, num_heads).transpose(1, 3)


@split.wrong("the tokens stand behind the width, (B, H, d, L); swap the last two axes back", "4.5")
def tokens_last(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, -1).permute(0, 2, 3, 1)


@split.wrong("heads before the batch, (H, B, L, d): put them side by side along axis 1", "4.5")
def heads_before_the_batch(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=-1))


@split.wrong("batch and length have changed places; it is L and H that swap", "4.5")
def swapped_batch_and_length(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, -1).transpose(0, 1)


@split.wrong("first cut the width, then swap: the other way round tokens are cut", "4.5")
def swapped_before_the_cut(x, num_heads):
    return x.transpose(1, 2).reshape(x.size(0), num_heads, x.size(1), -1)


@split.wrong("batch and heads have become one axis; four axes are asked for", "4.5")
def heads_merged_with_the_batch(x, num_heads):
    return x.reshape(*x.shape[:2], num_heads, -1).transpose(1, 2).flatten(0, 1)


@split.wrong("right for a batch of one: take the batch from x, `x.size(0)`", "4.5")
def only_for_a_batch_of_one(x, num_heads):
    return x.reshape(1, x.size(1), num_heads, -1).transpose(1, 2)


@split.wrong("you cut the length; every head sees all tokens, through a part of the width", "4.5")
def cut_the_length(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=1), dim=1)


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
