"""The classroom: an exported lesson through nbgrader; a right, a wrong and an empty hand-in."""

import csv
import importlib.util
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from course_utils.exercises import commands, registry, stubs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("nbgrader") is None,
        reason="nbgrader is not installed: pip install -c constraints.txt -e .[teach]",
    ),
]

IDS = ["00.2", "00.3", "00.4", "00.6"]
POINTS = {"00.2": 2, "00.3": 1, "00.4": 1, "00.6": 2}
LESSON = "lesson_00/00_example.ipynb"


def small_lesson(path, folder):
    """A lesson of a few exercises; its first cell registers the examples in the kernel."""
    first = f"import sys\nsys.path.insert(0, {folder!r})\nimport example\nimport example_kinds"
    names = "import torch\nfrom torch import Tensor\nfrom course_utils import check, guess"
    cells = [nbformat.v4.new_code_cell(first), nbformat.v4.new_code_cell(names)]
    for id in IDS:
        cells.append(nbformat.v4.new_markdown_cell(stubs.card(registry.find(id))))
        cells.append(nbformat.v4.new_code_cell(stubs.cell(registry.find(id))))
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)
    return path


def nbgrader(folder, *command):
    environment = dict(os.environ, JUPYTER_CONFIG_DIR=str(folder / "jupyter"))
    environment |= {"OMP_NUM_THREADS": "1", "HOME": str(folder), "JUPYTER_NO_CONFIG": "1"}
    # nbgrader calls `alembic` by its name.
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def hand_in(folder, student, change=lambda source: source):
    """A student's notebook: the released one, each cell put through `change`."""
    notebook = nbformat.read(folder / "release" / LESSON, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = change(cell.source)
    target = folder / "submitted" / student / LESSON
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module")
def course(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("classroom")
    here = os.path.dirname(request.path)
    lesson = small_lesson(tmp_path_factory.mktemp("lessons") / "00_example.ipynb", here)
    commands.export_nbgrader(folder, [lesson])
    nbgrader(folder, "generate_assignment", "lesson_00")
    return folder


def test_students_see_neither_solutions_nor_hidden_tests(course):
    released = (course / "release" / LESSON).read_text()
    source = (course / "source" / LESSON).read_text()
    assert "math.sqrt" in source
    assert "seed=seed" in source
    for secret in ("math.sqrt", "seed=seed", "BEGIN SOLUTION", "HIDDEN", 'answer_00_4 = \\"b'):
        assert secret not in released
    assert released.count("YOUR CODE HERE") == len(IDS)
    assert "weighs a token of a short row" in released  # the card stays


def test_right_wrong_and_empty_hand_ins_score_as_they_should(course):
    solved = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in nbformat.read(course / "source" / LESSON, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    by_stub = {stub: solved[name] for name, stub in _released_answers(course).items()}

    def wrong(source):
        right = by_stub[source]
        for old, new in (
            (" / math.sqrt(q.size(-1))", ""),
            ("= 8", "= 64"),
            ("= 'b'", "= 'a'"),
            (".sum() / lengths.sum()", ".mean()"),
        ):
            right = right.replace(old, new)
        return right

    hand_in(course, "right", lambda source: by_stub[source])
    hand_in(course, "wrong", wrong)
    hand_in(course, "empty")
    nbgrader(course, "autograde", "lesson_00")
    nbgrader(course, "generate_feedback", "lesson_00")
    nbgrader(course, "export", "--to", "grades.csv")

    with open(course / "grades.csv", newline="") as stream:
        rows = {row["student_id"]: row for row in csv.DictReader(stream)}
    assert {row["max_score"] for row in rows.values()} == {str(float(sum(POINTS.values())))}
    scores = {student: float(row["score"]) for student, row in rows.items()}
    # A guess earns its point whatever it is: predicting is the task.
    assert scores == {"right": sum(POINTS.values()), "wrong": POINTS["00.3"], "empty": 0}
    feedback = (course / "feedback" / "wrong" / LESSON).with_suffix(".html").read_text()
    assert "the scores grow with d" in feedback


def _released_answers(course):
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in nbformat.read(course / "release" / LESSON, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def test_hidden_seeds_are_new_at_each_export(course, tmp_path):
    lesson = tmp_path / "00_example.ipynb"
    shutil.copy(course / "source" / LESSON, lesson)
    small_lesson(lesson, str(tmp_path))
    first, second = (
        commands.export_nbgrader(tmp_path / name, [lesson])[0].read_text() for name in ("a", "b")
    )
    assert first != second
