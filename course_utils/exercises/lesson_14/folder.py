"""Lesson 14, section 14.2: blocks of neighbouring paragraphs, and a split that leaks."""

import re

import pandas as pd

from course_utils.exercises.exercise import case, coding
from course_utils.text import folders
from course_utils.text.cleaning import deduplicate

blocks = coding(
    "14.2",
    title="What stands together stays together",
    difficulty=2,
    minutes=8,
    given="the number of words of each paragraph of a file, in order",
    reference=folders.blocks,
    hints=[
        "Go through the lengths and keep two numbers: the block that you are in, and how many "
        "words it holds so far.",
        "Before you put a paragraph into a block, ask whether the block has enough already.",
        "At the end: if there is more than one block and the last holds less than words / 2, "
        "everything with its number gets the number before.",
    ],
    why="A block is the unit that is held out. If paragraphs were drawn one by one, the sentence "
    "before and the sentence after each validation text would stand in the training part, with "
    "the same names and half of the same phrases.",
    then="give it the lengths of a file of yours.",
)


@blocks.cases
def block_cases(draw):
    yield case([30, 40, 50, 60, 10], 60)
    yield case([30, 40, 50, 60, 30], 60)  # a rest of exactly a half stays a block
    yield case([60, 20, 40, 60, 70, 45], 60)  # blocks that are full to the word
    yield case([10, 5], 60)  # too little for one block is one block
    yield case([60, 25], 60)
    yield case([], 60)
    yield case([300, 300 + draw.size(0, 9), 20, 499, 2, 7, 400])  # the default
    for words in (draw.size(20, 40), draw.size(50, 90)):
        yield case(draw.integers(1, 60, draw.size(9, 30)).tolist(), words)


@blocks.oracle
def by_lists_of_lists(lengths, words=500):
    groups = [[]]
    for length in lengths:
        if sum(groups[-1]) >= words:
            groups.append([])
        groups[-1].append(length)
    if len(groups) > 1 and sum(groups[-1]) < words / 2:
        rest = groups.pop()
        groups[-1] += rest
    return [number for number, group in enumerate(groups) for _ in group]


@blocks.wrong("you close a block before it is full: it must hold at least `words`", "14.2")
def closed_too_early(lengths, words=500):
    found, number, filled = [], 0, 0
    for length in lengths:
        if filled and filled + length > words:
            number, filled = number + 1, 0
        found.append(number)
        filled += length
    return found


@blocks.wrong("the small rest at the end is still a block of its own", "14.2")
def kept_the_rest(lengths, words=500):
    found, number, filled = [], 0, 0
    for length in lengths:
        if filled >= words:
            number, filled = number + 1, 0
        found.append(number)
        filled += length
    return found


blocks.wrong_edit(
    "joined_every_rest",
    old="2 * filled < words",
    new="filled < words",
    message="a rest of half a block or more may stay alone; only less than half joins",
    section="14.2",
)
blocks.wrong_edit(
    "one_paragraph_too_many",
    old="filled >= words",
    new="filled > words",
    message="a block with exactly `words` words is full already",
    section="14.2",
)
blocks.wrong_edit(
    "forgot_to_empty_the_block",
    old="number, filled = number + 1, 0",
    new="number += 1",
    message="after the first block every paragraph is a block: start counting words anew",
    section="14.2",
)


@blocks.wrong("blocks are numbered from 0, not from 1", "14.2")
def numbered_from_one(lengths, words=500):
    return [number + 1 for number in by_lists_of_lists(lengths, words)]


@blocks.wrong("that puts equally many paragraphs into each block; it is words that count", "14.2")
def equally_many_paragraphs(lengths, words=500):
    return [place // 2 for place in range(len(lengths))]


@blocks.alternative
def with_a_list_of_starts(lengths, words=500):
    starts, filled = [], words
    for place, length in enumerate(lengths):
        if filled >= words:
            starts.append(place)
            filled = 0
        filled += length
    if len(starts) > 1 and 2 * filled < words:
        starts.pop()
    return [sum(start <= place for start in starts) - 1 for place in range(len(lengths))]


@blocks.alternative
def recursive(lengths, words=500, number=0):
    total, end = 0, 0
    while end < len(lengths) and total < words:
        total, end = total + lengths[end], end + 1
    rest = lengths[end:]
    if 2 * sum(rest) < words:  # nothing, or too little for a block
        return [number] * len(lengths)
    return [number] * end + recursive(rest, words, number + 1)


def split_distinct(texts: list[str], held_out: list[bool]) -> tuple[list[str], list[str]]:
    """The texts for training and the held-out ones; equal texts count once, the first decides.

    held_out[i] says whether text i was put on the validation side. Two texts are equal if
    `deduplicate` calls them so: it gives the places of the texts to keep.
    """
    kept = deduplicate(texts)
    train = [texts[i] for i in kept if not held_out[i]]
    return train, [texts[i] for i in kept if held_out[i]]


def split_distinct_with_a_bug(
    texts: list[str], held_out: list[bool]
) -> tuple[list[str], list[str]]:
    """The texts for training and the held-out ones; equal texts count once, the first decides.

    held_out[i] says whether text i was put on the validation side. Two texts are equal if
    `deduplicate` calls them so: it gives the places of the texts to keep.
    """
    train = [texts[i] for i in range(len(texts)) if not held_out[i]]
    validation = [texts[i] for i in range(len(texts)) if held_out[i]]
    train = [train[i] for i in deduplicate(train)]
    return train, [validation[i] for i in deduplicate(validation)]


leak = coding(
    "14.3",
    title="Clean on either side",
    difficulty=3,
    minutes=6,
    given="a split that removes all doubles, and still leaks",
    reference=split_distinct,
    buggy=split_distinct_with_a_bug,
    hints=[
        "Each side is free of doubles. And both together?",
        "Which has to come first, the removing or the splitting?",
        "`deduplicate(texts)` on everything, then sort what is left by `held_out`.",
    ],
    why="Removing doubles within each side finds none that stands once on either side, and these "
    "are the ones that flatter the loss. What is done to all texts has to be done before they "
    "are parted.",
    then="lesson 02 measured what such a leak is worth.",
)

WORDS = ("A film.", "a film", "A FILM!", "Rain again.", "rain, again", "Two lines here", "Nobody.")


@leak.cases
def leak_cases(draw):
    yield case(["A film.", "Rain again.", "a film"], [True, False, False])
    yield case(["A film.", "a film", "a film", "Nobody."], [False, True, True, True])
    yield case(["A film.", "a film", "Nobody."], [False, False, True])
    for _ in range(4):
        count = draw.size(9, 15)
        texts = [draw.choice(WORDS) for _ in range(count)]
        yield case(texts, [draw.choice((True, False)) for _ in range(count)])


@leak.oracle
def with_pandas(texts, held_out):
    table = pd.DataFrame({"text": texts, "side": held_out})
    table["key"] = [re.sub(r"[\W_]", "", text.casefold()) for text in texts]
    table = table.drop_duplicates("key")
    return list(table.text[~table.side]), list(table.text[table.side])


@leak.wrong("equal to the letter only: case and punctuation must not count", "14.2")
def to_the_letter(texts, held_out):
    first = [i for i, text in enumerate(texts) if text not in texts[:i]]
    train = [texts[i] for i in first if not held_out[i]]
    return train, [texts[i] for i in first if held_out[i]]


@leak.wrong("no text is lost because it has a double: the first of them stays", "14.2")
def dropped_all_of_them(texts, held_out):
    keys = [re.sub(r"[\W_]", "", text.casefold()) for text in texts]
    alone = [i for i, key in enumerate(keys) if keys.count(key) == 1]
    train = [texts[i] for i in alone if not held_out[i]]
    return train, [texts[i] for i in alone if held_out[i]]


@leak.wrong("the training side does not always win: the first of equal texts decides", "14.2")
def train_wins(texts, held_out):
    train, validation = split_distinct_with_a_bug(texts, held_out)
    both = train + validation
    return train, [both[i] for i in deduplicate(both) if i >= len(train)]


@leak.wrong("the last of equal texts stays with you; it should be the first", "14.2")
def the_last_decides(texts, held_out):
    back = [len(texts) - 1 - i for i in deduplicate(texts[::-1])][::-1]
    train = [texts[i] for i in back if not held_out[i]]
    return train, [texts[i] for i in back if held_out[i]]


@leak.wrong("the sides are exchanged: first train, then validation", "14.2")
def exchanged(texts, held_out):
    train, validation = split_distinct(texts, held_out)
    return validation, train


@leak.wrong(
    "`held_out` belongs to the places in `texts`, not to the places in what is left", "14.2"
)
def wrong_places(texts, held_out):
    kept = [texts[i] for i in deduplicate(texts)]
    pairs = list(zip(kept, held_out, strict=False))
    return [text for text, out in pairs if not out], [text for text, out in pairs if out]


@leak.alternative
def in_one_pass(texts, held_out):
    sides = ([], [])
    for place in deduplicate(texts):
        sides[held_out[place]].append(texts[place])
    return sides


@leak.alternative
def with_a_set(texts, held_out):
    seen, sides = set(), {False: [], True: []}
    for text, out in zip(texts, held_out, strict=True):
        key = "".join(c for c in text.casefold() if c.isalnum())
        if key not in seen:
            seen.add(key)
            sides[out].append(text)
    return sides[False], sides[True]
