"""The referee: nothing is compared that cannot be compared."""

import json
import math
import random

import pandas as pd
import pytest
import torch

from course_utils.evaluation import leaderboard
from course_utils.evaluation.leaderboard import Entry
from course_utils.text.masking import MaskedBatch


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_a_table_sorted_by_pandas(seed):
    dice = random.Random(seed)
    rows = [
        (dice.choice("abcde"), dice.choice([3.0, 3.5, 4.0, math.nan, math.inf]),
         dice.choice([30.0, 45.0, 60.0, 61.0]), dice.choice(["m", "m", "other"]))
        for _ in range(40)
    ]  # fmt: skip
    found = leaderboard.rank([Entry(*row) for row in rows], "m", budget=60)
    table = pd.DataFrame(rows, columns=["name", "loss", "seconds", "masks"])
    table = table.query("masks == 'm' and seconds <= 60 and loss < inf")
    table = table.sort_values(["loss", "seconds"], kind="stable").drop_duplicates("name")
    assert [(one.name, one.loss, one.seconds) for one in found] == [
        tuple(row) for row in table[["name", "loss", "seconds"]].itertuples(index=False)
    ]


def test_any_change_of_the_masks_changes_their_name():
    ids = torch.tensor([[2, 4, 9, 3], [2, 8, 4, 3]])
    places, targets = torch.tensor([[1], [2]]), torch.tensor([[7], [6]])
    names = {leaderboard.fingerprint(MaskedBatch(ids, places, targets))}
    names.add(leaderboard.fingerprint(MaskedBatch(ids.clone(), places.clone(), targets.clone())))
    assert len(names) == 1
    changed = [
        MaskedBatch(ids + 1, places, targets),
        MaskedBatch(ids, places + 1, targets),
        MaskedBatch(ids, places, targets + 1),
        MaskedBatch(ids.view(1, 8), places.view(1, 2), targets.view(1, 2)),
        MaskedBatch(ids.flip(0), places, targets),
    ]
    assert len(names | {leaderboard.fingerprint(one) for one in changed}) == 6


def test_entries_are_kept_and_a_damaged_board_is_told(tmp_path):
    path = tmp_path / "build" / "leaderboard.json"
    assert leaderboard.read(path) == []
    first, second = Entry("me", 4.5, 40.0, "m"), Entry("me", 4.25, 41.0, "m")
    assert leaderboard.enter(first, path) == [first]
    assert leaderboard.enter(second, path) == leaderboard.read(path) == [first, second]
    for content in ("", "[1]", '[{"name": "me"}]', "{}x"):
        path.write_text(content)
        with pytest.raises(ValueError, match="is no leaderboard any more"):
            leaderboard.read(path)


def race(**changes):
    ratio = {"value": 3.25, "low": 2.9, "high": 3.6}
    return {"S1": {"time_ratio": ratio, "target": 4.321, "faults": []} | changes, "threads": 2}


def test_the_race_is_told_or_said_to_be_missing(tmp_path):
    (line,) = leaderboard.race_report(tmp_path / "race.json")
    assert "has not been published yet" in line
    path = tmp_path / "race.json"
    path.write_text(json.dumps(race()))
    assert leaderboard.race_report(path) == [
        "S1: tuned Hugging Face ended at 4.321 nats; we were there 3.2 times sooner (2.9 … 3.6)."
    ]
    path.write_text(json.dumps(race(open=race()["S1"])))
    alone, opened = leaderboard.race_report(path)
    assert opened.startswith("S1, open class: tuned") and alone.startswith("S1: tuned")
    path.write_text(json.dumps(race(open=None, b2=race(faults=["It was not tuned."])["S1"])))
    alone, against = leaderboard.race_report(path)
    assert against == "S1, against ModernBERT: not to be quoted. It was not tuned."
    path.write_text(json.dumps(race(faults=["The machine changed."])))
    assert leaderboard.race_report(path) == ["S1: not to be quoted. The machine changed."]
    path.write_text(json.dumps(race(time_ratio=None)))
    assert leaderboard.race_report(path) == ["S1: we did not reach the opponent's 4.321 nats."]
    path.write_text("[]")
    with pytest.raises(ValueError, match="no result of the race"):
        leaderboard.race_report(path)


def test_who_left_the_plateau_of_the_race(tmp_path):
    path = tmp_path / "plateau-S1.json"
    assert leaderboard.race_plateau(path=path) == []
    spent = {"seconds": 1800.0, "tokens": 3e7, "loss": 6.4}
    stuck = {"name": "BERT", "left": None, **spent, "epochs": 6.0}
    gone = {"name": "ours", "left": {"seconds": 9.0, "tokens": 1e6, "step": 5}, **spent}
    path.write_text(json.dumps([stuck, gone]))
    first, second = leaderboard.race_plateau(path=path)
    assert first == {"name": "BERT", "left": None, **spent}
    assert second["left"] == {"seconds": 9.0, "tokens": 1e6}
    path.write_text(json.dumps([{"name": "BERT"}]))
    with pytest.raises(ValueError, match="no result of the race"):
        leaderboard.race_plateau(path=path)


def test_what_the_repository_publishes_can_be_told():
    assert leaderboard.race_report() and leaderboard.race_plateau()


def test_the_ladder_of_the_race(tmp_path):
    path = tmp_path / "race.json"
    assert leaderboard.race_ladder(path=path) == []
    spent = {"seconds": 200.0, "tokens": 4e6, "tokens_per_second": 2e4}
    ratios = {"time_ratio": 1.5, "throughput_ratio": 3.0, "tokens_ratio": 0.5}
    first = {"name": "theirs", "reached": True, "losses": [4.2, 4.4], **spent}
    same = {"name": "same step", "reached": True, "control": {"ours": 4.4, "theirs": 4.3}}
    same |= spent | ratios
    never = {"name": "a switch", "reached": False}
    last = {"name": "ours", "reached": True, "falls": 0.7, **spent, **ratios}
    raced = {"faults": [], "ladder": [row | {"settings": {}} for row in (first, same, never, last)]}
    path.write_text(json.dumps({"S1": raced}))
    assert leaderboard.race_ladder(path=path) == [first, same, never, last]
    assert leaderboard.race_ladder("S2", path=path) == []
    path.write_text(json.dumps({"S1": raced | {"faults": ["A rule was broken."]}}))
    assert leaderboard.race_ladder(path=path) == []
    path.write_text(json.dumps({"S1": raced | {"ladder": [{"name": "ours"}]}}))
    with pytest.raises(ValueError, match="no result of the race"):
        leaderboard.race_ladder(path=path)
