"""Turns: the seconds of a step where the clock of a whole run means nothing."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks import headline, pace
from benchmarks.driver import Driver
from benchmarks.store import Spec, Store

from .test_race import OURS, PLAN, THEIRS, driver, true_ratio
from .world import FACTS, STEP_SECONDS, World

STEPS = 3 * pace.BLOCK  # a turn that does not count, and two that do


def turns_of(seconds: dict[str, list[float]]) -> dict:
    """What both sides would say."""
    return {
        side: [{"step_seconds": each, "peak": 1e11, "mfu": 0.3} for each in values]
        for side, values in seconds.items()
    }


def spec_of(settings, shape, race, steps=STEPS) -> Spec:
    return Spec(settings, asdict(shape), 0, steps, race.facts["frozen_sha256"], peak=(64, 0.01))


def test_waiting_for_the_other_side_takes_no_time(monkeypatch):
    monkeypatch.setattr(pace, "BLOCK", 2)
    now, told = [0.0], []

    def after(seconds):
        told.append(seconds)
        now[0] += 100.0  # the other side's turn

    watch = pace.Turns(after, clock=lambda: now[0])
    watch.start()
    for seconds in (1.0, 2.0, 3.0, 5.0, 9.0):
        now[0] += seconds
        watch.lap()
    assert told == [1.5, 4.0] and watch.laps[-1] == 20.0


def test_two_processes_take_turns(race, shape, files, theirs, ours):
    specs = {"ours": spec_of(ours, shape, race), "theirs": spec_of(theirs, shape, race)}
    said = pace.measure(specs, files, turns=2)
    assert {side: len(turns) for side, turns in said.items()} == {"ours": 2, "theirs": 2}
    found = pace.summary(said)
    assert found["low"] <= found["value"] <= found["high"] and found["error"] >= 0
    assert all(0 < side["mfu"] < 1 and side["step_seconds"] > 0 for side in found["sides"].values())


def test_a_side_that_stops_is_told(race, shape, files, theirs, ours):
    specs = {"ours": spec_of(ours, shape, race), "theirs": spec_of(theirs, shape, race, 11)}
    with pytest.raises(RuntimeError, match="theirs stopped in turn 1 of 2"):
        pace.measure(specs, files, turns=2)


def test_a_busy_machine_does_not_move_the_ratio(tmp_path):
    """Each run of this world is up to three times as slow as the last: the clock finds nothing,
    since no pair is steady, and the turns find the truth."""
    dice = np.random.default_rng(0)

    def runner(spec):
        world.peaks = (float(dice.uniform(0.3, 1.0)),)
        log = world.runner(spec)
        return log | {"seconds": log["seconds"] / world.peaks[0]}

    world = World()
    one = driver(world, tmp_path)
    one.runner = runner
    sides = {"ours": STEP_SECONDS["modern"], "theirs": STEP_SECONDS["jina"]}
    slow = dice.uniform(1.0, 3.0, 60)
    turns = turns_of({side: list(slow * seconds) for side, seconds in sides.items()})
    found = headline.headline(one, THEIRS, OURS, PLAN, pace.summary(turns))
    assert (
        found["pace"]["value"] == pytest.approx(4.0)
        and not found["faults"]
        and "turns" in found["notes"][0]
    )
    assert found["tokens_per_second_ratio"] == pytest.approx(4.0)
    assert found["time_ratio"]["value"] == pytest.approx(true_ratio(world), rel=0.12)
    with pytest.raises(RuntimeError, match="drifted"):
        headline.headline(replace(one, store=Store(tmp_path / "b")), THEIRS, OURS, PLAN)
    blurred = pace.summary(turns) | {"error": 0.1}
    wide = headline.headline(one, THEIRS, OURS, PLAN, blurred)["time_ratio"]
    assert wide["low"] < found["time_ratio"]["low"] and wide["high"] > found["time_ratio"]["high"]


def test_compiling_of_ours_would_have_to_be_counted(tmp_path):
    turns = turns_of({"ours": [0.125] * 9, "theirs": [0.5] * 9})
    compiled = replace(OURS, compile=True)
    one = driver(World(), tmp_path)
    found = headline.headline(one, THEIRS, compiled, PLAN, pace.summary(turns))
    assert "Our start" in " ".join(found["faults"])


def test_the_interval_holds_the_median_at_least_nineteen_times_of_twenty():
    dice = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        low, high = pace.median_interval(list(dice.lognormal(0.0, 0.5, 61)))
        held += low <= 1.0 <= high
    assert 0.95 <= held / 2000 <= 0.985  # whole ranks, so a little more than 95 %


def test_a_pace_is_kept_until_a_side_changes(tmp_path, monkeypatch, shape, theirs, ours):
    asked = []

    def measured(specs, files):
        asked.append(files)
        return turns_of({"ours": [0.1] * 9, "theirs": [0.2] * 9})

    monkeypatch.setattr(pace, "measure", measured)
    one = Driver(shape, FACTS, Store(tmp_path), World().runner, tell=lambda _: None)
    first = pace.between(one, theirs, ours, tmp_path)
    assert pace.between(one, theirs, ours, tmp_path) == first and len(asked) == 1
    assert first == json.loads((tmp_path / "race" / "pace-tiny.json").read_text())
    pace.between(one, theirs, replace(ours, batch_size=16), tmp_path)
    assert len(asked) == 2
