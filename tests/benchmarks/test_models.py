"""What the contestants are, checked against what they claim to be."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import TrainingArguments

from benchmarks import models, settings, timed
from benchmarks.settings import B0, B1, B2, Settings
from course_utils.text.masking import IGNORE
from course_utils.training.pretraining import RECIPES, start_from_counts


def test_b0_is_the_example_script_as_it_comes():
    defaults = {
        name: field.default for name, field in TrainingArguments.__dataclass_fields__.items()
    }
    assert B0.lr == defaults["learning_rate"] and B0.batch_size == 8
    assert B0.batch_size == defaults["per_device_train_batch_size"]
    assert B0.weight_decay == defaults["weight_decay"] and B0.beta2 == defaults["adam_beta2"]
    assert defaults["max_grad_norm"] == 1.0 and B0.warmup == 0.0
    assert defaults["lr_scheduler_type"] == B0.schedule and B0.dropout == 0.1 and not B0.bf16


def test_ours_is_the_recipe_of_the_library_for_a_short_run():
    mine, recipe = settings.ours(), RECIPES["course-bert"]
    assert mine.lr == recipe.train.lr and mine.optimizer == recipe.train.optimizer
    assert mine.compile == recipe.train.compile and mine.mask_share == recipe.mask_share
    assert mine.rate > recipe.rate and mine.windows  # these two are the race's own
    assert round(mine.warmup * recipe.train.steps) == pytest.approx(recipe.train.warmup, rel=0.1)


def test_the_opponents_have_the_configuration_that_was_asked_for(race, shape):
    bert = models.build(replace(B1, attention="eager"), shape, race, 0)
    assert type(bert).__name__ == "BertForMaskedLM" and bert.config.hidden_dropout_prob == 0.0
    assert bert.config._attn_implementation == "eager"
    assert bert.config.intermediate_size == shape.mlp_size
    modern = models.build(B2, shape, race, 0)
    assert modern.sparse_prediction and modern.config._attn_implementation == "sdpa"
    dropped = models.build(B0, shape, race, 0)
    assert dropped.config.attention_probs_dropout_prob == 0.1


def test_their_loss_is_the_mean_over_the_hidden_tokens(race, theirs, shape):
    model = models.build(theirs, shape, race, 0).eval()
    batch = models.batch_maker(theirs, race, 0)(0)
    module, loss = models.plain_forward(model, theirs)
    logits = model(batch.input_ids).logits
    labels = models.labels_of(batch)
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
    assert loss(module, batch).item() == pytest.approx(expected.item(), abs=1e-5)
    assert (labels != IGNORE).sum() == batch.count()
    module, loss = models.plain_forward(model, replace(theirs, sparse=True))
    assert loss(module, batch).item() == pytest.approx(expected.item(), abs=1e-5)


def test_the_loss_is_not_rounded_by_autocast(race, theirs, shape):
    """A loss in bfloat16 would hand the opponent a coarse gradient."""
    model = models.build(theirs, shape, race, 0).eval()
    batch = models.batch_maker(theirs, race, 0)(0)
    module, loss = models.plain_forward(model, theirs)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(module, batch)
    assert value.dtype == torch.float32


def test_coins_hide_tokens_of_the_same_rows(race, theirs):
    plain = models.batch_maker(theirs, race, 5)(2)
    inputs, labels = models.batch_maker(replace(theirs, coin=True), race, 5)(2)
    hidden = labels != IGNORE
    whole = torch.where(hidden, labels, inputs)
    uncovered = plain.input_ids.scatter(1, plain.positions, plain.targets)
    assert torch.equal(whole, uncovered)  # nothing but the hidden places differs
    assert hidden.sum(1).unique().numel() > 1  # coins: not the same number in each row


def test_a_good_start(race, ours, shape):
    started = models.build(replace(ours, unigram_bias=True, zero_outputs=True), shape, race, 0)
    assert race.judge(started)["loss"] == pytest.approx(race.facts["ladder"]["unigram"], abs=0.1)
    layer = started.encoder.layers[0]
    assert not layer.attention.out.weight.any() and not layer.mlp.down.weight.any()


def test_windows_reach_the_model_and_leave_the_keys_of_other_runs_alone(race, ours, shape):
    windows = (2,) * shape.num_layers
    narrow = models.build(replace(ours, windows=windows), shape, race, 0)
    assert narrow.encoder.config.windows == windows
    assert "windows" not in ours.to_dict()
    again = Settings(**json.loads(json.dumps(replace(ours, windows=windows).to_dict())))
    assert again == replace(ours, windows=windows)
    for choice in ({"momentum": 0.8}, {"beta1": 0.7}, {"counted": True}):
        assert choice.items() <= replace(ours, **choice).to_dict().items()
        assert not choice.keys() & ours.to_dict().keys()


def test_embeddings_from_counts_are_a_part_of_the_run(race, ours, shape):
    fresh, counted = (models.build(ours, shape, race, 0) for _ in range(2))
    start_from_counts(counted, race.rows)
    old, new = fresh.encoder.tokens.weight, counted.encoder.tokens.weight
    assert not torch.equal(old, new)
    assert torch.equal(fresh.head.dense.weight, counted.head.dense.weight)
    plain, started = (
        timed.time_run(replace(ours, counted=one), shape, race, seed=0, steps=2)
        for one in (False, True)
    )
    assert plain["counting_seconds"] == 0 < started["counting_seconds"] < started["seconds"]
    assert plain["loss"] != started["loss"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gpt"},
        {"optimizer": "muon"},
        {"counted": True},
        {"warmup": 1.0},
        {"library": True},
        {"schedule": "step"},
        {"windows": (2, 0)},
    ],
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ValueError):
        Settings(**{"name": "x", "model": "bert", **wrong})


def test_decay_is_for_matrices(race, theirs, shape):
    model = models.build(theirs, shape, race, 0)
    decayed, rest = timed.decay_groups(model, 0.1)
    names = {id(weight): name for name, weight in model.named_parameters()}
    assert all("embeddings" not in names[id(w)] and w.dim() == 2 for w in decayed["params"])
    assert rest["weight_decay"] == 0.0
    assert len(decayed["params"]) + len(rest["params"]) == len(names)
