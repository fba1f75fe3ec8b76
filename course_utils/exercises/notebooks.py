"""Lessons as files: the exercises that stand in them, kept in step, and answers run again.

A lesson's notebook holds for each exercise a Markdown cell with its card and a code cell that ends
in `check("04.2", attention_scores)`. Both are written from the registry.
"""

import ast
import json
import re
from pathlib import Path

from course_utils.exercises import registry, stubs
from course_utils.exercises.exercise import Coding
from course_utils.files import atomic_write, repo_root

CALLS = ("check", "guess", "hint", "solution")


def lesson_path(lesson: str | Path) -> Path:
    """The notebook of a lesson, by its number ("04" or "4") or by its path.

    Raises:
        FileNotFoundError: there is no such notebook.
    """
    if Path(lesson).suffix == ".ipynb":
        if not Path(lesson).is_file():
            raise FileNotFoundError(f"There is no notebook {lesson}.")
        return Path(lesson)
    folder = (repo_root() or Path.cwd()) / "notebooks"
    found = sorted(folder.glob(f"{str(lesson).zfill(2)}_*.ipynb"))
    if not found:
        raise FileNotFoundError(f"There is no lesson {lesson} in {folder}.")
    return found[0]


def lesson_paths() -> list[Path]:
    """All lessons, in order."""
    return sorted(((repo_root() or Path.cwd()) / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> dict:
    """A notebook; ValueError when the file is none."""
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        notebook["cells"] = [_joined(cell) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a notebook ({error}).") from None
    return notebook


def write(notebook: dict, path: Path) -> None:
    """Write a notebook the way Jupyter does."""
    cells = [dict(cell, source=cell["source"].splitlines(True)) for cell in notebook["cells"]]
    text = json.dumps(dict(notebook, cells=cells), indent=1, ensure_ascii=False)
    atomic_write(path, text + "\n")


def _joined(cell: dict) -> dict:
    return dict(cell, source="".join(cell["source"]))


def code_of(cell: dict) -> str:
    """A code cell's Python, without what only Jupyter understands; "" for other cells."""
    if cell["cell_type"] != "code" or cell["source"].lstrip().startswith("%%"):
        return ""
    try:
        ast.parse(cell["source"])
    except SyntaxError:  # only then can there be magics in it: a line may also begin with % or !=
        return re.sub(r"^(\s*)[%!].*$", r"\1pass", cell["source"], flags=re.MULTILINE)
    return cell["source"]


def calls_in(code: str) -> list[tuple[str, str]]:
    """The exercises that a piece of code mentions: (function, id).

    >>> calls_in('x = 1; check("04.2", f)')
    [('check', '04.2')]
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    return [
        (node.func.id, str(node.args[0].value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in CALLS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


def cells_with(notebook: dict, function: str | None = None) -> list[tuple[int, str]]:
    """(place of the cell, id) for each exercise that a code cell mentions."""
    return [
        (place, id)
        for place, cell in enumerate(notebook["cells"])
        for called, id in calls_in(code_of(cell))
        if function in (None, called)
    ]


def problems(path: Path) -> list[str]:
    """What is wrong with the exercises of a notebook, one sentence each."""
    notebook, found = read(path), []
    known = {one.id: one for one in registry.all_exercises()}
    lesson = path.name[:2]
    mentioned = cells_with(notebook)
    for place, id in mentioned:
        if id not in known:
            found.append(f'{path.name}, cell {place + 1}: there is no exercise "{id}".')
    everything = "\n".join(cell["source"] for cell in notebook["cells"])
    for id, exercise in known.items():
        if exercise.lesson != lesson:
            continue
        if id not in {one for _, one in mentioned}:
            found.append(f'{path.name}: exercise "{id}" stands in the registry, not in the lesson.')
            continue
        if stubs.card(exercise) not in everything:
            found.append(f'{path.name}: the card of "{id}" differs from the registry.')
        if not _shown(exercise, notebook):
            found.append(f'{path.name}: the stub of "{id}" differs from the registry.')
    if any("differs" in one for one in found):
        found.append(f"Run `python -m course_utils.exercises sync {lesson}` to write them anew.")
    return found


def _shown(exercise, notebook: dict) -> bool:
    return any(stubs.cell(exercise) in cell["source"] for cell in notebook["cells"])


def sync(path: Path) -> int:
    """Write the cards and stubs of a notebook anew from the registry; how many cells changed."""
    notebook = read(path)
    before = [cell["source"] for cell in notebook["cells"]]
    for place, id in cells_with(notebook, "check") + cells_with(notebook, "guess"):
        exercise, cell = registry.find(id), notebook["cells"][place]
        card = notebook["cells"][place - 1]
        if place and card["source"].startswith(f"**Exercise {id} "):
            card["source"] = stubs.card(exercise)
        if isinstance(exercise, Coding):
            cell["source"] = _renewed(exercise, cell["source"])
    changed = sum(b != cell["source"] for b, cell in zip(before, notebook["cells"], strict=True))
    if changed:
        write(notebook, path)
    return changed


def _renewed(exercise: Coding, source: str) -> str:
    """The cell with its stub anew; what stands before and after it is kept."""
    lines = source.splitlines()
    heads = f"def {exercise.name}(", f"class {exercise.name}(", f"class {exercise.name}:"
    start = next((i for i, line in enumerate(lines) if line.startswith(heads)), None)
    end = next((i for i, line in enumerate(lines) if line.startswith("check(")), None)
    if start is None or end is None:
        return source
    return "\n".join([*lines[:start], stubs.cell(exercise), *lines[end + 1 :]])
