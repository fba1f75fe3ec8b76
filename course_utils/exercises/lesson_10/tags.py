"""Lesson 10, sections 10.1 and 10.2: reading tags, and laying labels on pieces of words."""

from itertools import groupby

import numpy as np
from seqeval.metrics.sequence_labeling import get_entities

from course_utils.exercises.exercise import case, coding
from course_utils.text import spans
from course_utils.text.masking import IGNORE

entities = coding(
    "10.2",
    title="From tags to names",
    difficulty=4,
    minutes=12,
    given='a row of tags: "O", "B-kind" (a name begins) or "I-kind" (it goes on)',
    reference=spans.bio_entities,
    task="""The names that a row of BIO tags marks, from left to right: (kind, start, end).

    `end` is one past the last word.  A "B-kind" always begins a name.  A model may say what no
    annotator would: an "I-kind" after "O", or after another kind, begins a name, too.
    """,
    hints=[
        "Walk along the tags and remember what is open: its kind and where it started.",
        "An open name of kind x goes on only with the tag `I-x`. With anything else it is closed "
        "first; then look whether the tag opens another.",
        'Walk over `[*tags, "O"]`: the extra tag closes a name that reaches the end of the row.',
    ],
    why="Everything in this lesson that is counted in names goes through this function, so each "
    "slip in it moves every score. The last name of a row is the one that gets lost most often.",
    then='what does "I-x I-x B-x" mark?',
)


@entities.cases
def entity_cases(draw):
    yield case(["O", "B-film", "I-film", "O", "B-film"])
    yield case(["B-film", "B-film", "I-film"])
    yield case(["O", "I-place", "I-place", "O"])
    yield case(["B-film", "I-place", "O", "I-film"])
    yield case([])
    for _ in range(4):
        tags = ["O", "B-film", "I-film", "B-place", "I-place"]
        yield case([draw.choice(tags) for _ in range(draw.size(5, 12))])


@entities.oracle
def by_seqeval(tags):
    return [(kind, start, end + 1) for kind, start, end in get_entities(tags)]


@entities.wrong("your `end` is the last word itself; it should be one past it", "10.1")
def end_included(tags):
    return [(kind, start, end - 1) for kind, start, end in spans.bio_entities(tags)]


@entities.wrong("a name that reaches the end of the row gets lost: nothing closes it", "10.1")
def lost_at_the_end(tags):
    return [one for one in spans.bio_entities(tags) if one.end < len(tags)]


@entities.wrong("two names side by side become one: a B begins a name, always", "10.1")
def neighbours_merged(tags):
    found, place = [], 0
    for kind, run in groupby(tag[2:] for tag in tags):
        size = len(list(run))
        if kind:
            found.append((kind, place, place + size))
        place += size
    return found


@entities.wrong("an I without a B before it is dropped; it begins a name, too", "10.1")
def lone_inside_dropped(tags):
    return [one for one in spans.bio_entities(tags) if tags[one.start].startswith("B")]


@entities.wrong("an I of another kind goes on with the name before it; it begins another", "10.1")
def kinds_mixed(tags):
    marks = ["O" if tag == "O" else f"{tag[0]}-x" for tag in tags]
    return [(tags[start][2:], start, end) for _, start, end in spans.bio_entities(marks)]


@entities.alternative
def from_seqeval(tags):
    return [[kind, start, end + 1] for kind, start, end in get_entities(list(tags))]


@entities.alternative
def with_breaks(tags):
    begins = [
        tag != "O" and (tag[0] == "B" or place == 0 or tags[place - 1][2:] != tag[2:])
        for place, tag in enumerate(tags)
    ]
    found = []
    for place, begin in enumerate(begins):
        if begin:
            end = place + 1
            while end < len(tags) and tags[end] != "O" and not begins[end]:
                end += 1
            found.append((tags[place][2:], place, end))
    return found


aligned = coding(
    "10.4",
    title="One label for each word",
    difficulty=2,
    minutes=6,
    given="for each token the number of the word that it is a piece of (None for [CLS], [SEP] and "
    "padding), and a label for each word",
    reference=spans.align_labels,
    task="""A label for each token, from a label for each word.

    The first piece of a word carries the word's label.  Its other pieces, and tokens that belong
    to no word, get -100: the loss skips them.
    """,
    hints=[
        "Which tokens are first pieces? Those whose word is another one than the token's before.",
        "Keep the word of the token before, and compare.",
    ],
    why="With a label on every piece, long words count more often than short ones, and a name of "
    "five pieces is judged five times. With label 0 instead of -100, the model is taught that the "
    "rest of every name is no name. Neither raises an error.",
    then="where do the labels stand when a tokenizer cuts a word into no piece at all?",
)


@aligned.cases
def aligned_cases(draw):
    yield case([None, 0, 0, 1, None], [3, 2])
    yield case([0, 0, 1, 2, 2, 2], [1, 4, 2])
    yield case([None, 0, None, 1, 1, None, None], [5, 6])
    for _ in range(3):
        count = draw.size(3, 6)
        words = [word for word in range(count) for _ in range(draw.size(1, 3))]
        labels = [draw.size(1, 8) for _ in range(count)]
        yield case([None, *words, None, *[None] * draw.size(0, 3)], labels)


@aligned.oracle
def with_numpy(word_ids, labels):
    """NumPy: `unique` says where each word stands first."""
    words = np.array([-1 if word is None else word for word in word_ids])
    found = np.full(len(words), IGNORE)
    for word, place in zip(*np.unique(words, return_index=True), strict=True):
        if word >= 0:
            found[place] = labels[word]
    return found.tolist()


@aligned.wrong("every piece of a word has its label; only the first piece should", "10.2")
def every_piece(word_ids, labels):
    return [IGNORE if word is None else labels[word] for word in word_ids]


@aligned.wrong("[CLS], [SEP] and padding get label 0, so the model learns from them: -100", "10.2")
def outside_for_specials(word_ids, labels):
    found = spans.align_labels(word_ids, labels)
    return [0 if word is None else one for one, word in zip(found, word_ids, strict=True)]


@aligned.wrong("the other pieces get label 0, *outside*: the model unlearns each name", "10.2")
def outside_for_pieces(word_ids, labels):
    found = spans.align_labels(word_ids, labels)
    return [
        0 if word is not None and one == IGNORE else one
        for one, word in zip(found, word_ids, strict=True)
    ]


@aligned.wrong("the label stands on the last piece; it should stand on the first", "10.2")
def last_piece(word_ids, labels):
    return spans.align_labels(word_ids[::-1], labels)[::-1]


@aligned.wrong("you count tokens, not words: from the first long word on all labels slip", "10.2")
def by_token(word_ids, labels):
    queue = list(labels)
    return [IGNORE if word is None or not queue else queue.pop(0) for word in word_ids]


@aligned.alternative
def with_a_set(word_ids, labels):
    seen, found = {None}, []
    for word in word_ids:
        found.append(-100 if word in seen else labels[word])
        seen.add(word)
    return found


@aligned.alternative
def in_one_line(word_ids, labels):
    pairs = zip(word_ids, [None, *word_ids[:-1]], strict=True)
    return np.array([-100 if w is None or w == before else labels[w] for w, before in pairs])
