"""One run against the clock: from the first batch to the last step, loading and compiling included.

Schedules fall to zero inside the run because its number of steps is fixed beforehand, calibrated
from a short measurement (`driver.Driver.steps`). The alternative, a schedule by elapsed time,
would let the loss of a run depend on what else the machine was doing; so a loss can be computed
again, and only the seconds are the machine's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from benchmarks import models
from benchmarks.racefile import RaceFile
from benchmarks.settings import Settings
from course_utils.machine import autocast_dtype, bf16_is_native, pick_device, synchronize
from course_utils.training import pretraining
from course_utils.training.loop import TrainConfig, train
from course_utils.training.optim import schedule

COUNTED = 8192  # rows of 128 tokens, a million tokens, in which our neighbours are counted
LOOK = 50  # every so many steps the plain loop looks whether it still learns


class Stopwatch:
    """Seconds of training: starts at the first batch, stands still while somebody evaluates.

    >>> watch = Stopwatch(clock=iter([10.0, 12.0, 15.0, 16.0]).__next__)
    >>> watch.start()
    >>> with watch.paused():
    ...     pass
    >>> watch.lap()
    3.0
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.clock, self.began, self.laps = clock, None, []

    def start(self) -> None:
        """Start, unless it runs already."""
        if self.began is None:
            self.began = self.clock()

    def lap(self) -> float:
        """Note and return the seconds until now."""
        self.laps.append(self.clock() - self.began)
        return self.laps[-1]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens inside takes no time."""
        stopped = self.clock()
        yield
        self.began += self.clock() - stopped

    def timing(self) -> dict[str, float]:
        """Total seconds; the steady seconds of a step (median of the later half of the steps);
        the seconds that starting and compiling cost on top, never below 0."""
        starts = [0.0, *self.laps[:-1]]
        steps = [end - start for start, end in zip(starts, self.laps, strict=True)]
        steady = statistics.median(steps[len(steps) // 2 :])
        total = self.laps[-1]
        return {
            "seconds": total,
            "step_seconds": steady,
            "setup_seconds": max(0.0, total - steady * len(steps)),
        }


def number_type(settings: Settings, device: torch.device) -> torch.dtype:
    """In which type a contestant multiplies on this device."""
    if settings.library:
        return autocast_dtype(device) or torch.float32
    return torch.bfloat16 if settings.bf16 and bf16_is_native(device) else torch.float32


def time_run(
    settings: Settings, shape, race: RaceFile, seed: int, steps: int, points: int = 0
) -> dict:
    """Train one contestant and judge it: seconds, loss, and a curve of `points` losses on the way.

    A run whose loss stops being a number has ``"diverged": True`` and no loss.
    """
    model = models.build(settings, shape, race, seed)
    judged = models.judged(model)
    watch, curve, counting = Stopwatch(), [], 0.0
    if settings.counted:  # a part of the run, so the watch goes
        watch.start()
        pretraining.start_from_counts(model, race.rows[:COUNTED])
        counting = watch.clock() - watch.began
    every = max(1, steps // (points + 1)) if points else 0

    def evaluate() -> None:
        with watch.paused():
            curve.append(race.judge(judged))

    try:
        train_one(model, settings, race, seed, steps, watch, every, evaluate)
    except FloatingPointError:
        return {"diverged": True, "loss": None, "steps": len(watch.laps)}
    at = range(every, steps, every) if every else []
    curve = [
        {"step": step, "seconds": watch.laps[step - 1], **point}
        for step, point in zip(at, curve, strict=True)
    ]
    final = race.judge(judged)
    timing = watch.timing()
    tokens = settings.batch_size * race.rows.size(1)
    return {
        "diverged": False,
        **final,
        **timing,
        "counting_seconds": counting,
        "steps": steps,
        "tokens": tokens * steps,
        "tokens_per_second": tokens / timing["step_seconds"],
        "epochs": settings.batch_size * steps / len(race.rows),
        "curve": [*curve, {"step": steps, "seconds": timing["seconds"], **final}],
        "parameters": models.sizes(model),
        "number_type": str(number_type(settings, pick_device())).removeprefix("torch."),
    }


def train_one(
    model, settings, race, seed, steps, watch, every: int = 0, evaluate: Callable | None = None
) -> None:  # fmt: skip
    """Train a contestant in its own way, with a lap of `watch` after each step."""
    runner = _library_run if settings.library else plain_run
    runner(model, settings, race, seed, steps, every, watch, evaluate)


def _library_run(model, settings, race, seed, steps, every, watch, evaluate) -> None:
    """Through the library's own loop: its batches, its loss, its optimizers."""
    corruption = race.corruption(settings.rate, settings.mask_share, settings.random_share)
    at = pretraining.batches(race.rows, settings.batch_size, corruption, seed)
    config = TrainConfig(
        steps=steps, lr=settings.lr, warmup=round(settings.warmup * steps), seed=seed,
        schedule=settings.schedule, optimizer=settings.optimizer, compile=settings.compile,
        weight_decay=settings.weight_decay, momentum=settings.momentum, beta1=settings.beta1,
    )  # fmt: skip

    def batch_at(step: int):
        watch.start()
        return at(step)

    def on_step(step: int, _) -> None:
        watch.lap()
        if every and step % every == 0 and step < steps:
            evaluate()  # leaves the model in training mode, as it was

    try:
        train(model, batch_at, pretraining.mlm_loss, config, on_step=on_step, progress=False)
    except ValueError as problem:
        if "The loss is" in str(problem):
            raise FloatingPointError(str(problem)) from problem
        raise


def plain_run(
    model, settings, race, seed, steps, every, watch, evaluate,
    forward=models.plain_forward, batches=models.batch_maker,
) -> None:  # fmt: skip
    """What somebody who knows PyTorch writes around a model of `transformers`."""
    device = pick_device()
    model.to(device).train()
    worker, loss = forward(model, settings)
    if settings.compile:
        worker = torch.compile(worker)
    optimizer = torch.optim.AdamW(
        decay_groups(model, settings.weight_decay), settings.lr, betas=(0.9, settings.beta2),
        fused=True,
    )  # fmt: skip
    at = batches(settings, race, seed)
    half = number_type(settings, device) == torch.bfloat16
    warmup = round(settings.warmup * steps)
    losses = torch.zeros(LOOK, device=device)  # of the last steps
    watch.start()
    for step in range(steps):
        batch = _move(at(step), device)
        with torch.autocast(device.type, torch.bfloat16) if half else nullcontext():
            value = loss(worker, batch)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * schedule(step, steps, warmup, settings.schedule)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses[step % LOOK] = value.detach()
        if step % LOOK == 0:
            _require_number(losses)
        if step + 1 == steps:
            synchronize(device)
        watch.lap()
        if every and (step + 1) % every == 0 and step + 1 < steps:
            evaluate()
    _require_number(losses)


def _require_number(losses: Tensor) -> None:
    if not losses.isfinite().all():
        raise FloatingPointError("The loss was no number.")


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for matrices, none for biases, norms and tables, on both sides of the race."""
    tables = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    decayed, rest = [], []
    for weight in model.parameters():
        (decayed if weight.dim() == 2 and id(weight) not in tables else rest).append(weight)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def _move(batch, device: torch.device):
    if isinstance(batch, tuple):
        return tuple(part.to(device) for part in batch)
    return batch.to(device)
