"""What an exercise must have, checked before any answer is tried; each breach is a sentence."""

import inspect
import re

from course_utils.exercises.exercise import Coding, Exercise, Question

LEAST_WRONG, LEAST_ALTERNATIVES, LEAST_HINTS = 4, 2, 2


def problems(exercise: Exercise) -> list[str]:
    """What is missing or wrong in an exercise as its author wrote it; empty when all is well."""
    found = list(_common(exercise))
    found += _coding(exercise) if isinstance(exercise, Coding) else _question(exercise)
    return [f"Exercise {exercise.id}: {sentence}" for sentence in found]


def _common(exercise: Exercise):
    if not re.fullmatch(r"\d\d\.\d+[a-z]?", exercise.id):
        yield 'the id must look like "04.2" or "04.3a".'
    if len(exercise.hints) < LEAST_HINTS:
        yield f"it has {len(exercise.hints)} hints, at least {LEAST_HINTS} are needed."
    if not 1 <= exercise.difficulty <= 5:
        yield f"its difficulty is {exercise.difficulty}, which must be from 1 to 5."
    if exercise.minutes < 1:
        yield f"its minutes are {exercise.minutes}, which must be at least 1."
    for name in ("title", "given", "why"):
        if not getattr(exercise, name).strip():
            yield f"its {name!r} is empty."


def _coding(exercise: Coding):
    if exercise.expected is None:
        yield "it has no oracle: attach one with @….oracle, from a library and not the reference."
    elif exercise.expected is exercise.reference:
        yield "its oracle is the reference itself: it must come from outside."
    if exercise.make_cases is None:
        yield "it has no cases: attach a generator of inputs with @….cases."
    if inspect.isclass(exercise.reference) and exercise.observation is None:
        yield "its answer is a class: say with @….observe how it is built and run."
    for what, has, least in (
        ("wrong answers", len(exercise.wrong_answers), LEAST_WRONG),
        ("alternative right answers", len(exercise.alternatives), LEAST_ALTERNATIVES),
    ):
        if has < least:
            yield f"it has {has} {what}, at least {least} are needed."
    names = [wrong.name for wrong in exercise.wrong_answers]
    messages = [wrong.message for wrong in exercise.wrong_answers]
    for kind, values in (("name", names), ("message", messages)):
        if len(set(values)) < len(values):
            double = next(value for value in values if values.count(value) > 1)
            yield f"two wrong answers have the {kind} {double!r}."
    for wrong in exercise.wrong_answers:
        if not wrong.message.strip():
            yield f"its wrong answer {wrong.name} has no message."
        if not wrong.section.strip():
            yield f"its wrong answer {wrong.name} points to no section."


def _question(exercise: Question):
    if exercise.options and exercise.answer not in exercise.options:
        yield f"its answer {exercise.answer!r} is not one of its options."
    if exercise.answer in exercise.wrong:
        yield f"its answer {exercise.answer!r} stands among the wrong ones."
    if len(exercise.wrong) < 2:
        yield f"it has {len(exercise.wrong)} wrong answers, at least 2 are needed."
    for letter in set(exercise.options) - {exercise.answer} - set(exercise.wrong):
        yield f"its option {letter!r} has no message for those who choose it."
