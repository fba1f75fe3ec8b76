"""Lesson 14, section 14.8: the referee of the leaderboard."""

import math

import pandas as pd

from course_utils.evaluation import leaderboard
from course_utils.evaluation.leaderboard import Entry
from course_utils.exercises.exercise import case, coding

referee = coding(
    "14.9",
    title="The referee",
    difficulty=3,
    minutes=8,
    given="entries with `name`, `loss`, `seconds` and `masks`; which masks and budget count",
    reference=leaderboard.rank,
    task="""The valid entries, best first; of each name the best one only.

    Valid is what was judged on `masks`, took at most `budget` seconds, and has a finite loss.  The
    lowest loss is best; among equal losses the shorter time.  `entries` itself is not changed.
    """,
    hints=[
        "First throw out, then sort, then keep one entry for each name.",
        "`sorted(valid, key=lambda entry: (entry.loss, entry.seconds))` sorts by both; "
        "`np.isfinite` knows what a loss may be.",
        "In the sorted list, the first entry of a name is its best.",
    ],
    why="Sorting is the least part of a comparison. Losses on other masks, in other vocabularies "
    "or after longer training look like numbers of the same kind and are not.",
    then="would you let a team enter twenty times? Section 14.9 has the answer.",
)


@referee.cases
def entries_of_a_race(draw):
    yield case(
        [Entry("a", 4.0, 50.0, "m"), Entry("b", 3.5, 70.0, "m"), Entry("c", 2.0, 50.0, "n")],
        "m", 60.0,
    )  # fmt: skip
    yield case([Entry("late", 4.0, 60.0, "m"), Entry("soon", 4.0, 30.0, "m")], "m", 60.0)
    worse_first = [
        Entry("a", 4.5, 20.0, "m"),
        Entry("a", 4.0, 50.0, "m"),
        Entry("b", 4.2, 9.0, "m"),
    ]
    yield case(worse_first + [Entry("gone", math.inf, 5.0, "m")], "m", 60.0)
    yield case([Entry("low", -math.inf, 5.0, "m"), Entry("ok", 4.0, 5.0, "m")], "m", 10.0)
    for _ in range(4):
        entries = [
            Entry(
                draw.choice("abcdef"),
                draw.choice((3.25, 3.5, 4.0, 4.25, math.inf)) + draw.size(0, 3) / 8,
                draw.choice((20.0, 40.0, 45.0, 60.0, 61.0)),
                draw.choice(("m", "m", "n")),
            )
            for _ in range(draw.size(12, 20))
        ]
        # no two with the same loss and the same seconds: their order would be anybody's
        apart = list({(one.loss, one.seconds): one for one in entries}.values())
        yield case(apart, "m", draw.choice((45.0, 60.0)))


@referee.oracle
def with_pandas(entries, masks, budget):
    table = pd.DataFrame([vars(entry) for entry in entries])
    table = table[(table.masks == masks) & (table.seconds <= budget)]
    table = table[table.loss.abs() < math.inf]
    table = table.sort_values(["loss", "seconds"], kind="stable").drop_duplicates("name")
    return [Entry(**row) for row in table.to_dict("records")]


def _valid(entries, masks, budget):
    return [
        one
        for one in entries
        if one.masks == masks and one.seconds <= budget and math.isfinite(one.loss)
    ]


def _each_name_once(entries):
    best = {}
    for one in entries:
        best.setdefault(one.name, one)
    return list(best.values())


def _order(one):
    return one.loss, one.seconds


referee.wrong_edit(
    "other_masks_as_well",
    old="entry.masks == masks and ",
    new="",
    message="a loss on other masks stands among them: it was another exam",
    section="14.8",
)
referee.wrong_edit(
    "over_the_budget",
    old=" and entry.seconds <= budget",
    new="",
    message="an entry that took longer than the budget is still there",
    section="14.8",
)
referee.wrong_edit(
    "budget_not_included",
    old="entry.seconds <= budget",
    new="entry.seconds < budget",
    message="at most `budget` seconds: exactly the budget is allowed",
    section="14.8",
)
referee.wrong_edit(
    "any_loss_will_do",
    old=" and math.isfinite(entry.loss)",
    new="",
    message="a loss that is not finite belongs to a run that broke down",
    section="14.8",
)


@referee.wrong("several entries of one name are left: only its best counts", "14.8")
def names_more_than_once(entries, masks, budget):
    return sorted(_valid(entries, masks, budget), key=_order)


@referee.wrong("of each name you keep the first that was handed in, not the best", "14.8")
def the_first_handed_in(entries, masks, budget):
    return sorted(_each_name_once(_valid(entries, masks, budget)), key=_order)


@referee.wrong("the highest loss stands on top; a loss is better when it is lower", "14.8")
def highest_first(entries, masks, budget):
    ordered = sorted(_valid(entries, masks, budget), key=_order)
    return _each_name_once(ordered)[::-1]


@referee.wrong("among equal losses the shorter time comes first", "14.8")
def ties_as_they_came(entries, masks, budget):
    return _each_name_once(sorted(_valid(entries, masks, budget), key=lambda one: one.loss))


@referee.alternative
def with_a_dictionary(entries, masks, budget):
    best = {}
    for one in _valid(entries, masks, budget):
        if one.name not in best or _order(one) < _order(best[one.name]):
            best[one.name] = one
    return sorted(best.values(), key=_order)


@referee.alternative
def sorted_first(entries, masks, budget):
    found = []
    for one in sorted(entries, key=_order):
        if one.name not in [other.name for other in found] and one in _valid([one], masks, budget):
            found.append(one)
    return found
