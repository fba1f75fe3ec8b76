"""Planning and doing runs: steps for a budget, resuming, repeating what a busy machine spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

from benchmarks.limits import drift
from benchmarks.settings import Settings
from benchmarks.shapes import Shape
from benchmarks.store import Spec, Store

DRIFT = 0.05  # a machine whose peaks lie further apart was not the same machine
ATTEMPTS = 3
TRIAL_STEPS, TRIAL_RATE = 24, 1e-4  # of a throughput measurement


@dataclass
class Driver:
    """Does the runs of one shape, each once: what is stored is not repeated.

    runner: `worker.run_apart`, or in tests something faster. epochs: how often a run may read the
    training rows, for everybody. facts: those of the race file.
    """

    shape: Shape
    facts: dict
    store: Store
    runner: Callable[[Spec], dict]
    epochs: float = 1.0
    peak: tuple[int, float] = (2048, 1.0)
    tell: Callable[[str], None] = print
    counts_start: ClassVar[bool] = True  # loading and compiling are part of a run's seconds

    def spec(self, settings: Settings, seed: int, steps: int, points: int = 0) -> Spec:
        """A run of this shape."""
        frozen = self.facts["frozen_sha256"]
        return Spec(settings, asdict(self.shape), seed, steps, frozen, points, peak=self.peak)

    def run(
        self, settings: Settings, seed: int, steps: int, points: int = 0, repeat: bool = True
    ) -> dict:
        """The log of a run, with the seconds that count."""
        return self.logged(settings, seed, steps, points, repeat)

    def pace(self, settings: Settings) -> dict | None:
        """How fast it steps in turns with the opponent; None where the clock counts."""
        return None

    def logged(
        self, settings: Settings, seed: int, steps: int, points: int = 0, repeat: bool = True
    ) -> dict:
        """The log of a run: a stored one, or a new one that is stored.

        A run during which the machine's peak moved by more than `DRIFT` is kept in the store, but
        done again, at most `ATTEMPTS` times; the log says "steady": False if none was better.
        Where only the loss matters, `repeat=False`: a loss does not depend on the machine's pace.
        """
        spec = self.spec(settings, seed, steps, points)
        for attempt in range(ATTEMPTS if repeat else 1):
            one = replace(spec, attempt=attempt)
            log = self.store.load(one)
            if log is None:
                self.tell(f"… {one.key}")
                log = self.store.save(one, self.runner(one))
                self.tell("  " + told(log))
            log["steady"] = drift(*peaks(log)) <= DRIFT
            if log["steady"] or log["diverged"]:
                break
        return log

    def calibrate(self, settings: Settings, steps: int = TRIAL_STEPS) -> dict:
        """The log of a short run, which tells seconds a step and seconds to start.

        They do not depend on the learning rate, so one measurement serves all rates.
        """
        one = replace(settings, lr=TRIAL_RATE)
        return self.logged(one, seed=0, steps=min(steps, self.most_steps(settings)))

    def most_steps(self, settings: Settings) -> int:
        """How many steps the epochs hold."""
        return max(1, int(self.epochs * (self.facts["rows"] // settings.batch_size)))

    def steps(self, settings: Settings, budget: float) -> int:
        """How many steps fit into `budget` seconds, starting and compiling included.

        Never more than the epochs hold: then a run ends before its budget, and only the seconds
        that it took count.
        """
        log = self.calibrate(settings)
        left = budget - log["setup_seconds"]
        return max(1, min(int(left / log["step_seconds"]), self.most_steps(settings)))

    def race(
        self, settings: Settings, seed: int, budget: float, points: int = 0, repeat: bool = True
    ) -> dict:
        """A run of `budget` seconds."""
        return self.run(settings, seed, self.steps(settings, budget), points, repeat)


def peaks(*logs: dict) -> list[float]:
    """The square peaks before and after each run, in the number type that the runs share.

    Runs in different types are compared in float32, which every machine has.
    """
    kinds = {log.get("number_type", "float32") for log in logs}
    kind = kinds.pop() if len(kinds) == 1 else "float32"
    return [log["peaks"][when]["square"][kind] for log in logs for when in ("before", "after")]


def loss_of(log: dict) -> float:
    """A run's loss in nats; infinite when it diverged."""
    return float("inf") if log["diverged"] else log["loss"]


def told(log: dict) -> str:
    """A run in one line.

    >>> told({"diverged": True, "loss": None, "steps": 3})
    'diverged after 3 steps'
    """
    if log["diverged"]:
        return f"diverged after {log['steps']} steps"
    return (
        f"{log['loss']:.3f} nats in {log['seconds']:.0f} s, {log['steps']} steps, "
        f"{log['tokens_per_second']:,.0f} tokens/s, {log['epochs']:.2f} epochs"
    )


def race_files(build: Path) -> Path:
    """Where the race files lie."""
    return build / "race" / "files"
