"""Our optimizers against PyTorch's, the schedule against its definition."""

import pytest
import torch
from torch import nn

from course_utils.training.optim import AdamW, Muon, build_optimizers, orthogonalize, schedule


def race(ours, theirs, shape, steps=30):
    torch.manual_seed(0)
    a = nn.Parameter(torch.randn(shape))
    b = nn.Parameter(a.detach().clone())
    first, second = ours([a]), theirs([b])
    for _ in range(steps):
        gradient = torch.randn(shape)
        a.grad, b.grad = gradient.clone(), gradient.clone()
        first.step()
        second.step()
    return (a - b).abs().max().item()


@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 4)])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("fused", [False, True])
def test_the_adamw_to_read_equals_those_of_torch(shape, decay, fused):
    kw = {"lr": 3e-3, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": decay}
    theirs = lambda p: torch.optim.AdamW(p, fused=fused, **kw)  # noqa: E731
    assert race(lambda p: AdamW(p, **kw), theirs, shape) < 1e-6


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_model_is_trained_with_the_fused_kernel_and_the_choices_that_were_given(kind):
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4))
    adamw = build_optimizers(model, 1e-3, 0.1, kind, beta1=0.7)[-1]
    assert isinstance(adamw, torch.optim.AdamW)
    for group in adamw.param_groups:
        assert (group["fused"], group["lr"], group["betas"]) == (True, 1e-3, (0.7, 0.98))


@pytest.mark.parametrize("shape", [(16, 16), (24, 8), (8, 24)])
def test_muon_equals_torch(shape):
    """torch.optim.Muon multiplies in bfloat16, we in float32, so equal to that precision."""
    kw = {"lr": 1e-2, "momentum": 0.95, "weight_decay": 0.1}
    theirs = lambda p: torch.optim.Muon(p, adjust_lr_fn="match_rms_adamw", **kw)  # noqa: E731
    steps, moved = 10, 1e-2 * 0.2 * max(shape) ** 0.5 * 10
    assert race(lambda p: Muon(p, **kw), theirs, shape, steps) < 0.03 * moved


@pytest.mark.parametrize("shape", [(32, 32), (48, 16), (16, 48)])
def test_orthogonalize_keeps_the_directions_and_levels_the_sizes(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonalize(matrix) @ vh.T
    values = inner.diagonal()
    assert (inner - torch.diag(values)).abs().max() < 1e-4
    assert values[s > 0.1 * s.max()].min() > 0.6 and values.max() < 1.3


def test_schedule_rises_and_falls():
    assert [schedule(s, 4, 0, "linear") for s in range(4)] == [1, 0.75, 0.5, 0.25]
    assert schedule(5, 10, 0, "cosine") == pytest.approx(0.5)
    assert {schedule(s, 10, 2, "constant") for s in range(2, 10)} == {1.0}


def test_every_parameter_has_exactly_one_optimizer():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 9))
    model[3].weight = model[0].weight  # tied
    for kind in ("muon", "adamw"):
        optimizers = build_optimizers(model, 1e-3, 0.1, kind)
        owned = [id(p) for o in optimizers for g in o.param_groups for p in g["params"]]
        assert sorted(owned) == sorted(id(p) for p in model.parameters())
        decayed = [
            p for o in optimizers for g in o.param_groups if g["weight_decay"] for p in g["params"]
        ]
        assert [id(p) for p in decayed] == [id(model[1].weight)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: AdamW([nn.Parameter(torch.ones(1))], lr=-1), "lr"),
        (lambda: AdamW([nn.Parameter(torch.ones(1))], lr=1, betas=(1.0, 0.9)), "betas"),
        (lambda: Muon([nn.Parameter(torch.ones(3))], lr=1), "matrices"),
        (lambda: Muon([nn.Parameter(torch.ones(2, 2))], lr=1, momentum=1.0), "momentum"),
        (lambda: orthogonalize(torch.ones(3)), "matrix"),
        (lambda: schedule(5, 5), "step"),
        (lambda: schedule(0, 5, 6), "warmup"),
        (lambda: schedule(0, 5, 0, "steps"), "kind"),
        (lambda: build_optimizers(nn.Linear(2, 2), 1e-3, kind="sgd"), "kind"),
    ],
)
def test_bad_input_is_told_in_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
