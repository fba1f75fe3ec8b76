"""Attributions against NumPy, closed forms and brute force."""

import numpy as np
import pytest
import torch

from course_utils.evaluation.attribution import (
    attention_rollout,
    deletion_curve,
    embedding_score,
    integrated_gradients,
    leave_one_out,
)
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import SequenceClassifier

DICE = torch.Generator().manual_seed(0)


def test_rollout_is_a_product_of_matrices():
    maps = [torch.randn(2, 3, 5, 5, generator=DICE).softmax(-1) for _ in range(4)]
    for row in range(2):
        product = np.eye(5)
        for weights in maps:
            product = (weights[row].mean(0).numpy() + np.eye(5)) / 2 @ product
        assert attention_rollout(maps)[row].numpy() == pytest.approx(product, abs=1e-6)
    assert attention_rollout(maps).sum(-1).numpy() == pytest.approx(1, abs=1e-5)


def test_integrated_gradients_of_polynomials_in_closed_form():
    x, start = torch.tensor([2.0, -1.0, 3.0]).double(), torch.tensor([0.5, 0.0, 1.0]).double()
    cubes = integrated_gradients(lambda p: p.pow(3).sum(-1), x, start, steps=400)
    assert cubes.numpy() == pytest.approx((x**3 - start**3).numpy(), rel=1e-4)
    weights = torch.tensor([4.0, 5.0, -6.0]).double()
    linear = integrated_gradients(lambda p: p @ weights, x, start, steps=1)
    assert linear.numpy() == pytest.approx((weights * (x - start)).numpy())


def small():
    torch.manual_seed(1)
    shape = EncoderConfig.modern(30, hidden_size=16, num_layers=2, num_heads=2)
    return SequenceClassifier(Encoder(shape), 2).eval()


def test_they_sum_up_to_the_difference_of_a_real_model():
    model, ids = small(), torch.tensor([5, 9, 11, 7])
    score = embedding_score(model, ids, 1)
    vectors, baseline = model.encoder.embed(torch.stack([ids, torch.full_like(ids, 4)]))[0].detach()
    found = integrated_gradients(score, vectors, baseline, steps=200)
    ends = model(torch.stack([ids, torch.full_like(ids, 4)]))[:, 1]
    assert found.shape == vectors.shape
    assert found.sum().item() == pytest.approx((ends[0] - ends[1]).item(), abs=1e-4)
    assert not model.encoder.embedding_norm._forward_hooks


def test_the_score_notices_how_long_a_vector_is():
    model, ids = small(), torch.tensor([5, 9, 11, 7])
    score, vectors = embedding_score(model, ids, 1), model.encoder.embed(ids[None])[0].detach()
    norm, raw = model.encoder.embedding_norm, model.encoder.tokens(ids)[None].detach()
    with torch.no_grad():
        assert score(vectors).allclose(model(ids[None])[:, 1])
        behind = (score(2 * vectors) - score(vectors)).abs()
        before = (score(norm(2 * raw)) - score(norm(raw))).abs()
    assert behind > 10 * before


def test_leaving_out_and_deleting_by_brute_force():
    model, ids = small(), torch.tensor([5, 9, 11, 7, 9])
    with torch.no_grad():
        score = lambda rows: model(rows)[:, 0]  # noqa: E731
        losses = []
        for place in range(5):
            without = ids.clone()
            without[place] = 4
            losses.append((score(ids[None]) - score(without[None])).item())
        importance = leave_one_out(score, ids, mask_id=4)
        assert importance.tolist() == pytest.approx(losses, abs=1e-6)
        shrinking, curve = ids.clone(), [score(ids[None]).item()]
        for place in sorted(range(5), key=lambda i: -importance[i]):
            shrinking[place] = 4
            curve.append(score(shrinking[None]).item())
        ours = deletion_curve(score, ids, importance, mask_id=4)
    assert ours.tolist() == pytest.approx(curve, abs=1e-6)


def test_ties_are_deleted_from_the_left():
    seen = []
    deletion_curve(lambda rows: seen.append(rows) or rows[:, 0].float(), torch.tensor([5, 6]),
                   torch.zeros(2), mask_id=4)  # fmt: skip
    assert seen[0].tolist() == [[5, 6], [4, 6], [4, 4]]
