"""Budgets against PyTorch's own counter of operations."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from course_utils.text.masking import Corruption
from course_utils.training.budgets import LENGTH, ROWS, flops_per_token, recipe_for, shaped
from course_utils.training.pretraining import batches, mlm_loss


@pytest.mark.parametrize(("layers", "width"), [(2, 32), (3, 96)])
def test_a_token_costs_what_torch_counts(layers, width):
    recipe = shaped(layers, width)
    model = recipe.model()
    rows = torch.randint(5, recipe.vocab_size, (ROWS, LENGTH))
    noise = Corruption(4, recipe.vocab_size, range(5), rate=recipe.rate)
    batch = batches(rows, ROWS, noise, seed=0)(0)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        mlm_loss(model, batch).backward()
    counted = counter.get_total_flops() / (ROWS * LENGTH)
    assert flops_per_token(recipe) == pytest.approx(counted, rel=0.03)


@pytest.mark.parametrize("flops", [1e11, 3e12])
def test_the_steps_spend_the_budget(flops):
    recipe = recipe_for(2, 64, flops)
    spent = recipe.train.steps * ROWS * LENGTH * flops_per_token(recipe)
    assert spent == pytest.approx(flops, rel=0.01)


def test_twice_the_budget_is_twice_the_steps_and_a_larger_model_gets_fewer():
    steps = [recipe_for(2, 64, flops).train.steps for flops in (1e12, 2e12)]
    assert steps[1] == pytest.approx(2 * steps[0], abs=1)
    assert recipe_for(3, 96, 1e12).train.steps < steps[0]
