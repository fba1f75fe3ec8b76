"""Every exercise of the course, and the examples, for the tests that try them all."""

import importlib.util
import sys
from pathlib import Path

import pytest

from course_utils.exercises import engine, registry
from course_utils.exercises.exercise import Coding


def load(name: str):
    """A module of this folder, under the name that pytest gives it."""
    full = f"tests.exercises.{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


for _name in ("example", "example_kinds"):
    load(_name)


def pytest_generate_tests(metafunc):
    """A test with the argument `exercise` runs for every coding exercise, `question` likewise."""
    everything = registry.all_exercises()
    for name, coding in (("exercise", True), ("question", False)):
        if name in metafunc.fixturenames:
            chosen = [one for one in everything if isinstance(one, Coding) == coding]
            metafunc.parametrize(name, chosen, ids=[one.id for one in chosen])


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test touches the progress of whoever runs it."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.delenv("COURSE_CHECK_SEED", raising=False)
    monkeypatch.setattr(engine, "_guesses", {})
    return tmp_path / "progress.json"


@pytest.fixture
def tests_folder():
    """This folder, as text."""
    return str(Path(__file__).parent)


@pytest.fixture(scope="session")
def load_module():
    """Import a helper that stands in this folder."""
    return load
