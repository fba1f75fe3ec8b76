"""Sweep, headline, ladder and summary in a world whose answers are known."""

import json
import math
from dataclasses import asdict, replace

import pytest

from benchmarks import headline, ladder, report, settings, sweep
from benchmarks.driver import Driver, loss_of
from benchmarks.headline import Plan
from benchmarks.settings import B1R, Settings
from benchmarks.shapes import S1
from benchmarks.store import Store
from benchmarks.verdict import ladder_of_speedups
from course_utils.evaluation import leaderboard
from course_utils.files import atomic_write

from .world import FACTS, World

THEIRS = replace(B1R, bf16=False, compile=False, attention="sdpa")
OURS = Settings(
    "ours", "modern", library=True, sparse=True, optimizer="muon", lr=4e-3, bf16=True, rate=0.3
)
PLAN = Plan(budget=600.0, points=2, speedups=ladder_of_speedups(1.0, 40.0, 1.1))


@pytest.fixture
def world() -> World:
    return World()


def driver(world, folder, **choices) -> Driver:
    return Driver(S1, FACTS, Store(folder), world.runner, tell=lambda _: None, **choices)


def true_ratio(world) -> float:
    """Theirs takes 600 s; ours reads four times as fast and its loss falls 1.2 times as fast."""
    tokens = 1200 * 32 * 128  # 600 s at 0.5 s a step
    ours = 4096 * (tokens / 4096) ** (1 / 1.2)
    return 600 / (ours / 4096 * 0.125)


def test_the_headline_finds_the_ratio_of_this_world(world, tmp_path):
    found = headline.headline(driver(world, tmp_path), THEIRS, OURS, PLAN)
    truth = true_ratio(world)
    assert found["time_ratio"]["value"] == pytest.approx(truth, rel=0.12)
    assert found["time_ratio"]["low"] < found["time_ratio"]["value"] < found["time_ratio"]["high"]
    assert found["p"] < 0.01 and not found["faults"]
    assert found["tokens_per_second_ratio"] == pytest.approx(4.0)
    assert found["nats_below_unigram"] == pytest.approx(6.3 - (8 - 0.5 * math.log(1200)), abs=0.02)
    assert found["seeds"]["theirs"] == [1, 2, 3] and len(found["seeds"]["ours"]) == 5
    done = world.done
    assert headline.headline(driver(world, tmp_path), THEIRS, OURS, PLAN) == found
    assert world.done == done  # nothing is run twice


def test_runs_alternate(world, tmp_path):
    order = []
    one = driver(world, tmp_path)
    one.runner = lambda spec: order.append(spec.settings.name) or world.runner(spec)
    headline.headline(one, THEIRS, OURS, PLAN)
    text = "".join("t" if name == "b1r" else "o" for name in order)
    assert text.count("to") >= 3


def test_a_result_that_may_not_be_quoted_says_why(world, tmp_path):
    short = replace(PLAN, budget=4.0, may_lengthen=False, their_seeds=1, our_seeds=2)
    found = headline.headline(driver(world, tmp_path), THEIRS, OURS, short)
    said = " ".join(found["faults"])
    assert "unigram line" in said and "five are needed" in said
    assert "not on three" in " ".join(found["notes"])


def test_a_budget_on_the_plateau_grows(world, tmp_path):
    plan = replace(PLAN, budget=52.0)  # 104 steps: 8 - 0.5 ln 104 = 5.68, 0.6 below the line
    found = headline.headline(driver(world, tmp_path), THEIRS, OURS, plan)
    assert found["budget_seconds"] == pytest.approx(52 * 1.5**2)
    assert found["nats_below_unigram"] > 1.0
    capped = driver(world, tmp_path / "b", epochs=0.0001)  # 1,000 rows: one epoch is 31 steps
    found = headline.headline(capped, THEIRS, OURS, plan)
    assert found["budget_seconds"] == 52.0 and found["faults"]


def test_a_machine_that_changed_between_the_sides_is_noticed(tmp_path):
    slow = World()

    def runner(spec):
        slow.peaks = (0.8,) if spec.settings.name == "ours" else (1.0,)
        return slow.runner(spec)

    one = driver(slow, tmp_path)
    one.runner = runner
    with pytest.raises(RuntimeError, match="Of 10 pairs, 10 drifted"):
        headline.headline(one, THEIRS, OURS, PLAN)


def test_the_sweep_finds_the_best_rate_even_beyond_its_grid(tmp_path):
    world = World(best=8e-3, noise=0.001)  # the grid ends at 4e-3
    one = driver(world, tmp_path / "runs")
    found = sweep.sweep("b1r", one, 400.0, results=tmp_path)
    assert found["chosen"]["lr"] == pytest.approx(8e-3) and not found["at_the_edge"]
    assert len(found["trials"]) >= sweep.TRIALS and len(found["finals"]) == 2
    ways = {json.dumps(row["way"]): row["steps"] for row in found["ways"]}
    assert ways[json.dumps({k: found["chosen"][k] for k in ("bf16", "compile", "attention")})] == (
        max(ways.values())
    )
    chosen, trials = settings.tuned("b1r", "S1", tmp_path)
    assert chosen.lr == found["chosen"]["lr"] and trials == len(found["trials"])
    mine = sweep.sweep("ours", one, 400.0, results=tmp_path)
    assert len(mine["trials"]) <= trials
    assert mine["final_seconds"] == pytest.approx(400 * sweep.OUR_SHARE)


class Tiring(World):
    """Steps that are not compiled take twice as long once there were fifty."""

    def runner(self, spec) -> dict:
        log = super().runner(spec)
        if spec.steps > 50 and not spec.settings.compile:
            log["step_seconds"] *= 2
        return log


def test_the_sweep_looks_again_at_the_fast_ways(tmp_path):
    found = sweep.sweep("b1r", driver(Tiring(), tmp_path / "runs"), 400.0, results=tmp_path)
    best = max(found["ways"], key=lambda row: row["steps"])["way"]
    assert not best["compile"] and found["chosen"] == {**found["chosen"], **best, "compile": True}
    assert any(row["way"]["compile"] for row in found["ways_again"])


def test_a_way_that_the_machine_cannot_go_is_passed_over(world, tmp_path):
    def runner(spec):
        if spec.settings.compile:
            raise RuntimeError("There is no compiler.")
        return world.runner(spec)

    one = driver(world, tmp_path)
    one.runner = runner
    way, table = sweep.fastest(one, B1R, 100.0, sweep.ways(B1R))
    assert (
        not way["compile"] and "compiler" in next(row for row in table if "failed" in row)["failed"]
    )


def test_ours_is_not_tuned_before_its_opponent(world, tmp_path):
    with pytest.raises(ValueError, match="Tune the opponent first"):
        sweep.sweep("ours", driver(world, tmp_path), 400.0, results=tmp_path)
    assert settings.tuned("b1r", "S1", tmp_path) == (B1R, 0)
    with pytest.raises(ValueError, match="Unknown contestant"):
        settings.tuned("b9", "S1", tmp_path)


def test_the_ladder_changes_one_thing_at_a_time():
    ours = replace(OURS, windows=(2, 2, 2, 0), momentum=0.8, beta1=0.7, counted=True)
    found = [one for _, one in ladder.rows(THEIRS, ours)]
    assert found[0] == THEIRS and found[-1] == ours
    changed = [
        {k for k, v in asdict(below).items() if v != asdict(above)[k]} - {"name"}
        for above, below in zip(found, found[1:], strict=False)
    ]
    assert changed[0] == {"sparse"}
    assert changed[1] == {"model", "library", "bf16"} and changed[2] == {"model"}
    assert changed[3] == {"windows"} and changed[5] == {"optimizer", "lr"}
    assert changed[6] == {"momentum", "beta1"} and changed[7] == {"counted"}
    assert [one.name for one in found[-4:]] == ["row5", "ours", "ours", "ours"]


def test_a_switch_that_nobody_made_is_no_row_of_the_ladder():
    names = [name for name, _ in ladder.rows(THEIRS, OURS)]
    assert "windows in the lower layers" not in names and "modern block" in names


def test_the_ladder_explains_the_whole_ratio(tmp_path):
    world = World(noise=0.0)
    one = driver(world, tmp_path)
    rivals = [one.race(THEIRS, seed, 600.0) for seed in (1, 2, 3)]
    raced = {"theirs": rivals, "ours": [one.race(OURS, 11, 100.0)]}
    table = ladder.climb(one, THEIRS, OURS, raced)
    assert all(row["reached"] for row in table)
    product = math.prod(row.get("time_ratio", 1.0) for row in table)
    assert product == pytest.approx(600 / table[-1]["seconds"])
    assert product == pytest.approx(true_ratio(world), rel=0.05)
    assert all(row["agrees"] for row in table[1:])
    by_name = {row["name"]: row for row in table}
    assert by_name["head on masked places only"]["time_ratio"] == pytest.approx(1.25, rel=0.05)
    assert by_name["Muon"]["throughput_ratio"] == pytest.approx(1.0)
    assert by_name["Muon"]["tokens_ratio"] > 2
    assert by_name["Muon"]["falls"] > 0 and table[0]["losses"] == [*map(loss_of, rivals)]
    for name in ladder.SAME_STEP:  # the control learns as the opponent's run of the same seed did
        assert by_name[name]["tokens_ratio"] == 1
        control = by_name[name]["control"]
        assert control["ours"] == pytest.approx(control["theirs"])


def test_a_rate_at_the_edge_is_not_the_best_before_its_neighbour_was_tried(tmp_path):
    one = driver(World(best=8e-3, noise=0.0), tmp_path)
    best, loss = ladder.best_rate(one, replace(OURS, optimizer="adamw", lr=1e-3), 300.0)
    assert best.lr == 8e-3 and loss == loss_of(one.race(best, ladder.TUNING_SEED, 300.0))
    one = driver(World(best=1.25e-4, noise=0.0), tmp_path / "low")
    best, _ = ladder.best_rate(one, replace(OURS, optimizer="adamw", lr=1e-3), 300.0)
    assert best.lr == 1.25e-4


def test_a_row_that_never_gets_there_is_told(world, tmp_path):
    one = driver(world, tmp_path, epochs=0.01)
    assert ladder.time_to(one, THEIRS, target=1.0, start=600.0) is None


def test_the_summary_has_the_fields_that_are_asked_for(world, tmp_path):
    raced = headline.headline(driver(world, tmp_path / "runs"), THEIRS, OURS, PLAN)
    report.save_part(tmp_path, "headline", "S1", raced)
    report.save_part(tmp_path, "ladder", "S1", [{"name": "row"}])
    report.save_part(tmp_path, "vocabulary", "all", {"small": {"same_merges": True}})
    found = report.summary(tmp_path, ["S1", "S2"], results=tmp_path)
    entry = found["S1"]
    assert set(entry["time_ratio"]) == {"value", "low", "high"}
    for side in ("theirs", "ours"):
        assert entry["mfu"][side] == pytest.approx({"square": 0.2, "shaped": 0.4})
    wanted = {"tokens_per_second_ratio", "nats_below_unigram", "ladder", "seeds", "faults"}
    assert wanted < set(entry) and {"machine", "versions", "threads"} < set(found)
    assert found["smaller"] == {"vocabulary": {"small": {"same_merges": True}}}
    assert "S2" not in found and json.dumps(found)
    path = atomic_write(tmp_path / "race.json", json.dumps(found))
    assert len(leaderboard.race_report(path)) == 1  # a lesson reads what is published
    assert "times sooner" in report.describe(entry)
    about = report.picture(raced, FACTS["ladder"], tmp_path / "race.png")
    assert "unigram" in about and (tmp_path / "race.png").stat().st_size > 10_000
    alone = report.summary(tmp_path, ["S2"])  # a smaller race is published without a shape
    assert set(alone) == {"smaller", "versions", "kind"}
    assert report.published(alone, found)["S1"] == entry
    with pytest.raises(FileNotFoundError, match="run `python -m benchmarks race`"):
        report.summary(tmp_path, ["S1"], "quick")
    with pytest.raises(FileNotFoundError, match="run `python -m benchmarks race`"):
        report.summary(tmp_path / "empty", ["S1"])


def test_an_untuned_opponent_is_a_fault(world, tmp_path):
    raced = headline.headline(driver(world, tmp_path), THEIRS, OURS, PLAN)
    empty = tmp_path / "no-results"
    entry = report.shape_summary(raced, "S1", empty)
    assert any("twelve are needed" in fault for fault in entry["faults"])
