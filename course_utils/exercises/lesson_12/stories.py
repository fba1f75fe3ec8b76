"""Lesson 12, section 12.4: two stories about a decision."""

import numpy as np
import torch
from torch import Tensor

from course_utils.evaluation import attribution
from course_utils.exercises.exercise import case, coding

rollout = coding(
    "12.4",
    title="Attention, rolled out",
    difficulty=3,
    minutes=10,
    given="the attention weights of every layer, (B, H, L, L) each, the first layer first",
    reference=attribution.attention_rollout,
    task="""How much of each input token has flowed into each output, by attention: (B, L, L).

    maps holds the weights of every layer, first to last, (B, H, L, L) each.  Take the mean over
    the heads, then the mean of that and the identity (the residual path), and multiply the layers,
    each later one from the left.
    """,
    hints=[
        "One layer: `(weights.mean(1) + torch.eye(L)) / 2`, a (B, L, L) whose rows sum to one.",
        "Begin with the first layer's matrix, and for every further one: `next @ so_far`.",
    ],
    why="Output = A₂ (A₁ x): the later layer stands on the left. Its rows still sum to one, since "
    "products of such matrices do.",
    then="what is left out of this story? Count the parts of a layer that do not occur in it.",
)


@rollout.cases
def rollout_cases(draw):
    yield case([draw.normal(1, 1, 2, 2).softmax(-1) for _ in range(2)])
    length = draw.size(3, 6)
    yield case([draw.normal(2, 3, length, length).softmax(-1) for _ in range(4)])
    yield case([draw.normal(3, 2, 5, 5).softmax(-1)])


@rollout.oracle
def with_numpy(maps):
    rows = []
    for row in range(len(maps[0])):
        product = np.eye(maps[0].size(-1))
        for weights in maps:
            product = (weights[row].double().numpy().mean(0) + np.eye(len(product))) / 2 @ product
        rows.append(product)
    return torch.from_numpy(np.stack(rows)).to(maps[0].dtype)


rollout.wrong_edit(
    "multiplied_from_the_right",
    old="(weights.mean(1) + eye) / 2 @ rollout",
    new="rollout @ ((weights.mean(1) + eye) / 2)",
    message="the order is reversed: what the last layer mixes has been mixed by the first already",
    section="12.4",
)


@rollout.wrong("the residual path is missing: half of each token goes straight on", "12.4")
def forgot_the_residual_path(maps):
    product = maps[0].mean(1)
    for weights in maps[1:]:
        product = weights.mean(1) @ product
    return product


@rollout.wrong("the rows sum to more than one: take the *mean* of attention and identity", "12.4")
def forgot_the_half(maps):
    eye = torch.eye(maps[0].size(-1), dtype=maps[0].dtype)
    product = maps[0].mean(1) + eye
    for weights in maps[1:]:
        product = (weights.mean(1) + eye) @ product
    return product


@rollout.wrong("a mean over the layers; but the text flows through one after another", "12.4")
def averaged_the_layers(maps):
    eye = torch.eye(maps[0].size(-1), dtype=maps[0].dtype)
    return (torch.stack([weights.mean(1) for weights in maps]).mean(0) + eye) / 2


@rollout.wrong("that is the last layer alone", "12.4")
def last_layer_only(maps):
    return (maps[-1].mean(1) + torch.eye(maps[0].size(-1), dtype=maps[0].dtype)) / 2


@rollout.wrong("number by number; a path through two layers is a matrix product", "12.4")
def elementwise(maps):
    eye = torch.eye(maps[0].size(-1), dtype=maps[0].dtype)
    product = torch.ones_like(maps[0][:, 0])
    for weights in maps:
        product = product * (weights.mean(1) + eye) / 2
    return product


@rollout.alternative
def with_multi_dot(maps):
    eye = torch.eye(maps[0].size(-1), dtype=maps[0].dtype)
    layers = [(weights.mean(1) + eye) / 2 for weights in maps][::-1]
    out = layers[0]
    for layer in layers[1:]:
        out = torch.bmm(out, layer)
    return out


@rollout.alternative
def in_place_sums(maps):
    out = torch.eye(maps[0].size(-1), dtype=maps[0].dtype).expand(len(maps[0]), -1, -1)
    for weights in maps:
        out = 0.5 * out + 0.5 * torch.einsum("bhij,bjk->bik", weights, out) / weights.size(1)
    return out


gradients = coding(
    "12.5",
    title="Gradients along a path",
    difficulty=4,
    minutes=12,
    given="a score that maps points (B, …) to (B,), one point, and a baseline of the same shape",
    reference=attribution.integrated_gradients,
    task="""How much each number of the input has contributed to the score: the shape of `inputs`.

    (inputs − baseline) times the mean gradient along the straight line from baseline to inputs,
    taken in the middle of each of `steps` equal pieces.  `score` maps a batch (B, …) to (B,).
    """,
    hints=[
        "The middles: (0 + ½)/steps, (1 + ½)/steps … Put all of them into one batch of points.",
        "`torch.autograd.grad(score(path).sum(), path)[0]`: the points do not see each other, so "
        "the gradient of the sum holds each one's own.",
        "Mean over the batch, times (inputs − baseline).",
    ],
    why="A single gradient says what a *small* change would do, and where a decision is saturated "
    "that is nothing. Along the path the changes add up to the whole difference.",
    then="check completeness: does it sum up to score(inputs) − score(baseline)?",
)


def cubic(points: Tensor) -> Tensor:
    return (points.flatten(1) ** 3).sum(1)


def saturated(points: Tensor) -> Tensor:
    return torch.sigmoid(4 * points.flatten(1).sum(1))


def product(points: Tensor) -> Tensor:
    return points.flatten(1).prod(1)


@gradients.cases
def gradient_cases(draw):
    yield case(cubic, draw.normal(2) + 3, draw.normal(2), 4)
    yield case(product, draw.normal(3) + 2, draw.normal(3) * 0.5, 6)
    yield case(saturated, draw.normal(2, 3) + 1, draw.normal(2, 3) * 0.1, 5)


@gradients.oracle
def by_small_steps(score, inputs, baseline, steps):
    """The mean of the gradient by central differences, coordinate by coordinate."""
    x, start = inputs.double(), baseline.double()
    total = torch.zeros_like(x)
    for step in range(steps):
        point = start + (step + 0.5) / steps * (x - start)
        for place in range(x.numel()):
            nudge = torch.zeros_like(x).flatten()
            nudge[place] = 1e-5
            nudge = nudge.view_as(x)
            ends = score(torch.stack([point + nudge, point - nudge]))
            total.view(-1)[place] += (ends[0] - ends[1]) / 2e-5
    return ((x - start) * total / steps).to(inputs.dtype)


@gradients.wrong("gradient × input at the end point: no path, blind to saturation", "12.4")
def gradient_at_the_end(score, inputs, baseline, steps):
    point = inputs.clone()[None].requires_grad_()
    (gradient,) = torch.autograd.grad(score(point).sum(), point)
    return (inputs - baseline) * gradient[0]


gradients.wrong_edit(
    "forgot_to_multiply",
    old="(inputs - baseline) * gradient.mean(0)",
    new="gradient.mean(0)",
    message="that is a slope; times the distance it becomes a contribution",
    section="12.4",
)
gradients.wrong_edit(
    "summed_the_steps",
    old="gradient.mean(0)",
    new="gradient.sum(0)",
    message="a sum over the steps grows with their number: take the mean",
    section="12.4",
)
gradients.wrong_edit(
    "left_ends",
    old="+ 0.5) / steps",
    new="+ 0.0) / steps",
    message="you take the left end of each piece, where the middle was asked for",
    section="12.4",
)
gradients.wrong_edit(
    "from_the_origin",
    old="baseline + shares * (inputs - baseline)",
    new="shares * inputs",
    message="the path begins at zero instead of at the baseline",
    section="12.4",
)
gradients.wrong_edit(
    "multiplied_by_the_input",
    old="(inputs - baseline) * gradient",
    new="inputs * gradient",
    message="times the distance from the baseline, not times the input",
    section="12.4",
)


@gradients.alternative
def step_by_step(score, inputs, baseline, steps):
    total = torch.zeros_like(inputs)
    for step in range(steps):
        point = baseline + (step + 0.5) / steps * (inputs - baseline)
        point = point.detach().requires_grad_()
        total += torch.autograd.grad(score(point[None])[0], point)[0]
    return (inputs - baseline) * total / steps


@gradients.alternative
def with_backward(score, inputs, baseline, steps):
    shares = (2 * torch.arange(steps, dtype=inputs.dtype) + 1) / (2 * steps)
    path = torch.stack([torch.lerp(baseline, inputs, share) for share in shares])
    path = path.detach().requires_grad_()
    score(path).sum().backward()
    return path.grad.mean(0) * (inputs - baseline)
