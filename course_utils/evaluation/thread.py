"""The whole course in one figure: raw text, ladder, plateau, descent, fine-tuning, an answer.

Everything in it comes from files that lie in the repository: the log beside a checkpoint and the
reference runs of lessons 07 and 08. Nothing is typed in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import mean

import matplotlib.pyplot as plt

from course_utils import files
from course_utils.evaluation import plots

CONTESTANTS = {  # model and way of the reference run of lesson 08: name, colour, line, marker
    ("course-bert", "named"): ("course-bert", plots.BLUE, "-", "o"),
    ("twin", "tuned"): ("random twin", plots.ORANGE, "--", "s"),
    ("tfidf", "counted"): ("TF-IDF", plots.GREEN, "-.", "^"),
}


def collected() -> dict:
    """The log of course-bert, the runs of lesson 07 and the test scores of lesson 08.

    Returns "log", "plateau" (`runs` and `ladder`) and "scores" (a list of runs).
    Raises FileNotFoundError where the repository's data folder is not there.
    """
    reference = files.data_dir() / "reference"
    log = json.loads((files.checkpoint_dir("course-bert") / "log.json").read_text("utf-8"))
    lines = (reference / "lesson_08.jsonl").read_text("utf-8").splitlines()
    plateau = json.loads((reference / "lesson_07.json").read_text("utf-8"))
    return {"log": log, "plateau": plateau, "scores": [json.loads(line) for line in lines]}


def draw(
    log: dict,
    plateau: dict,
    scores: Sequence[dict],
    sentence: str,
    guesses: Sequence[tuple[str, float]],
):
    """Draw the thread in six panels; returns the figure.

    log, plateau, scores: as `collected` returns them. sentence: what the model was asked, with
    [MASK]; guesses: its answers and their probabilities, the likeliest first.
    Raises ValueError when one of them is not what is expected.
    """
    if not guesses or "[MASK]" not in sentence:
        raise ValueError("The last panel needs a sentence with [MASK] and at least one guess.")
    if not {"ladder", "evaluations", "rows"} <= set(log):
        raise ValueError("log must be that of a pretraining run, with its ladder and evaluations.")
    fig, axes = plt.subplots(2, 3, figsize=(12, 7.2), layout="constrained")
    text, rungs, flat, long, tuned, asked = axes.flat
    _text(text, log)
    _rungs(rungs, log)
    _plateau(flat, plateau)
    _descent(long, log)
    _tuned(tuned, scores)
    _asked(asked, sentence, guesses)
    return fig


def _text(ax, log: dict) -> None:
    recipe = log["recipe"]
    tokens = log["rows"] * recipe["length"]
    seen = recipe["train"]["steps"] * recipe["batch_size"] * recipe["length"]
    lines = [
        f"{tokens / 1e6:.1f} million tokens",
        f"{log['rows']:,} rows of {recipe['length']}",
        f"{recipe['vocab_size']:,} pieces of words",
        f"{recipe['rate']:.0%} of each row hidden",
        f"{recipe['num_layers']} layers × {recipe['hidden_size']}",
        f"{seen / 1e6:.0f} million tokens read",
        f"{log['seconds'] / 60:.0f} minutes on {log['machine'].partition(' (')[0]}",
    ]
    ax.set_title("1 · raw text", loc="left")
    ax.axis("off")
    ax.text(0.02, 0.95, "\n".join(lines), va="top", fontsize=13, linespacing=1.7)


def _rungs(ax, log: dict) -> None:
    nats = log["ladder"] | {"course-bert": log["evaluations"][-1]["loss"]}
    names = [plots.RUNGS.get(name, name) for name in nats]
    colours = ["0.7"] * len(log["ladder"]) + [plots.BLUE]
    bars = ax.barh(names, list(nats.values()), color=colours)
    ax.bar_label(bars, fmt="%.2f", padding=3)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * max(nats.values()))
    ax.set(title="2 · the loss ladder", xlabel="nats for a hidden token")


def _plateau(ax, plateau: dict) -> None:
    unigram, bigram = plateau["ladder"]["unigram"], plateau["ladder"]["bigram"]
    for run in (one["patient"] for one in plateau["runs"]):
        steps = [one["step"] for one in run["evaluations"]]
        ax.plot(steps, [one["loss"] for one in run["evaluations"]], color=plots.BLUE, alpha=0.7)
    for nats, name, dash in ((unigram, "unigram", (1, 1.5)), (bigram, "bigram", (4, 2))):
        ax.axhline(nats, color="0.4", linewidth=1, dashes=dash)
        ax.annotate(name, (1, nats), (0, 3), xycoords=("axes fraction", "data"),
                    textcoords="offset points", ha="right", fontsize="small")  # fmt: skip
    ax.set(title="3 · the plateau (lesson 07)", xlabel="step", ylabel="nats for a hidden token")


def _descent(ax, log: dict) -> None:
    steps = [one["step"] for one in log["evaluations"]]
    losses = [one["loss"] for one in log["evaluations"]]
    ax.plot(steps, losses, "o-", color=plots.BLUE, markersize=3)
    for name, dash in (("unigram", (1, 1.5)), ("bigram", (4, 2))):
        nats = log["ladder"][name]
        ax.axhline(nats, color="0.4", linewidth=1, dashes=dash)
        ax.annotate(name, (1, nats), (0, 3), xycoords=("axes fraction", "data"),
                    textcoords="offset points", ha="right", fontsize="small")  # fmt: skip
    ax.set_xscale("log")
    shown = [step for step in steps if step in (250, 500, 1000, 2500, 5000, 9000)] or steps
    ax.set_xticks(shown, [f"{step:,}" for step in shown])
    ax.minorticks_off()
    ax.set(title="4 · the descent of course-bert", xlabel="step, logarithmic",
           ylabel="nats for a hidden token")  # fmt: skip


def _tuned(ax, scores: Sequence[dict]) -> None:
    counts = sorted({run["labels"] for run in scores if run["labels"]})
    for (model, way), (name, colour, line, marker) in CONTESTANTS.items():
        found = {
            count: [
                100 * run["accuracy"]
                for run in scores
                if (run["model"], run["way"], run["on"], run["labels"])
                == (model, way, "test", count)
            ]
            for count in counts
        }
        known = [count for count in counts if found[count]]
        ax.plot(known, [mean(found[count]) for count in known], line, marker=marker,
                markersize=4, color=colour, label=name)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xticks(counts, [f"{count:,}" for count in counts])
    ax.minorticks_off()
    ax.tick_params(axis="x", labelsize="small")
    ax.legend(loc="upper left", fontsize="small")
    ax.set(title="5 · fine-tuned (lesson 08)", xlabel="labelled sentences, logarithmic",
           ylabel="test accuracy, %")  # fmt: skip


def _asked(ax, sentence: str, guesses: Sequence[tuple[str, float]]) -> None:
    names, chances = zip(*guesses, strict=True)
    bars = ax.barh(names, [100 * chance for chance in chances], color=plots.BLUE)
    ax.bar_label(bars, fmt="%.0f %%", padding=3)
    ax.invert_yaxis()
    ax.set_xlim(0, 118 * max(chances))
    ax.set(title="6 · asked", xlabel=f"“{sentence}”: probability, %")
