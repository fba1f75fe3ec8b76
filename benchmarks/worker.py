"""One run in a process of its own: no warm compiler, no memory of the run before.

``python -m benchmarks.worker SPEC.json RESULT.json --files FOLDER``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import limits, models, racefile, store, timed
from benchmarks.shapes import Shape
from benchmarks.store import Spec
from course_utils.files import atomic_write
from course_utils.training.cards import describe_machine


def run_here(spec: Spec, files: Path) -> dict:
    """Do one run in this process: peaks, the run, peaks again. `files` holds the race files."""
    shape = Shape(**spec.shape)
    race = racefile.load(files / shape.name, racefile.pinned(shape))
    if race.facts["frozen_sha256"] != spec.frozen_sha256:
        raise racefile.RaceFileError("This run was planned for another race file: plan it again.")
    before = _peaks(spec, race)
    result = timed.time_run(spec.settings, shape, race, spec.seed, spec.steps, spec.points)
    after = _peaks(spec, race)
    result |= {"peaks": {"before": before, "after": after}, "flops": flops(spec)}
    if not result["diverged"]:
        result["mfu"] = {
            kind: limits.mfu(
                result["flops"], result["step_seconds"],
                max(before[kind][result["number_type"]], after[kind][result["number_type"]]),
            )
            for kind in ("square", "shaped")
        }  # fmt: skip
    return result | {
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
        "versions": store.versions(),
        "code": store.code_hash(),
    }


def run_apart(spec: Spec, files: Path) -> dict:
    """The same in a fresh process with an empty compiler cache.

    Raises:
        RuntimeError: the process failed; the message ends with what it said last.
    """
    with tempfile.TemporaryDirectory() as home:
        question, answer = Path(home) / "spec.json", Path(home) / "result.json"
        question.write_text(json.dumps(spec.to_dict()), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.worker", str(question), str(answer)]
        done = subprocess.run(
            [*command, "--files", str(files)], env=os.environ | quiet(Path(home)),
            capture_output=True, text=True, cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"The run {spec.key} failed: {last}")
        return json.loads(answer.read_text(encoding="utf-8"))


def _masked(spec: Spec) -> int:
    return max(1, round(spec.settings.rate * spec.shape["length"]))


def quiet(home: Path) -> dict[str, str]:
    """The environment of a run: its own empty compiler cache, no hub, no progress bar."""
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(home / "compiled"),
        "HF_HUB_OFFLINE": "1",
        "TQDM_DISABLE": "1",
    }


def flops(spec: Spec) -> float:
    """The useful FLOPs of a step."""
    shape = Shape(**spec.shape)
    config = models.config_of(spec.settings, shape)
    return limits.useful_flops(config, spec.settings.batch_size, shape.length, _masked(spec))


def _peaks(spec: Spec, race: racefile.RaceFile) -> dict[str, dict[str, float]]:
    size, seconds = spec.peak
    shape = Shape(**spec.shape)
    config = models.config_of(spec.settings, shape)
    square = limits.square_peaks(size, seconds)
    shaped = {
        kind: limits.shaped_peak(
            config, spec.settings.batch_size, race.rows.size(1), _masked(spec),
            getattr(torch, kind), seconds,
        )
        for kind in square
    }  # fmt: skip
    return {"square": square, "shaped": shaped}


def main(arguments: list[str] | None = None) -> None:
    """Read a run, do it, write its result."""
    parser = argparse.ArgumentParser(description="Do one run of the race.")
    parser.add_argument("spec", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--files", type=Path, required=True)
    args = parser.parse_args(arguments)
    spec = Spec.from_dict(json.loads(args.spec.read_text(encoding="utf-8")))
    atomic_write(args.result, json.dumps(run_here(spec, args.files)))


if __name__ == "__main__":
    main()
