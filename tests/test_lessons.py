"""The runner and nbval: both must fail when a lesson is broken, and stay off the network."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_utils import cli, files, lessons


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A repository with three small lessons: one passes, one fails, one asks for the network."""
    (tmp_path / "notebooks").mkdir()
    sources = {
        "01_good": "from course_utils import results\nresults.record(answer=42)\nprint('hello')",
        "02_bad": "1 / 0",
        "03_online": "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)",
    }
    for name, source in sources.items():
        cell = new_code_cell(source, execution_count=1)
        nbformat.write(new_notebook(cells=[cell]), tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(files, "repo_root", lambda: tmp_path)
    monkeypatch.setattr(cli, "_fetch", lambda names=None: None)
    return tmp_path


def test_the_report_tells_passed_failed_and_blocked(house, capfd):
    told = []
    report = lessons.run(tell=told.append)
    status = {entry["name"]: entry["status"] for entry in report["lessons"]}
    assert status == {"01_good": "passed", "02_bad": "failed", "03_online": "failed"}
    good, bad, online = report["lessons"]
    assert good["results"] == {"answer": 42} and good["peak_memory_mb"] > 10
    assert "ZeroDivisionError" in bad["error"] and "network is blocked" in online["error"]
    stored = json.loads((house / "build" / "report.json").read_text())
    assert [entry["name"] for entry in stored["lessons"]] == list(status)
    assert "ZeroDivisionError" in (house / "build" / "report.html").read_text()
    assert (house / "build" / "lessons" / "01_good.ipynb").exists() and len(told) == 6
    assert "IPKernelApp" not in capfd.readouterr().err  # only what a learner can do something about


def test_a_failed_lesson_tells_its_error_beside_its_figures():
    entry = {"name": "x", "status": "failed", "seconds": 1.0, "budget_seconds": 1.0,
             "peak_memory_mb": 1.0, "results": {"a": 1}, "error": "E: <boom>"}  # fmt: skip
    page = lessons.page({"machine": {}, "total_seconds": 0.0, "lessons": [entry]})
    assert "a = 1" in page and "E: &lt;boom&gt;" in page


STOPPED = """
import sys
from pathlib import Path
from course_utils import files, lessons
files.repo_root = lambda: Path(sys.argv[1])
try:
    lessons.run(tell=lambda line: None)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="nbclient leaves signals alone on Windows")
def test_ctrl_c_ends_the_whole_run_and_not_a_lesson(tmp_path):
    (tmp_path / "notebooks").mkdir()
    wait = "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(30)"
    for name in ("01_stopped", "02_never"):
        cell = new_code_cell(wait, execution_count=1)
        nbformat.write(new_notebook(cells=[cell]), tmp_path / "notebooks" / f"{name}.ipynb")
    done = subprocess.run([sys.executable, "-c", STOPPED, str(tmp_path)], timeout=90)
    assert done.returncode == 130


def test_a_lesson_over_its_budget_is_no_pass(house, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_TIME_FACTOR", "0.001")
    monkeypatch.setattr(lessons, "NotebookClient", lambda *a, **k: _Slow())
    report = lessons.run(["01"], tell=lambda line: None)
    assert report["lessons"][0]["status"] == "over budget"
    assert cli.main(["run", "01"]) == 1
    said = capsys.readouterr().out
    assert "too slow for their budget: 01_good" in said and "COURSE_TIME_FACTOR" in said
    assert "failed" not in said


def test_a_slow_machine_gets_more_time_for_lessons_and_for_cells(monkeypatch):
    monkeypatch.delenv("COURSE_TIME_FACTOR", raising=False)
    usual = lessons.budget(), lessons.cell_timeout()
    monkeypatch.setenv("COURSE_TIME_FACTOR", "3")
    assert (lessons.budget(), lessons.cell_timeout()) == (3 * usual[0], 3 * usual[1])
    assert usual[1] > usual[0] == lessons.BUDGET_SECONDS  # slow is told from hanging


class _Slow:
    def execute(self, env):
        import time

        time.sleep(0.3)


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=2)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "socket.getaddrinfo('course.invalid', 443)",
        "socket.gethostbyname('127.course.invalid')",
        "import urllib.request; urllib.request.urlopen('http://course.invalid')",
    ],
)
def test_the_network_is_blocked(attempt):
    environment = os.environ | lessons.offline_environment()
    command = [sys.executable, "-c", f"import socket\n{attempt}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "The network is blocked" in done.stderr


def test_this_machine_itself_can_be_reached():
    code = """import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(("localhost", server.getsockname()[1])).close()"""
    environment = os.environ | lessons.offline_environment()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_choosing_lessons(house):
    assert [p.stem for p in lessons.find(["2", "01_good"])] == ["01_good", "02_bad"]
    with pytest.raises(ValueError, match="no lesson 99"):
        lessons.find(["99"])


@pytest.mark.parametrize(("stored", "passes"), [("42\n", True), ("43\n", False)])
def test_nbval_sees_a_doctored_output(tmp_path, stored, passes):
    cell = new_code_cell("print(6 * 7)", execution_count=1)
    cell.outputs = [new_output("stream", name="stdout", text=stored)]
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", str(path)]
    command += ["-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", os.devnull]
    environment = os.environ | lessons.offline_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode == 0) is passes, done.stdout


@pytest.mark.parametrize("arguments", [["run", "99"], ["data", "nothing"]])
def test_mistakes_are_told_in_a_sentence(arguments, capsys):
    assert cli.main(arguments) == 1
    told = capsys.readouterr().err.strip()
    assert told.startswith(f"course {arguments[0]}: ") and "\n" not in told


def test_a_file_in_the_way_and_a_narrow_terminal_are_no_traceback(tmp_path, capsys):
    taken = files.atomic_write(tmp_path / "taken", "mine")
    assert cli.main(["export", "--solutions", str(taken)]) == 1
    assert "\n" not in capsys.readouterr().err.strip()
    command = [sys.executable, "-m", "course_utils.cli", "hint", "04.2"]
    environment = os.environ | {
        "PYTHONIOENCODING": "cp1252",
        "COURSE_PROGRESS": str(tmp_path / "p"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0 and "hint 1 of" in done.stdout.decode("utf-8")


def test_doctor(capsys):
    assert cli.main(["doctor"]) == 0
    assert "matmul peak" in capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cores"] >= 1


def test_exercises_as_json(capsys):
    assert cli.main(["exercises", "--json"]) == 0
    json.loads(capsys.readouterr().out)


def test_the_memory_of_a_short_lesson_is_seen():
    with lessons._MemoryWatch() as watch:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"], check=True)
    assert watch.peak > 1e6
