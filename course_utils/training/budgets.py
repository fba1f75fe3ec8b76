"""Recipes for a budget of arithmetic: so many operations, a shape, and the steps follow.

Lesson 13's runs differ in shape and budget and in nothing else, so both its live run and its
reference runs come from here.
"""

from course_utils import machine
from course_utils.training.loop import TrainConfig
from course_utils.training.pretraining import Recipe

ROWS, LENGTH, VOCABULARY = 16, 64, 2048  # 1,024 tokens a step: small models need many steps


def shaped(layers: int, width: int, steps: int = 1, lr: float = 3e-3, seed: int = 0) -> Recipe:
    """The lesson's recipe in another shape, for `steps` steps that end with a rate of zero.

    >>> shaped(2, 64).config.mlp_size
    176
    """
    if not (isinstance(layers, int) and layers >= 1):
        raise ValueError(f"layers must be a whole number from 1 upwards, not {layers!r}.")
    if not (isinstance(width, int) and width >= 8 and width % 8 == 0):
        raise ValueError(f"width must be a multiple of 8, not {width!r}.")
    return Recipe(
        TrainConfig(steps=steps, lr=lr, weight_decay=0.1, warmup=min(20, steps // 10), seed=seed),
        vocab_size=VOCABULARY, hidden_size=width, num_layers=layers, num_heads=2,
        mlp_size=width * 11 // 4, length=LENGTH, batch_size=ROWS, mask_share=1.0, random_share=0.0,
    )  # fmt: skip


def flops_per_token(recipe: Recipe) -> float:
    """Operations that one token of training costs, forward and backward.

    >>> round(flops_per_token(shaped(3, 128)) / 1e6, 1)
    4.4
    """
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe, not {type(recipe).__name__}.")
    tokens = recipe.batch_size * recipe.length
    masked = round(recipe.rate * tokens)
    return machine.training_flops(recipe.config, tokens, masked, recipe.length) / tokens


def working_parameters(recipe: Recipe) -> float:
    """N of C = 6 N D: how many parameters would cost as much, if each worked on each token.

    The output layer works on hidden tokens only and the attention's products have no parameters,
    so the parameters of a file are not what a token pays for. Taking the cost for the size is the
    idea of Bi et al. (2024, "DeepSeek LLM", section 3.2), who leave the vocabulary out.

    >>> round(working_parameters(shaped(3, 128)))
    734768
    """
    return flops_per_token(recipe) / 6


def recipe_for(layers: int, width: int, flops: float, lr: float = 3e-3, seed: int = 0) -> Recipe:
    """The recipe of this shape that spends `flops` operations, to the nearest step.

    Raises:
        ValueError: a budget below one step, or as in `shaped`.

    >>> recipe = recipe_for(3, 96, 1.2e12)
    >>> recipe.train.steps * ROWS * LENGTH * flops_per_token(recipe) / 1.2e12 > 0.99
    True
    """
    step = flops_per_token(shaped(layers, width)) * ROWS * LENGTH
    if not flops >= step:
        raise ValueError(f"A budget of {flops:.1e} operations does not reach one step: {step:.1e}.")
    return shaped(layers, width, round(flops / step), lr, seed)
