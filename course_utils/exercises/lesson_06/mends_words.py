"""Lesson 06, section 6.9: two exhibits of the museum that are about masks."""

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_06 import pieces

seen = coding(
    "06.10",
    title="Who may be looked at",
    difficulty=1,
    minutes=3,
    given="exhibit B; it stood in code that had been moved from `nn.MultiheadAttention`, where "
    "True means *hide*, to `scaled_dot_product_attention`, where True means *look*",
    reference=pieces.visible,
    buggy=pieces.visible_with_a_bug,
    hints=[
        "Write the mask of the row [7, 3, PAD] on paper. Which places may be looked at?",
        "One sign has to be turned round; `ids != pad_id`.",
    ],
    why="Both conventions live in one library. An attention that sees nothing but padding still "
    "runs, and the model still learns how common each word is.",
    then="what would the curve look like if padding were merely not hidden?",
)


@seen.cases
def seen_cases(draw):
    yield case(torch.tensor([[7, 3, 9], [8, 9, 9]]), 9)
    for pad_id, length in ((0, draw.size(5, 8)), (4, 7)):
        ids = draw.integers(0, 12, 3, length)
        ids[ids == pad_id] = 5
        ids[:, 0], ids[0, 1] = 11, 2
        ids[torch.arange(length) >= draw.integers(2, length, 3)[:, None]] = pad_id
        yield case(ids, pad_id)


@seen.oracle
def seen_by_numpy(ids, pad_id):
    return np.not_equal(ids.numpy(), pad_id)


@seen.wrong("numbers, not booleans: True and False were asked for", "6.8")
def as_numbers(ids, pad_id):
    return (ids != pad_id).long()


@seen.wrong("padding is called `pad_id` here; it is 0 in some vocabularies only", "6.8")
def padding_is_zero(ids, pad_id):
    return ids != 0


@seen.wrong("ids below `pad_id` are words, too", "6.8")
def only_larger_ids(ids, pad_id):
    return ids > pad_id


@seen.wrong("a place is hidden from all rows as soon as one row is padded there", "6.8")
def one_mask_for_all(ids, pad_id):
    return (ids != pad_id).all(0).expand(ids.shape)


@seen.wrong("everything may be looked at: padding is read as text", "6.8")
def everything(ids, pad_id):
    return torch.ones_like(ids, dtype=torch.bool)


@seen.alternative
def turned_round(ids, pad_id):
    return ~(ids == pad_id)


@seen.alternative
def by_method(ids, pad_id):
    return ids.ne(pad_id)


hidden = coding(
    "06.11",
    title="The answer key of a burglar",
    difficulty=2,
    minutes=4,
    given="exhibit H; two lines of it are in the wrong order, and one of them changes what it was "
    "given",
    reference=pieces.hide,
    buggy=pieces.hide_with_a_bug,
    hints=[
        "What stands in `ids` at the moment when the labels are read from it?",
        "Keep the answers first. And whose tensor is `ids`: may you write into it?",
        "`ids.masked_fill(chosen, mask_id)` gives a new tensor, `masked_fill_` with an underscore "
        "does not.",
    ],
    why="The labels were read from the hidden text, so the answer to everything was [MASK]. "
    "Writing into an argument is a bug of its own: next epoch, the text has holes.",
    then="why would a training loss far *below* the optimum have told you within twenty steps?",
)


@hidden.cases
def hidden_cases(draw):
    yield case(torch.tensor([[7, 3, 5]]), torch.tensor([[False, True, False]]), 9)
    for mask_id, length in ((4, draw.size(5, 9)), (63, 7)):
        ids = draw.integers(5, 60, 3, length)
        chosen = draw.mask(3, length, share=0.4)
        chosen[0, :2] = torch.tensor([True, False])
        yield case(ids, chosen, mask_id)


@hidden.oracle
def hidden_by_numpy(ids, chosen, mask_id):
    ids, chosen = ids.numpy(), chosen.numpy()
    return np.where(chosen, mask_id, ids), np.where(chosen, ids, -100)


@hidden.wrong("a copy is made now, but the labels are still read from the hidden text", "6.8")
def copied_but_late(ids, chosen, mask_id):
    inputs = ids.masked_fill(chosen, mask_id)
    return inputs, torch.where(chosen, inputs, -100)


@hidden.wrong("the answers are right, but the text that you were given has holes now", "6.8")
def written_in_place(ids, chosen, mask_id):
    labels = torch.where(chosen, ids, -100)
    ids[chosen] = mask_id
    return ids, labels


@hidden.wrong("every word is asked for: labels are −100 where nothing was hidden", "6.8")
def asks_for_everything(ids, chosen, mask_id):
    return ids.masked_fill(chosen, mask_id), ids.clone()


@hidden.wrong("you ask for the words that were left visible", "6.8")
def asks_for_the_visible(ids, chosen, mask_id):
    return ids.masked_fill(chosen, mask_id), torch.where(chosen, -100, ids)


@hidden.wrong("0 is a word; −100 is the label that asks for nothing", "6.8")
def zero_for_nothing(ids, chosen, mask_id):
    return ids.masked_fill(chosen, mask_id), ids * chosen


@hidden.alternative
def with_clones(ids, chosen, mask_id):
    inputs, labels = ids.clone(), ids.clone()
    inputs[chosen] = mask_id
    labels[~chosen] = -100
    return inputs, labels


@hidden.alternative
def with_where(ids, chosen, mask_id):
    return torch.where(chosen, mask_id, ids), ids.masked_fill(~chosen, -100)
