"""Probes against scikit-learn, control labels against counting, silenced heads against zeros."""

import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from course_utils.evaluation.probing import control_labels, explained, linear_probe, silenced
from course_utils.model.encoder import Encoder, EncoderConfig

DICE = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(shape, generator=DICE, dtype=torch.float64)


@pytest.mark.parametrize("ridge", [1e-3, 0.3])
def test_the_probe_is_scikit_learns_ridge(ridge):
    known, targets, asked = normal(60, 5) + 3, normal(60, 2) - 1, normal(9, 5)
    theirs = Ridge(alpha=ridge * 60).fit(known, targets).predict(asked)
    assert linear_probe(known, targets, asked, ridge).numpy() == pytest.approx(theirs)


def test_the_probe_answers_in_the_dtype_of_what_is_asked_and_survives_equal_columns():
    known = normal(40, 1).repeat(1, 3)
    found = linear_probe(known, known[:, :1] * 2, known.float(), ridge=0)
    assert found.dtype == torch.float32
    assert torch.allclose(found, known[:, :1].float() * 2, atol=1e-4)


def test_explained_is_scikit_learns_r2():
    truth, guesses = normal(50, 3) * torch.tensor([1.0, 5.0, 0.2]), normal(50, 3)
    theirs = r2_score(truth, guesses, multioutput="variance_weighted")
    assert explained(truth, guesses) == pytest.approx(theirs)
    assert explained(truth, truth.mean(0).expand(50, -1)) == pytest.approx(0)


def test_a_word_has_one_control_label_wherever_it_stands_and_whatever_stands_beside_it():
    words = torch.randint(0, 500, (40, 30), generator=DICE)
    labels = control_labels(words, 4, seed=3)
    assert labels.shape == words.shape and labels.dtype == torch.int64
    pairs = list(zip(words.flatten().tolist(), labels.flatten().tolist(), strict=True))
    assert all(dict(pairs)[word] == label for word, label in pairs[:200])
    few = words[words < 100]
    assert control_labels(few, 4, seed=3).equal(labels[words < 100])
    assert not control_labels(words, 4, seed=4).equal(labels)


def test_control_labels_are_drawn_evenly():
    counts = torch.bincount(control_labels(torch.arange(6000), 3))
    assert counts.tolist() == pytest.approx([2000] * 3, rel=0.1)


@pytest.mark.parametrize("family", [EncoderConfig.bert, EncoderConfig.modern])
def test_silenced_heads_are_columns_of_zeros(family):
    torch.manual_seed(0)
    encoder = Encoder(family(30, hidden_size=24, num_layers=2, num_heads=3)).eval()
    ids = torch.randint(5, 30, (2, 7), generator=DICE)
    with torch.no_grad():
        before = encoder(ids)
        with silenced(encoder, {0: [1], 1: [0, 2]}):
            ours = encoder(ids)
        assert encoder(ids).equal(before) and not ours.equal(before)
        encoder.layers[0].attention.out.weight[:, 8:16] = 0
        encoder.layers[1].attention.out.weight[:, :8] = 0
        encoder.layers[1].attention.out.weight[:, 16:] = 0
        assert torch.allclose(ours, encoder(ids), atol=1e-6)


def test_the_heads_speak_again_after_an_error():
    encoder = Encoder(EncoderConfig.modern(20, hidden_size=16, num_layers=1, num_heads=2))
    ids = torch.tensor([[5, 6, 7]])
    before = encoder(ids)
    with pytest.raises(RuntimeError), silenced(encoder, {0: [0]}):
        raise RuntimeError
    assert encoder(ids).equal(before)
