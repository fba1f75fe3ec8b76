"""Decoding against `transformers`: its generate, its beams and its logits processors."""

import pytest
import torch
from transformers.generation import logits_process

from course_utils.model import decoding
from course_utils.model.decoder import CausalLanguageModel
from course_utils.model.decoder_interop import to_causal_transformers
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel

IDS = torch.randint(5, 40, (3, 6), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    shape = EncoderConfig.modern(40, hidden_size=32, num_layers=2, num_heads=2)
    ours = CausalLanguageModel(shape).eval()
    for weight in ours.parameters():  # an untrained model is undecided: make it louder
        if weight.dim() == 2:
            weight.data.mul_(6)
    return ours, to_causal_transformers(ours)


def theirs(model, ids, **choices):
    return model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=0, **choices
    )


def until(text, end):
    """A text up to its first `end`; what comes after it is filling."""
    return text[: text.index(end) + 1] if end in text else text


@pytest.mark.parametrize("cached", [True, False])
def test_greedy(models, cached):
    ours, other = models
    found = decoding.generate(ours, IDS, 12, cached=cached)
    assert torch.equal(found, theirs(other, IDS, max_new_tokens=12, eos_token_id=None))


def test_an_end_ends(models):
    ours, other = models
    end = decoding.generate(ours, IDS, 4)[0, -1].item()
    found = decoding.generate(ours, IDS, 12, end_id=end)
    expected = theirs(other, IDS, max_new_tokens=12, eos_token_id=end)
    assert (found == end).any() and torch.equal(found, torch.where(expected == 0, end, expected))


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_beam_search(models, width, power):
    ours, other = models
    for row in IDS.split(1):
        end = decoding.generate(ours, row, 5)[0, -1].item()
        found = decoding.beam_search(ours, row, width, 8, end, power)
        if width == 1:
            continue
        expected = theirs(
            other, row, max_new_tokens=8, num_beams=width, num_return_sequences=width,
            length_penalty=power, early_stopping="never" if power else False, eos_token_id=end,
            return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
        texts = [until(text[6:].tolist(), end) for text in expected.sequences]
        assert [one.ids for one in found] == texts
        scores = torch.tensor([one.score for one in found])
        torch.testing.assert_close(scores, expected.sequences_scores, atol=1e-4, rtol=1e-4)


def test_a_wide_beam_is_an_exhaustive_search(models):
    ours, row = models[0], IDS[:1]
    best = decoding.beam_search(ours, row, 1600, 2, end_id=3, length_power=0.0)[0]
    first = ours(row)[0, -1].log_softmax(-1)
    second = ours(torch.cat([row.repeat(40, 1), torch.arange(40)[:, None]], 1))[:, -1]
    table = first[:, None] + second.log_softmax(-1)  # every text of two tokens
    table[3] = first[3]  # but one that ends at once
    assert best.log_probability == pytest.approx(table.max().item(), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_filters(seed):
    dice = torch.Generator().manual_seed(seed)
    logits, ids = 3 * torch.randn(4, 30, generator=dice), torch.randint(30, (4, 12), generator=dice)
    ids[:, 8:10] = ids[:, 2:4]
    for k in (1, 5, 99):
        other = logits_process.TopKLogitsWarper(k)(ids, logits)
        assert torch.equal(decoding.keep_top_k(logits, k), other)
    for p in (0.01, 0.5, 0.9, 1.0):
        other = logits_process.TopPLogitsWarper(p)(ids, logits)
        assert torch.equal(decoding.keep_top_p(logits, p), other)
    other = logits_process.RepetitionPenaltyLogitsProcessor(1.3)(ids, logits)
    torch.testing.assert_close(decoding.penalise_repeats(logits, ids, 1.3), other)
    for n in (1, 2, 3):
        other = logits_process.NoRepeatNGramLogitsProcessor(n)(ids, logits)
        assert torch.equal(decoding.forbid_repeats(logits, ids, n), other)


def test_the_sampler_draws_as_often_as_it_should():
    logits = torch.tensor([3.0, 2.0, 1.0, 0.0])
    draw = decoding.sampler(torch.Generator().manual_seed(0), temperature=2.0, top_k=3)
    shares = torch.bincount(draw(logits.repeat(20_000, 1)), minlength=4) / 20_000
    expected = torch.cat([(logits[:3] / 2).softmax(-1), torch.zeros(1)])
    torch.testing.assert_close(shares, expected, atol=0.015, rtol=0)


def test_mask_predict_fills_what_is_hidden_and_nothing_else():
    torch.manual_seed(0)
    bert = MaskedLanguageModel(EncoderConfig.modern(40, hidden_size=32, num_layers=1, num_heads=2))
    asked = []

    def guess(ids):
        asked.append((ids == 4).sum(-1).tolist())
        return bert(ids)

    ids = IDS.clone()
    ids[:, 1:5], ids[1, 1] = 4, 9
    filled = decoding.mask_predict(guess, ids, 4, rounds=4)
    assert asked == [[4, 3, 4], [3, 2, 3], [2, 1, 2], [1, 0, 1]]
    assert torch.equal(filled[ids != 4], ids[ids != 4]) and not (filled == 4).any()
    once = decoding.mask_predict(bert, ids, 4, rounds=1)
    logits = bert(ids)
    logits[..., 4] = -torch.inf
    assert torch.equal(once[ids == 4], logits.argmax(-1)[ids == 4])
