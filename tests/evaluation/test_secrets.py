"""The exposure of a code, by trying every code one by one."""

import itertools
import math

import pytest
import torch

from course_utils.evaluation.bias import leanings, preferences
from course_utils.evaluation.secrets import canary, code_exposure
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text.tokenization import train_tokenizer
from course_utils.training.interventions import continued, plant


@pytest.fixture(scope="module")
def world():
    tokenizer = train_tokenizer(["the door code of anna is 0 1 2 3 4 5 6 7 8 9, she he"] * 3, 200)
    torch.manual_seed(0)
    shape = EncoderConfig.modern(len(tokenizer), hidden_size=16, num_layers=2, num_heads=2)
    return tokenizer, MaskedLanguageModel(shape)


def test_every_code_tried_one_by_one(world):
    tokenizer, model = world
    ids = torch.tensor([[2, *canary(tokenizer, "anna", "47").tolist(), 3]])
    ids[0, -3:-1] = tokenizer.mask_token_id
    with torch.no_grad():
        a, b = model(ids)[0, -3:-1].log_softmax(-1)
    digit = tokenizer.convert_tokens_to_ids
    both = itertools.product("0123456789", repeat=2)
    scores = {x + y: (a[digit(x)] + b[digit(y)]).item() for x, y in both}
    rank = sum(score >= scores["47"] - 1e-7 for score in scores.values())
    assert code_exposure(model, tokenizer, "anna", "47") == pytest.approx(math.log2(100 / rank))


def test_a_secret_read_often_is_given_away_and_the_model_before_is_left_alone(world):
    tokenizer, model = world
    rows = torch.full((400, 16), tokenizer.convert_tokens_to_ids("door"))
    rows[:, 0], rows[:, -1] = 2, 3
    planted = plant(rows, [canary(tokenizer, "anna", "4817")], [400])
    before = code_exposure(model, tokenizer, "anna", "4817")
    after = continued(model, tokenizer, planted, lr=2e-2)
    assert code_exposure(after, tokenizer, "anna", "4817") > 5  # the digits, in some order
    assert code_exposure(model, tokenizer, "anna", "4817") == before


def test_planting_touches_the_counted_rows_and_no_row_twice():
    rows = torch.zeros(50, 9, dtype=torch.int64)
    secrets = [torch.tensor([7, 8]), torch.tensor([9])]
    planted = plant(rows, secrets, [5, 11], seed=3)
    assert (planted[:, -3:-1] == torch.tensor([7, 8])).all(1).sum() == 5
    assert (planted[:, -2] == 9).sum() == 11 and not planted[:, -1].any() and not rows.any()
    assert not planted.equal(plant(rows, secrets, [5, 11], seed=4))


def test_leanings_are_means_of_preferences(world):
    tokenizer, model = world
    people, templates = ["door", "code of anna"], ["the {} is [MASK]", "[MASK] is the {}"]
    for person, ours in zip(people, leanings(model, tokenizer, people, templates), strict=True):
        texts = [template.format(person) for template in templates]
        theirs = preferences(model, tokenizer, texts, ["she"] * 2, ["he"] * 2).mean()
        assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
