"""Where the time of a training step goes: by part of the step, and by kind of operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rich.table import Table
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks import models, timed
from benchmarks.racefile import RaceFile
from benchmarks.settings import Settings
from course_utils.training import pretraining
from course_utils.training.loop import TrainConfig, train

MAKING, FORWARD = "part: making the batch", "part: forward and loss"
KINDS = {
    "matrix products": ("aten::mm", "aten::bmm", "aten::addmm", "mkldnn::", "aten::mkldnn",
                        "aten::baddbmm"),
    "attention kernel": ("aten::_scaled_dot_product", "aten::_softmax"),
    "norms": ("aten::native_layer_norm", "aten::linalg_vector_norm", "aten::_foreach_norm"),
    "activations": ("aten::gelu",),
    "loss": ("aten::_log_softmax", "aten::nll_loss"),
    "embeddings and gathers": ("aten::embedding", "aten::index", "aten::gather", "aten::scatter"),
    "random numbers": ("aten::rand", "aten::uniform", "aten::normal", "aten::random",
                       "aten::bernoulli", "aten::native_dropout"),
    "copies and casts": ("aten::copy_", "aten::_to_copy", "aten::clone", "aten::cat"),
    "optimizer, fused": ("aten::_fused_adamw",),
    "compiled kernels": ("graph_", "cpp_fused"),
}  # fmt: skip


def kind_of(operation: str) -> str:
    """Which kind an operation of the profiler belongs to.

    >>> kind_of("aten::bmm"), kind_of("aten::mul")
    ('matrix products', 'element by element and other')
    """
    for kind, names in KINDS.items():
        if operation.startswith(names):
            return kind
    return "element by element and other"


def profile_steps(settings: Settings, shape, race: RaceFile, steps: int = 5) -> dict:
    """Seconds a step by part and by kind of operation, after one step that is not counted.

    Parts: making the batch, forward and loss, the optimizers' steps, and the rest, which is the
    backward pass and the loop itself.
    """
    model = models.build(settings, shape, race, seed=0)
    recorder = profile(activities=[ProfilerActivity.CPU])
    run = _profile_library if settings.library else _profile_plain
    whole = run(model, settings, race, steps, recorder) / steps
    events = recorder.key_averages()
    kinds, parts = Counter(), Counter()
    for event in events:
        if event.key.startswith("part: "):
            parts[event.key.removeprefix("part: ")] += event.cpu_time_total / 1e6 / steps
        elif event.key.startswith("Optimizer.step"):
            parts["optimizer"] += event.cpu_time_total / 1e6 / steps
        if not event.key.startswith(("part: ", "Optimizer.", "ProfilerStep")):
            kinds[kind_of(event.key)] += event.self_cpu_time_total / 1e6 / steps
    parts["backward and the loop"] = max(0.0, whole - sum(parts.values()))
    return {"step_seconds": whole, "parts": dict(parts), "kinds": dict(kinds)}


class _After:
    """Starts the recorder after the first step and stops it after the last."""

    def __init__(self, recorder, steps: int):
        self.recorder, self.last = recorder, steps + 1
        self.watch, self.seconds = timed.Stopwatch(), 0.0

    def __call__(self, step: int, _=None) -> None:
        if step == 1:
            self.recorder.start()
            self.watch.start()
        elif step == self.last:
            self.seconds = self.watch.lap()
            self.recorder.stop()


def _profile_library(model, settings, race, steps, recorder) -> float:
    corruption = race.corruption(settings.rate, settings.mask_share, settings.random_share)
    at = pretraining.batches(race.rows, settings.batch_size, corruption, 0)

    def batch_at(step: int):
        with record_function(MAKING):
            return at(step)

    def loss(worker, batch):
        with record_function(FORWARD):
            return pretraining.mlm_loss(worker, batch)

    config = TrainConfig(
        steps=steps + 1, lr=settings.lr, optimizer=settings.optimizer, compile=settings.compile,
        weight_decay=settings.weight_decay, momentum=settings.momentum, beta1=settings.beta1,
    )  # fmt: skip
    after = _After(recorder, steps)
    train(model, batch_at, loss, config, on_step=after, progress=False)
    return after.seconds


def _profile_plain(model, settings, race, steps, recorder) -> float:
    after, plain, maker = _After(recorder, steps), models.plain_forward, models.batch_maker

    class Watch(timed.Stopwatch):
        def lap(self) -> float:
            after(len(self.laps) + 1)
            return super().lap()

    def forward(one, chosen):
        worker, loss = plain(one, chosen)

        def recorded(module, batch):
            with record_function(FORWARD):
                return loss(module, batch)

        return worker, recorded

    def batches(*args):
        at = maker(*args)

        def batch_at(step: int):
            with record_function(MAKING):
                return at(step)

        return batch_at

    timed.plain_run(
        model, replace(settings, warmup=0.0), race, 0, steps + 1, 0, Watch(), lambda: None,
        forward=forward, batches=batches,
    )  # fmt: skip
    return after.seconds


def tables(found: dict, title: str) -> list[Table]:
    """The profile as two tables, longest first."""
    made = []
    for name in ("parts", "kinds"):
        table = Table(title=f"{title}: {name} of a step of {found['step_seconds'] * 1e3:.1f} ms")
        table.add_column(name.removesuffix("s"))
        table.add_column("ms", justify="right")
        table.add_column("share", justify="right")
        total = sum(found[name].values()) or 1.0
        for key, seconds in sorted(found[name].items(), key=lambda item: -item[1]):
            table.add_row(key, f"{seconds * 1e3:.1f}", f"{seconds / total:.0%}")
        made.append(table)
    return made
