"""A run against the clock: what is counted, what is not, and that a loss can be had again."""

import gc
from dataclasses import replace

import pytest
import torch

from benchmarks import models, profile, timed
from benchmarks.timed import Stopwatch, time_run
from course_utils.machine import autocast_dtype, bf16_is_native
from course_utils.training import optim


def test_evaluation_and_waiting_for_the_start_take_no_time():
    now = [0.0]
    watch = Stopwatch(clock=lambda: now[0])
    now[0] = 5.0
    watch.start()
    for seconds in (7.0, 1.0, 1.0, 1.0, 1.0):  # the first step compiles
        now[0] += seconds
        watch.lap()
        with watch.paused():
            now[0] += 100.0
        watch.start()  # changes nothing
    timing = watch.timing()
    assert timing == {"seconds": 11.0, "step_seconds": 1.0, "setup_seconds": 6.0}


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_run_learns_and_can_be_had_again(race, shape, side, request):
    one = replace(request.getfixturevalue(side), lr=1e-2)
    log = time_run(one, shape, race, seed=1, steps=12, points=2)
    again = time_run(one, shape, race, seed=1, steps=12)
    assert log["loss"] == again["loss"] < race.facts["ladder"]["uniform"]
    assert log["loss"] != time_run(one, shape, race, seed=2, steps=12)["loss"]
    assert [point["step"] for point in log["curve"]] == [4, 8, 12]
    times = [point["seconds"] for point in log["curve"]]
    assert times == sorted(times) and times[-1] == log["seconds"] > 0
    assert log["tokens"] == 12 * 8 * shape.length
    assert log["epochs"] == pytest.approx(12 * 8 / len(race.rows))


def test_the_schedule_ends_at_zero(race, shape, theirs, monkeypatch):
    """The rates that the optimizer sees: up, then down to almost nothing."""
    seen = []
    original = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        seen.append(self.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    time_run(replace(theirs, lr=1.0e-3, warmup=0.25), shape, race, seed=0, steps=8)
    assert seen[0] == pytest.approx(5e-4) and max(seen) == 1e-3
    assert seen[-1] == pytest.approx(1e-3 / 6) and seen[2:] == sorted(seen[2:], reverse=True)


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_run_that_blows_up_is_told_as_such(race, shape, side, request, monkeypatch):
    kind = torch.optim.AdamW if side == "theirs" else optim.Muon

    @torch.no_grad()
    def step(self, *args, **kwargs):
        for group in self.param_groups:
            for weight in group["params"]:
                weight.fill_(float("nan"))

    monkeypatch.setattr(kind, "step", step)
    log = time_run(request.getfixturevalue(side), shape, race, seed=0, steps=4)
    assert log["diverged"] and log["loss"] is None


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_step_leaves_nothing_behind(race, shape, side, request):
    """Small tensors that stay between the large ones of each step made a run grow to 24 GB."""
    alive = []

    class Counting(Stopwatch):
        def lap(self) -> float:
            gc.collect()
            alive.append(sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects()))
            return super().lap()

    one = request.getfixturevalue(side)
    model = models.build(one, shape, race, 0)
    timed.train_one(model, one, race, seed=0, steps=12, watch=Counting())
    assert alive[-1] == alive[3]


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_the_profile_accounts_for_the_step(race, shape, side, request):
    found = profile.profile_steps(request.getfixturevalue(side), shape, race, steps=2)
    assert sum(found["parts"].values()) == pytest.approx(found["step_seconds"], rel=0.01)
    assert {"making the batch", "forward and loss", "optimizer"} < set(found["parts"])
    assert found["kinds"]["matrix products"] > 0
    assert all(table.row_count for table in profile.tables(found, side))


def test_number_types(ours, theirs):
    assert timed.number_type(theirs, torch.device("cpu")) == torch.float32
    half = timed.number_type(replace(theirs, bf16=True), torch.device("cpu"))
    assert half == (torch.bfloat16 if bf16_is_native("cpu") else torch.float32)
    chosen = timed.number_type(ours, torch.device("cpu"))  # the library's: whatever is faster
    assert chosen == (autocast_dtype("cpu") or torch.float32)
