"""Rules of the house: what no file may contain, who may import whom, how a lesson is kept."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_utils"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# A room imports only from rooms above it.
ROOMS = ["files", "results", "machine", "text", "model", "evaluation", "training", "demo",
         "exercises", "lessons", "cli"]  # fmt: skip
LONGEST = 275  # about 250


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(source: str) -> set[str]:
    """The rooms that a module's source imports by absolute name.

    >>> imported_rooms("from course_utils.text import masking")
    {'text'}
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("course_utils.")}
    return found & set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_flow_one_way_and_modules_stay_short(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST
    if room(path) in ROOMS:
        below = ROOMS[ROOMS.index(room(path)) + 1 :]
        assert not imported_rooms(source) & set(below)


def test_the_import_rule_sees_an_upward_import():
    assert imported_rooms("from course_utils.training.loop import train") == {"training"}
    assert imported_rooms("import course_utils.cli") == {"cli"}


FORBIDDEN = [
    r"(?<![\w.:])/(?:root|home|Users|work)/\w+",
    r"pickle\.load|torch\.load\((?!.*weights_only=True)",
    r"trust_remote_code\s*=\s*True",
    r"\b(?:TODO|FIXME)\b",
]


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    files = [ROOT / name for name in names.splitlines()]
    kinds = {".py", ".md", ".toml", ".yml", ".ipynb", ".cff"}
    return [f for f in files if f.suffix in kinds and f.exists() and f != Path(__file__)]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_forbidden_is_written(pattern):
    hits = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        for match in re.finditer(pattern, path.read_text(encoding="utf-8"))
    ]
    assert not hits


def test_environment_installs_what_pyproject_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = (ROOT / "environment.yml").read_text()
    assert f"python{project['requires-python']}" in environment
    assert "-c constraints.txt" in environment and "-e .[test]" in environment
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if "==" in line}
    needed = {re.split(r"[<>=\[ ]", name)[0].lower() for name in project["dependencies"]}
    assert needed <= pinned


def test_importing_the_package_is_cheap():
    code = "import sys, course_utils, course_utils.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def unexecuted(notebook: dict) -> list[int]:
    """Numbers of code cells that nbval would pass over because they have no execution count."""
    return [
        number
        for number, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
        and "".join(cell["source"]).strip()
        and cell["execution_count"] is None
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_lessons_are_executed_and_carry_no_error(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert unexecuted(notebook) == []
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]


def test_the_notebook_rule_sees_an_unexecuted_cell():
    cell = {"cell_type": "code", "source": ["1 + 1"], "execution_count": None}
    assert unexecuted({"cells": [cell, {**cell, "execution_count": 1}]}) == [0]


def prose(path: Path) -> str:
    """The Markdown of a page or of a lesson."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def swallowing_tags(text: str) -> list[str]:
    """HTML tags outside of code: a browser obeys them, and after `<script>` it shows nothing."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return [tag for tag in re.findall(r"</?(\w+)[^>]*>", text) if tag not in ("details", "summary")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_lesson_swallows_its_own_text(path):
    assert swallowing_tags(prose(path)) == []


def test_the_tag_rule_sees_an_open_script():
    assert swallowing_tags("put it inside a <script> element") == ["script"]
    assert swallowing_tags("put it inside a `<script>` element") == []


def test_the_glossary_is_sorted_and_points_to_sections_that_exist():
    text = prose(ROOT / "docs" / "glossary.md")
    terms = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert terms == sorted(terms, key=lambda term: term.strip("[]").lower())
    assert len(set(terms)) == len(terms) >= 80
    pointers = re.findall(r"\[section (\d+\.\d+)\]\(\.\./(notebooks/\w+\.ipynb)\)", text)
    assert pointers
    for section, lesson in pointers:
        assert re.search(rf"^## {re.escape(section)} ", prose(ROOT / lesson), re.MULTILINE)
    assert all("→" in entry for entry in re.split(r"^### ", text, flags=re.MULTILINE)[1:])


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_links_between_files_lead_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *NOTEBOOKS]
    links = [(page, to) for page in pages for to in LINK.findall(prose(page))]
    dead = [f"{page.name}: {to}" for page, to in links if not (page.parent / to).exists()]
    assert len(links) > 50 and not dead
