"""Training in turns: some steps of one side while the other waits, then they change places.

``python -m benchmarks.turns SPEC.json --files FOLDER`` is one contestant. It trains for a turn each
time it reads a line, and answers with a line; `measure` speaks with all of them. See `pace`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import limits, models, racefile, timed, worker
from benchmarks.shapes import Shape
from benchmarks.store import Spec
from course_utils.machine import matmul_peak, pick_device

BLOCK = 10  # steps in a turn
PEAK_SECONDS = 0.15  # of matrix products after each turn


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


def measure(files: Path, specs: dict[str, Spec], turns: int) -> dict[str, list[dict]]:
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


def _start(stack: ExitStack, home: Path, spec: Spec, files: Path) -> subprocess.Popen:
    home.mkdir()
    question = home / "spec.json"
    question.write_text(json.dumps(spec.to_dict()), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.turns", str(question), "--files", str(files)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | worker.quiet(home), cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    stack.enter_context(process)  # closes its input, which ends it, and waits
    return process


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One side of a race in turns.")
    parser.add_argument("spec", type=Path)
    parser.add_argument("--files", type=Path, required=True)
    args = parser.parse_args()
    contestant(Spec.from_dict(json.loads(args.spec.read_text(encoding="utf-8"))), args.files)
