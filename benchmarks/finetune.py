"""The fine-tuning race: seconds to the accuracy with which the example-script way ends.

All sides (`tuners`) start from the same folder and the same sentences. The example and the Trainer
get the best of `RATES`, since the page's 2e-5 is meant for larger models. Accuracy does not depend
on a machine's pace and comes from whole runs over seeds; seconds come from epochs of all sides in
turns, so that a machine which others use as well is fair to everybody.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial

from benchmarks import verdict
from benchmarks.store import Store
from benchmarks.tuners import Task, Tuning, ours_of
from course_utils.text import corpora
from course_utils.training.finetuning import few_labels

SEEDS, OUR_SEEDS = range(1, 6), range(1, 11)
RATES, RATE_SEED = (2e-5, 1e-4, 3e-4, 1e-3), 100
EPOCHS = (1, 2, 3, 4, 6)  # that ours may take, the fewest first; the others take three
TURNS = 5


def reviews(labels: int) -> Task:
    """So many film-review sentences, as many of either kind, and all that judge.

    Raises:
        ValueError: there are not so many, or two kinds cannot share them evenly.
    """
    table = corpora.load("rotten_tomatoes")
    parts = [list(table[split][name]) for split in ("train", "validation")
             for name in ("text", "label")]  # fmt: skip
    chosen = few_labels(parts[1], labels, seed=0)
    train = ([part[place] for place in chosen] for part in parts[:2])
    return Task(*train, *parts[2:])


def race(
    start: str,
    labels: int,
    store: Store,
    runner: Callable[[Tuning], dict],
    sides: tuple[str, ...] = ("script", "trainer"),
    peak: tuple[int, float] = (2048, 1.0),
) -> dict:
    """Seconds to the script's accuracy: the fewest epochs of ours that are as accurate.

    They are when `verdict.as_good` says so: their mean over `OUR_SEEDS` is less than a point below
    the script's mean over `SEEDS`, p < 0.025. Done runs are not repeated.

    start: the hash of the weights. runner: `tuners.run`, or in tests something faster.
    """

    def done(one: Tuning) -> dict:
        log = store.load(one)
        return log if log else store.save(one, runner(one))

    def theirs(side: str, **choices) -> dict:
        return done(Tuning(side, start, labels, peak=peak, **choices))

    def ours(epochs: int, seed: int, turn: int = 0) -> dict:
        return done(ours_of(start, labels, epochs, seed, turn=turn, peak=peak))

    def accuracy_at(side: str, lr: float) -> float:
        return theirs(side, lr=lr, seed=RATE_SEED)["accuracy"]

    rates = {side: max(RATES, key=partial(accuracy_at, side)) for side in sides}
    accuracy = {
        side: [theirs(side, lr=rates[side], seed=seed)["accuracy"] for seed in SEEDS]
        for side in sides
    }
    for epochs in EPOCHS:
        accuracy["ours"] = [ours(epochs, seed)["accuracy"] for seed in OUR_SEEDS]
        p = verdict.as_good(accuracy["ours"], accuracy["script"])
        if reached := p < verdict.P_AS_GOOD:
            break
    seconds: dict[str, list[float]] = {side: [] for side in (*sides, "ours")}
    for turn in range(1, TURNS + 1):
        for side in sides:
            log = theirs(side, lr=rates[side], epochs=1, seed=turn, turn=turn)
            seconds[side].append(log["seconds"] * Tuning.epochs)
        seconds["ours"].append(ours(1, turn, turn)["seconds"] * epochs)
    return {
        "labels": labels,
        "accuracy": accuracy,
        "rates": rates,
        "epochs": {"theirs": Tuning.epochs, "ours": epochs},
        "p": p,
        "reached": reached,
        "seconds": seconds,
        "time_ratio": {
            side: _ratio(seconds[side], seconds["ours"]) if reached else None for side in sides
        },
    }


def _ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    """The median over turns, the smallest and the largest."""
    ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
    return {"value": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def describe(found: dict) -> list[str]:
    """What came out, a sentence a side."""
    lines = []
    for side, accuracy in found["accuracy"].items():
        mean, seconds = statistics.mean(accuracy), statistics.median(found["seconds"][side])
        epochs = found["epochs"].get(side, found["epochs"]["theirs"])
        line = f"{side}: {mean:.1%} after {epochs} epochs, {seconds:.0f} s"
        if ratio := found["time_ratio"].get(side):
            line += "; we were {value:.1f} times as fast ({low:.1f} to {high:.1f})".format(**ratio)
        lines.append(line)
    if not found["reached"]:
        lines.append(f"ours is not as accurate as the script, p = {found['p']:.2f}")
    return lines
