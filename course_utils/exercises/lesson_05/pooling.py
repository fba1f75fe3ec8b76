"""Lesson 05, section 5.6: one vector for a text."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def mean_pool(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """One vector for each text, the mean of its tokens' vectors: (B, L, D) → (B, D).

    attention_mask is (B, L), 1 for a token and 0 for padding, which counts for nothing.  A row of
    nothing but padding gets zeros.
    """
    keep = attention_mask.to(hidden.dtype).unsqueeze(-1)  # (B, L, 1)
    return (hidden * keep).sum(1) / keep.sum(1).clamp(min=1)


pooling = coding(
    "05.8",
    title="One vector for a text",
    difficulty=2,
    minutes=6,
    given="the encoder's output for a padded batch, and its mask",
    reference=mean_pool,
    hints=[
        "Padding has vectors too. How do you get them out of the sum, and out of the count?",
        "Give the mask an axis of length one, (B, L, 1), and multiply.",
        "Divide by each text's own number of tokens; `clamp(min=1)` guards a text without any.",
    ],
    why="The multiplication takes padding out of the sum, the division by the mask's sum takes it "
    "out of the count. Leave either out and a text's vector depends on its neighbours' length.",
    then="show that a text gets the same vector alone and in a padded batch.",
)


@pooling.cases
def pooling_cases(draw):
    yield case(draw.normal(2, 3, 2), torch.tensor([[1, 1, 0], [1, 1, 1]]))
    length = draw.size(5, 9)
    real = torch.tensor([length, 1, 0, length - 1])
    yield case(draw.normal(4, length, 7), (torch.arange(length) < real[:, None]).long())
    yield case(draw.normal(3, 3, 5), draw.mask(3, 3, share=0.7).long())


@pooling.oracle
def one_text_at_a_time(hidden, attention_mask):
    """NumPy: cut the padding off, then average."""
    rows = zip(hidden.numpy(), attention_mask.numpy().astype(bool), strict=True)
    return np.stack([h[m].mean(0) if m.any() else 0 * h[0] for h, m in rows])


@pooling.wrong("padding is averaged too: the mask is not used", "5.6")
def averaged_the_padding(hidden, attention_mask):
    return hidden.mean(1)


@pooling.wrong("padding is out of the sum but not out of the count: you divide by L", "5.6")
def divided_by_the_length(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).mean(1)


@pooling.wrong("a text without a token gives 0/0, which is nan; guard the count", "5.6")
def nothing_by_nothing(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).sum(1) / attention_mask.sum(1, keepdim=True)


@pooling.wrong("every text is divided by the tokens of the whole batch", "5.6")
def one_count_for_all(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).sum(1) / attention_mask.sum()


@pooling.wrong("summed but not divided: long texts get long vectors", "5.6")
def forgot_to_divide(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).sum(1)


@pooling.wrong("that is the first token's vector; here the mean of all tokens is asked for", "5.6")
def took_the_first(hidden, attention_mask):
    return hidden[:, 0]


@pooling.alternative
def with_einsum(hidden, mask):
    weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("bld,bl->bd", hidden, weights.to(hidden.dtype))


@pooling.alternative
def as_a_product(hidden, attention_mask):
    mask = attention_mask.to(hidden.dtype)
    total = (mask[:, None] @ hidden).squeeze(1)
    return total / mask.sum(1).clamp(min=1)[:, None]


@pooling.alternative
def with_nan(hidden, attention_mask):
    hidden = hidden.masked_fill(attention_mask[..., None] == 0, float("nan"))
    return hidden.nanmean(1).nan_to_num()
