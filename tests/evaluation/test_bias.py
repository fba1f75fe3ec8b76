"""Preferences against a log-softmax by hand, intervals against SciPy, exposure against ranks."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course_utils.evaluation.bias import (
    clustered_interval,
    exposure,
    preferences,
    share_interval,
    word_ids,
)
from course_utils.evaluation.language import masked_log_probabilities
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text.tokenization import train_tokenizer


@pytest.fixture(scope="module")
def world():
    tokenizer = train_tokenizer(["he was tired and she was not a doctor here"] * 3, 200)
    torch.manual_seed(0)
    shape = EncoderConfig.modern(len(tokenizer), hidden_size=16, num_layers=2, num_heads=2)
    return tokenizer, MaskedLanguageModel(shape)


def test_preferences_are_differences_of_log_probabilities(world):
    tokenizer, model = world
    sentences = ["[MASK] was tired", "a doctor was here and [MASK] was not tired", "he was [MASK]"]
    first, second = ["she", "he", "tired"], ["he", "she", "not"]
    found = preferences(model, tokenizer, sentences, first, second, batch_size=2)
    for sentence, a, b, ours in zip(sentences, first, second, found, strict=True):
        scores = []
        for word in (a, b):
            ids = tokenizer(sentence.replace("[MASK]", word), return_tensors="pt")["input_ids"][0]
            place = sentence.split().index("[MASK]") + 1
            scores.append(masked_log_probabilities(model, ids, [place], tokenizer.mask_token_id))
        assert ours.item() == pytest.approx((scores[0] - scores[1]).item(), abs=1e-5)


def test_a_hole_behind_the_end_is_refused(world):
    tokenizer, model = world
    with pytest.raises(ValueError, match="behind the end"):
        preferences(model, tokenizer, ["he " * 600 + "[MASK]"], ["he"], ["she"])


def test_words_of_several_pieces_are_none(world):
    tokenizer, _ = world
    she, unknown, pieces = word_ids(tokenizer, ["she", "☃", "heshe"])
    assert tokenizer.convert_ids_to_tokens(she) == "she" and unknown is None and pieces is None


@pytest.mark.parametrize(("hits", "total"), [(0, 5), (5, 5), (13, 40), (1, 1)])
def test_the_interval_is_wilsons(hits, total):
    theirs = stats.binomtest(hits, total).proportion_ci(method="wilson")
    ours = share_interval(hits, total)
    assert tuple(ours) == pytest.approx((hits / total, theirs.low, theirs.high))


def test_exposure_is_a_rank_in_bits():
    scores = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    order = scores.argsort(descending=True)
    for rank in (1, 2, 500, 1000):
        bits = exposure(scores, int(order[rank - 1]))
        assert bits == pytest.approx(math.log2(1000 / rank))
    mean = sum(exposure(scores, secret) for secret in range(1000)) / 1000
    assert mean == pytest.approx(1 / math.log(2), abs=0.02)


def test_the_clustered_interval_is_as_wide_as_the_number_of_kinds_says():
    dice = np.random.default_rng(1)
    kinds = np.repeat(np.arange(50), 20)
    values = dice.normal(size=50)[kinds]  # twenty copies of fifty opinions
    theirs = stats.bootstrap((values[::20],), np.mean, method="percentile", rng=dice)
    found = clustered_interval(values, kinds)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.03)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.03)
