"""The heads: what they compute is tested against `transformers` in test_interop."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier


def test_an_untrained_model_guesses_uniformly(family):
    torch.manual_seed(0)
    model = MaskedLanguageModel(getattr(EncoderConfig, family)(1000))
    ids = torch.randint(1000, (8, 32))
    loss = F.cross_entropy(model(ids).flatten(0, 1), torch.randint(1000, (256,)))
    assert loss.item() == pytest.approx(math.log(1000), abs=0.1)


def test_the_head_at_some_positions_is_a_part_of_the_whole(ours, batch):
    input_ids, mask = batch
    positions = torch.tensor([[3, 1, 19], [0, 0, 12], [5, 6, 7]])
    with torch.no_grad():
        everywhere = ours(input_ids, attention_mask=mask)
        there = ours(input_ids, positions, mask)
    rows = torch.arange(3)[:, None]
    torch.testing.assert_close(there, everywhere[rows, positions])


def test_gradients_through_positions_are_those_of_the_whole(ours, batch):
    input_ids, mask = batch
    positions = torch.tensor([[3, 1], [0, 12], [0, 0]])
    gradients = []
    for logits in (
        ours(input_ids, positions, mask),
        ours(input_ids, attention_mask=mask)[torch.arange(3)[:, None], positions],
    ):
        ours.zero_grad()
        logits.logsumexp(-1).sum().backward()
        gradients.append([p.grad.clone() for p in ours.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_the_decoder_is_the_embedding_table(ours):
    assert ours.decoder.weight is ours.encoder.tokens.weight
    free = MaskedLanguageModel(EncoderConfig.modern(50, hidden_size=16, tie_embeddings=False))
    assert free.decoder.weight is not free.encoder.tokens.weight


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_does_not_change_a_decision(family, pooling):
    torch.manual_seed(0)
    encoder = Encoder(getattr(EncoderConfig, family)(50, hidden_size=16))
    model = SequenceClassifier(encoder, 3, pooling).eval()
    ids = torch.randint(50, (2, 9))
    mask = torch.tensor([[1] * 9, [1] * 4 + [0] * 5])
    torch.testing.assert_close(model(ids, mask)[1], model(ids[1:, :4])[0], atol=1e-6, rtol=0)
    assert model(ids * 0 + 1, mask * 0).isfinite().all()


def test_putting_a_head_on_an_encoder_leaves_it_alone():
    encoder = Encoder(EncoderConfig.modern(50, hidden_size=16))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    SequenceClassifier(encoder, 2)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize(
    ("positions", "error", "says"),
    [
        (torch.tensor([[0, 20]] * 3), ValueError, "20"),
        (torch.tensor([[0, -1]] * 3), ValueError, "-1"),
        (torch.tensor([[0, 1]]), ValueError, "3"),
        (torch.tensor([0, 1, 2]), ValueError, "non-empty"),
        (torch.zeros(3, 2), TypeError, "whole numbers"),
        (torch.zeros(3, 20, dtype=torch.bool), TypeError, "bool"),
    ],
)
def test_bad_positions_get_one_sentence(ours, batch, positions, error, says):
    with pytest.raises(error, match=says):
        ours(batch[0], positions)


def test_bad_choices_are_refused():
    encoder = Encoder(EncoderConfig.modern(50, hidden_size=16))
    with pytest.raises(ValueError, match="pooling"):
        SequenceClassifier(encoder, 2, pooling="max")
    with pytest.raises(ValueError, match="num_labels"):
        SequenceClassifier(encoder, 0)
