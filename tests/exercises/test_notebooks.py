"""Exercises in notebooks: kept in step with the registry, run again, solved, handed out."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.exercises import commands, notebooks, registry, stubs
from course_utils.exercises.__main__ import main
from course_utils.exercises.export import ExportError

SET_UP = """%matplotlib inline
import math

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import check, guess"""

# In a kernel of its own the examples have to be registered first.
REGISTER = "import sys; sys.path.insert(0, {folder!r}); import example, example_kinds"


def lesson(path, **answers):
    """A lesson with every example in it; `answers` replaces the cells of some ids."""
    cells = [nbformat.v4.new_code_cell(SET_UP)]
    for one in registry.all_exercises("00"):
        cells.append(nbformat.v4.new_markdown_cell(stubs.card(one)))
        source = answers.get("x" + one.id.replace(".", "_"), stubs.cell(one))
        cells.append(nbformat.v4.new_code_cell(source))
    cells.insert(-2, nbformat.v4.new_code_cell("raise RuntimeError('a long training run')"))
    cells.append(nbformat.v4.new_code_cell('check("00.3")'))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def untouched(tmp_path):
    return lesson(tmp_path / "00_example.ipynb")


def test_an_untouched_lesson_is_in_step(untouched):
    assert notebooks.problems(untouched) == []
    assert notebooks.sync(untouched) == 0


def test_an_unknown_id_in_a_lesson_is_said(tmp_path):
    path = lesson(tmp_path / "00_example.ipynb", x00_4='check("00.9", ...)')
    assert '00_example.ipynb, cell 7: there is no exercise "00.9".' in notebooks.problems(path)
    assert any(
        '"00.4" stands in the registry, not in the lesson' in p for p in notebooks.problems(path)
    )


def test_a_stub_and_a_card_out_of_step_are_said_and_mended(tmp_path):
    old = 'def attention_scores(a, b):\n    return 1\n\n\ncheck("00.2", attention_scores)'
    path = lesson(tmp_path / "00_example.ipynb", x00_2=old)
    notebook = notebooks.read(path)
    notebook["cells"][1]["source"] += " (old)"
    notebook["cells"][3]["source"] = "**Exercise 00.3 · an old card**"
    notebooks.write(notebook, path)
    said = " ".join(notebooks.problems(path))
    assert 'the stub of "00.2" differs' in said
    assert 'the card of "00.3" differs' in said
    assert "course_utils.exercises sync 00" in said
    assert notebooks.sync(path) == 3
    assert notebooks.problems(path) == []


def test_what_stands_around_a_stub_is_kept():
    exercise = registry.find("00.2")
    source = f"x = 1\n{stubs.cell(exercise)}\n# more"
    assert notebooks._renewed(exercise, source.replace("q: Tensor", "z")) == source


def test_answers_are_run_again_without_the_rest(untouched):
    outcomes = commands.check_notebook(untouched)
    assert [one.id for one in outcomes] == ["00.2", "00.4", "00.5", "00.6", "00.7", "00.3"]
    assert {one.status for one in outcomes} == {"not attempted"}


def test_answers_that_need_other_cells_get_them(tmp_path):
    path = lesson(
        tmp_path / "00_example.ipynb",
        x00_2="scale = {}\nfor name in ['root']:\n    scale[name] = lambda d: d ** 0.5\n"
        "scale['two'] = 1\nscale['two'] += 1\nprime = (\n    5\n    % 3\n)\ndef helper(q):\n"
        "    return scale['root'](q.size(-1)) * scale['two'] / prime\n"
        "def attention_scores(q, k):\n    return q @ k.transpose(-2, -1) / helper(q)\n"
        'check("00.2", attention_scores)',
        x00_3='guess("00.3", 8)',
        x00_4='check("00.4", no_such_name)',
        x00_5='this is no Python; check("00.5", LayerNorm)',
        x00_6='def mean_loss(losses, lengths):\n    return losses[99]\ncheck("00.6", mean_loss)',
    )
    outcomes = {one.id: one for one in commands.check_notebook(path)}
    assert outcomes["00.2"].correct
    assert outcomes["00.3"].correct
    assert outcomes["00.4"].message == "NameError: name 'no_such_name' is not defined"
    assert outcomes["00.5"].message.startswith("SyntaxError: ")
    assert dict(outcomes["00.6"].details)["at"] == "line 2 of mean_loss:  return losses[99]"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', "\x00"])
def test_a_file_that_is_no_notebook_is_said(tmp_path, content):
    path = tmp_path / "00_bad.ipynb"
    path.write_text(content)
    with pytest.raises(ValueError, match="is not a notebook"):
        commands.check_notebook(path)


def test_a_missing_notebook_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no notebook"):
        commands.check_notebook(tmp_path / "none.ipynb")
    with pytest.raises(FileNotFoundError, match="There is no lesson 98"):
        commands.check_notebook("98")


def test_solved_notebooks_run_and_every_check_is_correct(tmp_path, untouched, tests_folder):
    (solved,) = commands.export_solutions(tmp_path / "solved", [untouched])
    assert {one.status for one in commands.check_notebook(solved)} == {"correct"}
    notebook = nbformat.read(solved, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(REGISTER.format(folder=tests_folder)))
    notebook.cells = [cell for cell in notebook.cells if "long training" not in cell.source]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    ]
    assert sum(text.startswith("✓ ") for text in shown) == 6
    assert not any(text.startswith(("✗", "!", "○")) for text in shown)


def test_a_check_in_a_kernel_stops_loops_and_shows_the_learners_line(tmp_path, tests_folder):
    cells = [
        REGISTER.format(folder=tests_folder) + "; from course_utils import check",
        'def loop(q, k):\n    while True:\n        q = q + 0\n\ncheck("00.2", loop)',
        'def crash(q, k):\n    return q[99]\n\ncheck("00.2", crash)',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    loop, crash = (cell.outputs[0]["data"]["text/plain"] for cell in notebook.cells[1:])
    assert loop.startswith("! 00.2 crashed: stopped after 3 s; is there a loop that never ends?")
    assert "of loop:" in loop
    assert "line 2 of crash:  return q[99]" in crash
    assert "text/html" in notebook.cells[1].outputs[0]["data"]


def test_a_lesson_out_of_step_is_not_exported(tmp_path):
    path = lesson(tmp_path / "00_example.ipynb", x00_2='f = 1\ncheck("00.2", f)')
    with pytest.raises(ExportError, match='the stub of "00.2" differs from the registry'):
        commands.export_solutions(tmp_path / "solved", [path])


@pytest.mark.parametrize(
    "answered", [{"x00_3": 'guess("00.3", 8)'}, {"x00_4": 'check("00.4", "b")'}]
)
def test_a_question_that_was_answered_is_not_exported(tmp_path, answered):
    path = lesson(tmp_path / "00_example.ipynb", **answered)
    with pytest.raises(ExportError, match="differs from the registry; put"):
        commands.export_nbgrader(tmp_path / "released", [path])


def test_the_list_of_exercises():
    rows = {row["id"]: row for row in json.loads(commands.exercises_table(as_json=True))}
    assert rows["00.2"] == {
        "id": "00.2",
        "lesson": "00",
        "kind": "function",
        "title": "Scaled scores",
        "difficulty": 2,
        "minutes": 8,
        "hints": 3,
        "wrong_answers": 5,
    }
    assert rows["00.5"]["kind"] == "class"
    assert rows["00.6"]["kind"] == "bug"
    assert rows["00.4"]["kind"] == "plot"
    assert commands.exercises_table().startswith("id ")


def test_the_commands_for_authors(untouched, capsys):
    assert main(["cell", "00.2"]) == 0
    assert capsys.readouterr().out.startswith("**Exercise 00.2 · Scaled scores** (★★, 8 min)")
    assert main(["sync", str(untouched)]) == 0
    assert capsys.readouterr().out == "00_example.ipynb: 0 cells written anew.\n"
    assert main(["cell", "00.99"]) == main(["sync", "98"]) == 1
    assert 'there is no exercise "00.99"' in capsys.readouterr().err


@pytest.mark.parametrize("path", notebooks.lesson_paths(), ids=lambda path: path.name)
def test_every_lesson_is_in_step_with_the_registry(path):
    assert notebooks.problems(path) == []


@pytest.mark.parametrize("path", notebooks.lesson_paths(), ids=lambda path: path.name)
def test_the_solved_answers_of_every_lesson_are_correct(path, tmp_path):
    (solved,) = commands.export_solutions(tmp_path, [path])
    outcomes = commands.check_notebook(solved)
    assert [str(one) for one in outcomes if not one.correct] == []
    assert {one.id for one in outcomes} == {one.id for one in registry.all_exercises(path.name[:2])}
