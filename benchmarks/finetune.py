"""The fine-tuning race: seconds to the accuracy with which `transformers` ends, in two ways.

All sides (`tuners`) start from the same folder and the same sentences. Each gets the best of
`RATES` after three epochs, since the page's 2e-5 is meant for larger models; `at_the_edge` tells
whose best might lie beyond them. Accuracy does not depend on a machine's pace and comes from whole
runs over seeds; seconds come from epochs in turns, so that a machine which others use as well is
fair to everybody.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial

from benchmarks import verdict
from benchmarks.pace import ratio_in_turns
from benchmarks.store import Store
from benchmarks.tuners import Task, Tuning
from course_utils.text import corpora
from course_utils.training.finetuning import few_labels

SEEDS, OUR_SEEDS = range(1, 6), range(1, 11)
RATES, RATE_SEED = (2e-5, 1e-4, 3e-4, 1e-3, 3e-3), 100
EPOCHS = (1, 2, 3, 4)  # that ours may take, the fewest first; the others take three
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
    """Seconds to the accuracy of each of `sides`: our fewest epochs that are as accurate.

    They are when `verdict.as_good` says so: our mean over `OUR_SEEDS` is less than a point below
    the side's mean over `SEEDS`, p < 0.025. Done runs are not repeated.

    start: the hash of the weights. runner: `tuners.run`, or in tests something faster.
    """

    def done(one: Tuning) -> dict:
        log = store.load(one)
        return log if log else store.save(one, runner(one))

    def tuned(side: str, lr: float, seed: int, **choices) -> dict:
        return done(Tuning(side, start, labels, lr=lr, seed=seed, peak=peak, **choices))

    def accuracy_at(side: str, lr: float) -> float:
        return tuned(side, lr, RATE_SEED)["accuracy"]

    rates = {side: max(RATES, key=partial(accuracy_at, side)) for side in (*sides, "ours")}
    accuracy = {
        side: [tuned(side, rates[side], seed)["accuracy"] for seed in SEEDS] for side in sides
    }
    ours_after: dict[int, list[float]] = {}

    def as_good(side: str) -> dict:
        for epochs in EPOCHS:
            if epochs not in ours_after:
                ours_after[epochs] = [
                    tuned("ours", rates["ours"], seed, epochs=epochs)["accuracy"]
                    for seed in OUR_SEEDS
                ]
            p = verdict.as_good(ours_after[epochs], accuracy[side])
            if p < verdict.P_AS_GOOD:
                break
        return {"epochs": epochs, "p": p, "reached": p < verdict.P_AS_GOOD}

    reached = {side: as_good(side) for side in sides}
    seconds: dict[str, list[float]] = {side: [] for side in rates}
    for turn in range(1, TURNS + 1):
        for side, lr in rates.items():
            seconds[side].append(tuned(side, lr, turn, epochs=1, turn=turn)["seconds"])
    return {
        "labels": labels,
        "rates": rates,
        "at_the_edge": [side for side, lr in rates.items() if lr in (RATES[0], RATES[-1])],
        "epochs": Tuning.epochs,
        "accuracy": accuracy,
        "ours_after_epochs": ours_after,
        "ours_against": reached,
        "epoch_seconds": seconds,
        "time_ratio": {
            side: ratio_in_turns(
                [Tuning.epochs * one_epoch for one_epoch in seconds[side]],
                [one["epochs"] * one_epoch for one_epoch in seconds["ours"]],
            )
            if one["reached"]
            else None
            for side, one in reached.items()
        },
    }


def describe(found: dict) -> list[str]:
    """What came out, a sentence a side."""
    lines = []
    for side, one in found["ours_against"].items():
        epochs, after = one["epochs"], found["ours_after_epochs"][one["epochs"]]
        line = (
            f"{side}: {statistics.mean(found['accuracy'][side]):.1%} after {found['epochs']} "
            f"epochs; ours {statistics.mean(after):.1%} after {epochs} (p = {one['p']:.2g})"
        )
        if ratio := found["time_ratio"][side]:
            line += ", {value:.1f} times as fast ({low:.1f} to {high:.1f})".format(**ratio)
        else:
            line += ", which is not as accurate"
        lines.append(line)
    return lines
