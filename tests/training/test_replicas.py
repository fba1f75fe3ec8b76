"""Two processes against one, and against the loop's own gradient."""

import psutil
import pytest
import torch

from course_utils import lessons
from course_utils.training import replicas
from course_utils.training.loop import TrainConfig
from course_utils.training.parallel import team
from course_utils.training.pretraining import Recipe, batches, mlm_loss

TINY = {"steps": 3, "batch_size": 6, "layers": 1, "width": 32}


def recipe():
    return Recipe(
        TrainConfig(steps=3), vocab_size=2048, hidden_size=32, num_layers=1, num_heads=2,
        mlp_size=88, length=64, batch_size=6,
    )  # fmt: skip


def test_two_processes_find_the_gradient_of_one_and_keep_equal_weights(monkeypatch):
    for name, value in lessons.offline_environment().items():  # as in a lesson: without a network
        monkeypatch.setenv(name, value)
    figures, theirs = replicas.launch(2, **TINY)
    assert (figures.processes, figures.threads, figures.tokens) == (2, 1, 384)
    assert figures.largest_difference == 0
    assert figures.step_seconds > 0 and figures.exchange_seconds > 0
    with team() as alone:
        own, ours = replicas.measure(alone, recipe())
    assert own.gradient_bytes == figures.gradient_bytes
    assert theirs.keys() == ours.keys()
    for name, gradient in ours.items():
        assert torch.allclose(theirs[name], gradient, atol=1e-6, rtol=1e-4), name


def test_the_gradient_is_that_of_the_mean_loss():
    """Autograd on the whole batch, without the loop."""
    with team() as alone:
        _, found = replicas.measure(alone, recipe())
    model = recipe().model()
    dice = torch.Generator().manual_seed(0)
    rows = torch.randint(5, 2048, (6, 64), generator=dice)
    noise = replicas.Corruption(4, 2048, replicas.SPECIAL, rate=recipe().rate)
    batch = batches(rows, 6, noise, seed=0)(0)
    (mlm_loss(model, batch) / batch.count()).backward()
    for name, weight in model.named_parameters():
        assert torch.allclose(found[name], weight.grad, atol=1e-6, rtol=1e-4), name


def test_after_its_time_is_up_no_process_is_left(monkeypatch):
    monkeypatch.setattr(replicas, "PATIENCE", 15)
    with pytest.raises(RuntimeError, match="stopped after 15 seconds"):
        replicas.launch(2, **TINY | {"steps": 10**6})
    left = [one.info["cmdline"] for one in psutil.process_iter(["cmdline"])]
    assert not [line for line in left if line and "1000000" in line and replicas.__name__ in line]
