"""Lesson 03, section 3.3: gluing a pair."""

from itertools import pairwise

from tokenizers import models

from course_utils.exercises.exercise import case, coding
from course_utils.text import subwords

SIGNS = 0x4E00  # number n is written as the character SIGNS + n

merge = coding(
    "03.6",
    title="Glue a pair",
    difficulty=2,
    minutes=5,
    given="a row of token numbers, a pair, and the number of the new token",
    reference=subwords.merge_pair,
    task="""Replace every `pair` of neighbours by `new`, from left to right, in a new list.

    A token is used once: (7, 7, 7) with the pair (7, 7) and new = 9 becomes [9, 7].
    """,
    hints=[
        "A `while` loop with a place i that you move yourself: two steps after a pair, one "
        "otherwise.",
        "Is there a neighbour on the right? `i + 1 < len(symbols)` comes before you look.",
    ],
    why="After a pair the loop jumps over both tokens, so that no token is used twice, and the "
    "rest of the row stays as it is.",
    then="what does [7, 7, 7, 7, 7] become?",
)


@merge.cases
def merge_cases(draw):
    yield case([1, 2, 3, 1, 2], (1, 2), 9)
    yield case([7, 7, 7], (7, 7), 9)
    yield case([7] * draw.size(4, 9), (7, 7), 9)
    yield case([2, 1, 2, 1], (1, 2), 9)
    yield case([1, 1, 2, 2, 1], (1, 2), 9)
    yield case([3, 1], (1, 2), 9)
    yield case([4], (4, 4), 9)
    yield case([1, 3, 2], (1, 2), 9)
    for _ in range(3):
        yield case([draw.size(0, 2) for _ in range(draw.size(8, 14))], (0, draw.size(0, 2)), 5)


@merge.oracle
def tokenizers_merge(symbols, pair, new):
    left, right = (chr(SIGNS + number) for number in pair)
    vocab = {chr(SIGNS + number): number for number in {*symbols, *pair}} | {left + right: new}
    model = models.BPE(vocab=vocab, merges=[(left, right)])
    return [token.id for token in model.tokenize("".join(chr(SIGNS + n) for n in symbols))]


@merge.wrong("only the first pair is glued; go on to the end of the row", "3.3")
def first_one_only(symbols, pair, new):
    for i, found in enumerate(pairwise(symbols)):
        if found == pair:
            return [*symbols[:i], new, *symbols[i + 2 :]]
    return list(symbols)


@merge.wrong("7 7 7 became 7 9: you glue from the right; begin on the left", "3.3")
def from_right_to_left(symbols, pair, new):
    return subwords.merge_pair(symbols[::-1], pair[::-1], new)[::-1]


@merge.wrong("a token in the overlap is used twice: after a pair, move on by two", "3.3")
def overlap_used_twice(symbols, pair, new):
    merged, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(new)
            i += 1 if symbols[i + 1 : i + 3] == list(pair) else 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


@merge.wrong("the last token is lost when it does not belong to a pair", "3.3")
def last_token_lost(symbols, pair, new):
    merged, i = [], 0
    while i < len(symbols) - 1:
        found = (symbols[i], symbols[i + 1]) == pair
        merged.append(new if found else symbols[i])
        i += 2 if found else 1
    return merged


@merge.wrong("(2, 1) is not (1, 2): compare the pair in its order", "3.3")
def either_order(symbols, pair, new):
    merged, i = [], 0
    while i < len(symbols):
        found = sorted(symbols[i : i + 2]) == sorted(pair)
        merged.append(new if found else symbols[i])
        i += 2 if found else 1
    return merged


@merge.wrong("right, but the row that you were given has changed: write a new list", "3.3")
def changes_its_argument(symbols, pair, new):
    i = 0
    while i < len(symbols) - 1:
        if (symbols[i], symbols[i + 1]) == pair:
            symbols[i : i + 2] = [new]
        i += 1
    return symbols


@merge.alternative
def on_a_copy(symbols, pair, new):
    row = list(symbols)
    for i in range(len(row) - 1):
        if tuple(row[i : i + 2]) == tuple(pair):
            row[i : i + 2] = [new, None]
    return [number for number in row if number is not None]


@merge.alternative
def with_an_iterator(symbols, pair, new):
    left, right = pair
    merged = []
    glued = False  # may the last entry not be used again?
    for number in symbols:
        if merged and not glued and merged[-1] == left and number == right:
            merged[-1], glued = new, True
        else:
            merged.append(number)
            glued = False
    return merged
