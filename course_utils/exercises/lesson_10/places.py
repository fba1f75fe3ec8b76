"""Lesson 10, sections 10.4 and 10.5: from letters to tokens, and from a long row to windows."""

import math

from tokenizers import Tokenizer, models

from course_utils.exercises.exercise import case, coding
from course_utils.text import spans


def token_span_with_a_bug(
    offsets: list[tuple[int, int]], start: int, end: int
) -> tuple[int, int] | None:
    """The first and the last token that hold the letters start … end - 1, both included."""
    inside = [i for i, (low, high) in enumerate(offsets) if low <= end and high >= start]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return None
    return inside[0], inside[-1]


placed = coding(
    "10.6",
    title="The answer with a comma stuck to it",
    difficulty=2,
    minutes=5,
    given="for each token the letters (low, high) that it covers, `high` one past the last, and "
    "(0, 0) for special tokens; an answer's letters `start` … `end - 1`. None is right when the "
    "tokens do not hold all of them",
    reference=spans.token_span,
    buggy=token_span_with_a_bug,
    hints=[
        'Lay "Jaws," on paper: "Jaws" covers (0, 4), the comma (4, 5). For the answer (0, 4), '
        "which tokens does the code take?",
        "`end` is one past the last letter. A token that begins at `end` does not hold a letter "
        "of the answer; and one that stops at `start`?",
    ],
    why="Two intervals that only touch share nothing. With ≤ and ≥ the neighbours come along: the "
    "model learns to answer with a comma, and at the start of a passage with [CLS]. The loss falls "
    "as it should.",
    then="print a few answers that your training data really asks for. It takes a minute.",
)


@placed.cases
def placed_cases(draw):
    yield case([(0, 0), (0, 3), (4, 8), (8, 9), (0, 0)], 4, 8)
    yield case([(0, 0), (0, 3), (3, 5), (6, 9), (0, 0)], 0, 3)
    yield case([(0, 0), (10, 14), (15, 20), (0, 0)], 11, 18)
    yield case([(0, 0), (10, 14), (15, 20), (0, 0)], 7, 14)
    yield case([(0, 0), (10, 14), (15, 20), (0, 0)], 15, 23)
    yield case([(0, 0), (10, 14), (0, 0)], 2, 6)
    for _ in range(4):
        offsets, place = [], draw.size(0, 5)
        for _ in range(draw.size(5, 9)):
            size = draw.size(1, 4)
            offsets.append((place, place + size))
            place += size + draw.size(0, 1)
        first, last = sorted(draw.random.choices(range(len(offsets)), k=2))
        yield case([(0, 0), *offsets, (0, 0)], offsets[first][0], offsets[last][1])


@placed.oracle
def letter_by_letter(offsets, start, end):
    """A dictionary that says for each letter which token holds it."""
    holder = {letter: i for i, pair in enumerate(offsets) for letter in range(*pair)}
    if start not in holder or end - 1 not in holder:
        return None
    return holder[start], holder[end - 1]


placed.wrong_edit(
    "comma_still_there",
    old="low < end and",
    new="low <= end and",
    message="on the right the neighbour still comes along: a token that begins at `end` is outside",
    section="10.4",
)
placed.wrong_edit(
    "left_neighbour_still_there",
    old="high > start]",
    new="high >= start]",
    message="on the left the neighbour still comes along: a token that stops at `start` is outside",
    section="10.4",
)
placed.wrong_edit(
    "end_exclusive",
    old="return inside[0], inside[-1]",
    new="return inside[0], inside[-1] + 1",
    message="the last token itself is asked for, not one past it",
    section="10.4",
)
placed.wrong_edit(
    "whole_tokens_only",
    old="if low < end and high > start",
    new="if low >= start and high <= end and high > low",
    message="an answer may begin inside a token: then the token that holds its letters counts",
    section="10.4",
)


@placed.wrong("where the tokens do not reach the whole answer, None is due, not a part", "10.4")
def never_none(offsets, start, end):
    inside = [i for i, (low, high) in enumerate(offsets) if low < end and high > start]
    return (inside[0], inside[-1]) if inside else None


@placed.alternative
def two_searches(offsets, start, end):
    first = [i for i, (low, high) in enumerate(offsets) if low <= start < high]
    last = [i for i, (low, high) in enumerate(offsets) if low <= end - 1 < high]
    return (first[0], last[0]) if first and last else None


@placed.alternative
def with_letters(offsets, start, end):
    return letter_by_letter(offsets, start, end)


cut = coding(
    "10.8",
    title="Windows that share",
    difficulty=3,
    minutes=7,
    given="the length of a row, the size of a window, and how much neighbours share "
    "(0 ≤ overlap < size)",
    reference=spans.windows,
    task="""Cut a row of `length` tokens into windows (start, end), `end` one past the last.

    The first window begins at 0, and every window has `size` tokens, but the last may be shorter.
    Neighbours share `overlap` tokens.  Stop with the first window that reaches the end of the row.
    """,
    hints=[
        "How far does one window start behind the window before?",
        "The step is `size - overlap`. When is the row covered?",
        "Stop as soon as `start + size >= length`; a window after that would hold nothing new.",
    ],
    why="Without an overlap an answer that lies across a cut is whole in no window, so no training "
    "and no search will ever find it. An overlap of m tokens makes answers of up to m + 1 safe.",
    then="how many more windows does an overlap of half a window cost?",
)


@cut.cases
def cut_cases(draw):
    yield case(10, 4, 2)
    yield case(9, 4, 1)
    yield case(4, 4, 3)
    yield case(3, 5, 2)
    yield case(1, 2, 1)
    yield case(13, 5, 0)
    for _ in range(4):
        size = draw.size(3, 12)
        yield case(draw.size(20, 60), size, draw.size(1, size - 1))


TOKENIZER = Tokenizer(models.WordLevel({str(i): i for i in range(100)}, unk_token="0"))


@cut.oracle
def by_tokenizers(length, size, overlap):
    """The `tokenizers` library cuts a row whose tokens are numbered."""
    row = TOKENIZER.encode([str(i) for i in range(length)], is_pretokenized=True)
    row.truncate(size, stride=overlap)
    return [(part.ids[0], part.ids[-1] + 1) for part in (row, *row.overflowing)]


@cut.wrong("nothing is shared: an answer across a cut is whole in no window", "10.5")
def no_overlap(length, size, overlap):
    return [(start, min(start + size, length)) for start in range(0, length, size)]


@cut.wrong("you take the overlap for the step: the step is size - overlap", "10.5")
def overlap_as_step(length, size, overlap):
    return spans.windows(length, size, size - overlap)


@cut.wrong("the end of the row is in no window: the last one may be shorter", "10.5")
def tail_lost(length, size, overlap):
    starts = range(0, max(length - size, 0) + 1, size - overlap)
    return [(start, min(start + size, length)) for start in starts]


@cut.wrong("the last window reaches past the end of the row", "10.5")
def past_the_end(length, size, overlap):
    return [(start, start + size) for start, _ in spans.windows(length, size, overlap)]


@cut.wrong("after the row is covered you go on with windows that hold nothing new", "10.5")
def never_satisfied(length, size, overlap):
    starts = range(0, length, size - overlap)
    return [(start, min(start + size, length)) for start in starts]


@cut.wrong("neighbours share one token too few", "10.5")
def one_too_few(length, size, overlap):
    return spans.windows(length, size, max(overlap - 1, 0))


@cut.alternative
def step_by_step(length, size, overlap):
    found, start = [(0, min(size, length))], 0
    while found[-1][1] < length:
        start += size - overlap
        found.append((start, min(start + size, length)))
    return found


@cut.alternative
def by_count(length, size, overlap):
    step = size - overlap
    count = 1 + max(0, math.ceil((length - size) / step))
    return [(i * step, min(i * step + size, length)) for i in range(count)]
