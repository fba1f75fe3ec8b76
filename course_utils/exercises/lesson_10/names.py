"""Lesson 10, section 10.1: counting names instead of tokens."""

import numpy as np
import seqeval.metrics

from course_utils.evaluation import pointing
from course_utils.exercises.exercise import case, coding
from course_utils.text.spans import bio_entities

scores = coding(
    "10.3",
    title="Found, or not found",
    difficulty=3,
    minutes=8,
    given="rows of true tags and rows of guessed tags; `spans.bio_entities(row)` lists the names "
    "of a row as (kind, start, end)",
    reference=pointing.entity_scores,
    task="""Precision, recall and F1 of names, over all rows together: three numbers.

    A name counts as found when its kind, its start and its end are right, and not at all
    otherwise.  Precision: of the names that are said, how many are there; recall: of the names
    that are there, how many are said; F1 = 2·hits / (said + there).  Without a divisor: 0.
    """,
    hints=[
        "Make two sets: what is there and what is said. A hit is in both.",
        "The same (kind, start, end) may stand in two rows: put the number of the row into it.",
        "`there = {(i, *one) for i, tags in enumerate(truth) "
        "for one in spans.bio_entities(tags)}`",
    ],
    why="A name with one word too many is wrong, and costs twice: once as a false alarm, once as "
    "a miss. That is strict, and it is what the reader of a search result would say.",
    then="what would you count if half a name were half a hit?",
)


@scores.cases
def score_cases(draw):
    yield case([["B-x", "I-x", "O", "B-y"]], [["B-x", "O", "O", "B-y"]])
    yield case([["B-x", "O"], ["O", "O"]], [["O", "O"], ["B-x", "O"]])  # the other row
    yield case([["O", "B-x", "I-x"]], [["O", "B-y", "I-y"]])
    yield case([["O", "B-x"]], [["O", "O"]])
    yield case([["O", "O"]], [["B-x", "O"]])
    yield case([["O", "O"]], [["O", "O"]])
    yield case([["B-x", "O"]], [["B-x", "O"]])
    yield case([["B-x", "B-y", "O"]], [["B-x", "O", "O"]])
    tags = ["O", "O", "B-x", "I-x", "B-y", "I-y"]
    for _ in range(3):
        truth = [[draw.choice(tags) for _ in range(draw.size(3, 9))] for _ in range(4)]
        yield case(
            truth,
            [[t if draw.random.random() < 0.7 else draw.choice(tags) for t in r] for r in truth],
        )


@scores.oracle
def by_seqeval(truth, guesses):
    return (
        float(seqeval.metrics.precision_score(truth, guesses, zero_division=0)),
        float(seqeval.metrics.recall_score(truth, guesses, zero_division=0)),
        float(seqeval.metrics.f1_score(truth, guesses, zero_division=0)),
    )


def three(hits, said, there):
    """Precision, recall and F1 from counts."""
    return hits / max(said, 1), hits / max(there, 1), 2 * hits / max(said + there, 1)


@scores.wrong("you count tokens that are in a name; count names", "10.1")
def tokens_counted(truth, guesses):
    pairs = [p for rows in zip(truth, guesses, strict=True) for p in zip(*rows, strict=True)]
    hits = sum(t == g != "O" for t, g in pairs)
    return three(hits, sum(g != "O" for _, g in pairs), sum(t != "O" for t, _ in pairs))


@scores.wrong("a name of the wrong kind counts as found", "10.1")
def kind_ignored(truth, guesses):
    sets = [
        {(i, *one[1:]) for i, tags in enumerate(rows) for one in bio_entities(tags)}
        for rows in (guesses, truth)
    ]
    return three(len(sets[0] & sets[1]), len(sets[0]), len(sets[1]))


@scores.wrong("it is enough for you that the start is right; the end has to be, too", "10.1")
def end_ignored(truth, guesses):
    sets = [
        {(i, *one[:2]) for i, tags in enumerate(rows) for one in bio_entities(tags)}
        for rows in (guesses, truth)
    ]
    return three(len(sets[0] & sets[1]), len(sets[0]), len(sets[1]))


@scores.wrong("names of different rows are taken for the same one: keep the row's number", "10.1")
def row_forgotten(truth, guesses):
    said, there = (
        {one for tags in rows for one in bio_entities(tags)} for rows in (guesses, truth)
    )
    return three(len(said & there), len(said), len(there))


@scores.wrong("a mean over rows: a row without a name pulls it down. Count all rows first", "10.1")
def mean_over_rows(truth, guesses):
    rows = [pointing.entity_scores([t], [g]) for t, g in zip(truth, guesses, strict=True)]
    return tuple(np.mean(rows, axis=0))


@scores.wrong("precision and recall have changed places", "10.1")
def swapped(truth, guesses):
    return pointing.entity_scores(guesses, truth)


@scores.alternative
def by_a_library(truth, guesses):
    return by_seqeval(truth, guesses)


@scores.alternative
def with_lists(truth, guesses):
    said = there = hits = 0
    for t, g in zip(truth, guesses, strict=True):
        t, g = bio_entities(t), bio_entities(g)
        said, there, hits = said + len(g), there + len(t), hits + sum(one in t for one in g)
    precision = hits / said if said else 0.0
    recall = hits / there if there else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return [precision, recall, f1]
