"""The race's GPU section: tokens a second, MFU and peak memory at the shape of BERT-base.

Speed only, on random tokens: no loss is compared here. Skips with a sentence where there is no GPU.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmarks import limits, models, timed
from benchmarks.racefile import RaceFile
from benchmarks.settings import B1, Settings, ours
from benchmarks.shapes import Shape
from course_utils.machine import pick_device
from course_utils.text import masking

BASE = Shape("base", 12, 768, 12, 3072, 30_528)  # vocabulary rounded up to a multiple of 64
STEPS = 40
NO_GPU = "There is no GPU here, so the GPU section is skipped."


def random_race(shape: Shape, rows: int) -> RaceFile:
    """A race file of random tokens, for speed: nothing can be learned from it."""
    special = (0, 1, 2, 3, 4)
    dice = torch.Generator().manual_seed(0)
    table = torch.randint(5, shape.vocab_size, (rows, shape.length), generator=dice)
    frozen = masking.frozen_masks(
        table[:8], 4, mask_id=4, vocab_size=shape.vocab_size, special_ids=special
    )
    facts = {
        "vocab_size": shape.vocab_size,
        "mask_id": 4,
        "special_ids": list(special),
        "tokens": table.numel(),
        "bytes": table.numel(),
    }
    return RaceFile(table, frozen, facts)


def measure(settings: Settings, shape: Shape, steps: int = STEPS, peak=(8192, 1.0)) -> dict:
    """Steady tokens a second, MFU against the best square product, peak memory in bytes.

    Memory is that of the GPU's tensors; without a GPU it is None.
    """
    race = random_race(shape, settings.batch_size * steps)
    config = models.config_of(settings, shape)
    masked = max(1, round(settings.rate * shape.length))
    on_gpu = pick_device().type == "cuda"
    before = limits.square_peaks(*peak)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    log = timed.time_run(settings, shape, race, seed=0, steps=steps)
    if log["diverged"]:
        return {"name": settings.name, "diverged": True}
    best = max(before[log["number_type"]], limits.square_peaks(*peak)[log["number_type"]])
    flops = limits.useful_flops(config, settings.batch_size, shape.length, masked)
    return {
        "name": settings.name,
        "diverged": False,
        "batch_size": settings.batch_size,
        "compile": settings.compile,
        "number_type": log["number_type"],
        "tokens_per_second": log["tokens_per_second"],
        "step_seconds": log["step_seconds"],
        "setup_seconds": log["setup_seconds"],
        "mfu": limits.mfu(flops, log["step_seconds"], best),
        "peak_memory": torch.cuda.max_memory_allocated() if on_gpu else None,
    }


def contestants(batch_sizes=(32, 64, 128, 256)) -> list[Settings]:
    """The opponent with and without compiling, and ours, in each batch size; ours at B1's rate of
    masking too, so that both predict as many tokens. Only pace counts, so nobody counts words."""
    found = []
    for size in batch_sizes:
        for compile in (False, True):
            small = {"batch_size": size, "compile": compile, "lr": 1e-4}
            found.append(replace(B1, **small))
            found.append(replace(ours(), rate=B1.rate, counted=False, **small))
    return found


def race(shape: Shape = BASE) -> list[dict]:
    """Every contestant that fits; one that runs out of memory is left out.

    Raises:
        RuntimeError: there is no GPU.
    """
    if pick_device().type != "cuda":
        raise RuntimeError(NO_GPU)
    table = []
    for settings in contestants():
        torch.compiler.reset()
        torch.cuda.empty_cache()
        try:
            table.append(measure(settings, shape))
        except torch.cuda.OutOfMemoryError:
            continue
    return table
