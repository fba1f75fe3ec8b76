"""What the `course` command does with exercises; each function gives text, or what was written."""

import json
from pathlib import Path

from course_utils.exercises import notebooks, progress, registry, stubs
from course_utils.exercises.engine import hint, solution
from course_utils.exercises.exercise import Coding
from course_utils.exercises.export import export_nbgrader, export_solutions
from course_utils.exercises.rerun import check_notebook

__all__ = [
    "cell",
    "check_notebook",
    "exercises_table",
    "export_nbgrader",
    "export_solutions",
    "hint",
    "progress_table",
    "reset",
    "solution",
    "sync_notebook",
]


def exercises_table(as_json: bool = False) -> str:
    """Every exercise: id, lesson, kind, title, difficulty, minutes, hints, wrong answers."""
    rows = [_described(one) for one in registry.all_exercises()]
    return json.dumps(rows, indent=1, ensure_ascii=False) if as_json else table(rows)


def _described(exercise) -> dict:
    wrong = exercise.wrong_answers if isinstance(exercise, Coding) else exercise.wrong
    return {
        "id": exercise.id,
        "lesson": exercise.lesson,
        "kind": exercise.kind,
        "title": exercise.title,
        "difficulty": exercise.difficulty,
        "minutes": exercise.minutes,
        "hints": len(exercise.hints),
        "wrong_answers": len(wrong),
    }


def progress_table(as_json: bool = False) -> str:
    """What has been done, lesson by lesson.

    Raises:
        NewerProgress: the progress file was written by a newer version of the course.
    """
    entries, message = progress.load()
    rows = [
        {
            "lesson": exercise.lesson,
            "id": exercise.id,
            "title": exercise.title,
            "status": entries.get(exercise.id, {}).get("status", "not attempted"),
            "attempts": entries.get(exercise.id, {}).get("attempts", 0),
            "hints": entries.get(exercise.id, {}).get("hints", 0),
        }
        for exercise in registry.all_exercises()
    ]
    if as_json:
        return json.dumps(
            {"version": progress.VERSION, "message": message, "exercises": rows},
            indent=1,
            ensure_ascii=False,
        )
    lessons = sorted({row["lesson"] for row in rows})
    summary = [
        f"lesson {lesson}: {_count(rows, lesson, 'correct')} of {_count(rows, lesson)} correct"
        for lesson in lessons
    ]
    return "\n".join([*([message] if message else []), table(rows), "", *summary])


def _count(rows: list[dict], lesson: str, status: str | None = None) -> int:
    return sum(row["lesson"] == lesson and status in (None, row["status"]) for row in rows)


def reset(prefix: str = "") -> str:
    """Forget all progress, that of a lesson ("04") or of one exercise ("04.2"); what was done."""
    if prefix:
        lesson, dot, rest = prefix.partition(".")
        prefix = lesson.zfill(2) + dot + rest
        if not any(prefix in (one.lesson, one.id) for one in registry.all_exercises()):
            raise ValueError(f'There is no "{prefix}": `course exercises` lists what there is.')
    message = progress.reset(prefix)
    what = f"progress in {prefix}" if prefix else "all progress"
    return message or f"Forgotten: {what}."


def cell(id: str) -> str:
    """An exercise's card and stub, to be put into a lesson. KeyError for an unknown id."""
    exercise = registry.find(id)
    return f"{stubs.card(exercise)}\n\n{stubs.cell(exercise)}\n"


def sync_notebook(lesson: str | Path) -> str:
    """Write a lesson's cards and stubs anew from the registry; what was done."""
    path = notebooks.lesson_path(lesson)
    return f"{path.name}: {notebooks.sync(path)} cells written anew."


def table(rows: list[dict]) -> str:
    """Rows as aligned text.

    >>> print(table([{"id": "04.2", "title": "Scaled scores"}]))
    id    title
    04.2  Scaled scores
    """
    if not rows:
        return "There are no exercises."
    lines = [[str(key) for key in rows[0]], *([str(v) for v in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)
