"""The fine-tuning race on a toy, and its verdict in a world whose answers are known."""

import json

import numpy as np
import pytest

from benchmarks import finetune, models, vocabulary
from benchmarks.finetune import Task, Tuning
from benchmarks.store import Store
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


@pytest.mark.parametrize("side", ["script", "ours"])
def test_both_sides_learn_a_toy_task(side, folder, task, monkeypatch):
    monkeypatch.setattr(finetune, "LENGTH", 32)
    one = Tuning(side, "0" * 64, epochs=8, lr=3e-3, batch_size=8, peak=(64, 0.001))
    log = finetune.run(one, folder, task)
    assert log["accuracy"] >= 0.9 and log["seconds"] > 0 and json.dumps(log)


def test_the_trainer_says_what_it_needs(folder, task, monkeypatch):
    monkeypatch.setattr(finetune, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="accelerate"):
        finetune.run(Tuning("trainer", "0" * 64, peak=(64, 0.001)), folder, task)
    with pytest.raises(ValueError, match="side must be"):
        Tuning("theirs", "0" * 64)


def test_the_verdict_is_the_fewest_epochs_that_are_accurate_enough(tmp_path):
    asked = []

    def runner(one: Tuning) -> dict:
        asked.append(one)
        noise = 0.001 * np.random.default_rng([one.seed, one.epochs]).standard_normal()
        if one.side == "ours":
            return {"accuracy": 0.70 + 0.04 * one.epochs + noise, "seconds": 10.0 * one.epochs}
        return {"accuracy": 0.75 + noise - 0.1 * (one.lr != 1e-4), "seconds": 90.0}

    store = Store(tmp_path)
    found = finetune.race("0" * 64, 7000, store, runner, sides=("script",))
    assert found["epochs"] == 2 and found["reached"] and found["p"] < 0.01
    assert found["time_ratio"]["script"] == pytest.approx(4.5)
    assert [one.lr for one in asked[:4]] == list(finetune.RATES)
    assert [one.side for one in asked[4:8]] == ["script", "ours"] * 2 and asked[4].lr == 1e-4
    count = len(asked)
    assert finetune.race("0" * 64, 7000, store, runner, sides=("script",)) == found
    assert len(asked) == count


def test_the_three_trainers_learn_the_same_merges():
    texts = [*SENTENCES[:40], "naïve café 🎬", "don't  stop\n\nnow 1234"]
    found = vocabulary.race(texts, 330, ("textbook", "ours", "rust"), repeats=1)
    assert found["same_merges"]
    assert set(found["seconds"]) == {"textbook", "ours", "rust"}
