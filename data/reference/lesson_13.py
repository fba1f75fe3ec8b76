"""Make lesson_13.jsonl: nine tiny pretraining runs, three sizes on three budgets; and controls.

    python data/reference/lesson_13.py

One line for each run. A run that stands in the file is not made again, so the command may be
stopped and repeated; the most important runs come first. First the learning rate is chosen, with
a seed that is not used again; then come the nine runs. What follows is not fitted to: the lesson's
own shot with other seeds, the far shot (twice the largest budget), both at a size that none of the
nine has, the middle budget with another seed, and the size that the law recommends for the shot's
budget, beside half of it and twice, two seeds each. The runs are spread over the processor's cores,
one thread each. About 25 minutes on two cores with bfloat16.
"""

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from course_utils import files, machine
from course_utils.model.interop import load_tokenizer
from course_utils.text import masking
from course_utils.training import pretraining
from course_utils.training.budgets import flops_per_token, recipe_for, shaped, working_parameters

OUT = Path(__file__).with_suffix(".jsonl")
SIZES = ((2, 32), (2, 64), (3, 96))  # layers, width
BUDGETS = (1.2e12, 2.4e12, 4.8e12)  # floating-point operations of a whole run
SHOT = (3, 128, 3.2e12)  # layers, width and budget of the run that the lesson makes live
FAR = (3, 128, 9.6e12)
# For the shot's budget: the size that the law of the nine recommends, half of it, and twice.
CHOICE = ((2, 40), (2, 24), (2, 64))
RATES = (1.5e-3, 3e-3, 6e-3, 1.2e-2, 2.4e-2)
CHOOSING = 100  # a seed that is used for nothing else
EVALUATIONS = 4  # in each run, the last one after its end


def text_folder() -> Path:
    """The tokenizer, the packed rows and the frozen masks, made once for all runs."""
    folder = files.build_dir() / "reference" / "lesson_13"
    if not folder.exists():
        corpus = pretraining.prepare(shaped(*SIZES[0]))
        save_text(folder, corpus.tokenizer, corpus.rows, corpus.frozen, corpus.ladder)
    return folder


def save_text(folder: Path, tokenizer, rows, frozen, ladder: dict[str, float]) -> None:
    with files.atomic_folder(folder) as new:
        tokenizer.save_pretrained(new)
        tensors = {"rows": rows, "input_ids": frozen.input_ids, "positions": frozen.positions}
        tensors = {name: t.contiguous() for name, t in tensors.items()}
        save_file(tensors | {"targets": frozen.targets.contiguous()}, new / "rows.safetensors")
        (new / "ladder.json").write_text(json.dumps(ladder), encoding="utf-8")


@cache
def text(folder: Path):
    """What `save_text` has saved: tokenizer, rows, frozen masks, ladder."""
    t = load_file(folder / "rows.safetensors")
    frozen = masking.MaskedBatch(t["input_ids"], t["positions"], t["targets"])
    ladder = json.loads((folder / "ladder.json").read_text("utf-8"))
    return load_tokenizer(folder), t["rows"], frozen, ladder


def work(job: dict, folder: Path) -> dict:
    """Make one run in a process of its own; the line for the file."""
    torch.set_num_threads(1)
    tokenizer, rows, frozen, ladder = text(folder)
    recipe = recipe_for(job["layers"], job["width"], job["budget"], job["lr"], job["seed"])
    every = max(1, recipe.train.steps // EVALUATIONS)
    recipe = replace(recipe, train=replace(recipe.train, eval_every=every))
    model = recipe.model()
    history = pretraining.pretrain(model, rows, frozen, tokenizer, recipe, progress=False)
    tokens = recipe.train.steps * recipe.batch_size * recipe.length
    return {
        **job,
        "steps": recipe.train.steps,
        "tokens": tokens,
        "parameters": working_parameters(recipe),
        "weights": machine.count_parameters(recipe.config),
        "flops": flops_per_token(recipe) * tokens,
        **{name: history.evaluations[-1][name] for name in ("loss", "top1")},
        "evaluations": history.evaluations,
        "ladder": ladder,
        "rows": len(rows),
        "seconds": round(history.seconds, 1),
    }


def name_of(line: dict) -> tuple:
    """What makes a run this run."""
    return tuple(line[key] for key in ("kind", "layers", "width", "budget", "lr", "seed"))


def read() -> list[dict]:
    """The runs that are in the file; a last line that was cut short is as good as none."""
    lines = OUT.read_text("utf-8").splitlines(keepends=True) if OUT.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def run(jobs: list[dict]) -> None:
    """Make the runs that are not in the file; the longest are begun first."""
    done = read()
    files.atomic_write(OUT, "".join(json.dumps(line) + "\n" for line in done))
    there = {name_of(line) for line in done}
    jobs = [job for job in jobs if name_of(job) not in there]
    folder, context = text_folder(), multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool,
        OUT.open("a", encoding="utf-8") as stream,
    ):
        for line in pool.map(work, jobs, [folder] * len(jobs)):
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            below = line["ladder"]["unigram"] - line["loss"]
            print(
                f"{line['kind']} {line['layers']} × {line['width']}, {line['budget']:.1e}: "
                f"{line['steps']} steps, loss {line['loss']:.3f}, {below:.2f} below unigram, "
                f"{line['seconds']} s",
                flush=True,
            )


def job(kind: str, size, budget: float, lr: float, seed: int = 0) -> dict:
    shape = {"layers": size[0], "width": size[1]}
    return {"kind": kind, **shape, "budget": budget, "lr": lr, "seed": seed}


def chosen_rate() -> float:
    """The rate with the lowest loss, on average over the sizes that were tried."""
    tried: dict[float, list[float]] = {}
    for line in read():
        if line["kind"] == "rate":
            tried.setdefault(line["lr"], []).append(line["loss"])
    return min(tried, key=lambda lr: np.mean(tried[lr]))


def main() -> None:
    run([job("rate", size, BUDGETS[0], lr, CHOOSING) for size in SIZES[1:] for lr in RATES])
    lr = chosen_rate()
    print(f"learning rate {lr:g}")
    run([job("nine", size, budget, lr) for budget in BUDGETS[::-1] for size in SIZES])
    later = [job("far", FAR[:2], FAR[2], lr)]
    later += [job("shot", SHOT[:2], SHOT[2], lr, seed) for seed in (1, 2)]
    later += [job("again", size, BUDGETS[1], lr, 1) for size in SIZES]
    later += [job("choice", size, SHOT[2], lr, seed) for seed in (0, 1) for size in CHOICE]
    run(later)


if __name__ == "__main__":
    main()
