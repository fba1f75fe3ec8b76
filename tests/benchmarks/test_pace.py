"""Turns: the seconds of a step where the clock of a whole run means nothing."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks import headline, ladder, pace, sweep, turns
from benchmarks.pace import InTurns
from benchmarks.shapes import S1
from benchmarks.store import Spec, Store

from .test_race import OURS, PLAN, THEIRS, driver, true_ratio
from .world import FACTS, World

STEPS = 3 * turns.BLOCK  # a turn that does not count, and two that do


class Busy(World):
    """A world that is up to three times as slow as it should be, each run and each turn anew."""

    def __init__(self):
        super().__init__()
        self.dice, self.asked = np.random.default_rng(0), []

    def runner(self, spec):
        self.peaks = (float(self.dice.uniform(0.3, 1.0)),)
        log = super().runner(spec)
        return log | {"seconds": log["seconds"] / self.peaks[0]}

    def take(self, specs, count):
        self.asked.append(specs)
        slow = self.dice.uniform(1.0, 3.0, count)
        return {
            side: [{"step_seconds": each, "peak": 1e11, "mfu": 0.3} for each in slow * step]
            for side, step in ((side, self.step_seconds(spec.settings)) for side, spec in
                               specs.items())
        }  # fmt: skip


def in_turns(world, folder, **choices) -> InTurns:
    return InTurns(
        S1, FACTS, Store(folder / "runs"), world.runner, tell=lambda _: None, reference=THEIRS,
        paces=Store(folder / "paces"), take=world.take, **choices,
    )  # fmt: skip


def spec_of(settings, shape, race, steps=STEPS) -> Spec:
    return Spec(settings, asdict(shape), 0, steps, race.facts["frozen_sha256"], peak=(64, 0.01))


def test_waiting_for_the_other_side_takes_no_time(monkeypatch):
    monkeypatch.setattr(turns, "BLOCK", 2)
    now, told = [0.0], []

    def after(seconds):
        told.append(seconds)
        now[0] += 100.0  # the other side's turn

    watch = turns.Turns(after, clock=lambda: now[0])
    watch.start()
    for seconds in (1.0, 2.0, 3.0, 5.0, 9.0):
        now[0] += seconds
        watch.lap()
    assert told == [1.5, 4.0] and watch.laps[-1] == 20.0


def test_two_processes_take_turns(race, shape, files, theirs, ours):
    specs = {"ours": spec_of(ours, shape, race), "theirs": spec_of(theirs, shape, race)}
    said = turns.measure(files, specs, turns=2)
    assert {side: len(turns) for side, turns in said.items()} == {"ours": 2, "theirs": 2}
    found = pace.summary(said)
    assert found["low"] <= found["value"] <= found["high"] and found["error"] >= 0
    assert all(0 < side["mfu"] < 1 and side["step_seconds"] > 0 for side in found["sides"].values())


def test_a_side_that_stops_is_told(race, shape, files, theirs, ours):
    specs = {"ours": spec_of(ours, shape, race), "theirs": spec_of(theirs, shape, race, 11)}
    with pytest.raises(RuntimeError, match="theirs stopped in turn 1 of 2"):
        turns.measure(files, specs, turns=2)


def test_a_busy_machine_does_not_move_the_ratio(tmp_path):
    """The clock finds nothing, since no pair is steady, and the turns find the truth."""
    world = Busy()
    one = in_turns(world, tmp_path)
    found = headline.headline(one, THEIRS, OURS, PLAN)
    assert found["pace"]["value"] == pytest.approx(4.0)
    assert not found["faults"] and "turns" in found["notes"][0]
    assert found["tokens_per_second_ratio"] == pytest.approx(4.0)
    assert found["time_ratio"]["value"] == pytest.approx(true_ratio(world), rel=0.12)
    with pytest.raises(RuntimeError, match="drifted"):
        headline.headline(driver(world, tmp_path / "b"), THEIRS, OURS, PLAN)
    one.pace = lambda settings, turns=0: found["pace"] | {"error": 0.1}
    wide = headline.headline(one, THEIRS, OURS, PLAN)["time_ratio"]
    assert wide["low"] < found["time_ratio"]["low"] and wide["high"] > found["time_ratio"]["high"]


def test_a_sweep_in_turns_finds_the_best_and_starts_cost_ours_nothing(tmp_path):
    one = in_turns(Busy(), tmp_path)
    sweep.sweep("b1r", one, 400.0, results=tmp_path)
    mine = sweep.sweep("ours", one, 400.0, results=tmp_path)
    assert [row["way"] for row in mine["ways"]] == [{"compile": False}]
    assert mine["chosen"]["batch_size"] in (16, 32)  # 32 is best, by 0.02 nats


def test_a_ladder_in_turns_explains_the_whole_ratio(tmp_path):
    one = in_turns(Busy(), tmp_path)
    rivals = [one.race(THEIRS, seed, 600.0) for seed in (1, 2, 3)]
    raced = {"theirs": rivals, "ours": [one.race(OURS, 11, 100.0)]}
    table = ladder.climb(one, THEIRS, OURS, raced)
    assert all(row["reached"] and row.get("agrees", True) for row in table)
    assert table[0]["seconds"] / table[-1]["seconds"] == pytest.approx(
        true_ratio(World()), rel=0.15
    )


def test_compiling_of_ours_would_have_to_be_counted(tmp_path):
    one = in_turns(Busy(), tmp_path)
    found = headline.headline(one, THEIRS, replace(OURS, compile=True), PLAN)
    assert "Our start" in " ".join(found["faults"])


def test_steps_lie_on_a_ladder_and_the_opponent_keeps_its_own(tmp_path):
    one = in_turns(Busy(), tmp_path)
    clock = one.calibrate(THEIRS)["step_seconds"]
    assert one.steps(THEIRS, 100.5 * clock) == 100
    rungs = {one.steps(OURS, seconds) for seconds in np.linspace(80, 120, 100) * clock}
    assert 3 < len(rungs) < 10
    log = one.race(OURS, 1, 100 * clock)
    assert log["seconds"] == pytest.approx(log["steps"] * clock / 4)
    assert log["clock_seconds"] > log["seconds"] and "mfu" not in log


def test_counting_neighbours_is_counted_by_the_clock():
    log = {"diverged": False, "seconds": 9.0, "steps": 10, "tokens": 100, "curve": [{"step": 5}]}
    plain, counted = pace.at_pace(log, 0.5), pace.at_pace(log | {"counting_seconds": 2.0}, 0.5)
    assert (plain["seconds"], plain["setup_seconds"]) == (5.0, 0.0)
    assert (counted["seconds"], counted["setup_seconds"]) == (7.0, 2.0)
    assert counted["curve"][0]["seconds"] == 4.5
    assert counted["tokens_per_second"] == plain["tokens_per_second"]


def test_the_interval_holds_the_median_at_least_nineteen_times_of_twenty():
    dice = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        low, high = pace.median_interval(list(dice.lognormal(0.0, 0.5, 61)))
        held += low <= 1.0 <= high
    assert 0.95 <= held / 2000 <= 0.985  # whole ranks, so a little more than 95 %


def test_a_pace_is_kept_until_a_side_changes(tmp_path):
    world = Busy()
    one = in_turns(world, tmp_path)
    first = one.pace(OURS)
    assert one.pace(replace(OURS, lr=1.0, name="row")) == first and len(world.asked) == 1
    assert one.pace(OURS, turns=30) != first and len(world.asked) == 2  # more turns were wanted
    assert one.pace(OURS) == one.pace(OURS, turns=30) and len(world.asked) == 2
    one.pace(replace(OURS, momentum=0.5, beta1=0.5, counted=True))  # steps of the same arithmetic
    assert len(world.asked) == 2
    one.pace(replace(OURS, batch_size=16))
    assert len(world.asked) == 3
    assert len(list((tmp_path / "paces").iterdir())) == 2
