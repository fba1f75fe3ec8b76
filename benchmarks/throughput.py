"""Tokens a second of a training step against batch, length, threads and number type.

Our encoder with AdamW in the plain loop, on random tokens: speed only, no loss. Every point takes
turns with one and the same `reference`, so that a machine which others use as well does not favour
the point that happened to run when it was quiet.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from benchmarks import settings, timed
from benchmarks.gpu import random_race
from benchmarks.pace import ratio_in_turns
from benchmarks.shapes import Shape

VARIED = {
    "batch_size": (4, 8, 16, 64, 128),
    "length": (16, 32, 64, 256, 512),
    "threads": (1,),
    "number_type": ("float32",),
}
STEPS, TURNS = 6, 9  # of the reference; a smaller point steps more often, for as many tokens


def reference() -> dict:
    """The point that all others are compared with: what the race and the lessons use."""
    threads = torch.get_num_threads()
    return {"batch_size": 32, "length": 128, "threads": threads, "number_type": "bfloat16"}


def points() -> list[dict]:
    """Every point, each with one thing different from the `reference`; that one comes first.

    >>> found = points()
    >>> [len(set(one.items()) - set(found[0].items())) for one in found][:3]
    [0, 1, 1]
    """
    base = reference()
    varied = [
        base | {name: value} for name, values in VARIED.items() for value in values
        if value != base[name]
    ]  # fmt: skip
    return [base, *varied]


def tokens_per_second(point: dict, shape: Shape, steps: int = STEPS) -> float:
    """How fast a point trains: the steady rate of some steps, the first ones left out.

    There are `steps` of them, and more where a step is smaller than the reference's: as many tokens
    are read in either, so that one hiccup of the machine weighs the same.
    """
    base = reference()
    whole = steps * base["batch_size"] * base["length"]
    steps = max(steps, math.ceil(whole / (point["batch_size"] * point["length"])))
    shape = replace(shape, length=point["length"])
    one = replace(
        settings.ours(), library=False, optimizer="adamw", lr=1e-4, windows=(), compile=False,
        counted=False, batch_size=point["batch_size"], bf16=point["number_type"] == "bfloat16",
    )  # fmt: skip
    race = random_race(shape, one.batch_size * steps)
    with threads(point["threads"]):
        return timed.time_run(one, shape, race, seed=0, steps=steps)["tokens_per_second"]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads inside, as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure(shape: Shape, turns: int = TURNS, steps: int = STEPS) -> list[dict]:
    """Every point with the median of its tokens a second; all but the reference, which comes first,
    with their `ratio` to it (`pace.ratio_in_turns`)."""
    base, *others = points()
    rates: list[float] = []
    table = []
    for point in others:
        own = []
        for _ in range(turns):
            rates.append(tokens_per_second(base, shape, steps))
            own.append(tokens_per_second(point, shape, steps))
        found = {"tokens_per_second": statistics.median(own)}
        table.append(point | found | {"ratio": ratio_in_turns(own, rates[-turns:])})
    return [base | {"tokens_per_second": statistics.median(rates)}, *table]


def describe(table: list[dict]) -> list[str]:
    """A line a point: what it changes, and how fast that is."""
    base = table[0]
    lines = []
    for row in table:
        changed = [f"{name} {row[name]}" for name in VARIED if row[name] != base[name]]
        line = f"{', '.join(changed) or 'reference':<20} {row['tokens_per_second']:>7,.0f} tokens/s"
        if "ratio" in row:
            line += ", {value:.2f} times the reference ({low:.2f} to {high:.2f})".format(
                **row["ratio"]
            )
        lines.append(line)
    return lines
