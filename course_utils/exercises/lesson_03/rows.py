"""Lesson 03, section 3.6: from tokens back to characters, and rows of one length."""

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from course_utils.exercises.exercise import case, coding
from course_utils.text import tokenization


def token_span(offsets: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The first and the last token that hold any of the characters from `start` up to `end`."""
    touched = [i for i, (left, right) in enumerate(offsets) if left < end and right > start]
    return touched[0], touched[-1]


span = coding(
    "03.10",
    title="An answer in tokens",
    difficulty=3,
    minutes=8,
    given="the offsets of all tokens, (0, 0) for special ones, and an answer as "
    "`text[start:end]`, which no token's border need respect",
    reference=token_span,
    task="""The first and the last token that hold any of the characters `text[start:end]`.

    Token i comes from `text[left:right]` with `left, right = offsets[i]`: `left` is included,
    `right` is not, and the same holds for `start` and `end`.  Special tokens have (0, 0).  The
    last token is included in the answer.
    """,
    hints=[
        "Two intervals share a character when each begins before the other ends.",
        "`left < end and right > start`. What do these say about a special token, (0, 0)?",
    ],
    why="A token holds a character of the answer when it begins before the answer ends and ends "
    "after the answer begins. With strict signs (0, 0) never counts: 0 is greater than no `start`.",
    then="which characters do your tokens hold that the answer does not?",
)


@span.cases
def span_cases(draw):
    special = (0, 0)
    yield case([special, (0, 3), (4, 8), (8, 9), special], 4, 8)
    yield case([special, (0, 3), (4, 8), (8, 9), special], 0, 3)
    yield case([special, (0, 2), (2, 6), (6, 8), (9, 14), special], 3, 7)  # cuts through tokens
    yield case([(0, 1), (1, 2), (2, 3)], 1, 2)
    yield case([special, (0, 4), (5, 9), (10, 12)], 3, 6)  # one character of either side
    yield case([special, (0, 1), (1, 2), (1, 2), (1, 2), (2, 5)], 1, 2)  # a character in bytes
    yield case([special, (0, 6), (7, 10), special, (0, 0)], 2, 4)  # inside one token
    for _ in range(4):
        offsets, at = [special], 0
        for _ in range(draw.size(6, 12)):
            at += draw.size(0, 1)
            offsets.append((at, at + draw.size(1, 5)))
            at = offsets[-1][1]
        first = draw.size(1, len(offsets) - 1)
        start = draw.size(offsets[first][0], offsets[first][1] - 1)
        yield case([*offsets, special], start, min(start + draw.size(1, 15), at))


@span.oracle
def table_of_characters(offsets, start, end):
    """NumPy: a row for each token, a column for each character."""
    holds = np.zeros((len(offsets), max(right for _, right in offsets)), dtype=bool)
    for row, (left, right) in zip(holds, offsets, strict=True):
        row[left:right] = True
    tokens = np.flatnonzero(holds[:, start:end].any(axis=1))
    return int(tokens[0]), int(tokens[-1])


@span.wrong("the token after the last: here the last one is included", "3.6")
def last_not_included(offsets, start, end):
    first, last = token_span(offsets, start, end)
    return first, last + 1


@span.wrong("`end` is not part of the answer: a token that begins there does not count", "3.6")
def end_taken_as_included(offsets, start, end):
    touched = [i for i, (left, right) in enumerate(offsets) if left <= end and right > start]
    return touched[0], touched[-1]


@span.wrong("a token whose right border is `start` holds nothing of the answer", "3.6")
def right_border_taken_as_included(offsets, start, end):
    touched = [i for i, (left, right) in enumerate(offsets) if left < end and right >= start]
    return touched[0], touched[-1]


@span.wrong("a token that the answer cuts through counts too; you want all of it inside", "3.6")
def whole_tokens_only(offsets, start, end):
    inside = [
        i for i, (left, right) in enumerate(offsets) if start <= left < right and right <= end
    ]
    return (inside[0], inside[-1]) if inside else (0, 0)


@span.wrong("these are places among the ordinary tokens; special tokens have places too", "3.6")
def special_tokens_not_counted(offsets, start, end):
    return token_span([one for one in offsets if one != (0, 0)], start, end)


@span.wrong("only tokens that *begin* inside the answer are found; some reach into it", "3.6")
def begins_inside(offsets, start, end):
    begun = [i for i, (left, right) in enumerate(offsets) if start <= left < end and right > left]
    return (begun[0], begun[-1]) if begun else (0, 0)


@span.alternative
def by_sets(offsets, start, end):
    answer = set(range(start, end))
    holders = [i for i, (left, right) in enumerate(offsets) if answer & set(range(left, right))]
    return min(holders), max(holders)


@span.alternative
def from_both_ends(offsets, start, end):
    first = next(i for i, (_, right) in enumerate(offsets) if right > start)
    last = len(offsets) - 1
    while offsets[last][0] >= end or offsets[last][1] <= start:
        last -= 1
    return first, last


padding = coding(
    "03.11",
    title="Rows of one length",
    difficulty=2,
    minutes=6,
    given="rows of ids of different lengths, and the id of [PAD]",
    reference=tokenization.pad_batch,
    task="""Make rows equally long by padding on the right, as a rectangular tensor needs it.

    Returns `(input_ids, attention_mask)`, two lists of rows.  All are as long as the longest row
    that was given.  The mask is 1 for what was given and 0 for what was added.  The rows that
    were given stay as they are.
    """,
    hints=[
        "How long is the longest? `max(len(row) for row in rows)`.",
        "`row + [pad_id] * (length - len(row))` makes a new list.",
        "The mask comes from the lengths: `[1] * len(row) + [0] * (length - len(row))`.",
    ],
    why="The mask says what was added, and only the lengths know that. An id that equals that of "
    "[PAD] may be a real token: in GPT-2's family the end-of-text token often serves for both.",
    then="sort a few hundred reviews by length before you cut them into batches: how much "
    "padding is left?",
)


@padding.cases
def padding_cases(draw):
    yield case([[2, 7, 3], [2, 3]], 0)
    yield case([[2, 0, 3], [2]], 0)  # the id of [PAD] inside a row
    pad_id = draw.size(1, 9)
    yield case([[draw.size(0, 9) for _ in range(draw.size(1, 7))] for _ in range(5)], pad_id)
    yield case([[4], [5, 6, 7, 8], [], [9, 9]], 1)
    yield case([[1, 2], [3, 4]], 0)
    yield case([[5, 6, 5]], 6)


@padding.oracle
def torch_padding(rows, pad_id):
    rows = [torch.tensor(row, dtype=torch.long) for row in rows]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids.tolist(), mask.tolist()


@padding.wrong("a real token with the id of [PAD] is hidden: the mask goes by lengths", "3.6")
def mask_from_the_ids(rows, pad_id):
    ids, _ = tokenization.pad_batch(rows, pad_id)
    return ids, [[int(number != pad_id) for number in row] for row in ids]


@padding.wrong("padded on the left; BERT counts positions from there, so pad on the right", "3.6")
def padded_on_the_left(rows, pad_id):
    length = max(map(len, rows))
    ids = [[pad_id] * (length - len(row)) + row for row in rows]
    return ids, [[0] * (length - len(row)) + [1] * len(row) for row in rows]


@padding.wrong("the mask is the wrong way round: 1 is for a token, 0 for padding", "3.6")
def mask_upside_down(rows, pad_id):
    ids, mask = tokenization.pad_batch(rows, pad_id)
    return ids, [[1 - one for one in row] for row in mask]


@padding.wrong("you cut all rows to the shortest: text is lost without a word", "3.6")
def cut_to_the_shortest(rows, pad_id):
    length = min(map(len, rows))
    return [row[:length] for row in rows], [[1] * length for _ in rows]


@padding.wrong("you fill with 0; use `pad_id`, which is 0 in BERT only by custom", "3.6")
def always_zero(rows, pad_id):
    return tokenization.pad_batch(rows, 0)


@padding.wrong("every place is marked as a token, padding too", "3.6")
def mask_of_ones(rows, pad_id):
    ids, mask = tokenization.pad_batch(rows, pad_id)
    return ids, [[1] * len(row) for row in mask]


@padding.wrong("right, but the rows that you were given have grown: make new lists", "3.6")
def grows_its_argument(rows, pad_id):
    length = max(map(len, rows))
    mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
    for row in rows:
        row += [pad_id] * (length - len(row))
    return rows, mask


@padding.alternative
def filled_tables(rows, pad_id):
    length = max(len(row) for row in rows)
    ids = [[pad_id] * length for _ in rows]
    mask = [[0] * length for _ in rows]
    for i, row in enumerate(rows):
        for j, number in enumerate(row):
            ids[i][j], mask[i][j] = number, 1
    return ids, mask


@padding.alternative
def with_numpy(rows, pad_id):
    lengths = np.array([len(row) for row in rows])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(int)
    ids = np.full(mask.shape, pad_id)
    ids[mask == 1] = [number for row in rows for number in row]
    return ids.tolist(), mask.tolist()
