"""Lesson 06, sections 6.2, 6.4 and 6.5: gradients that are checked, clipped and added up."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


def numerical_gradient(f: Callable[[Tensor], Tensor], x: Tensor, eps: float) -> Tensor:
    """The gradient of `f` at `x`, without any calculus; the shape and dtype of `x`.

    `f` turns a tensor into a scalar tensor. Each entry of the gradient is the central difference
    (f(x + eps) - f(x - eps)) / (2 eps), where that one entry of x is moved. x is left as it was.
    """
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        nudge = torch.zeros_like(x)
        nudge.view(-1)[i] = eps
        gradient.view(-1)[i] = (f(x + nudge) - f(x - nudge)) / (2 * eps)
    return gradient


numerical = coding(
    "06.2",
    title="A gradient without calculus",
    difficulty=3,
    minutes=8,
    given="a function of a tensor, the place x in float64, and how far to move",
    reference=numerical_gradient,
    tolerance=1e-5,
    hints=[
        "Take one entry. Move it up by eps, ask f; move it down by eps, ask f. All other entries "
        "stay where they are.",
        "A tensor of zeros with a single eps in it is a handy nudge: `f(x + nudge)`.",
        "`nudge.view(-1)[i] = eps` reaches the i-th entry, whatever the shape.",
    ],
    why="The error of the central difference shrinks with eps², that of the one-sided one with eps "
    "alone. It costs two calls of f for each entry, so it is a check and never a way to train.",
    then="make eps as small as 1e-14. Why does the answer become worse?",
)

FUNCTIONS = {
    "squares": lambda x: (x**2).sum() + x.reshape(-1)[0],
    "softmax": lambda x: -x.log_softmax(-1)[..., 0].mean(),
    "products": lambda x: (x.sin() * x.flip(-1)).sum() / 3,
}


@numerical.cases
def numerical_cases(draw):
    yield case("squares", draw.normal(2, dtype=torch.float64), 1e-3)
    yield case("softmax", draw.normal(draw.size(2, 4), 5, dtype=torch.float64), 1e-3)
    yield case("products", draw.normal(2, 3, 3, dtype=torch.float64), 2e-3)


@numerical.observe
def at_this_place(numerical_gradient, name, x, eps):
    found = numerical_gradient(FUNCTIONS[name], x, eps)
    return found


@numerical.oracle
def by_autograd(name, x, eps):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(FUNCTIONS[name](leaf), leaf)[0]


numerical.wrong_edit(
    "one_sided",
    old="(f(x + nudge) - f(x - nudge)) / (2 * eps)",
    new="(f(x + nudge) - f(x)) / eps",
    message="that is the one-sided difference: its error is of the size of eps; move both ways",
    section="6.2",
)
numerical.wrong_edit(
    "forgot_the_two",
    old="/ (2 * eps)",
    new="/ eps",
    message="from x − eps to x + eps it is two eps, not one",
    section="6.2",
)
numerical.wrong_edit(
    "never_moved_back",
    old="    for i in range(x.numel()):\n        nudge = torch.zeros_like(x)\n",
    new="    nudge = torch.zeros_like(x)\n    for i in range(x.numel()):\n",
    message="the entries that were moved before are still moved: begin each time from x",
    section="6.2",
)
numerical.wrong_edit(
    "wrong_sign",
    old="f(x + nudge) - f(x - nudge)",
    new="f(x - nudge) - f(x + nudge)",
    message="the sign is wrong: what does f do when the entry grows?",
    section="6.2",
)


@numerical.wrong("all entries are moved at once: that is the sum of all slopes", "6.2")
def moved_together(f, x, eps):
    return torch.full_like(x, float((f(x + eps) - f(x - eps)) / (2 * eps)))


@numerical.wrong("you forgot to divide by the way that was moved", "6.2")
def not_divided(f, x, eps):
    return numerical_gradient(f, x, eps) * 2 * eps


@numerical.alternative
def one_row_for_each_entry(f, x, eps):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape)
    slopes = [(f(x + step) - f(x - step)) / (2 * eps) for step in steps]
    return torch.stack(slopes).view_as(x)


@numerical.alternative
def with_a_copy(f, x, eps):
    x, slopes = x.clone(), []
    flat = x.view(-1)
    for i in range(len(flat)):
        before = flat[i].item()
        flat[i] = before + eps
        up = f(x).item()
        flat[i] = before - eps
        slopes.append((up - f(x).item()) / (2 * eps))
        flat[i] = before
    return torch.tensor(slopes, dtype=x.dtype).reshape(x.shape)


def clip_gradients(gradients: list[Tensor], limit: float) -> tuple[list[Tensor], float]:
    """Shorten all gradients together: (the clipped gradients, their norm before clipping).

    All tensors together count as one long vector, and its norm is the root of the sum of all
    squares. If the norm is above `limit`, every gradient is multiplied by limit/norm; otherwise
    they stay as they are. The tensors that were given are not changed.
    """
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    factor = limit / float(norm) if norm > limit else 1.0
    return [gradient * factor for gradient in gradients], float(norm)


clipping = coding(
    "06.5",
    title="Shorter, not bent",
    difficulty=3,
    minutes=6,
    given="the gradients of all weights, a list of tensors of several shapes, and the limit",
    reference=clip_gradients,
    tolerance=1e-5,
    hints=[
        "One norm for all of them: square every entry of every tensor, add up, take the root.",
        "One factor for all of them: `limit / norm` where the norm is above the limit, 1 otherwise "
        "(so that a norm of 0 divides nothing).",
    ],
    why="One common factor keeps the direction, and shortens only the step. Clipping tensor by "
    "tensor, or entry by entry, bends it.",
    then="what does clipping do to AdamW, which divides by the size of the gradient anyway?",
)


@clipping.cases
def clipping_cases(draw):
    yield case([draw.normal(2), draw.normal(2)], 0.5)
    yield case([3 * draw.normal(3, draw.size(2, 5)), draw.normal(5), draw.normal(2, 2)], 2.0)
    yield case([0.1 * draw.normal(3), 0.1 * draw.normal(2, 3)], 10.0)  # short enough already
    yield case([draw.normal(7, 3), 0.01 * draw.normal(3)], 1.5)
    yield case([0 * draw.normal(3), 0 * draw.normal(2, 2)], 1.0)


@clipping.oracle
def as_torch_clips(gradients, limit):
    weights = [nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    norm = nn.utils.clip_grad_norm_(weights, limit)
    return [weight.grad for weight in weights], float(norm)


clipping.wrong_edit(
    "norm_after_clipping",
    old="for gradient in gradients], float(norm)",
    new="for gradient in gradients], factor * float(norm)",
    message="right gradients, but the norm is to be the one from before: it is what one plots",
    section="6.4",
)
clipping.wrong_edit(
    "always_scaled",
    old=" if norm > limit else 1.0",
    new="",
    message="short gradients are made longer: the factor may be 1 at most",
    section="6.4",
)
clipping.wrong_edit(
    "forgot_the_root",
    old=".sum().sqrt()",
    new=".sum()",
    message="that is the square of the norm: the root is missing",
    section="6.4",
)


@clipping.wrong("every tensor is clipped on its own: the direction of the step changes", "6.4")
def one_by_one(gradients, limit):
    pairs = [clip_gradients([gradient], limit) for gradient in gradients]
    return [clipped[0] for clipped, _ in pairs], clip_gradients(gradients, limit)[1]


@clipping.wrong("you clip the entries, which bends the step; one factor is for all of them", "6.4")
def by_value(gradients, limit):
    clipped = [gradient.clamp(-limit, limit) for gradient in gradients]
    return clipped, clip_gradients(gradients, limit)[1]


@clipping.wrong("norms do not add: square them, add, and take the root", "6.4")
def sum_of_norms(gradients, limit):
    norm = float(sum(gradient.norm() for gradient in gradients))
    return [gradient * min(1.0, limit / norm) for gradient in gradients], norm


@clipping.alternative
def as_one_vector(gradients, limit):
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    if norm > limit:
        gradients = [gradient / norm * limit for gradient in gradients]
    return gradients, norm.item()


@clipping.alternative
def norm_of_norms(gradients, limit):
    norm = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).norm()
    factor = (limit / norm).clamp(max=1)
    return [factor * gradient for gradient in gradients], norm.item()
