"""The fine-tuning race on a toy, and its verdict in a world whose answers are known."""

import json

import numpy as np
import pytest
import torch

from benchmarks import finetune, models, tuners, vocabulary
from benchmarks.store import Store
from benchmarks.tuners import Task, Tuning
from course_utils.model import interop

from .conftest import SENTENCES, TINY

GOOD = ("fine", "warm")


@pytest.fixture(scope="module")
def task() -> Task:
    texts = SENTENCES[:60]
    labels = [int(any(word in text for word in GOOD)) for text in texts]
    return Task(texts, labels, texts[:20], labels[:20])


@pytest.fixture
def folder(race, ours, files, tmp_path):
    model = models.build(ours, TINY, race, seed=0)
    tokenizer = interop.load_tokenizer(files / "tiny" / "tokenizer")
    return interop.save_pretrained(model, tmp_path / "model", tokenizer)


def tuning(side: str, **choices) -> Tuning:
    return Tuning(side, "0" * 64, 60, peak=(64, 0.001), **choices)


@pytest.mark.parametrize("side", ["script", "ours"])
def test_both_sides_learn_a_toy_task(side, folder, task, monkeypatch):
    monkeypatch.setattr(tuners, "LENGTH", 32)
    log = tuners.run(tuning(side, epochs=8, lr=3e-3, batch_size=8), folder, task)
    assert log["accuracy"] >= 0.9 and log["seconds"] > 0 and json.dumps(log)


def test_the_padding_that_a_judged_script_leaves_out_changes_no_result(folder, task, monkeypatch):
    monkeypatch.setattr(tuners, "LENGTH", 32)
    ends = []

    def weights(model, tokenizer, texts):
        ends.append({name: w.detach().clone() for name, w in model.named_parameters()})
        return [0] * len(texts)

    monkeypatch.setattr(tuners, "_guess", weights)
    for turn in (0, 1):
        tuners.run(tuning("script", epochs=2, lr=3e-3, batch_size=8, turn=turn), folder, task)
    cut, padded = ends
    for name in cut:
        torch.testing.assert_close(cut[name], padded[name], rtol=1e-3, atol=1e-4)


def test_the_trainer_says_what_it_needs(folder, task, monkeypatch):
    monkeypatch.setattr(tuners, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="accelerate"):
        tuners.run(tuning("trainer"), folder, task)
    with pytest.raises(ValueError, match="side must be"):
        tuning("theirs")


def test_the_verdict_is_the_fewest_epochs_that_are_accurate_enough(tmp_path):
    asked = []

    def runner(one: Tuning) -> dict:
        asked.append(one)
        noise = 0.001 * np.random.default_rng([one.seed, one.epochs]).standard_normal()
        if one.side == "ours":
            off = 0.1 * (one.lr != 3e-4)
            return {"accuracy": 0.66 + 0.04 * one.epochs + noise - off, "seconds": 10.0}
        return {"accuracy": 0.742 + noise - 0.1 * (one.lr != 1e-4), "seconds": 30.0 * one.turn}

    store = Store(tmp_path)
    found = finetune.race("0" * 64, 1000, store, runner, sides=("script",))
    against = found["ours_against"]["script"]  # 0.74 is as good as 0.742, 0.70 is not
    assert against["epochs"] == 2 and against["reached"] and against["p"] < 0.025
    # an epoch of theirs takes 30, 60 … 150 s in turns and they need three; ours takes 10 s, two
    assert found["time_ratio"]["script"] == {"value": 13.5, "low": 4.5, "high": 22.5}
    assert "13.5 times as fast" in "".join(finetune.describe(found))
    trials = 2 * len(finetune.RATES)  # as many for both
    assert [one.lr for one in asked[:trials]] == [*finetune.RATES] * 2
    best = {"script": 1e-4, "ours": 3e-4}
    assert found["rates"] == best and all(one.lr == best[one.side] for one in asked[trials:])
    assert found["at_the_edge"] == []
    last = [(one.side, one.epochs, one.turn) for one in asked[-4:]]
    assert last == [("script", 1, 4), ("ours", 1, 4), ("script", 1, 5), ("ours", 1, 5)]
    count = len(asked)
    assert finetune.race("0" * 64, 1000, store, runner, sides=("script",)) == found
    assert len(asked) == count


def test_each_rival_is_raced_to_its_own_accuracy(tmp_path):
    def runner(one: Tuning) -> dict:
        level = {"script": 0.7, "trainer": 0.8, "ours": 0.6 + 0.1 * one.epochs}[one.side]
        level -= one.side != "ours" and one.lr < finetune.RATES[-1]
        return {"accuracy": level + 1e-4 * one.seed, "seconds": 12.0}

    found = finetune.race("0" * 64, 1000, Store(tmp_path), runner)
    assert {side: one["epochs"] for side, one in found["ours_against"].items()} == {
        "script": 1, "trainer": 2,
    }  # fmt: skip
    assert [one["value"] for one in found["time_ratio"].values()] == [3.0, 1.5]
    assert found["at_the_edge"] == ["script", "trainer", "ours"]  # ours: every rate is as good


def test_who_never_gets_there_has_no_ratio(tmp_path):
    def runner(one: Tuning) -> dict:
        return {"accuracy": 0.5 + 0.2 * (one.side == "script") + 1e-3 * one.seed, "seconds": 1.0}

    found = finetune.race("0" * 64, 1000, Store(tmp_path), runner, sides=("script",))
    assert not found["ours_against"]["script"]["reached"]
    assert found["time_ratio"] == {"script": None}
    assert "not as accurate" in finetune.describe(found)[-1]


def test_the_three_trainers_learn_the_same_merges():
    texts = [*SENTENCES[:40], "naïve café 🎬", "don't  stop\n\nnow 1234"]
    found = vocabulary.race(texts, 330, ("textbook", "ours", "rust"), repeats=1)
    assert found["same_merges"]
    assert set(found["seconds"]) == {"textbook", "ours", "rust"}
