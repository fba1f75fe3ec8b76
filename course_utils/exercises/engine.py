"""The learner's side: `check`, `hint`, `solution` and `guess`.

check("04.2", attention_scores)    ○ not attempted   ! crashed   ✗ wrong   ✓ correct
hint("04.2")                       the next hint
solution("04.2")                   the reference, and why it is so
guess("04.3", 8)                   a prediction, scored later by check("04.3")
"""

import os
import zlib
from typing import Any

from course_utils.exercises import progress, registry, stubs
from course_utils.exercises.display import CRASHED, NOT_ATTEMPTED, Note, Outcome
from course_utils.exercises.exercise import Coding, Question
from course_utils.exercises.grading import grade

_guesses: dict[str, Any] = {}  # of this session; `...` when a guess cell was run untouched
_NO_ANSWER = object()


def check(id: str, answer: Any = _NO_ANSWER, *, seed: int | None = None) -> Outcome:
    """Judge an answer: not attempted, crashed, wrong or correct. Never raises.

    Args:
        id: of the exercise, "04.2".
        answer: the learner's function, class, number or letter. Without it, the guess that was
            written down by `guess(id, value)`.
        seed: of the inputs; otherwise `COURSE_CHECK_SEED`, otherwise 0.
    """
    try:
        exercise = registry.find(id)
    except KeyError as unknown:
        return Outcome(str(id), NOT_ATTEMPTED, unknown.args[0])
    if answer is _NO_ANSWER:
        answer = _guess_of(id)
    try:
        outcome = grade(exercise, answer, check_seed() if seed is None else seed)
    except BaseException as error:  # the grader's own fault: the learner's code is in the sandbox
        said = f"the grader itself failed, please report it ({type(error).__name__}: {error})"
        return Outcome(id, CRASHED, said)
    if outcome.status == NOT_ATTEMPTED:
        return outcome
    return _with_message(outcome, progress.record(id, outcome.status))


def hint(id: str) -> Note:
    """The next hint; after the last one, the last one again."""
    try:
        exercise = registry.find(id)
    except KeyError as unknown:
        return Note(unknown.args[0])
    place, message = progress.next_hint(id, len(exercise.hints))
    body = (("", exercise.hints[place]),) + ((("", message),) if message else ())
    return Note(f"hint {place + 1} of {len(exercise.hints)} for {id}", body)


def solution(id: str) -> Note:
    """The reference's source with the imports that it needs, and why it is so."""
    try:
        exercise = registry.find(id)
    except KeyError as unknown:
        return Note(unknown.args[0])
    if isinstance(exercise, Coding):
        body = (("", stubs.solution_source(exercise)), ("why", exercise.why))
    else:
        body = (("answer", str(exercise.answer)), ("why", exercise.why))
    return Note(f"solution of {id}, {exercise.title}", body)


def guess(id: str, value: Any) -> Note | Outcome:
    """Write a prediction down; `check(id)` scores it later."""
    try:
        exercise = registry.find(id)
    except KeyError as unknown:
        return Note(unknown.args[0])
    _guesses[id] = value
    if value is None or value is ...:
        return Outcome(id, NOT_ATTEMPTED, f"{exercise.ask} Put your guess in place of the dots.")
    message = progress.record_guess(id, value)
    body = (("", message),) if message else ()
    return Note(f"✎ {id} noted: {value}. We come back to it.", body)


def check_seed() -> int:
    """The seed of the graders' inputs: `COURSE_CHECK_SEED`, a number or any text; otherwise 0."""
    text = os.environ.get("COURSE_CHECK_SEED", "").strip() or "0"
    return int(text) if text.isdigit() else zlib.crc32(text.encode())


def _guess_of(id: str):
    exercise = registry.find(id)
    if not isinstance(exercise, Question):
        return None
    return _guesses[id] if id in _guesses else progress.recorded_guess(id)


def _with_message(outcome: Outcome, message: str) -> Outcome:
    if not message:
        return outcome
    details = (*outcome.details, ("progress", message))
    return Outcome(outcome.id, outcome.status, outcome.message, outcome.diagnosis, details)
