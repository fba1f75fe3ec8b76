"""Make lesson_04.json: the lesson's two training experiments under twenty seeds.

    python data/reference/lesson_04.py

The functions are taken from the lesson's own cells, so that the reference cannot drift from it.
A figure of the lesson is a mean over five runs; the bands hold the mean and the standard deviation
of that figure over the seeds.
"""

import contextlib
import io
import json
import statistics
from pathlib import Path

import torch

from course_utils.files import atomic_write, repo_root

SEEDS = range(20)
LEARNING_RATES = (0.01, 0.03, 0.1)
NEEDED = ("recall_task", "learn_to_recall", "dice_model", "dice_logits", "guess_the_die", "rules")


def lesson_functions() -> dict:
    """The names that the lesson's experiments need, by running the cells that define them."""
    notebook = json.loads((repo_root() / "notebooks" / "04_attention.ipynb").read_text("utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    scope = {}
    exec("import math\nimport torch\nimport torch.nn.functional as F", scope)
    exec("from course_utils.model import attention", scope)
    for cell in cells:
        if any(f"def {name}(" in cell or f"{name} = {{" in cell for name in NEEDED):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell, scope)
    return scope


def main() -> None:
    torch.set_num_threads(1)
    lesson = lesson_functions()
    width = lesson["D_K"]
    ways = {
        "divided by √d_k": {"scale": width**-0.5},
        "plain": {"scale": 1.0},
        "plain, quiet start": {"scale": 1.0, "start": width**-0.25},
    }
    figures: dict[str, list[float]] = {}
    for seed in SEEDS:
        for name, way in ways.items():
            tried = [
                lesson["learn_to_recall"](lr=lr, seed=seed, **way).mean() for lr in LEARNING_RATES
            ]
            figures.setdefault(f"recall, {name}", []).append(float(min(tried)))
        recalled = {name: figures[f"recall, {name}"][-1] for name in ways}
        lead = recalled["plain"] - recalled["divided by √d_k"]
        figures.setdefault("recall, lead of the division", []).append(lead)
        for name, rule in lesson["rules"].items():
            losses = lesson["guess_the_die"](rule, seed=seed)
            figures.setdefault(f"dice, {name}", []).append(float(losses[:, -40:].mean()))
        print(f"seed {seed}", {name: round(values[-1], 3) for name, values in figures.items()})
    bands = {
        name: {"mean": statistics.fmean(values), "sd": statistics.stdev(values), "values": values}
        for name, values in figures.items()
    }
    made = {"command": "python data/reference/lesson_04.py", "seeds": list(SEEDS), "bands": bands}
    text = json.dumps(made, indent=1, ensure_ascii=False)
    atomic_write(Path(__file__).with_suffix(".json"), text + "\n")


if __name__ == "__main__":
    main()
