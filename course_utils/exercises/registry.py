"""Every exercise by its id, found without a list that somebody has to keep.

The exercises of lesson 04 live in `lesson_04.py`, or in the files of a folder `lesson_04/`.
Importing them registers them; only the lesson that is asked for is imported.
"""

import importlib
import pkgutil
import re

_EXERCISES: dict = {}


class DuplicateExercise(ValueError):
    """Two exercises with one id."""


def register(exercise):
    """Keep an exercise under its id."""
    known = _EXERCISES.get(exercise.id)
    if known is not None and known.title != exercise.title:  # the same title: a module reloaded
        raise DuplicateExercise(
            f'there are two exercises "{exercise.id}", "{known.title}" and "{exercise.title}": '
            "give one of them another id."
        )
    _EXERCISES[exercise.id] = exercise
    return exercise


def find(id: str):
    """The exercise with this id; KeyError with a sentence when there is none."""
    number = str(id).split(".")[0]
    if number in lessons():
        load(number)
    if id not in _EXERCISES:
        here = (one for one in _EXERCISES if one.split(".")[0] == number)
        near = ", ".join(sorted(here, key=order)) or "none"
        raise KeyError(f'there is no exercise "{id}"; lesson {number} has: {near}.')
    return _EXERCISES[id]


def lessons() -> list[str]:
    """The numbers of the lessons that have exercises: ["03", "04", ...]."""
    import course_utils.exercises as room

    names = (module.name for module in pkgutil.iter_modules(room.__path__))
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))


def load(lesson: str) -> None:
    """Import the exercises of one lesson."""
    name = f"course_utils.exercises.lesson_{lesson}"
    module = importlib.import_module(name)
    for part in pkgutil.iter_modules(getattr(module, "__path__", [])):
        importlib.import_module(f"{name}.{part.name}")


def all_exercises(lesson: str | None = None) -> list:
    """Every exercise (of one lesson), in the order of the ids."""
    for number in lessons():
        if lesson in (None, number):
            load(number)
    found = [one for one in _EXERCISES.values() if lesson in (None, one.lesson)]
    return sorted(found, key=lambda one: order(one.id))


def order(id: str) -> list:
    """A key that sorts "04.2" before "04.10" and "04.3" before "04.3a".

    >>> sorted(["04.10", "04.3a", "04.2", "04.3"], key=order)
    ['04.2', '04.3', '04.3a', '04.10']
    """
    parts = re.findall(r"\d+|\D+", id)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
