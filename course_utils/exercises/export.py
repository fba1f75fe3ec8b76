"""Notebooks for teachers: lessons solved, and lessons as nbgrader assignments."""

import re
import secrets
from pathlib import Path

from course_utils.exercises import notebooks, registry, stubs
from course_utils.exercises.exercise import Coding, Exercise
from course_utils.files import atomic_write

HIDDEN_SEEDS = 3  # how many sets of inputs a graded test tries

CONFIG = '''"""nbgrader's settings for the assignments of this course."""

import os
import tempfile

c = get_config()
c.CourseDirectory.course_id = "language-models"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.ExecutePreprocessor.timeout = 600
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}
# Grading on the teacher's machine leaves the teacher's own progress alone.
os.environ["COURSE_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")
'''


class ExportError(ValueError):
    """A lesson whose exercises cannot be exported, and why."""


def export_solutions(folder: str | Path, lessons: list[Path] | None = None) -> list[Path]:
    """Write every lesson with its exercises solved; the paths that were written.

    Raises:
        ExportError: a lesson's stub does not agree with the registry.
    """
    written = []
    for path in lessons or notebooks.lesson_paths():
        notebook = _fresh(notebooks.read(path))
        for cell, exercise in _answers(notebook, path):
            cell["source"] = _replaced(cell, exercise, stubs.solved_cell(exercise), path)
        written.append(Path(folder) / path.name)
        notebooks.write(notebook, written[-1])
    return written


def export_nbgrader(folder: str | Path, lessons: list[Path] | None = None) -> list[Path]:
    """Write an nbgrader course: a configuration, and a source notebook for each lesson.

    `nbgrader generate_assignment lesson_04` in that folder makes the students' version. Points are
    the exercise's difficulty. The graded tests use seeds that are drawn anew at each export.

    Raises:
        ExportError: a lesson's stub does not agree with the registry.
    """
    folder = Path(folder)
    atomic_write(folder / "nbgrader_config.py", CONFIG)
    written = []
    for path in lessons or notebooks.lesson_paths():
        notebook = _fresh(notebooks.read(path))
        answers = [(id(cell), exercise) for cell, exercise in _answers(notebook, path)]
        by_cell = dict(answers)
        cells = []
        for cell in notebook["cells"]:
            exercise = by_cell.get(id(cell))
            cells += [cell] if exercise is None else _graded(cell, exercise, path)
        assignment = f"lesson_{path.name[:2]}"
        written.append(folder / "source" / assignment / path.name)
        notebooks.write(dict(notebook, cells=cells), written[-1])
    return written


def _fresh(notebook: dict) -> dict:
    """Without outputs and execution counts: those belong to the unsolved lesson."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def _answers(notebook: dict, path: Path) -> list[tuple[dict, Exercise]]:
    """The cells in which something is answered, with their exercises."""
    found = []
    for place, id in notebooks.cells_with(notebook):
        try:
            exercise = registry.find(id)
        except KeyError as unknown:
            raise ExportError(f"{path.name}, cell {place + 1}: {unknown.args[0]}") from None
        cell = notebook["cells"][place]
        if stubs.cell(exercise) in cell["source"]:
            found.append((cell, exercise))
            continue
        verb = "guess" if exercise.kind == "guess" else "check"
        if (verb, id) in notebooks.calls_in(notebooks.code_of(cell)):
            mend = f"put `{stubs.cell(exercise)}` back"
            if isinstance(exercise, Coding):
                mend = (
                    f"`python -m course_utils.exercises sync {path.name[:2]}` puts it back, and "
                    "overwrites what was answered in this notebook"
                )
            where = f"{path.name}, cell {place + 1}"
            raise ExportError(f'{where}: the stub of "{id}" differs from the registry; {mend}.')
    return found


def _replaced(cell: dict, exercise: Exercise, new: str, path: Path) -> str:
    return cell["source"].replace(stubs.cell(exercise), new, 1)


def _graded(cell: dict, exercise: Exercise, path: Path) -> list[dict]:
    """The answer's cell with the solution between nbgrader's marks; after it the graded test."""
    slug = re.sub(r"\W", "-", exercise.id)
    solution = dict(
        cell,
        id=f"answer-{slug}",
        source=_replaced(cell, exercise, _marked(exercise), path),
        metadata={"nbgrader": _metadata(f"answer-{slug}", solution=True)},
    )
    test = dict(
        cell,
        id=f"test-{slug}",
        source=_test(exercise),
        metadata={"nbgrader": _metadata(f"test-{slug}", points=exercise.difficulty)},
    )
    return [solution, test]


def _marked(exercise: Exercise) -> str:
    if isinstance(exercise, Coding):
        parts = [stubs.imports(exercise.reference), stubs.marked_solution(exercise)]
        source = "\n\n\n".join(part for part in parts if part)
        return f'{source}\n\n\ncheck("{exercise.id}", {exercise.name})'
    name = _variable(exercise)
    verb = "guess" if exercise.kind == "guess" else "check"
    answer = f"{stubs.BEGIN}\n{name} = {exercise.answer!r}\n{stubs.END}"
    return f'{answer}\n{verb}("{exercise.id}", {name})'


def _variable(exercise: Exercise) -> str:
    return "answer_" + re.sub(r"\W", "_", exercise.id)


def _test(exercise: Exercise) -> str:
    """The graded test: hidden seeds for code, the right choice for a plot, for a guess any."""
    if exercise.kind == "guess":
        tests = f'assert check("{exercise.id}", {_variable(exercise)}).status != "not attempted"'
    elif isinstance(exercise, Coding):
        seeds = [secrets.randbelow(2**31) for _ in range(HIDDEN_SEEDS)]
        tests = (
            f"for seed in {seeds}:\n"
            f'    outcome = check("{exercise.id}", {exercise.name}, seed=seed)\n'
            f"    assert outcome.correct, outcome"
        )
    else:
        tests = (
            f'outcome = check("{exercise.id}", {_variable(exercise)})\n'
            f"assert outcome.correct, outcome"
        )
    return (
        f"# Tests for exercise {exercise.id}; they also run on other inputs when you hand in.\n"
        "from course_utils import check\n\n"
        f"### BEGIN HIDDEN TESTS\n{tests}\n### END HIDDEN TESTS"
    )


def _metadata(grade_id: str, solution: bool = False, points: int | None = None) -> dict:
    graded = {} if points is None else {"points": points}
    return {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
        **graded,
    }
