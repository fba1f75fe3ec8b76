"""The museum of lesson 06: its ladder against another computation, its exhibits against health."""

import math
from dataclasses import astuple

import pytest
import torch

from course_utils.exercises.lesson_06 import museum, pieces
from course_utils.exercises.lesson_06.museum import EXHIBITS, HEALTHY, MASK, PAD, Museum

STEPS = 24


@pytest.fixture(scope="module")
def lab():
    return Museum()


@pytest.fixture(scope="module")
def healthy(lab):
    return lab.run(steps=STEPS)


def test_the_optimum_is_that_of_every_row_alone(lab):
    """Row by row and without any padding, the language itself says the same."""
    nats = []
    for row, asked in zip(lab.held_out[:20], lab.asked[:20], strict=True):
        words = row[row != PAD] + museum.SPECIAL
        hidden = asked[row != PAD]
        if hidden.any():
            predicted = lab.language.predict(words[None], hidden[None])
            nats += predicted.gather(1, words[hidden][:, None]).log().neg().flatten().tolist()
    few = Museum()
    few.held_out, few.asked = lab.held_out[:20], lab.asked[:20]
    few.truth = few.held_out[few.asked]
    assert few.ladder()["optimum"] == pytest.approx(sum(nats) / len(nats), abs=1e-9)


def test_the_rungs_are_in_order(lab):
    rungs = lab.ladder()
    assert rungs["optimum"] < rungs["unigram"] < rungs["uniform"] == math.log(64)


def test_the_text_is_padded_words(lab):
    assert int(lab.rows.max()) == PAD and MASK not in lab.rows
    lengths = (lab.rows != PAD).sum(1)
    assert int(lengths.min()) == 8 and int(lengths.max()) == 11
    assert not (lab.asked & (lab.held_out == PAD)).any()


@pytest.mark.parametrize("letter", EXHIBITS)
def test_an_exhibit_breaks_one_piece_and_leaves_another_curve(lab, healthy, letter):
    broken = EXHIBITS[letter].pieces
    assert sum(a is not b for a, b in zip(astuple(broken), astuple(HEALTHY), strict=True)) == 1
    curves = lab.run(broken, steps=STEPS)
    assert all(map(math.isfinite, curves.training + curves.judged))
    gaps = [abs(a - b) for a, b in zip(curves.judged, healthy.judged, strict=True)]
    assert max(gaps) > 0.02


def test_the_judge_leaves_the_text_alone_and_begins_at_ln_v(lab):
    before = lab.held_out.clone()
    curves = lab.run(steps=1)
    assert torch.equal(before, lab.held_out)
    assert curves.judged[0] == pytest.approx(math.log(64), abs=0.1)
    assert curves.judged_at == [0, 1] and len(curves.gradient) == 1


def test_the_first_piece_really_draws_with_the_deviation_that_it_names():
    model = torch.nn.Module()
    model.encoder = torch.nn.Module()
    model.encoder.tokens = torch.nn.Embedding(500, 40)
    pieces.start(model)
    assert float(model.encoder.tokens.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
