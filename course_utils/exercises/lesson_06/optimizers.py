"""Lesson 06, section 6.3: AdamW by hand, and the schedule of its learning rate."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding
from course_utils.training import optim


def adamw_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    t: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Step number t = 1, 2, … of AdamW: the new (weight, mean, square).

    mean ← β₁ mean + (1 − β₁) gradient;  square ← β₂ square + (1 − β₂) gradient².  Divided by
    1 − β₁ᵗ and 1 − β₂ᵗ they are m̂ and v̂.  The weight shrinks by the factor 1 − lr · weight_decay,
    then loses lr · m̂ / (√v̂ + eps).  All tensors have one shape, and none of them is changed.
    """
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    m_hat = mean / (1 - beta1**t)
    v_hat = square / (1 - beta2**t)
    weight = weight * (1 - lr * weight_decay) - lr * m_hat / (v_hat.sqrt() + eps)
    return weight, mean, square


adamw = coding(
    "06.3",
    title="AdamW by hand",
    difficulty=4,
    minutes=12,
    given="a weight, its gradient, the two running means from before and the number of this step",
    reference=adamw_step,
    hints=[
        "Five lines, in the order of the task: mean, square, m̂, v̂, weight.",
        "The running means that you return are the ones before the division; m̂ and v̂ are used "
        "once and forgotten.",
        "`weight * (1 - lr * weight_decay) - lr * m_hat / (v_hat.sqrt() + eps)`.",
    ],
    why="Both means begin at 0, and the division takes that beginning out again. The decay does "
    "not go through the means: that is the W of AdamW (Loshchilov and Hutter 2019).",
    then="run it for t = 1 with gradients of 0.001 and of 1000. What is remarkable?",
)


@adamw.cases
def adamw_cases(draw):
    for shape, t, eps in (((2,), 1, 1e-8), ((3, draw.size(2, 5)), draw.size(3, 9), 1e-8),
                          ((5,), 2, 0.1)):  # fmt: skip
        state = draw.normal(*shape) / 4, draw.uniform(*shape) / 9
        if t == 1:
            state = 0 * state[0], 0 * state[1]
        yield case(draw.normal(*shape), draw.normal(*shape), *state, t, 0.1, (0.8, 0.95), eps, 0.3)


@adamw.oracle
def torch_adamw(weight, gradient, mean, square, t, lr, betas, eps, weight_decay):
    parameter = nn.Parameter(weight.clone())
    optimizer = torch.optim.AdamW([parameter], lr, betas, eps, weight_decay, foreach=False)
    optimizer.state[parameter] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": mean.clone(),
        "exp_avg_sq": square.clone(),
    }
    parameter.grad = gradient.clone()
    optimizer.step()
    state = optimizer.state[parameter]
    return parameter.detach(), state["exp_avg"], state["exp_avg_sq"]


adamw.wrong_edit(
    "no_correction",
    old="lr * m_hat / (v_hat.sqrt() + eps)",
    new="lr * mean / (square.sqrt() + eps)",
    message="the running means still carry their start at 0: divide by 1 − βᵗ",
    section="6.3",
)
adamw.wrong_edit(
    "decay_in_the_gradient",
    old="    mean = beta1",
    new="    gradient, weight_decay = gradient + weight_decay * weight, 0.0\n    mean = beta1",
    message="the decay goes into the gradient and through the means: that is Adam with L2, not "
    "AdamW",
    section="6.3",
)
adamw.wrong_edit(
    "eps_under_the_root",
    old="(v_hat.sqrt() + eps)",
    new="(v_hat + eps).sqrt()",
    message="eps stands outside the root, not under it",
    section="6.3",
)
adamw.wrong_edit(
    "decay_without_lr",
    old="(1 - lr * weight_decay)",
    new="(1 - weight_decay)",
    message="the decay is multiplied by the learning rate, too",
    section="6.3",
)
adamw.wrong_edit(
    "square_of_the_mean",
    old="gradient**2",
    new="mean**2",
    message="square is a mean of squares, of the gradient itself and not of its mean",
    section="6.3",
)
adamw.wrong_edit(
    "betas_exchanged",
    old="beta1, beta2 = betas",
    new="beta2, beta1 = betas",
    message="the two betas are exchanged: the first one is for the mean",
    section="6.3",
)
adamw.wrong_edit(
    "counted_from_zero",
    old="    m_hat = mean",
    new="    t = t + 1\n    m_hat = mean",
    message="the steps count from 1, so the power is t itself",
    section="6.3",
)
adamw.wrong_edit(
    "corrected_for_good",
    old="return weight, mean, square",
    new="return weight, m_hat, v_hat",
    message="you hand on the corrected means; the next step would correct them again",
    section="6.3",
)


@adamw.alternative
def with_lerp(weight, gradient, mean, square, t, lr, betas, eps, weight_decay):
    mean = torch.lerp(mean, gradient, 1 - betas[0])
    square = torch.lerp(square, gradient.square(), 1 - betas[1])
    scale = torch.sqrt(square / (1 - betas[1] ** t)) + eps
    return weight - lr * (weight_decay * weight + mean / (1 - betas[0] ** t) / scale), mean, square


@adamw.alternative
def by_the_library(weight, gradient, mean, square, t, lr, betas, eps, weight_decay):
    parameter = nn.Parameter(weight.clone())
    ours = optim.AdamW([parameter], lr, betas, eps, weight_decay)
    parameter.grad = gradient
    ours.state[parameter] = {
        "step": torch.tensor(t - 1.0),
        "mean": mean.clone(),
        "square": square.clone(),
    }
    ours.step()
    state = ours.state[parameter]
    return parameter.detach(), state["mean"], state["square"]


rates = coding(
    "06.4",
    title="Up the ramp and down the hill",
    difficulty=2,
    minutes=7,
    given="the number of a step, counted from 0, how many there are, and how many warm up; `math`",
    reference=optim.schedule,
    task="""The factor on the learning rate at `step` = 0 … total - 1.

    Over the first `warmup` steps it rises in a straight line: the first of them has 1/warmup and
    the last one 1. Then it stays at 1 ("constant"), or falls from 1 at step `warmup` to 0 at step
    `total`, in a straight line ("linear") or along half a cosine ("cosine").
    """,
    hints=[
        "Two cases: `step < warmup`, and the rest. On the ramp step 0 must not have a factor of 0.",
        "Behind the ramp: which share of the way is done? It is 0 at step `warmup` and would be 1 "
        "at step `total`.",
        "`done = (step - warmup) / (total - warmup)`; then 1 − done, or (1 + cos(π · done)) / 2.",
    ],
    why="Counting from `step + 1` on the ramp makes every step do something. The fall begins where "
    "the ramp ends, and reaches 0 one step after the last: no step is wasted at either end.",
    then="draw it. What happens when warmup is larger than the number of steps that you ever make?",
)


@rates.cases
def rate_cases(draw):
    yield case(0, 4, 2)
    yield case(3, 4, 0)
    total = draw.size(20, 40)
    for kind in ("linear", "cosine", "constant"):
        for step in (0, 4, 5, 6, 11, total - 1):
            yield case(step, total, 5, kind)
    yield case(9, 10, 10)


@rates.oracle
def by_interpolation(step, total, warmup=0, kind="linear"):
    """NumPy: through the corners of the curve."""
    if step < warmup:
        return float(np.interp(step, [-1, warmup - 1], [0, 1]))
    done = np.interp(step, [warmup, total], [0, 1])
    falls = {"constant": 1.0, "linear": 1 - done, "cosine": np.cos(np.pi * done / 2) ** 2}
    return float(falls[kind])


rates.wrong_edit(
    "first_step_at_zero",
    old="return (step + 1) / warmup",
    new="return step / warmup",
    message="the first step has a factor of 0: nothing moves",
    section="6.3",
)
rates.wrong_edit(
    "fall_from_the_start",
    old="(step - warmup) / (total - warmup)",
    new="step / total",
    message="the fall is measured from step 0: behind the ramp there is a cliff",
    section="6.3",
)
rates.wrong_edit(
    "fall_too_long",
    old="(step - warmup) / (total - warmup)",
    new="(step - warmup) / total",
    message="the fall does not reach 0: it has total − warmup steps, not total",
    section="6.3",
)
rates.wrong_edit(
    "last_step_at_zero",
    old="(total - warmup)\n",
    new="max(total - warmup - 1, 1)\n",
    message="the last step has a factor of 0 and is wasted: 0 is reached at step `total`, which "
    "is never made",
    section="6.3",
)
rates.wrong_edit(
    "whole_cosine",
    old="math.cos(math.pi * done)",
    new="math.cos(2 * math.pi * done)",
    message="a whole wave of the cosine comes up again: half a wave is asked for",
    section="6.3",
)


@rates.wrong("no ramp: the first steps are as long as all others", "6.3")
def no_ramp(step, total, warmup=0, kind="linear"):
    return optim.schedule(max(step, warmup), total, warmup, kind) if warmup < total else 1.0


@rates.alternative
def as_a_minimum(step, total, warmup=0, kind="linear"):
    ramp = (step + 1) / warmup if warmup else math.inf
    if ramp <= 1:
        return ramp
    left = (total - step) / (total - warmup)
    return {"constant": 1.0, "linear": left, "cosine": math.sin(math.pi * left / 2) ** 2}[kind]


@rates.alternative
def by_the_oracle_of_torch(step, total, warmup=0, kind="linear"):
    if step < warmup:
        return (1 + step) / warmup
    done = torch.tensor((step - warmup) / (total - warmup), dtype=torch.float64)
    fall = {"constant": 0 * done, "linear": done, "cosine": (1 - torch.cos(torch.pi * done)) / 2}
    return (1 - fall[kind]).item()
