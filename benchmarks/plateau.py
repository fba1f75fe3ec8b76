"""Who leaves the unigram plateau, and after how many tokens?

A race to the opponent's loss says something only where the opponent has left the line that needs
no context. `BertForMaskedLM`, whose positions are a learned table, does not within half an hour, so
it cannot be the opponent; the same block with rotary positions does. Measured here: one run each,
and the first moment at which the frozen loss lies `headline.BELOW` nats under that line. A run that
never gets there gives a lower bound.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.driver import Driver
from benchmarks.headline import BELOW
from benchmarks.settings import Settings
from benchmarks.sweep import shares

SEED, POINTS = 1, 12
LONG, EPOCHS = 30 * 60.0, 6.0  # seconds for B1, and how often it may read the rows meanwhile


def left(log: dict, unigram: float) -> dict | None:
    """The first point on a run's curve that lies `BELOW` nats or more under `unigram`, or None.

    Returns its step, seconds, tokens and loss. The run passed the mark between this point and the
    one before, so both numbers are rather too large than too small.

    >>> curve = [{"step": 5, "seconds": 9.0, "loss": 6.4}, {"step": 10, "seconds": 18.0, "loss": 5}]
    >>> left({"curve": curve, "steps": 10, "tokens": 5000}, unigram=6.5)
    {'step': 10, 'seconds': 18.0, 'loss': 5, 'tokens': 5000}
    """
    for point in log.get("curve", []):
        if point["loss"] <= unigram - BELOW:
            kept = {name: point[name] for name in ("step", "seconds", "loss")}
            return kept | {"tokens": point["step"] * (log["tokens"] // log["steps"])}
    return None


def runs(
    bert: Settings, theirs: Settings, ours: Settings, budget: float
) -> list[tuple[str, Settings, float]]:
    """Who runs for how many seconds: B1 for long, and once more exactly as its rival is trained,
    so that nothing but the positions differs; then the two sides of the race.

    >>> from benchmarks.settings import B1, B1R, ours
    >>> [seconds for _, _, seconds in runs(B1, B1R, ours(), 300.0)]
    [1800.0, 300.0, 300.0, 63.0]
    """
    return [
        ("BERT, learned positions", bert, LONG),
        ("BERT, trained like the next row", replace(theirs, name="b1", model="bert"), budget),
        ("the same block, rotary positions", theirs, budget),
        ("this course", ours, shares("ours", budget)[1]),
    ]


def measure(driver: Driver, runs: list[tuple[str, Settings, float]]) -> list[dict]:
    """A row for each (name, settings, seconds): when it left the plateau, and its curve."""
    table = []
    for name, settings, seconds in runs:
        log = driver.race(settings, SEED, seconds, POINTS)
        kept = ("loss", "seconds", "steps", "tokens", "tokens_per_second", "epochs", "steady",
                "diverged", "machine", "threads", "versions", "code")  # fmt: skip
        table.append({
            "name": name,
            "settings": settings.to_dict(),
            "left": left(log, driver.facts["ladder"]["unigram"]),
            **{key: log.get(key) for key in kept},
            "curve": log.get("curve", []),
        })  # fmt: skip
    return table


def describe(table: list[dict]) -> list[str]:
    """A sentence a row.

    >>> rows = [{"name": "a", "left": {"tokens": 2e6, "seconds": 61.0}},
    ...         {"name": "b", "left": None, "tokens": 4e7, "seconds": 2000.0, "loss": 6.4}]
    >>> print(*describe(rows), sep="\\n")
    a: left the plateau by 2.0 million tokens, 61 s
    b: still on the plateau after 40.0 million tokens, 2,000 s (6.40 nats)
    """
    said = []
    for row in table:
        if row["left"]:
            tokens, seconds = row["left"]["tokens"], row["left"]["seconds"]
            text = f"left the plateau by {tokens / 1e6:.1f} million tokens, {seconds:,.0f} s"
        elif row.get("diverged"):
            text = "diverged"
        else:
            text = (
                f"still on the plateau after {row['tokens'] / 1e6:.1f} million tokens, "
                f"{row['seconds']:,.0f} s ({row['loss']:.2f} nats)"
            )
        said.append(f"{row['name']}: {text}")
    return said
