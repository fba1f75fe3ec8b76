"""The command line, from race file to picture, on a toy; and the rules of the house."""

import ast
import json
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import driver, headline, settings, worker
from benchmarks.headline import Plan
from course_utils import cli

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = sorted((ROOT / "benchmarks").glob("*.py"))


@pytest.fixture
def build(files, shape, ours, theirs, tmp_path, monkeypatch):
    """A build folder with the toy's race file; every run happens in this process."""
    shutil.copytree(files / "tiny", tmp_path / "race" / "files" / "tiny")
    monkeypatch.setattr(command, "build_dir", lambda: tmp_path)
    monkeypatch.setattr(command, "S1", shape)
    monkeypatch.setattr(command, "SHAPES", {"tiny": shape})
    monkeypatch.setattr(command, "Driver", partial(driver.Driver, peak=(64, 0.001)))
    monkeypatch.setattr(worker, "run_apart", worker.run_here)
    sides = {settings.OPPONENT: theirs}
    monkeypatch.setattr(settings, "tuned", lambda name, *_: (sides.get(name, ours), 12))
    plan = Plan(0.2, 1, 2, speedups=(1.0, 2.0), points=2, may_lengthen=False)
    monkeypatch.setattr(headline, "QUICK", plan)
    monkeypatch.setattr(headline, "PLANS", {"tiny": plan})
    for module in (driver, headline):  # a busy test machine is no fault here
        monkeypatch.setattr(module, "DRIFT", 1.0)
    return tmp_path


def test_a_quick_race_from_file_to_picture(build, capsys):
    assert command.main(["race", "--quick", "--epochs", "100"]) == 0
    said = capsys.readouterr().out
    assert "unigram line" in said and "Not to be quoted" in said
    found = json.loads((build / "race-quick.json").read_text())
    assert found["kind"] == "quick" and found["tiny"]["parameters"]["ours"]["all"] > 0
    assert (build / "race-tiny.png").is_file() and not (build / "race.json").exists()
    runs = {path: path.stat().st_mtime_ns for path in (build / "race" / "runs").iterdir()}
    assert len(runs) >= 5
    assert command.main(["race", "--quick", "--epochs", "100"]) == 0
    assert runs == {p: p.stat().st_mtime_ns for p in (build / "race" / "runs").iterdir()}


def test_the_open_class_follows_the_headline(build, capsys):
    assert command.main(["open"]) == 1
    assert "There is no target yet" in capsys.readouterr().err
    assert command.main(["race", "--epochs", "100"]) == 0
    assert command.main(["open", "--epochs", "100"]) == 0
    found = json.loads((build / "race.json").read_text())["tiny"]
    assert found["open"]["settings"]["ours"]["windows"] == [2]
    assert found["open"]["target"] == found["target"]


def test_others_are_raced_beside_the_headline(build, capsys, theirs, monkeypatch):
    sides = {"b1r": theirs, "b2": replace(theirs, name="b2", lr=2e-3)}
    tuned = settings.tuned
    monkeypatch.setattr(settings, "tuned", lambda name, *_: (sides.get(name) or tuned(name)[0], 11))
    assert command.main(["race", "--epochs", "100"]) == 0
    assert command.main(["others", "--epochs", "100"]) == 0
    assert "Not to be quoted: The opponent was tuned with 11 trials" in capsys.readouterr().out
    assert command.main(["report"]) == 0
    found = json.loads((build / "race.json").read_text())["tiny"]
    assert found["b2"]["settings"]["theirs"]["lr"] == 2e-3 and set(found["b2"]["trials"]) == {
        "b2", "ours"}  # fmt: skip
    assert [one["name"] for one in found["others"]] == ["b0"]


def test_report_profile_and_file(build, capsys):
    assert command.main(["report"]) == 1
    assert "race: No headline has been raced yet" in capsys.readouterr().err
    assert command.main(["ladder"]) == 1
    assert command.main(["file"]) == 0
    assert "hidden tokens" in capsys.readouterr().out
    assert command.main(["profile", "b1r", "--steps", "1"]) == 0
    assert "parts of a step" in capsys.readouterr().out


def test_an_interrupt_is_told(build, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.profiling, "profile_steps", interrupt)
    assert command.main(["profile"]) == 130
    assert "goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["race", "--shape", "S9"], [], ["sweep", "b0"]])
def test_a_mistyped_command_is_told(wrong, capsys):
    with pytest.raises(SystemExit):
        command.main(wrong)
    assert "error:" in capsys.readouterr().err


def test_course_race_hands_over(monkeypatch):
    asked = []
    monkeypatch.setattr(cli, "_call", lambda call, **_: asked.append(call) or 0)
    assert cli.main(["race", "--quick"]) == 0
    assert asked[-1][:2] == [sys.executable, "-m"] and asked[-1][2:] == ["benchmarks", "race",
                                                                         "--quick"]  # fmt: skip
    assert cli.main(["race"]) == 0 and asked[-1][-1] == "race"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_modules_are_short_and_the_package_does_not_need_them(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 250


def test_the_package_does_not_import_the_race():
    for path in (ROOT / "course_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "benchmarks" for name in names), path
