"""How fast a contestant steps, in turns: for a machine that other people use at the same time.

Where a machine's rate moves by the minute, two runs of five minutes cannot be compared by the
clock. Their losses can, because they do not depend on pace, and so can two blocks of a second or
two that follow each other. So the losses come from whole runs, the seconds of a step from turns
with the opponent. `InTurns` is a driver that counts like that; whoever uses it asks for runs and
budgets as always.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from benchmarks.driver import TRIAL_RATE, TRIAL_STEPS, Driver
from benchmarks.settings import Settings
from benchmarks.store import Spec, Store, code_hash, short_hash
from benchmarks.turns import BLOCK
from benchmarks.verdict import RUNG

TURNS, FEW = 60, 20  # that count: for the two sides of a headline, and for everybody else
IN_TURNS = (
    "Seconds are the steps of whole runs times the seconds of a step. A step of the opponent lasts "
    "as long as in its calibration run, one of ours that much times the median ratio of turns; the "
    "opponent's start, compiling included, is not counted."
)


@dataclass(frozen=True)
class Pair:
    """Who took turns with whom, in which shape and with which code: what a pace depends on."""

    settings: Settings
    reference: Settings
    shape: dict
    frozen_sha256: str
    code: str

    def to_dict(self) -> dict:
        """Plain values, ready for JSON; `from_dict` is the inverse."""
        sides = {name: getattr(self, name).to_dict() for name in ("settings", "reference")}
        return {**asdict(self), **sides}

    @classmethod
    def from_dict(cls, values: dict) -> Pair:
        """A pair from its plain values."""
        sides = {name: Settings(**values[name]) for name in ("settings", "reference")}
        return cls(**{**values, **sides})

    @property
    def key(self) -> str:
        """A name for its file, ending in a hash of every field."""
        one, other = self.settings, self.reference
        sides = f"{one.model}-b{one.batch_size}-with-{other.model}-b{other.batch_size}"
        return f"{self.shape['name']}-{sides}-{short_hash(self.to_dict())}"


@dataclass
class InTurns(Driver):
    """A driver whose seconds come from turns with the opponent, `reference`.

    A step of the opponent lasts as long as in its calibration run; a step of anybody else lasts
    that long times the ratio that turns find (`pace`). Starting costs nothing. Steps lie on a fixed
    ladder of `RUNG`, so that a loss that was computed once serves whatever pace is measured later.

    paces: where turns are kept. take(specs, turns): `turns.measure`, or in tests something faster.
    """

    reference: Settings = field(kw_only=True)
    paces: Store = field(kw_only=True)
    take: Callable[[dict[str, Spec], int], dict[str, list[dict]]] = field(kw_only=True)
    counts_start: ClassVar[bool] = False

    def pace(self, settings: Settings, turns: int = FEW) -> dict:
        """The `summary` of at least so many turns with the opponent: stored ones, or new ones."""
        one, other = stepping(settings), stepping(self.reference)
        frozen = self.facts["frozen_sha256"]
        pair = Pair(one, other, asdict(self.shape), frozen, code_hash())
        log = self.paces.load(pair)
        if log is None or len(log["turns"]["ours"]) < turns:
            self.tell(f"… {turns} turns of {settings.name} and {self.reference.name}")
            steps = (turns + 1) * BLOCK
            specs = {"ours": self.spec(one, 0, steps), "theirs": self.spec(other, 0, steps)}
            log = self.paces.save(pair, {"turns": self.take(specs, turns)})
        return summary(log["turns"])

    def calibrate(self, settings: Settings, steps: int = TRIAL_STEPS) -> dict:
        """Seconds a step and, for the opponent only, seconds to start."""
        clock = super().calibrate(self.reference, steps)
        if stepping(settings) == stepping(self.reference):
            return clock
        step = clock["step_seconds"] / self.pace(settings)["value"]
        return {"step_seconds": step, "setup_seconds": 0.0, "steady": True}

    def steps(self, settings: Settings, budget: float) -> int:
        """How many steps fit into `budget` seconds, on the ladder unless they are the opponent's.

        The opponent's budget includes its start, as everywhere.
        """
        if stepping(settings) == stepping(self.reference):
            return super().steps(settings, budget)
        steps = budget / self.calibrate(settings)["step_seconds"]
        rung = round(RUNG ** round(math.log(max(1.0, steps), RUNG)))
        return min(rung, self.most_steps(settings))

    def run(
        self, settings: Settings, seed: int, steps: int, points: int = 0, repeat: bool = True
    ) -> dict:
        """The log of a run, its seconds replaced; a machine that drifts is no reason to repeat."""
        log = self.logged(settings, seed, steps, points, repeat=False)
        return at_pace(log, self.calibrate(settings)["step_seconds"])


def stepping(settings: Settings) -> Settings:
    """What the pace of a step depends on: no name, no learning rate, and not how a run begins.

    >>> one = Settings("a", "bert", lr=1e-3)
    >>> stepping(one) == stepping(Settings("b", "bert", lr=2e-3))
    True
    """
    plain = {field: getattr(Settings, field) for field in ("momentum", "beta1", "counted")}
    return replace(settings, name="any", lr=TRIAL_RATE, **plain)


def summary(said: dict[str, list[dict]]) -> dict:
    """Medians of each side, and `value`, the median over turns of theirs / ours in seconds a step.

    Pairs of neighbouring turns say more than the medians of each side, between which the machine
    may have changed.

    `low` and `high` hold the true median with 95 % (order statistics: no law of the noise is
    assumed), and `error` is the standard error of ln(value) that fits them.

    >>> turn = lambda s: {"step_seconds": s, "peak": 4e11, "mfu": 0.4}
    >>> found = summary({"ours": [turn(0.1)] * 9, "theirs": [turn(0.3), turn(0.2), turn(0.4)] * 3})
    >>> [round(found[name], 2) for name in ("value", "low", "high")]
    [3.0, 2.0, 4.0]
    """
    ours, theirs = ([turn["step_seconds"] for turn in said[side]] for side in ("ours", "theirs"))
    ratio = ratio_in_turns(theirs, ours)
    sides = {
        side: {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
        for side, turns in said.items()
    }
    return {
        "sides": sides,
        **ratio,
        "error": (math.log(ratio["high"]) - math.log(ratio["low"])) / (2 * 1.96),
    }


def ratio_in_turns(tops: Sequence[float], bottoms: Sequence[float]) -> dict[str, float]:
    """`value`, the median over turns of top / bottom, between `low` and `high`.

    >>> ratio_in_turns([2.0, 6.0, 4.0], [1.0, 2.0, 1.0])
    {'value': 3.0, 'low': 2.0, 'high': 4.0}
    """
    ratios = [top / bottom for top, bottom in zip(tops, bottoms, strict=True)]
    low, high = median_interval(ratios)
    return {"value": statistics.median(ratios), "low": low, "high": high}


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


def at_pace(log: dict, step_seconds: float) -> dict:
    """A run's log with the seconds that it takes at a measured pace; its start is not counted.

    Only counting neighbours is, by the clock of the busy machine: rather too much than too little.
    What the clock said stays as "clock_seconds"; its share of the machine's peak is left out.
    """
    if log["diverged"]:
        return log
    head = log.get("counting_seconds", 0.0)
    kept = {name: value for name, value in log.items() if name != "mfu"}
    return kept | {
        "clock_seconds": log["seconds"],
        "seconds": head + step_seconds * log["steps"],
        "step_seconds": step_seconds,
        "setup_seconds": head,
        "tokens_per_second": log["tokens"] / log["steps"] / step_seconds,
        "curve": [
            point | {"seconds": head + step_seconds * point["step"]} for point in log["curve"]
        ],
        "steady": True,
    }
