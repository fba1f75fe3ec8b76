"""The headline: how much sooner do we reach the loss that the tuned opponent ends with?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks import verdict
from benchmarks.driver import DRIFT, Driver, loss_of, peaks
from benchmarks.faults import BELOW, faults
from benchmarks.limits import drift
from benchmarks.pace import IN_TURNS
from benchmarks.settings import Settings

LONGER, LENGTHENED = 1.5, 3  # a budget that is too short grows, at most so often
SCOUT_SEED, FIRST_SEED = 0, 11  # of ours; those that count were in no trial, by hand or not
NEAR = 4  # the slope of our loss comes from so many scouts around the target


@dataclass(frozen=True)
class Plan:
    """How long and how often. Seconds; `speedups` are the answers that the search can give.

    points, our_points: losses on the way, for the picture. Scouts are looked at once, at their end.
    """

    budget: float
    their_seeds: int = 3
    our_seeds: int = 5
    speedups: tuple[float, ...] = verdict.ladder_of_speedups(2.0, 16.0, verdict.RUNG)
    points: int = 12
    our_points: int = 4
    may_lengthen: bool = True


PLANS = {"S1": Plan(5 * 60.0), "S2": Plan(8 * 60.0)}
QUICK = Plan(75.0, 1, 2, speedups=(2.0, 4.0, 8.0), points=3, may_lengthen=False)


@dataclass
class Duel:
    """The two sides, and the opponent's runs so far.

    Where seconds come from turns, `pace` says how (`pace.summary`), and what the machine did during
    a run does not matter.
    """

    driver: Driver
    theirs: Settings
    ours: Settings
    plan: Plan
    rivals: list[dict] = field(default_factory=list)

    @cached_property
    def pace(self) -> dict | None:
        """Our pace in turns, or None."""
        return self.driver.pace(self.ours)

    @property
    def target(self) -> float:
        """The mean loss of the opponent's runs."""
        return sum(map(loss_of, self.rivals)) / len(self.rivals)

    def our_run(self, speedup: float, seed: int) -> dict:
        """A run of ours in the time of the opponent's first run, divided by `speedup`."""
        budget = self.rivals[0]["seconds"] / speedup
        return self.driver.race(self.ours, seed, budget, self.plan.our_points)

    def scouted(self, speedup: float) -> dict:
        """The same with the scouts' seed, in which only the loss at the end matters."""
        budget = self.rivals[0]["seconds"] / speedup
        return self.driver.race(self.ours, SCOUT_SEED, budget, repeat=False)

    def scout(self, speedup: float) -> bool:
        """Whether one run of ours reaches the target."""
        return loss_of(self.scouted(speedup)) <= self.target

    def seeds(self, speedup: float) -> Iterator[dict]:
        """Our runs at a speed-up that count, one by one: as fast a machine as for the opponent.

        Each is paired with a run of the opponent; a pair that drifted is thrown away, and another
        seed takes its place.

        Raises:
            RuntimeError: more pairs drifted than were planned.
        """
        kept, pairs = 0, 2 * self.plan.our_seeds
        for number in range(pairs):
            run = self.our_run(speedup, FIRST_SEED + number)
            partner = self.rivals[number % len(self.rivals)]
            if self.pace or paired_drift(run, partner) <= DRIFT:
                kept += 1
                yield run
            if kept == self.plan.our_seeds:
                return
        raise RuntimeError(
            f"Of {pairs} pairs, {pairs - kept} drifted by more than {DRIFT:.0%}: the machine "
            "was not as fast for one side as for the other. Let it rest, delete both sides' logs "
            "in build/race/runs and race again."
        )

    def passes(self, speedup: float) -> bool:
        """Whether our mean loss lies below the target, over seeds.

        Two losses that are not below it decide: with one more, no t of five seeds gets beyond
        -2.45, and -3.75 is needed.
        """
        losses, missed = [], 0
        for run in self.seeds(speedup):
            losses.append(loss_of(run))
            missed += losses[-1] >= self.target
            if missed == 2:
                return False
        return verdict.reaches(losses, self.target) < verdict.P_VALUE


def headline(driver: Driver, theirs: Settings, ours: Settings, plan: Plan) -> dict:
    """Race both and say what came out; everything that was run is in the driver's store.

    The opponent's runs and ours alternate: after each of theirs, ours scouts which speed-up
    reaches the target so far, and two of our seeds run there. When the target stands, the search
    starts over; what has been run is not run again.
    """
    duel = Duel(driver, theirs, ours, plan)
    budget = _long_enough(duel)
    for seed in range(1, plan.their_seeds + 1):
        rival = driver.race(theirs, seed, budget, plan.points)
        if rival["diverged"]:
            raise ValueError(f"The opponent diverged with seed {seed}: tune it first.")
        duel.rivals.append(rival)
        if duel.pace:
            continue  # the clock of a run does not count, so there is nothing to alternate
        likely = verdict.reached(plan.speedups, duel.scout)
        for mine in (2 * seed - 2, 2 * seed - 1):
            if likely is not None and mine < plan.our_seeds:
                duel.our_run(likely, FIRST_SEED + mine)
    found = verdict.shortest(plan.speedups, duel.scout, duel.passes)
    return _verdict(duel, found, budget)


def open_class(driver: Driver, ours: Settings, plan: Plan, raced: dict) -> dict:
    """The same question for a model of ours that is not of the opponent's size; `raced` is the
    headline, whose runs of the opponent and whose target stand."""
    rivals = raced["runs"]["theirs"]
    duel = Duel(driver, Settings(**rivals[0]["spec"]["settings"]), ours, plan, rivals)
    found = verdict.shortest(plan.speedups, duel.scout, duel.passes)
    return _verdict(duel, found, raced["budget_seconds"])


def paired_drift(ours: dict, theirs: dict) -> float:
    """How far apart the machine's peaks lay before and after the two runs of a pair."""
    return drift(*peaks(ours, theirs))


def _long_enough(duel: Duel) -> float:
    """The budget at which the opponent ends well below the unigram line.

    It grows until then, but not beyond the epochs that everybody is allowed.
    """
    driver, theirs, plan = duel.driver, duel.theirs, duel.plan
    budget = plan.budget
    for _ in range(LENGTHENED if plan.may_lengthen else 0):
        first = driver.race(theirs, 1, budget, plan.points)
        full = driver.steps(theirs, budget) >= driver.most_steps(theirs)
        if driver.facts["ladder"]["unigram"] - loss_of(first) >= BELOW or full:
            break
        budget *= LONGER
    return budget


def _scouts(duel: Duel) -> list[dict]:
    """Our stored scouting runs: they give the slope of loss against time."""
    driver, found = duel.driver, {}
    for speedup in duel.plan.speedups:
        steps = driver.steps(duel.ours, duel.rivals[0]["seconds"] / speedup)
        if driver.store.load(driver.spec(duel.ours, SCOUT_SEED, steps)):
            found[steps] = duel.scouted(speedup)
    return [log for log in found.values() if not log["diverged"]]


def _mean(logs: list[dict], name: str) -> float:
    return sum(log[name] for log in logs) / len(logs)


def _verdict(duel: Duel, found: float | None, budget: float) -> dict:
    rivals, plan, unigram = duel.rivals, duel.plan, duel.driver.facts["ladder"]["unigram"]
    runs = [run for run in duel.seeds(found or plan.speedups[0]) if not run["diverged"]]
    scouts = _scouts(duel)
    losses = [run["loss"] for run in runs]
    points = [(run["seconds"], run["loss"]) for run in scouts]
    points = sorted(points, key=lambda point: abs(point[1] - duel.target))[:NEAR]
    falls = verdict.slope(points) if len(points) > 1 else 0.0
    report = {
        "budget_seconds": budget,
        "target": duel.target,
        "unigram": unigram,
        "nats_below_unigram": unigram - duel.target,
        "speedup_tested": found,
        "pace": duel.pace,
        "p": verdict.reaches(losses, duel.target) if len(losses) > 1 else 1.0,
        "time_ratio": None,
        "tokens_per_second_ratio": None,
        "seeds": {
            "theirs": [log["spec"]["seed"] for log in rivals],
            "ours": [log["spec"]["seed"] for log in runs],
        },
        "runs": {"theirs": rivals, "ours": runs, "scouts": scouts},
    }
    if runs:
        speeds = [_mean(logs, "tokens_per_second") for logs in (runs, rivals)]
        report["tokens_per_second_ratio"] = speeds[0] / speeds[1]
    if found and runs and falls > 0:
        their_seconds, their_losses = zip(*((r["seconds"], r["loss"]) for r in rivals), strict=True)
        ratio = verdict.time_ratio(
            their_seconds, their_losses, [run["seconds"] for run in runs], losses, falls,
            duel.pace["error"] if duel.pace else 0.0,
        )  # fmt: skip
        report["time_ratio"] = ratio._asdict()
    notes = [IN_TURNS] if duel.pace else []
    if len(rivals) < 3:
        notes.append(f"The target rests on {len(rivals)} run(s) of the opponent, not on three.")
    return report | {"faults": faults(report, plan.our_seeds), "notes": notes}
