"""Tuning a contestant: the fastest way to compute first, then learning rate × batch size.

At least `TRIALS` trials at a third of the budget, and more for as long as the best one lies on the
edge of what was tried; the two best are confirmed at the full budget with a seed of their own.
Ours gets no more trials than its opponent had, and a fifth of its budget, which is about what it
will be raced in.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

from benchmarks.driver import TRIAL_STEPS, Driver, loss_of
from benchmarks.settings import OPPONENT, RESULTS, Settings, starting, sweep_file, tuned
from course_utils.files import atomic_write
from course_utils.machine import bf16_is_native, pick_device

TRIALS = 12
MOST = 16  # with the extensions at the edges
LOOK_AGAIN = 200  # steps of a second look at the ways to compute
NEARLY = 2 / 3  # of the fastest way's steps must a way fit to be looked at again
SHARE = 1 / 3  # of the budget, for a trial
OUR_SHARE = 0.21  # of the opponent's budget, for a trial of ours and for its finals
THEIR_GRID = (5e-4, 1e-3, 2e-3, 4e-3), (8, 16, 32)  # learning rates, batch sizes
GRIDS = {"b1": THEIR_GRID, "b1r": THEIR_GRID, "b2": THEIR_GRID,
         "ours": ((4e-3, 8e-3, 1.6e-2), (8, 16, 32))}  # fmt: skip
TRIAL_SEED, CONFIRM_SEED = 100, 101  # the headline's runs use others


def ways(settings: Settings, counts_start: bool = True) -> list[dict]:
    """The ways to compute the same thing that are worth timing.

    For theirs: number type × compiling × attention kernel. For ours: compiling or not, since the
    library chooses its type and kernel itself; not where a start would cost us nothing.
    """
    if settings.library:
        return [{"compile": choice} for choice in ((False, True) if counts_start else (False,))]
    halves = (False, True) if bf16_is_native(pick_device()) else (False,)
    grid = itertools.product(halves, (False, True), ("sdpa", "eager"))
    return [{"bf16": b, "compile": c, "attention": a} for b, c, a in grid]


def fastest(
    driver: Driver, settings: Settings, budget: float, among: list[dict], steps: int = TRIAL_STEPS
) -> tuple[dict, list[dict]]:
    """The way of `among` that fits the most steps into the budget, and what each way gave.

    A way that this machine cannot go (no compiler, say) stands in the table with its reason.
    """
    table = []
    for way in among:
        try:
            log = driver.calibrate(replace(settings, **way), steps)
        except RuntimeError as problem:
            table.append({"way": way, "steps": 0.0, "failed": str(problem)})
            continue
        timing = {name: log[name] for name in ("step_seconds", "setup_seconds", "steady")}
        timing["steps"] = (budget - timing["setup_seconds"]) / timing["step_seconds"]
        table.append({"way": way, **timing})
    return max(table, key=lambda row: row["steps"])["way"], table


def near_the_best(table: list[dict]) -> list[dict]:
    """The ways that may be the fastest after all, when they are looked at for longer.

    >>> near_the_best([{"way": {"compile": c}, "steps": n} for c, n in ((False, 90), (True, 50))])
    [{'compile': False}]
    """
    most = max(row["steps"] for row in table)
    return [row["way"] for row in table if row["steps"] >= NEARLY * most]


def grid_search(
    driver: Driver, settings: Settings, grid: tuple[tuple, tuple], seconds: float, most: int
) -> list[dict]:
    """Trials over a grid of learning rates × batch sizes, then beyond the edge on which the best
    one lies.

    Returns the trials, best first. A trial that diverged is the worst there is.
    """
    trials: dict[tuple[float, int], dict] = {}

    def attempt(lr: float, batch: int) -> None:
        log = driver.race(
            replace(settings, lr=lr, batch_size=batch), TRIAL_SEED, seconds, repeat=False
        )
        kept = ("loss", "seconds", "steps", "epochs", "diverged")
        trials[lr, batch] = {"lr": lr, "batch_size": batch, **{k: log.get(k) for k in kept}}

    for lr, batch in itertools.product(*grid):
        if len(trials) < most:
            attempt(lr, batch)
    while len(trials) < most:
        beyond = _beyond(trials)
        if beyond is None:
            break
        attempt(*beyond)
    return sorted(trials.values(), key=loss_of)


def _beyond(trials: dict[tuple[float, int], dict]) -> tuple[float, int] | None:
    """The next place to try: a neighbour of the best one, twice as far, that nobody tried."""
    lr, batch = min(trials, key=lambda place: loss_of(trials[place]))
    rates = [r for r, b in trials if b == batch]
    sizes = [b for r, b in trials if r == lr]
    if lr == max(rates):
        return 2 * lr, batch
    if lr == min(rates):
        return lr / 2, batch
    if batch == max(sizes):
        return lr, 2 * batch
    if batch == min(sizes) and batch > 1:
        return lr, batch // 2
    return None


def shares(name: str, budget: float) -> tuple[float, float]:
    """Seconds of a trial and of a final. Ours is raced in a fraction of the opponent's time, so
    that is where it has to be good.

    >>> shares("b1r", 300.0), shares("ours", 300.0)
    ((100.0, 300.0), (63.0, 63.0))
    """
    return (budget * OUR_SHARE,) * 2 if name == "ours" else (budget * SHARE, budget)


def sweep(name: str, driver: Driver, budget: float, results: Path = RESULTS) -> dict:
    """Tune a contestant for the driver's shape; writes and returns what was found.

    Raises:
        ValueError: ours is to be tuned before its opponent was, or everything diverged.
    """
    most = MOST
    if name == "ours":
        most = tuned(OPPONENT, driver.shape.name, results)[1]
        if most == 0:
            raise ValueError(
                f"Tune the opponent first ({OPPONENT}): ours may have as many trials, no more."
            )
    settings = starting(name)
    trial, final = shares(name, budget)
    every = ways(settings, driver.counts_start)
    way, table = fastest(driver, settings, final, every)  # compiling pays in long runs only
    settings = replace(settings, **way)
    trials = grid_search(driver, settings, GRIDS[name], trial, most)
    finals = []
    for near in trials[:2]:
        one = replace(settings, lr=near["lr"], batch_size=near["batch_size"])
        log = driver.race(one, CONFIRM_SEED, final, repeat=False)
        found = {key: log.get(key) for key in ("loss", "seconds", "steps", "epochs", "diverged")}
        finals.append({"lr": one.lr, "batch_size": one.batch_size, **found})
    best = min(finals, key=loss_of)
    if best["diverged"]:
        raise ValueError(f"Every trial of {name} diverged: lower the rates in `sweep.GRIDS`.")
    # The trials' way was chosen by a glance at the starting batch; the race's is looked at again.
    settled = replace(settings, batch_size=best["batch_size"])
    way, again = fastest(driver, settled, final, near_the_best(table), LOOK_AGAIN)
    report = {
        "contestant": name,
        "shape": driver.shape.name,
        "budget_seconds": budget,
        "trial_seconds": trial,
        "final_seconds": final,
        "in_turns": not driver.counts_start,
        "ways": table,
        "ways_again": again,
        "trials": trials,
        "finals": finals,
        "chosen": {**way, "lr": best["lr"], "batch_size": best["batch_size"]},
        "at_the_edge": _beyond({(t["lr"], t["batch_size"]): t for t in trials}) is not None,
        "frozen_sha256": driver.facts["frozen_sha256"],
    }
    path = sweep_file(name, driver.shape.name, results)
    atomic_write(path, json.dumps(report, indent=1) + "\n")
    return report
