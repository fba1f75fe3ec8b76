"""Nobody waits: importing is cheap, and a second run does nothing twice."""

import os
import shutil
import subprocess
import sys

import pytest

from course_utils import files, lessons
from course_utils.text import corpora, fetching, tables

ROOT = files.repo_root()


def processor_seconds(code: str) -> float:
    """What a fresh Python spends on `code`, its own start not counted; waiting does not count."""
    timed = f"import time; began = time.process_time(); {code}; print(time.process_time() - began)"
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def test_importing_the_package_takes_under_a_third_of_a_second():
    assert min(processor_seconds("import course_utils, course_utils.cli") for _ in range(3)) < 0.3


def test_a_second_run_fetches_and_builds_nothing_before_its_first_lesson(monkeypatch):
    """What `course run` does before that: it verifies what is there, about two seconds' work."""
    corpora.fetch()

    def refuse(*_, **__):
        raise AssertionError("This had been done already.")

    monkeypatch.setattr(fetching, "_download", refuse)
    monkeypatch.setattr(tables, "save", refuse)
    assert lessons.find()
    corpora.fetch()


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("command", ["course", "test"])
def test_a_second_make_installs_nothing_unless_the_requirements_changed(command, tmp_path):
    def would_do() -> str:
        asked = ["make", "--no-print-directory", "--dry-run", command]
        return subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True).stdout

    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1_000, 1_000))
    (tmp_path / ".venv").mkdir()
    assert "pip install" in would_do()
    for age, name in enumerate(("ready", "ready-classroom")):
        (tmp_path / ".venv" / name).touch()
        os.utime(tmp_path / ".venv" / name, (2_000 + age, 2_000 + age))
    second = "run" if command == "course" else "test"
    assert would_do().split() == [".venv/bin/course", second]
    os.utime(tmp_path / "constraints.txt", (3_000, 3_000))
    assert "pip install" in would_do()
