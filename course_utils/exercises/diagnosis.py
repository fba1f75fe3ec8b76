"""What a mistake is called.

A wrong answer is recognised by what it gives: every wrong answer of the exercise's catalogue is run
on the same inputs, and the one that gives the same names the misconception.
"""

import time

from course_utils.exercises import running
from course_utils.exercises.compare import difference
from course_utils.exercises.exercise import Coding, Wrong
from course_utils.exercises.running import Result, Trial

DIAGNOSIS_SECONDS = 1.5  # for running the catalogue; a slow machine names fewer mistakes


def diagnose(exercise: Coding, trial: Trial, cases, expected, seed: int):
    """The catalogued wrong answer that gives the same as this one; None when there is none.

    Best is one that gives the same on every case. Failing that, one (if it is the only one) that
    gives the same wherever, at least twice, the learner's answer gives something wrong: that answer
    may also crash on some case for a reason of its own. An answer that crashes wherever it is not
    right is recognised by the very words of its error.
    """
    if all(result.error for result in trial.results):
        return None  # it never gave anything: nothing to compare
    wrong = [place for place, result in enumerate(trial.results) if not result.right]
    given = [place for place in wrong if trial.results[place].error is None]
    comparable = len(given) >= 2 and given[0] == wrong[0]

    def same(place: int, theirs: Result) -> bool:
        return _same(trial.results[place], theirs, exercise.tolerance, words=not given)

    def hopeless(place: int, theirs: Result) -> bool:
        return (place in given or not comparable) and not same(place, theirs)

    close, give_up = [], time.monotonic() + DIAGNOSIS_SECONDS
    for entry in _catalogue(exercise):
        left = give_up - time.monotonic()
        if left <= 0:
            break
        theirs = running.run(exercise, entry.answer, cases, expected, seed, left, hopeless).results
        if len(theirs) < len(cases):
            continue
        alike = [same(place, result) for place, result in enumerate(theirs)]
        if all(alike):
            return entry
        if comparable and all(alike[place] for place in given):
            close.append(entry)
    return close[0] if len(close) == 1 else None


def _catalogue(exercise: Coding) -> list[Wrong]:
    """The wrong answers, and for a bug hunt the code as it was given."""
    if not exercise.buggy:
        return exercise.wrong_answers
    section = exercise.wrong_answers[0].section if exercise.wrong_answers else ""
    as_before = "it still does what the given code did: the bug is still there"
    return [*exercise.wrong_answers, Wrong(exercise.buggy, as_before, section, "bug_still_there")]


def _same(mine: Result, theirs: Result, tolerance, words: bool) -> bool:
    """Did two answers do the same? Of errors the type counts, with `words` the text as well."""
    if mine.error or theirs.error:
        alike = type(mine.error) is type(theirs.error)
        return alike and not (words and str(mine.error) != str(theirs.error))
    if mine.changed != theirs.changed or mine.broken != theirs.broken:
        return False
    return difference(theirs.value, mine.value, tolerance) is None
