"""Useful FLOPs against PyTorch's own counter; sizes of both sides; MFU and drift."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import limits, models
from benchmarks.settings import B1, B2
from benchmarks.shapes import S1, S2, non_embedding, same_class


def counted(module, loss, batch) -> int:
    with FlopCounterMode(display=False) as counter:
        loss(module, batch).backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("model", ["modern", "lean"])
def test_the_formula_is_what_a_real_step_of_ours_computes(race, ours, shape, model):
    one = replace(ours, model=model, library=False, optimizer="adamw")
    module, loss = models.plain_forward(models.build(one, shape, race, 0), one)
    batch = models.batch_maker(one, race, 0)(0)
    masked = batch.positions.size(1)
    config = models.config_of(one, shape)
    expected = limits.useful_flops(config, len(batch), shape.length, masked)
    assert counted(module, loss, batch) == expected


def test_their_full_head_computes_more_than_is_useful(race, theirs, shape):
    """BertForMaskedLM computes logits at every place: m = n in the formula."""
    one = replace(theirs, attention="eager")
    module, loss = models.plain_forward(models.build(one, shape, race, 0), one)
    batch = models.batch_maker(one, race, 0)(0)
    config = models.config_of(one, shape)
    everything = limits.useful_flops(config, len(batch), shape.length, shape.length)
    useful = limits.useful_flops(config, len(batch), shape.length, batch.positions.size(1))
    assert counted(module, loss, batch) == everything > useful


@pytest.mark.parametrize("config", [S1.bert(), S1.modern(), S2.modern()])
def test_three_times_the_products_of_a_forward_pass_are_the_step(config):
    work = limits.products(config, 32, 128, 19)
    assert 3 * sum(p.flops for p in work) == limits.useful_flops(config, 32, 128, 19)


@pytest.mark.parametrize("shape", [S1, S2], ids=lambda s: s.name)
def test_both_sides_have_as_many_parameters(shape, race, ours):
    small = replace(ours, model="modern")
    race = replace_vocab(race, shape)
    mine = non_embedding(models.build(small, shape, race, 0))
    rival = non_embedding(models.build(B1, shape, race, 0))
    assert same_class(mine, rival)
    assert mine == non_embedding(models.build(B2, shape, race, 0))
    assert non_embedding(models.build(replace(small, model="lean"), shape, race, 0)) == rival


def replace_vocab(race, shape):
    return replace(race, facts={**race.facts, "vocab_size": shape.vocab_size})


def test_peaks_and_shares(shape):
    peaks = limits.square_peaks(64, 0.01)
    assert peaks["float32"] > 1e6
    shaped = limits.shaped_peak(shape.modern(), 4, 32, 5, torch.float32, seconds=0.01)
    assert shaped > 1e6
    assert limits.mfu(1e9, 0.5, 4e9) == 0.5
    assert limits.drift(100.0, 94.0) > 0.05 > limits.drift(100.0, 96.0)
