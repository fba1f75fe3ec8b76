"""Make lesson_07.json: lesson 07's runs with three seeds, their controls, its generated language.

    python data/reference/lesson_07.py

The code is taken from the lesson's own cells (those with the tag "reference"), so that the
reference cannot drift from it. A seed that is done is kept in build/reference and not run again.
"""

import hashlib
import json
from dataclasses import asdict, replace

from course_utils import machine
from course_utils.files import atomic_write, build_dir, data_dir, repo_root

SEEDS = (0, 1, 2)
# The lesson's two runs; then the second with less of what it is given before it begins.
RUNS = ("patient", "recipe", "only_windows", "only_counts", "plain")
WRONG = "dealt_wrongly"  # as "recipe", but each token begins with the vector of another one


def lesson_cells() -> list[str]:
    """The lesson's cells that the runs need."""
    notebook = json.loads((repo_root() / "notebooks" / "07_pretraining.ipynb").read_text("utf-8"))
    cells = [c for c in notebook["cells"] if "reference" in c["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in cells]


def one_seed(lesson: dict, seed: int) -> dict:
    """All runs of the lesson with this seed: what its figures draw."""
    made: dict = {"seed": seed}
    for name in (*RUNS, WRONG):
        one = lesson["recipe" if name == WRONG else name]
        one = replace(one, train=replace(one.train, seed=seed))
        _, history, watched = lesson["pretrain_and_watch"](
            one, progress=False, dealt_wrongly=name == WRONG
        )
        made[name] = {
            "below_unigram": lesson["ladder"]["unigram"] - history.evaluations[-1]["loss"],
            "evaluations": history.evaluations,
            "watched": watched,
        }
    toy, toy_recipe = lesson["toy"], lesson["toy_recipe"]
    toy_recipe = replace(toy_recipe, train=replace(toy_recipe.train, seed=seed))
    history = lesson["pretraining"].pretrain(
        toy_recipe.model(), lesson["toy_rows"], lesson["toy_frozen"], toy, toy_recipe
    )
    above = history.evaluations[-1]["loss"] - lesson["toy_ladder"]["optimum"]
    return made | {"toy_above_optimum": above, "toy_evaluations": history.evaluations}


def main() -> None:
    cells = lesson_cells()
    lesson: dict = {}
    for cell in cells:
        exec(cell, lesson)
    settings = {name: asdict(lesson[name]) for name in (*RUNS, "toy_recipe")}
    version = hashlib.sha256(json.dumps([cells, settings]).encode()).hexdigest()[:12]
    runs = []
    for seed in SEEDS:
        done = build_dir() / "reference" / f"lesson_07-{version}-seed-{seed}.json"
        if not done.exists():
            atomic_write(done, json.dumps(one_seed(lesson, seed)))
        runs.append(json.loads(done.read_text("utf-8")))
        below = ", ".join(
            f"{name} {runs[-1][name]['below_unigram']:.2f}" for name in (*RUNS, WRONG)
        )
        above = runs[-1]["toy_above_optimum"]
        print(f"seed {seed}: nats below the unigram line: {below}; {above:.3f} above the optimum")
    device = machine.pick_device()
    made = {
        "command": "python data/reference/lesson_07.py",
        "arithmetic": f"{device.type}, {machine.autocast_dtype(device) or 'float32'}",
        **settings,
        "ladder": lesson["ladder"],
        "toy_ladder": lesson["toy_ladder"],
        "runs": runs,
    }
    text = json.dumps(made, indent=None, ensure_ascii=False).replace('{"seed"', '\n{"seed"')
    atomic_write(data_dir() / "reference" / "lesson_07.json", text + "\n")


if __name__ == "__main__":
    main()
