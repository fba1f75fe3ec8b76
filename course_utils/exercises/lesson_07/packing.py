"""Lesson 07, section 7.3: packing."""

import itertools

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding
from course_utils.text import masking

packing = coding(
    "07.7",
    title="Fill every row",
    difficulty=3,
    minutes=8,
    given="texts as lists of token ids, some of them empty; the length of a row; the ids of [CLS] "
    "and [SEP]",
    reference=masking.pack,
    task="""Lay the texts end to end and cut the ribbon into full rows: `[CLS] … [SEP]`.

    On the ribbon every text that is not empty is followed by one `sep_id`.  A row is `cls_id`,
    then `length` − 2 tokens of the ribbon, then `sep_id`.  What is left over at the end and fills
    no row is dropped.  Returns (N, length) int64.

    >>> pack([[5, 6, 7], [8, 9]], length=4, cls_id=2, sep_id=3)
    tensor([[2, 5, 6, 3],
            [2, 7, 3, 3],
            [2, 8, 9, 3]])
    """,
    hints=[
        "First one long list (`extend` a text, `append` a separator), then the rows.",
        "A row takes length − 2 tokens from the ribbon. How many full rows are there?",
        "`torch.full((rows, length), sep_id)`, then the first column and the middle are filled.",
    ],
    why="No place is spent on [PAD], so every token that is computed can teach something. The "
    "price is that a row may begin in the middle of a text, or hold pieces of two.",
    then="what share of a padded batch of film reviews would be padding?",
)


@packing.cases
def packing_cases(draw):
    yield case([[5, 6, 7], [8, 9 + draw.size(0, 40)]], 4, 2, 3)

    def texts(count, longest):
        sizes = (draw.size(0, longest) for _ in range(count))
        return [draw.integers(5, 90, size).tolist() for size in sizes]

    yield case([*texts(6, 9), [], [7]], 7, 2, 3)
    yield case([[11], *texts(9, 30), [12] * 30], 13, 101, 102)
    yield case([[], [draw.size(5, 50), 6, 7, 8, 9]], 5, 1, 0)


@packing.oracle
def packed_in_numpy(sequences, length, cls_id, sep_id):
    pieces = [np.append(tokens, sep_id) for tokens in sequences if tokens]
    ribbon = np.concatenate(pieces).astype(np.int64)
    body = ribbon[: len(ribbon) // (length - 2) * (length - 2)].reshape(-1, length - 2)
    return np.pad(body, ((0, 0), (1, 1)), constant_values=((0, 0), (cls_id, sep_id)))


packing.wrong_edit(
    "no_mark_between_texts",
    old="            ribbon.append(sep_id)\n",
    new="",
    message="nothing says where one text ends and the next begins: a [SEP] belongs there",
    section="7.3",
)
packing.wrong_edit(
    "empty_texts_leave_a_mark",
    old="if len(tokens):",
    new="if True:",
    message="an empty text leaves a [SEP] behind: skip it",
    section="7.3",
)
@packing.wrong("a row takes length − 2 tokens of the ribbon: one place is wasted here", "7.3")
def one_short(sequences, length, cls_id, sep_id):
    ribbon = [token for tokens in sequences if tokens for token in (*tokens, sep_id)]
    body = length - 3
    rows = len(ribbon) // body
    packed = torch.full((rows, length), sep_id)
    packed[:, 0] = cls_id
    packed[:, 1 : body + 1] = torch.tensor(ribbon[: rows * body]).view(rows, body)
    return packed


@packing.wrong("the rows have no [CLS] and [SEP] of their own", "7.3")
def no_frame(sequences, length, cls_id, sep_id):
    ribbon = [token for tokens in sequences if tokens for token in (*tokens, sep_id)]
    rows = len(ribbon) // length
    return torch.tensor(ribbon[: rows * length]).view(rows, length)


@packing.wrong("what is left over at the end is filled up; it should be dropped", "7.3")
def the_rest_padded(sequences, length, cls_id, sep_id):
    ribbon = [token for tokens in sequences if tokens for token in (*tokens, sep_id)]
    while len(ribbon) % (length - 2):
        ribbon.append(sep_id)
    body = torch.tensor(ribbon).view(-1, length - 2)
    return torch.nn.functional.pad(
        torch.nn.functional.pad(body, (1, 0), value=cls_id), (0, 1), value=sep_id
    )


@packing.wrong("every text begins a row of its own here; the ribbon runs on across texts", "7.3")
def each_text_apart(sequences, length, cls_id, sep_id):
    rows = []
    for tokens in sequences:
        for start in range(0, len(tokens), length - 2):
            piece = [cls_id, *tokens[start : start + length - 2], sep_id]
            rows.append(piece + [sep_id] * (length - len(piece)))
    return torch.tensor(rows)


@packing.wrong("you put [CLS] before every text; it belongs at the beginning of every row", "7.3")
def cls_before_every_text(sequences, length, cls_id, sep_id):
    ribbon = [token for tokens in sequences if tokens for token in (cls_id, *tokens, sep_id)]
    rows = len(ribbon) // length
    return torch.tensor(ribbon[: rows * length]).view(rows, length)


@packing.alternative
def with_itertools(sequences, length, cls_id, sep_id):
    ribbon = itertools.chain.from_iterable([*tokens, sep_id] for tokens in sequences if tokens)
    rows = []
    while len(piece := list(itertools.islice(ribbon, length - 2))) == length - 2:
        rows.append([cls_id, *piece, sep_id])
    return torch.tensor(rows)


@packing.alternative
def with_unfold(texts, length, cls_id, sep_id):
    ribbon = torch.cat([torch.tensor([*tokens, sep_id]) for tokens in texts if len(tokens) > 0])
    body = ribbon.unfold(0, length - 2, length - 2)
    ends = torch.tensor([cls_id, sep_id]).expand(len(body), 2)
    return torch.cat([ends[:, :1], body, ends[:, 1:]], dim=1)
