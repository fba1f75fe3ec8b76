"""Lesson 08, sections 8.1 and 8.2: from texts to a batch, and from tokens to one vector."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_utils.exercises.exercise import case, coding
from course_utils.training import finetuning

padding = coding(
    "08.2",
    title="A rectangle of sentences",
    difficulty=2,
    minutes=6,
    given="a list of rows of token ids, of several lengths, and the id of [PAD]",
    reference=finetuning.pad_rows,
    task="""Pad rows on the right: (input_ids, attention_mask), both int64 (B, longest).

    The mask is 1 for a token and 0 for padding. A row may hold `pad_id` as a real token: only
    what you add is padding.
    """,
    hints=[
        "How long is the longest row? Every other one lacks so many tokens.",
        "`row + [pad_id] * (longest - len(row))`; the mask is built in the same way, from ones and "
        "zeros.",
        "Make the mask from the lengths. `ids != pad_id` goes wrong where a token equals `pad_id`.",
    ],
    why="A tensor is a rectangle and sentences are not. The mask is the only thing that remembers "
    "which corner of the rectangle is text.",
    then="how much of a batch of 16 film sentences is padding? The lesson counts.",
)


@padding.cases
def padding_cases(draw):
    yield case([[2, 9, 3], [2, 3]], 0)
    for count, pad_id in ((draw.size(3, 6), 0), (4, 7), (1, 1)):
        lengths = [draw.size(1, 9) for _ in range(count)]
        lengths[0] = 10  # never all of one length, unless there is only one
        yield case([draw.integers(0, 12, n).tolist() for n in lengths], pad_id)
    yield case([[7, 5], [7, 7, 7], [5]], 7)  # real tokens that equal the padding


@padding.oracle
def by_pad_sequence(rows, pad_id):
    tensors = [torch.tensor(row) for row in rows]
    ids = pad_sequence(tensors, batch_first=True, padding_value=pad_id)
    return ids, pad_sequence([torch.ones_like(t) for t in tensors], batch_first=True)


@padding.wrong(
    "the mask is read off the ids, so a real token that equals `pad_id` is hidden", "8.1"
)
def mask_from_the_ids(rows, pad_id):
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    return ids, (ids != pad_id).long()


@padding.wrong("you fill with 0, but the padding of this vocabulary is `pad_id`", "8.1")
def filled_with_zero(rows, pad_id):
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, finetuning.pad_rows(rows, pad_id)[1]


@padding.wrong("the padding stands in front; in this course it stands behind the text", "8.1")
def padded_on_the_left(rows, pad_id):
    ids, mask = finetuning.pad_rows([row[::-1] for row in rows], pad_id)
    return ids.flip(1), mask.flip(1)


@padding.wrong("you cut every row to the shortest: the rest of the text is lost", "8.1")
def cut_to_the_shortest(rows, pad_id):
    shortest = min(map(len, rows))
    ids = torch.tensor([row[:shortest] for row in rows])
    return ids, torch.ones_like(ids)


@padding.wrong("the mask is the wrong way round: 1 is a token, 0 is padding", "8.1")
def inverted_mask(rows, pad_id):
    ids, mask = finetuning.pad_rows(rows, pad_id)
    return ids, 1 - mask


@padding.wrong("no attention mask: all ones says that the padding is text", "8.1")
def everything_is_text(rows, pad_id):
    ids, mask = finetuning.pad_rows(rows, pad_id)
    return ids, torch.ones_like(mask)


@padding.alternative
def filled_tensors(rows, pad_id):
    ids = torch.full((len(rows), max(len(row) for row in rows)), pad_id)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return ids, mask


@padding.alternative
def from_lengths(rows, pad_id):
    lengths = torch.tensor([len(row) for row in rows])
    ids = pad_sequence([torch.tensor(r) for r in rows], batch_first=True, padding_value=pad_id)
    return ids, (torch.arange(ids.size(1)) < lengths[:, None]).long()


pooling = coding(
    "08.4",
    title="The mean of a sentence",
    difficulty=2,
    minutes=5,
    given="hidden states of a padded batch, and its attention mask",
    reference=finetuning.masked_mean,
    task="""The mean of each text's hidden states: (B, L, D) → (B, D), in the dtype of `hidden`.

    attention_mask is int64 (B, L), 1 for a token and 0 for padding; padding counts for nothing.
    """,
    hints=[
        "Multiply by the mask, so that padding adds nothing, and sum over the length.",
        "By what do you divide? Each text has its own number of tokens.",
        "`keep = attention_mask.unsqueeze(-1).to(hidden.dtype)`; then "
        "`(hidden * keep).sum(1) / keep.sum(1)`.",
    ],
    why="The mask is needed twice: in the sum and in the count. With either left out, a text's "
    "vector depends on the longest sentence that happens to share its batch.",
    then="compare with `[CLS]`, the first token's vector. Which one was trained to say anything?",
)


@pooling.cases
def pooling_cases(draw):
    yield case(draw.normal(2, 3, 2), torch.tensor([[1, 1, 1], [1, 0, 0]]))
    for batch, width in ((4, 5), (3, 2)):
        length = draw.size(5, 9)
        real = draw.integers(1, length + 1, batch)
        real[0], real[1] = length, 2
        yield case(draw.normal(batch, length, width), (torch.arange(length) < real[:, None]).long())
    yield case(draw.normal(2, 4, 3, dtype=torch.float64), torch.tensor([[1, 1, 0, 0], [1] * 4]))


@pooling.oracle
def row_by_row(hidden, attention_mask):
    """NumPy: take the real tokens of each text and average them."""
    rows = zip(hidden.numpy(), attention_mask.numpy().astype(bool), strict=True)
    return np.stack([states[real].mean(0) for states, real in rows])


@pooling.wrong("padding is averaged, too: the mask is never used", "8.2")
def forgot_the_mask(hidden, attention_mask):
    return hidden.mean(1)


@pooling.wrong("you divide by the length of the batch, not by the tokens of each text", "8.2")
def divided_by_the_batch_length(hidden, attention_mask):
    return (hidden * attention_mask.unsqueeze(-1)).mean(1)


@pooling.wrong("you divide by all tokens of the batch together; count them text by text", "8.2")
def one_count_for_all(hidden, attention_mask):
    return (hidden * attention_mask.unsqueeze(-1)).sum(1) / attention_mask.sum()


@pooling.wrong("a sum, not a mean: long texts get long vectors", "8.2")
def summed_only(hidden, attention_mask):
    return (hidden * attention_mask.unsqueeze(-1)).sum(1)


@pooling.wrong("that is the first token, [CLS]; the mean of all tokens was asked for", "8.2")
def first_token(hidden, attention_mask):
    return hidden[:, 0]


@pooling.wrong("the padding counts in the sum: only the divisor knows the mask", "8.2")
def masked_the_count_only(hidden, attention_mask):
    return hidden.sum(1) / attention_mask.sum(1, keepdim=True)


@pooling.alternative
def with_einsum(hidden, attention_mask):
    keep = attention_mask.to(hidden.dtype)
    return torch.einsum("bld,bl->bd", hidden, keep / keep.sum(1, keepdim=True))


@pooling.alternative
def with_a_loop(hidden: Tensor, attention_mask: Tensor):
    return torch.stack([h[m.bool()].mean(0) for h, m in zip(hidden, attention_mask, strict=True)])


@pooling.alternative
def with_nan(hidden, attention_mask):
    return hidden.masked_fill(attention_mask[..., None] == 0, float("nan")).nanmean(1)
