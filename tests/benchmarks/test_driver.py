"""The driver: what is done stays done, a killed one goes on, a drifting machine is noticed."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import worker
from benchmarks.driver import ATTEMPTS, Driver
from benchmarks.settings import B1R
from benchmarks.store import Spec, Store

ROOT = Path(__file__).resolve().parent.parent.parent
FACTS = {"frozen_sha256": "0" * 64, "rows": 3200, "ladder": {"uniform": 8.3, "unigram": 6.3}}


def result(loss: float = 5.0, peaks=(1.0, 1.0), **fields) -> dict:
    """A run as a worker returns it."""
    before, after = ({"square": {"float32": 1e11 * peak}} for peak in peaks)
    return {
        "diverged": False, "loss": loss, "seconds": 12.0, "steps": 24, "step_seconds": 0.5,
        "setup_seconds": 2.0, "tokens_per_second": 1e4, "epochs": 0.5, "number_type": "float32",
        "peaks": {"before": before, "after": after}, **fields,
    }  # fmt: skip


def driver(folder, shape, runner, **choices) -> Driver:
    return Driver(shape, FACTS, Store(folder), runner, tell=lambda _: None, **choices)


def test_steps_fill_the_budget_after_the_start_and_never_exceed_the_epochs(tmp_path, shape):
    asked = []
    one = driver(tmp_path, shape, lambda spec: asked.append(spec) or result())
    settings = replace(B1R, batch_size=32)
    assert one.steps(settings, budget=22.0) == 40  # (22 - 2) / 0.5
    assert one.steps(replace(settings, lr=3e-3), budget=12.0) == 20
    assert len(asked) == 1  # one measurement serves all rates
    assert one.steps(settings, budget=1e6) == 100  # 3,200 rows, 32 a step, one epoch
    one.epochs = 2.0
    assert one.steps(settings, budget=1e6) == 200
    assert one.steps(settings, budget=0.1) == 1


def test_a_done_run_is_not_repeated(tmp_path, shape):
    asked = []
    one = driver(tmp_path, shape, lambda spec: asked.append(spec.seed) or result())
    first = one.run(B1R, 1, 10)
    assert one.run(B1R, 1, 10) == first and asked == [1]
    one.run(B1R, 2, 10)
    one.run(B1R, 1, 11)
    assert asked == [1, 2, 1]


def test_a_drifting_machine_is_given_another_try(tmp_path, shape):
    peaks = iter([(1.0, 0.9), (1.0, 0.97)])
    one = driver(tmp_path, shape, lambda spec: result(peaks=next(peaks)))
    log = one.run(B1R, 1, 10)
    assert log["steady"] and log["spec"]["attempt"] == 1
    assert len(list(tmp_path.iterdir())) == 2  # the spoilt run is kept, too
    restless = driver(tmp_path / "b", shape, lambda spec: result(peaks=(1.0, 0.5)))
    assert not restless.run(B1R, 1, 10)["steady"]
    assert len(list((tmp_path / "b").iterdir())) == ATTEMPTS
    assert not restless.run(B1R, 2, 10, repeat=False)["steady"]
    assert len(list((tmp_path / "b").iterdir())) == ATTEMPTS + 1


def test_interrupted_it_resumes_run_by_run(tmp_path, shape):
    asked = []

    def runner(spec):
        if len(asked) == 2 and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        asked.append(spec.seed)
        return result()

    interrupted = []
    one = driver(tmp_path, shape, runner)
    with pytest.raises(KeyboardInterrupt):
        [one.run(B1R, seed, 10) for seed in range(4)]
    assert asked == [0, 1]
    [one.run(B1R, seed, 10) for seed in range(4)]
    assert asked == [0, 1, 2, 3]


KILLED = """
import time
from pathlib import Path
from benchmarks.shapes import S1
from tests.benchmarks.test_driver import B1R, driver, result

def runner(spec):
    time.sleep(0.0 if spec.seed < 2 else {sleep})
    return result(made_by={name!r})

one = driver(Path({folder!r}), S1, runner)
for seed in range(4):
    one.run(B1R, seed, 10)
"""


def test_a_killed_driver_goes_on_where_it_was(tmp_path):
    """A real process, killed without warning during its third run."""
    folder = tmp_path / "runs"

    def start(name: str, sleep: float) -> subprocess.Popen:
        code = KILLED.format(folder=str(folder), name=name, sleep=sleep)
        return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)

    first = start("first", sleep=600)
    deadline = time.monotonic() + 120
    while len(list(folder.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    first.wait()
    assert start("second", sleep=0.0).wait(timeout=120) == 0
    logs = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    makers = {log["spec"]["seed"]: log["made_by"] for log in logs}
    assert makers == {0: "first", 1: "first", 2: "second", 3: "second"}


def test_a_log_under_the_wrong_name_is_refused(tmp_path, shape):
    one = driver(tmp_path, shape, lambda spec: result())
    one.run(B1R, 1, 10)
    spec = one.spec(B1R, 1, 10)
    path = one.store.path(spec)
    log = json.loads(path.read_text())
    log["spec"]["settings"]["lr"] = 1.0
    path.write_text(json.dumps(log))
    with pytest.raises(ValueError, match="delete it"):
        one.run(B1R, 1, 10)


def test_a_spec_survives_json(shape):
    spec = Driver(shape, FACTS, Store("."), result).spec(B1R, 1, 10, 3)
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_run_in_this_process_has_all_that_the_summary_needs(files, race, shape, ours):
    store = Store(files / "unused")
    one = Driver(shape, race.facts, store, worker.run_here, peak=(64, 0.01))
    log = worker.run_here(one.spec(ours, 1, 3), files)
    assert log["peaks"]["before"]["square"]["float32"] > 0
    assert set(log["mfu"]) == {"square", "shaped"} and log["mfu"]["shaped"] > 0
    assert {"machine", "versions", "code", "parameters", "flops", "curve"} < set(log)
    wrong = replace(one.spec(ours, 1, 3), frozen_sha256="1" * 64)
    with pytest.raises(ValueError, match="another race file"):
        worker.run_here(wrong, files)


@pytest.mark.slow
def test_a_run_in_a_process_of_its_own(files, race, shape, theirs):
    one = Driver(shape, race.facts, Store(files / "unused"), worker.run_apart, peak=(64, 0.01))
    spec = one.spec(theirs, 1, 2)
    log, again = worker.run_apart(spec, files), worker.run_here(spec, files)
    assert log["loss"] == pytest.approx(again["loss"], abs=1e-5)
    with pytest.raises(RuntimeError, match="failed"):
        worker.run_apart(replace(spec, steps=0), files)
