"""The frozen race file: one evaluator, and a doctored file is refused."""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from benchmarks import models, racefile
from benchmarks.racefile import RaceFileError
from course_utils.model import interop
from course_utils.text.masking import IGNORE


def test_what_is_written_is_what_is_read(files, race, shape):
    again = racefile.load(files / "tiny")
    assert torch.equal(again.rows, race.rows) and again.rows.size(1) == shape.length
    assert again.facts["ladder"]["unigram"] > again.facts["ladder"]["bigram"]
    frozen = again.frozen
    hidden = frozen.input_ids.gather(1, frozen.positions)
    assert (hidden[frozen.targets != IGNORE] == again.facts["mask_id"]).all()
    assert frozen.positions.size(1) == round(0.15 * shape.length)


@pytest.mark.parametrize("name", ["frozen.safetensors", "rows.safetensors"])
def test_a_doctored_file_is_refused(files, tmp_path, name):
    folder = tmp_path / "tiny"
    folder.mkdir()
    for path in (files / "tiny").glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    racefile.load(folder)
    tensors = load_file(folder / name)
    first = next(iter(tensors.values()))
    first[0, 3] += 1  # one number in one row
    save_file(tensors, folder / name)
    with pytest.raises(RaceFileError, match="not those that were"):
        racefile.load(folder)


def test_a_file_doctored_with_its_hash_is_refused_by_the_pin(files, tmp_path, shape, race):
    pins = tmp_path / "frozen.json"
    assert racefile.pinned(shape, pins) is None
    pins.write_text(json.dumps({"S1": "1" * 64}))
    racefile.pin(shape, race.facts["frozen_sha256"], pins)
    assert json.loads(pins.read_text())["S1"] == "1" * 64  # other shapes keep theirs
    racefile.load(files / "tiny", racefile.pinned(shape, pins))
    with pytest.raises(RaceFileError, match="the repository pins"):
        racefile.load(files / "tiny", "0" * 64)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_file_is_told_in_a_sentence(files, tmp_path, damage):
    folder = tmp_path / "tiny"
    folder.mkdir()
    if damage == "cut":
        for path in (files / "tiny").glob("*.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "rows.safetensors").write_bytes(b"short")
    with pytest.raises(RaceFileError, match="no race file" if damage == "missing" else "damaged"):
        racefile.load(folder)


def test_one_set_of_weights_gets_one_number(race, ours, shape, tmp_path):
    """Ours, saved and opened by `transformers`, judged by the same function."""
    mine = models.build(ours, shape, race, seed=3)
    with torch.no_grad():  # far from the start, where every model gives ln V
        for weight in mine.parameters():
            weight.mul_(4.0)
    theirs = AutoModelForMaskedLM.from_pretrained(interop.save_pretrained(mine, tmp_path / "m"))
    theirs.train()  # the evaluator has to switch it itself
    wrapped = models.judged(theirs)
    assert isinstance(wrapped, models.Theirs)
    a, b = race.judge(mine), race.judge(wrapped)
    assert a["loss"] == pytest.approx(b["loss"], abs=1e-4) and a["top1"] == b["top1"]
    assert abs(a["loss"] - race.facts["ladder"]["uniform"]) > 0.05
    assert a["bits_per_byte"] == pytest.approx(
        a["loss"] / math.log(2) * race.facts["tokens"] / race.facts["bytes"]
    )
    assert theirs.training


OPPONENTS_NAMES = {  # ours: those of the 2018 block with rotary positions in `transformers`
    "encoder.tokens": ["roberta.embeddings.word_embeddings"],
    "encoder.types": ["roberta.embeddings.token_type_embeddings"],
    "encoder.embedding_norm": ["roberta.embeddings.LayerNorm"],
    "attention.qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "attention.out": ["self_attn.o_proj"],
    "attention_norm": ["post_attention_layernorm"],
    "mlp.up": ["mlp.fc1"],
    "mlp.down": ["mlp.fc2"],
    "mlp_norm": ["post_mlp_layernorm"],
    "head.dense": ["lm_head.dense"],
    "head.norm": ["lm_head.layer_norm"],
    "decoder": ["lm_head.decoder"],
}


def test_the_opponent_is_the_block_that_our_lean_row_trains(race, ours, theirs, shape):
    """The opponent's weights, moved into our encoder of 2018, get the opponent's number."""
    rival = models.build(theirs, shape, race, seed=3)
    lean = models.build(replace(ours, model="lean"), shape, race, seed=4)
    with torch.no_grad():
        for weight in rival.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    given, moved = rival.state_dict(), {}
    for name, old in lean.state_dict().items():
        module, kind = name.rsplit(".", 1)
        _, dot, part = module.partition("encoder.layers.")
        number, _, part = part.partition(".") if dot else ("", "", module)
        place = f"roberta.layers.{number}." if dot else ""
        parts = [given[f"{place}{one}.{kind}"] for one in OPPONENTS_NAMES[part]]
        moved[name] = torch.cat(parts)
        assert moved[name].shape == old.shape
    lean.load_state_dict(moved)
    a, b = race.judge(lean), race.judge(models.judged(rival))
    assert a["loss"] == pytest.approx(b["loss"], abs=1e-4) and a["top1"] == b["top1"]
    assert abs(a["loss"] - race.facts["ladder"]["uniform"]) > 0.05


@pytest.mark.parametrize("name", ["bert", "jina"])
def test_the_sparse_head_of_theirs_gives_the_same_logits(race, theirs, shape, name):
    model = models.build(replace(theirs, model=name), shape, race, seed=0).eval()
    batch = race.frozen[:5]
    full = models.Theirs(model)(batch.input_ids, batch.positions)
    sparse = models.Theirs(model, sparse=True)(batch.input_ids, batch.positions)
    assert (full - sparse).abs().max() < 1e-5
