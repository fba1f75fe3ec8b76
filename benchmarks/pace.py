"""How fast two contestants step, in turns: for a machine that other people use at the same time.

Where a machine's rate moves by the minute, two runs of five minutes cannot be compared by the
clock. Their losses can, because they do not depend on pace, and so can two blocks of a second or
two that follow each other. So the losses come from whole runs, the seconds of a step from turns:
one side trains a few steps while the other waits, then they change places, many times over.

``python -m benchmarks.pace SPEC.json --files FOLDER`` is one contestant. It trains for a turn each
time it reads a line, and answers with a line.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import limits, models, racefile, timed, worker
from benchmarks.driver import Driver, race_files
from benchmarks.settings import Settings
from benchmarks.shapes import Shape
from benchmarks.store import Spec, code_hash
from course_utils.files import atomic_write
from course_utils.machine import matmul_peak, pick_device

BLOCK, TURNS = 10, 60  # steps in a turn, turns that count; before them one that does not
PEAK_SECONDS = 0.15  # of matrix products after each turn
IN_TURNS = (
    "Seconds are the steps of whole runs times the seconds of a step, measured in turns of both "
    "sides; the opponent's start, compiling included, is not counted."
)


class Turns(timed.Stopwatch):
    """A stopwatch that stands still after every `BLOCK` laps until it is the other side's turn.

    after(seconds) is told what a step of the turn took.
    """

    def __init__(self, after: Callable[[float], None], clock=time.perf_counter):
        super().__init__(clock)
        self.after = after

    def lap(self) -> float:
        seconds = super().lap()
        if len(self.laps) % BLOCK == 0:
            before = self.laps[-BLOCK - 1] if len(self.laps) > BLOCK else 0.0
            with self.paused():
                self.after((seconds - before) / BLOCK)
        return seconds


def contestant(spec: Spec, files: Path) -> None:
    """Train a turn for every line that is read, and end with the input."""
    shape = Shape(**spec.shape)
    race = racefile.load(files / shape.name, racefile.pinned(shape))
    kind, flops = timed.number_type(spec.settings, pick_device()), worker.flops(spec)

    def after(seconds: float) -> None:
        peak = matmul_peak(kind, spec.peak[0], seconds=PEAK_SECONDS)
        said = {"step_seconds": seconds, "peak": peak, "mfu": limits.mfu(flops, seconds, peak)}
        print(json.dumps(said), flush=True)
        wait()

    def wait() -> None:
        if not sys.stdin.readline():
            raise EOFError

    try:
        wait()
        model = models.build(spec.settings, shape, race, spec.seed)
        timed.train_one(model, spec.settings, race, spec.seed, spec.steps, Turns(after))
    except EOFError:
        pass


def measure(specs: dict[str, Spec], files: Path, turns: int = TURNS) -> dict[str, list[dict]]:
    """What every side of `specs` said after each of its turns, the first turn left out.

    Raises:
        RuntimeError: a side stopped before its last turn.
    """
    said: dict[str, list[dict]] = {side: [] for side in specs}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {side: _start(stack, home / side, spec, files) for side, spec in specs.items()}
        for turn in range(turns + 1):
            for side, process in sides.items():
                print(file=process.stdin, flush=True)
                answer = process.stdout.readline()
                if not answer:
                    raise RuntimeError(f"{side} stopped in turn {turn} of {turns}.")
                if turn:
                    said[side].append(json.loads(answer))
    return said


def between(driver: Driver, theirs: Settings, ours: Settings, build: Path) -> dict:
    """The `summary` of these two sides' turns: the one that is kept in `build`, if it is of the
    same sides and the same code, else a new one, which is kept."""
    kept = build / "race" / f"pace-{driver.shape.name}.json"
    steps = (TURNS + 1) * BLOCK
    specs = {"ours": driver.spec(ours, 0, steps), "theirs": driver.spec(theirs, 0, steps)}
    about = {"code": code_hash(), "specs": {side: spec.to_dict() for side, spec in specs.items()}}
    about = json.loads(json.dumps(about))
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if all(found.get(name) == value for name, value in about.items()):
            return summary(found["turns"]) | about
    driver.tell(f"… {TURNS} turns of both sides")
    found = summary(measure(specs, race_files(build))) | about
    atomic_write(kept, json.dumps(found, indent=1) + "\n")
    return found


def _start(stack: ExitStack, home: Path, spec: Spec, files: Path) -> subprocess.Popen:
    home.mkdir()
    question = home / "spec.json"
    question.write_text(json.dumps(spec.to_dict()), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.pace", str(question), "--files", str(files)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | worker.quiet(home), cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    stack.enter_context(process)  # closes its input, which ends it, and waits
    return process


def summary(said: dict[str, list[dict]]) -> dict:
    """Medians of each side, and `value`, the median over turns of theirs / ours in seconds a step.

    The opponent's seconds a step are ours times `value`: pairs of neighbouring turns say more than
    the medians of each side, between which the machine may have changed.

    `low` and `high` hold the true median with 95 % (order statistics: no law of the noise is
    assumed), and `error` is the standard error of ln(value) that fits them.

    >>> turn = lambda s: {"step_seconds": s, "peak": 4e11, "mfu": 0.4}
    >>> found = summary({"ours": [turn(0.1)] * 9, "theirs": [turn(0.3), turn(0.2), turn(0.4)] * 3})
    >>> [round(found[name], 2) for name in ("value", "low", "high")]
    [3.0, 2.0, 4.0]
    """
    ours, theirs = ([turn["step_seconds"] for turn in said[side]] for side in ("ours", "theirs"))
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    value, (low, high) = statistics.median(ratios), median_interval(ratios)
    sides = {
        side: {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
        for side, turns in said.items()
    }
    sides["theirs"]["step_seconds"] = value * sides["ours"]["step_seconds"]
    return {
        "sides": sides,
        "value": value,
        "low": low,
        "high": high,
        "error": (math.log(high) - math.log(low)) / (2 * 1.96),
        "turns": said,
    }


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Two of the values between which the true median lies with 95 % or a little more.

    Each value lies above it with probability one half, so the ranks are those of a binomial law,
    here its normal limit.

    >>> median_interval(range(1, 101))
    (40, 61)
    """
    ordered, n = sorted(values), len(values)
    rank = max(0, math.floor((n - 1.96 * math.sqrt(n)) / 2))
    return ordered[max(0, rank - 1)], ordered[min(n - 1, n - rank)]


def at_pace(log: dict, side: str, pace: dict | None) -> dict:
    """A run's log with the seconds that it takes at a measured pace; its start is not counted.

    What the clock said stays as "clock_seconds". Without a pace the log stays as it is.
    """
    if pace is None or log["diverged"]:
        return log
    mine = pace["sides"][side]
    step = mine["step_seconds"]
    return log | {
        "clock_seconds": log["seconds"],
        "seconds": step * log["steps"],
        "step_seconds": step,
        "setup_seconds": 0.0,
        "tokens_per_second": log["tokens"] / log["steps"] / step,
        "curve": [point | {"seconds": step * point["step"]} for point in log["curve"]],
        "mfu": {"square": mine["mfu"]},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One side of a race in turns.")
    parser.add_argument("spec", type=Path)
    parser.add_argument("--files", type=Path, required=True)
    args = parser.parse_args()
    contestant(Spec.from_dict(json.loads(args.spec.read_text(encoding="utf-8"))), args.files)
