"""Language scores against transformers' own loss and against loops."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.evaluation.language import (
    bits_per_byte,
    masked_log_probabilities,
    masked_loss,
    masked_top1,
    pseudo_log_likelihood,
)
from course_utils.text.masking import IGNORE, MaskedBatch, frozen_masks

V = 30


class Small(nn.Module):
    """Looks at the whole row, and has dropout that would show if it were left on."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(V, 16)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(32, V)

    def forward(self, input_ids, positions):
        hidden = self.drop(self.embed(input_ids))
        mean = hidden.mean(1, keepdim=True).expand_as(hidden)
        return self.out(torch.cat([hidden, mean], -1)).gather(
            1, positions.unsqueeze(-1).expand(-1, -1, V)
        )


@pytest.fixture
def model():
    return Small()


@pytest.fixture
def frozen():
    rows = torch.randint(5, V, (7, 12), generator=torch.Generator().manual_seed(0))
    rows[:, 0], rows[:, -1] = 2, 3
    rows[2, 2:-1] = 0  # one ordinary token only: the other targets of this row do not count
    return frozen_masks(rows, 3, mask_id=4, vocab_size=V, special_ids=range(5))


def test_loss_and_top1_equal_a_loop(model, frozen):
    model.eval()
    nats, hits = [], []
    for row, positions, targets in zip(
        frozen.input_ids, frozen.positions, frozen.targets, strict=True
    ):
        for place, target in zip(positions, targets, strict=True):
            if target != IGNORE:
                logits = model(row[None], place[None, None])[0, 0].detach().double()
                nats.append(-(logits[target] - logits.exp().sum().log()).item())
                hits.append(int(logits.argmax() == target))
    assert len(nats) == 6 * 3 + 1
    assert masked_loss(model, frozen) == pytest.approx(sum(nats) / len(nats), abs=1e-6)
    assert masked_top1(model, frozen) == pytest.approx(sum(hits) / len(hits))


def test_batch_size_does_not_matter(model, frozen):
    losses = {size: masked_loss(model, frozen, size) for size in (1, 2, 3, 7, 64)}
    assert max(losses.values()) - min(losses.values()) < 1e-6


def test_equals_the_loss_that_transformers_computes(frozen):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    bert = BertForMaskedLM(
        BertConfig(
            vocab_size=V,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
        )
    )
    labels = torch.full_like(frozen.input_ids, IGNORE)
    labels.scatter_(1, frozen.positions, frozen.targets)

    class Adapter(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = bert

        def forward(self, input_ids, positions):
            logits = self.bert(input_ids).logits
            return logits.gather(1, positions.unsqueeze(-1).expand(-1, -1, V))

    expected = bert.eval()(frozen.input_ids, labels=labels).loss.item()
    bert.train()  # the scores must switch its dropout off by themselves
    assert masked_loss(Adapter(), frozen, 2) == pytest.approx(expected, abs=1e-5)


def test_the_model_is_left_as_it_was(model, frozen):
    model.train()
    model.out.eval()  # a part that somebody froze on purpose
    first = masked_loss(model, frozen)
    assert model.training and model.drop.training and not model.out.training
    assert masked_loss(model, frozen) == first  # no dropout
    assert torch.is_grad_enabled() and all(p.grad is None for p in model.parameters())
    with pytest.raises(ValueError, match="vocabulary"):
        masked_loss(model, MaskedBatch(frozen.input_ids, frozen.positions, frozen.targets + 90))
    assert model.training and not model.out.training  # after an error too


def test_autocast_around_it_changes_nothing(model, frozen):
    plain = masked_loss(model, frozen)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert masked_loss(model, frozen) == plain


def test_pseudo_log_likelihood_equals_a_loop(model):
    model.eval()
    ids = torch.tensor([2, 9, 11, 9, 28, 3])
    expected = []
    for place in (1, 2, 3, 4):
        masked = ids.clone()
        masked[place] = 4
        logits = model(masked[None], torch.tensor([[place]]))[0, 0]
        expected.append(F.log_softmax(logits, -1)[ids[place]].item())
    ours = masked_log_probabilities(model, ids, [1, 2, 3, 4], mask_id=4, batch_size=3)
    torch.testing.assert_close(ours, torch.tensor(expected), atol=1e-5, rtol=0)
    total = pseudo_log_likelihood(model, ids, mask_id=4, special_ids=(2, 3))
    assert total == pytest.approx(sum(expected), abs=1e-5)
    assert pseudo_log_likelihood(model, ids, mask_id=4) < total  # two more tokens to guess


def test_bits_per_byte():
    text = "naïve €"
    assert len(text.encode()) == 10
    # 4 tokens at ln 8 nats = 3 bits each over 10 bytes
    assert bits_per_byte(math.log(8), tokens=4, bytes=10) == pytest.approx(1.2)


class Wrong(nn.Module):
    def forward(self, input_ids, positions):
        return torch.zeros(1, 1, V)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda m, f: masked_loss(len, f), TypeError, "torch.nn.Module"),
        (lambda m, f: masked_loss(m, f.input_ids), TypeError, "MaskedBatch"),
        (lambda m, f: masked_loss(m, f, 0), ValueError, "batch_size"),
        (lambda m, f: masked_loss(Wrong(), f), ValueError, "logits of shape"),
        (lambda m, f: masked_top1(m, f[:0]), ValueError, "hides no token"),
        (lambda m, f: pseudo_log_likelihood(m, [5, 6], 4), TypeError, "int64"),
        (lambda m, f: pseudo_log_likelihood(m, torch.tensor([2.0]), 4), TypeError, "int64"),
        (lambda m, f: pseudo_log_likelihood(m, torch.tensor([[5, 6]]), 4), ValueError, "one text"),
        (lambda m, f: pseudo_log_likelihood(m, torch.tensor([2]), 4, [2]), ValueError, "special"),
        (
            lambda m, f: masked_log_probabilities(m, torch.tensor([5, 6]), [2], 4),
            ValueError,
            "positions must lie in 0 ... 1",
        ),
        (lambda m, f: bits_per_byte(-1.0, 5, 5), ValueError, "not negative"),
        (lambda m, f: bits_per_byte(math.nan, 5, 5), ValueError, "finite"),
        (lambda m, f: bits_per_byte(1.0, 5, 0), ValueError, "positive"),
    ],
)
def test_bad_input_gets_one_sentence(model, frozen, call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(model, frozen)
    assert "\n" not in str(caught.value)
