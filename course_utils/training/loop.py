"""The training loop: one for pretraining, fine-tuning, one process or many, CPU or GPU."""

import os
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.machine import autocast_dtype, keep_freed_memory, synchronize
from course_utils.training import checkpoints
from course_utils.training.optim import build_optimizers, schedule
from course_utils.training.parallel import Team, team


class Batch(Protocol):
    """What the loop asks of a batch: rows by slice, its loss terms, a move to a device."""

    def __len__(self) -> int: ...
    def count(self) -> int: ...
    def __getitem__(self, rows: slice) -> "Batch": ...
    def to(self, device: torch.device) -> "Batch": ...


Loss = Callable[[nn.Module, Batch], Tensor]


@dataclass(frozen=True)
class TrainConfig:
    """How to train. ``lr`` is the peak of the schedule; ``clip`` bounds the gradient's norm.

    momentum, beta1: how much of its mean gradient Muon, or AdamW, keeps at a step; a run of a few
    hundred steps wants less than a long one.
    """

    steps: int
    lr: float = 2e-3
    warmup: int = 0
    schedule: str = "linear"
    optimizer: str = "muon"
    momentum: float = 0.95
    beta1: float = 0.9
    weight_decay: float = 0.01
    clip: float = 1.0
    accumulate: int = 1
    compile: bool = False
    eval_every: int = 0
    save_every: int = 0
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "accumulate"):
            if not isinstance(getattr(self, name), int):
                raise TypeError(f"{name} must be a whole number, not {getattr(self, name)!r}.")
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not self.clip > 0:
            raise ValueError(f"clip must be above 0 (use float('inf') for none), not {self.clip}.")


@dataclass
class History:
    """What happened: one record a step, one an evaluation, and the seconds of training."""

    steps: list[dict[str, float]] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def train(
    model: nn.Module,
    batch_at: Callable[[int], Batch],
    loss: Loss,
    config: TrainConfig,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    run: Path | None = None,
    on_step: Callable[[int, nn.Module], None] | None = None,
    progress: bool = True,
    given: str = "",
) -> History:
    """Train ``model`` in place for ``config.steps`` steps and return the History.

    batch_at(step): the whole batch of a step. It must depend on ``step`` alone: then a run that
    was killed continues with exactly the batches that it would have had.
    loss(model, batch): the SUM of the batch's ``batch.count()`` losses. The loop divides by the
    count of the whole step, so that neither accumulation nor several processes change the
    gradient, even where parts hold different numbers of terms.
    evaluate(model): figures for the history, every ``eval_every`` steps and after the last.
    run: a folder for checkpoints, every ``save_every`` steps; if it holds some, training resumes.
    on_step(step, model): called after each step, ``step`` counting from 1.
    given: a fingerprint of what the batches are made of; ``run`` has to be of the same.

    Raises ValueError when ``run`` belongs to another configuration or other batches, or when the
    loss is not a finite number.
    """
    keep_freed_memory()
    with team() as crew, torch.random.fork_rng():
        model.to(crew.device)
        optimizers = build_optimizers(
            model, config.lr, config.weight_decay, config.optimizer, config.momentum, config.beta1
        )
        history, first = _resume(run, model, optimizers, config, given)
        worker = _compiled(model, crew.device) if config.compile else model
        worker = crew.wrap(worker)
        earlier, start = history.seconds, time.perf_counter()
        model.train()
        hidden = {} if progress and crew.leads else {"disable": True}  # {}: TQDM_DISABLE decides
        bar = tqdm(
            range(first, config.steps),
            initial=first,
            total=config.steps,
            leave=False,
            mininterval=0.5,
            **hidden,
        )
        for step in bar:
            torch.manual_seed((config.seed * 1_000_003 + step) * crew.size + crew.rank)  # dropout
            record = _one_step(worker, batch_at(step), loss, optimizers, config, step, crew)
            history.steps.append({"step": step + 1, **record})
            bar.set_postfix(loss=f"{record['loss']:.3f}", refresh=False)
            if on_step and crew.leads:
                on_step(step + 1, model)
            last = step + 1 == config.steps
            if evaluate and crew.leads and _due(step + 1, config.eval_every, last):
                synchronize(crew.device)
                paused = time.perf_counter()
                model.eval()
                history.evaluations.append({"step": step + 1, **evaluate(model)})
                model.train()
                start += time.perf_counter() - paused  # evaluation is not training time
            history.seconds = earlier + time.perf_counter() - start
            if run and crew.leads and _due(step + 1, config.save_every, last):
                extra = {"config": asdict(config), "history": asdict(history), "given": given}
                checkpoints.save(run, step + 1, model, optimizers, extra)
        synchronize(crew.device)
        model.eval()
        crew.wait()
    return history


def _compiled(model: nn.Module, device: torch.device) -> nn.Module:
    compilers = (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        warnings.warn(
            "torch.compile needs a C++ compiler and finds none here: "
            "training goes on without it, more slowly.",
            stacklevel=3,
        )
        return model
    return torch.compile(model)


def _due(step: int, every: int, last: bool) -> bool:
    return last or (every > 0 and step % every == 0)


def _resume(
    run: Path | None,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    config: TrainConfig,
    given: str,
) -> tuple[History, int]:
    found = checkpoints.load(run, model, optimizers) if run else None
    if found is None:
        return History(), 0
    step, extra = found
    then = dict(vars(TrainConfig)) | extra["config"]  # a choice that is newer than the run: default
    differs = [k for k, v in asdict(config).items() if then.get(k) != v]
    if differs:
        raise ValueError(
            f"{run} holds a run with another {', '.join(differs)}; "
            "use the same settings to resume it, or another folder."
        )
    if extra.get("given", given) != given:  # a run that is older than the fingerprint has none
        raise ValueError(
            f"{run} holds a run on another text or with another recipe; use another folder, or "
            "delete that one to start again."
        )
    return History(**extra["history"]), step


def _one_step(
    model: nn.Module,
    batch: Batch,
    loss: Loss,
    optimizers: Sequence[torch.optim.Optimizer],
    config: TrainConfig,
    step: int,
    crew: Team,
) -> dict[str, Any]:
    if len(batch) < config.accumulate * crew.size:
        raise ValueError(
            f"A batch of {len(batch)} rows cannot be shared by {config.accumulate} accumulation "
            f"steps × {crew.size} processes."
        )
    parts = [batch[i :: config.accumulate] for i in range(config.accumulate)]
    parts = [part[crew.rank :: crew.size].to(crew.device) for part in parts]
    dtype = autocast_dtype(crew.device)
    total, terms = gradients(model, parts, loss, crew, dtype)
    if not torch.isfinite(total):
        raise ValueError(
            f"The loss is {total.item()} at step {step + 1}: try a lower learning rate, "
            "a longer warm-up, or look for bad input."
        )
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    factor = schedule(step, config.steps, config.warmup, config.schedule)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = config.lr * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return {
        "loss": (total / terms).item(),
        "lr": config.lr * factor,
        "grad_norm": norm.item(),
        "terms": int(terms),
    }


def gradients(
    model: nn.Module,
    parts: Sequence[Batch],
    loss: Loss,
    crew: Team,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """Fill ``.grad`` with the gradient of the mean loss over all parts and all processes.

    Returns the summed loss and the number of terms, over all processes.
    """
    terms = crew.total(torch.tensor(float(sum(part.count() for part in parts)), device=crew.device))
    summed = torch.zeros((), device=crew.device)
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        quiet = model.no_sync() if crew.size > 1 and not last else nullcontext()
        cast = torch.autocast(crew.device.type, dtype) if dtype else nullcontext()
        with quiet:
            with cast:
                part_loss = loss(model, part)
            # DDP averages over processes; the factor turns that mean back into a sum.
            (part_loss * (crew.size / terms)).backward()
        summed += part_loss.detach()
    return crew.total(summed), terms
