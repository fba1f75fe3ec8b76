"""What came out, for people and for the README: build/race.json and one picture."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks import settings, store
from course_utils.evaluation import plots
from course_utils.files import atomic_write

PUBLISHED = settings.RESULTS / "race.json"
BESIDE = {"open": settings.OPPONENT, "b2": "b2"}  # beside a headline, and against whom
SMALLER = ("finetune", "vocabulary", "gpu")  # races that have no shape


def part_file(home: Path, kind: str, shape_name: str) -> Path:
    """Where the result of one command lies; `kind` is the command's name, or "headline".

    The smaller races have the shape "all".
    """
    return home / f"{kind}-{shape_name}.json"


def save_part(home: Path, kind: str, shape_name: str, report) -> Path:
    """Write the result of one command whole."""
    return atomic_write(part_file(home, kind, shape_name), json.dumps(report, indent=1) + "\n")


def read_part(home: Path, kind: str, shape_name: str):
    """The result of one command, or None when it has not been run."""
    path = part_file(home, kind, shape_name)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def read_headline(home: Path, shape_name: str) -> dict:
    """The headline of a shape, whose target others use.

    Raises:
        FileNotFoundError: it has not been raced.
    """
    raced = read_part(home, "headline", shape_name)
    if raced is None:
        raise FileNotFoundError("There is no target yet: run `python -m benchmarks race` first.")
    return raced


def summary(
    home: Path,
    shape_names: list[str],
    kind: str = "headline",
    results: Path = settings.RESULTS,
) -> dict:
    """Everything that is known of the shapes that were raced.

    Per shape: `time_ratio` {value, low, high}, `tokens_per_second_ratio`, `nats_below_unigram`,
    `mfu` of both sides, the ladder's rows, trials of both sweeps, and `faults`: the reasons why a
    figure may not be quoted; the same, where it was raced, of the `open` class and of the race
    against `b2`. Beside the shapes, in `smaller`, the races of `SMALLER` that were run.

    Raises:
        FileNotFoundError: nothing of that kind has been raced.
    """
    found: dict = {}
    for name in shape_names:
        raced = read_part(home, kind, name)
        if raced is None:
            continue
        found[name] = shape_summary(raced, name, results) | {
            "ladder": read_part(home, "ladder", name) or [],
            "others": read_part(home, "others", name) or [],
            "throughput": read_part(home, "throughput", name) or [],
        }
        for other, opponent in BESIDE.items():
            part = read_part(home, other, name)
            found[name][other] = part and shape_summary(part, name, results, opponent)
        found |= {key: found[name][key] for key in ("machine", "threads")}
    smaller = {name: read_part(home, name, "all") for name in SMALLER}
    smaller = {name: one for name, one in smaller.items() if one}
    if not found and not (smaller and kind == "headline"):  # a first look is at a shape
        raise FileNotFoundError(f"No {kind} has been raced yet: run `python -m benchmarks race`.")
    return found | {"smaller": smaller, "versions": store.versions(), "kind": kind}


def published(found: dict, before: dict) -> dict:
    """A summary that keeps the shapes and the smaller races that were not raced again.

    Shapes are raced on different days and machines; each entry says which machine it was.

    >>> old = {"S1": {"p": 0.1}, "S2": {"p": 0.2}, "smaller": {"gpu": 1}, "kind": "headline"}
    >>> new = {"S2": {"p": 0.3}, "smaller": {"vocabulary": 2}, "kind": "headline"}
    >>> sorted(published(new, old)["smaller"]), published(new, old)["S1"], published(new, old)["S2"]
    (['gpu', 'vocabulary'], {'p': 0.1}, {'p': 0.3})
    """
    return before | found | {"smaller": before.get("smaller", {}) | found["smaller"]}


def publish(found: dict) -> None:
    """Write what was found beside what was published before."""
    before = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    atomic_write(PUBLISHED, json.dumps(published(found, before), indent=1) + "\n")


def shape_summary(
    raced: dict, name: str, results: Path = settings.RESULTS, opponent: str = settings.OPPONENT
) -> dict:
    """One shape's entry; `results` holds the sweeps."""
    kept = ("time_ratio", "tokens_per_second_ratio", "nats_below_unigram", "target", "unigram",
            "p", "budget_seconds", "seeds", "pace", "notes")  # fmt: skip
    sides = {side: raced["runs"][side] for side in ("theirs", "ours")}
    trials = {one: settings.tuned(one, name, results)[1] for one in (opponent, "ours")}
    faults = list(raced["faults"])
    theirs = trials[opponent]
    if theirs < 12:
        faults.append(f"The opponent was tuned with {theirs} trials, twelve are needed.")
    if trials["ours"] > theirs:
        faults.append("Ours was tuned with more trials than its opponent.")
    return {key: raced[key] for key in kept} | {
        "machine": sides["theirs"][-1]["machine"],
        "threads": sides["theirs"][-1]["threads"],
        "versions": sides["theirs"][-1]["versions"],
        "mfu": {side: _mfu(logs, side, raced["pace"]) for side, logs in sides.items()},
        "settings": {side: logs[0]["spec"]["settings"] for side, logs in sides.items() if logs},
        "parameters": {side: logs[0]["parameters"] for side, logs in sides.items() if logs},
        "number_type": {side: logs[0]["number_type"] for side, logs in sides.items() if logs},
        "losses": {side: [log["loss"] for log in logs] for side, logs in sides.items()},
        "seconds": {side: [log["seconds"] for log in logs] for side, logs in sides.items()},
        "bits_per_byte": {side: [log["bits_per_byte"] for log in logs] for side, logs in
                          sides.items()},
        "frozen_sha256": sides["theirs"][0]["spec"]["frozen_sha256"],
        "trials": trials,
        "faults": faults,
    }  # fmt: skip


def _mfu(logs: list[dict], side: str, pace: dict | None) -> dict[str, float] | None:
    """The mean over runs; where seconds come from turns, the median over those."""
    if pace:
        return {"square": pace["sides"][side]["mfu"]}
    if not logs:
        return None
    kinds = logs[0]["mfu"]
    return {kind: sum(log["mfu"][kind] for log in logs) / len(logs) for kind in kinds}


def describe(entry: dict) -> str:
    """A shape's entry in a few sentences."""
    ratio, target, below = entry["time_ratio"], entry["target"], entry["nats_below_unigram"]
    where = "below" if below >= 0 else "above"
    lines = [f"The opponent ended at {target:.3f} nats, {abs(below):.2f} {where} the unigram line."]
    if ratio:
        lines.append(
            f"We were there {ratio['value']:.1f} times sooner "
            f"({ratio['low']:.1f} … {ratio['high']:.1f}), p = {entry['p']:.2g}."
        )
    if entry["tokens_per_second_ratio"]:
        lines.append(f"We read {entry['tokens_per_second_ratio']:.1f} times as many tokens/s.")
    lines += entry["notes"]
    lines += [f"Not to be quoted: {fault}" for fault in entry["faults"]]
    return "\n".join(lines)


def picture(raced: dict, ladder: dict[str, float], path: Path) -> str:
    """Draw loss against seconds for every run, with the loss ladder; returns the description."""
    plots.style()
    fig, ax = plt.subplots(figsize=(7, 4.2))
    sides = {"theirs": ("tuned Hugging Face", plots.ORANGE, "--", "s"),
             "ours": ("this course", plots.BLUE, "-", "o")}  # fmt: skip
    highest = 0.0
    for side, (label, colour, dash, mark) in sides.items():
        for number, log in enumerate(raced["runs"][side]):
            seconds = [point["seconds"] for point in log["curve"]]
            losses = [point["loss"] for point in log["curve"]]
            highest = max(highest, *losses)
            ax.plot(seconds, losses, dash, color=colour, marker=mark, markersize=3, linewidth=1,
                    label=label if number == 0 else None)  # fmt: skip
    ax.axhline(raced["target"], color=plots.ORANGE, linewidth=0.8)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    counted = "measured in turns" if raced["pace"] else "loading and compiling included"
    ax.set_xlabel(f"seconds of training, {counted}")
    ax.set_ylabel("nats per hidden token, frozen masks")
    ax.set_ylim(top=max(highest, ladder["unigram"]) + 0.1)
    plots.ladder(ax, ladder)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, bbox_inches="tight", dpi=150)
    plt.close(fig)
    return (
        f"Loss against time: the tuned opponent ends at {raced['target']:.2f} nats, the unigram "
        f"line lies at {ladder['unigram']:.2f}."
    )
