"""The model card: what it says has to follow from the log, and from nothing else."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

from course_utils import files, machine
from course_utils.training import cards

STEPS = {"course-bert": None, "course-bert-step-500": 500, "course-bert-step-2500": 2500}


def written(tmp_path: Path, name: str, **about) -> str:
    log = json.loads((files.checkpoint_dir(name) / "log.json").read_text("utf-8"))
    if about:
        log["about"] = about
    out = tmp_path / name
    out.mkdir()
    cards.write(out, log, 5_384_704, STEPS[name])
    assert json.loads((out / "log.json").read_text("utf-8")) == log
    return (out / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", STEPS)
def test_the_cards_of_the_course_are_made_by_this_code(tmp_path, name):
    assert written(tmp_path, name) == (files.checkpoint_dir(name) / "README.md").read_text("utf-8")


def test_a_card_tells_how_far_the_layers_see(tmp_path):
    log = json.loads((files.checkpoint_dir() / "log.json").read_text("utf-8"))
    log["recipe"] |= {"windows": [1, 1, 1, 0], "counted": False}
    cards.write(tmp_path, log, 1)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "rotary positions; windows to either side: 1, 1, 1, all |" in card
    assert "counts" not in card


def test_a_card_tells_how_the_embeddings_began(tmp_path):
    log = json.loads((files.checkpoint_dir() / "log.json").read_text("utf-8"))
    log["recipe"]["counted"] = True
    cards.write(tmp_path, log, 1)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "learning rate 0.004; the embeddings began as counts of neighbours |" in card


def test_a_card_for_your_own_text_names_it_and_counts_bytes(tmp_path):
    about = cards.own_text("diary", start="from `course-bert`", bytes_per_token=4.0)
    card = written(tmp_path, "course-bert", **about)
    assert "trained from `course-bert` on the folder `diary`" in card and "film" not in card
    loss = float(re.search(r"\*\*(\d\.\d{3})\*\*", card)[1])
    bits = float(re.search(r"Its loss is (\d\.\d\d) bits per byte", card)[1])
    assert bits == pytest.approx(loss / math.log(2) / 4, abs=0.006)


def test_what_a_card_cannot_say_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no place for \['author'\]"):
        cards.make_log(None, {}, None, 1, "", about={"author": "me"})
    with pytest.raises(ValueError, match="needs the name"):
        cards.own_text(" ")
    with pytest.raises(ValueError, match="no evaluation at step 7"):
        log = json.loads((files.checkpoint_dir() / "log.json").read_text("utf-8"))
        cards.write(tmp_path, log, 1, step=7)


def test_the_parameters_of_the_card_are_those_of_the_model():
    recipe = json.loads((files.checkpoint_dir() / "log.json").read_text("utf-8"))["recipe"]
    from course_utils.training.pretraining import RECIPES

    config = RECIPES["course-bert"].config
    assert config.hidden_size == recipe["hidden_size"]
    assert f"| {machine.count_parameters(config):,} |" in (
        files.checkpoint_dir() / "README.md"
    ).read_text("utf-8")


def test_a_card_names_what_computed_and_not_what_else_is_there(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda"))
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert "2 CPU threads" in cards.describe_machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert "1 CPU thread (" in cards.describe_machine()
