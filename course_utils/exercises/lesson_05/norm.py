"""Lesson 05, section 5.2: layer normalisation."""

import torch
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


class LayerNorm(nn.Module):
    """Give every vector mean 0 and variance 1, then a learned scale and shift (Ba et al. 2016).

    x is (..., D).  Mean and variance are each vector's own, and the variance is the mean of the
    squared distances.  eps is added under the root.
    """

    def __init__(self, width: int, eps: float = 1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        variance = (x - mean).square().mean(-1, keepdim=True)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


layer_norm = coding(
    "05.2",
    title="Layer norm",
    difficulty=3,
    minutes=10,
    given="the two learned vectors and eps, already made",
    reference=LayerNorm,
    keep=("__init__",),
    hints=[
        "Every vector is normed on its own. Over which axis do mean and variance run, and how do "
        "you keep that axis so that the subtraction broadcasts?",
        "`torch.var` divides by D − 1 unless told otherwise; the mean of the squared distances "
        "divides by D (`correction=0`).",
        "`weight * (x − mean) / torch.sqrt(variance + eps) + bias`.",
    ],
    why="`keepdim=True` leaves an axis of length one, so that each vector meets its own mean. eps "
    "stands under the root and keeps a vector of equal numbers from dividing zero by zero.",
    then="leave the mean out and you have RMSNorm, which many newer models use.",
)


@layer_norm.cases
def norm_cases(draw):
    for shape, scale, eps in (
        ((2, 4), 1.0, 1e-5),
        ((3, draw.size(5, 8), 7), 5.0, 1e-12),
        ((2, 5), 1e-2, 1e-3),  # small numbers: here eps has a say
        ((6, 6), 2.0, 1e-5),  # a square, in which the axes are easily mixed up
        ((2, 3, 2, 9), 1.0, 1e-5),
    ):
        x = scale * (draw.normal(*shape) + 1)
        yield case(x, draw.normal(shape[-1]), draw.normal(shape[-1]), eps)


@layer_norm.observe
def normed(LayerNorm, x, weight, bias, eps):
    layer = LayerNorm(x.size(-1), eps).to(x.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer(x)


@layer_norm.oracle
def torch_layer_norm(x, weight, bias, eps):
    return nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


layer_norm.wrong_edit(
    "divided_by_one_less",
    old="(x - mean).square().mean(-1, keepdim=True)",
    new="x.var(-1, keepdim=True)",
    message="your variance divides by D − 1; layer norm divides by D (`correction=0`)",
    section="5.2",
)
layer_norm.wrong_edit(
    "eps_outside_the_root",
    old="torch.sqrt(variance + self.eps)",
    new="(torch.sqrt(variance) + self.eps)",
    message="eps belongs under the root, beside the variance",
    section="5.2",
)
layer_norm.wrong_edit(
    "std_plus_eps",
    old="torch.sqrt(variance + self.eps)",
    new="(x.std(-1, keepdim=True) + self.eps)",
    message="`std + eps` is two slips at once: it divides by D − 1, and eps is outside the root",
    section="5.2",
)
layer_norm.wrong_edit(
    "divided_by_the_variance",
    old="torch.sqrt(variance + self.eps)",
    new="(variance + self.eps)",
    message="divided by the variance; its root, the spread, is what has the size of x",
    section="5.2",
)
layer_norm.wrong_edit(
    "forgot_scale_and_shift",
    old="self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias",
    new="(x - mean) / torch.sqrt(variance + self.eps)",
    message="mean 0 and variance 1 are there, but the learned scale and shift are not used",
    section="5.2",
)
layer_norm.wrong_edit(
    "scaled_the_shift",
    old="self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias",
    new="self.weight * ((x - mean) / torch.sqrt(variance + self.eps) + self.bias)",
    message="the shift comes after the scale: weight · x̂ + bias, not weight · (x̂ + bias)",
    section="5.2",
)
layer_norm.wrong_edit(
    "ignored_the_given_eps",
    old="torch.sqrt(variance + self.eps)",
    new="torch.sqrt(variance + 1e-5)",
    message="eps is fixed in your code; take the one that the layer was made with, `self.eps`",
    section="5.2",
)


@layer_norm.wrong("the mean is not taken away: that is RMSNorm", "5.2")
class OnlyTheSize(LayerNorm):
    def forward(self, x):
        return self.weight * x / torch.sqrt(x.square().mean(-1, keepdim=True) + self.eps) + (
            self.bias
        )


@layer_norm.wrong("the statistics run over the batch; every vector has its own (last axis)", "5.2")
class OverTheBatch(LayerNorm):
    def forward(self, x):
        mean, variance = x.mean(0), x.var(0, correction=0)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@layer_norm.wrong("one mean for the whole batch: every vector has its own (last axis)", "5.2")
class OverEverything(LayerNorm):
    def forward(self, x):
        return self.weight * (x - x.mean()) / torch.sqrt(x.var(correction=0) + self.eps) + self.bias


@layer_norm.alternative
class FromTheLibrary(nn.LayerNorm):
    pass


@layer_norm.alternative
class CentredFirst(LayerNorm):
    def forward(self, x):
        x = x - x.mean(dim=-1, keepdim=True)
        return x * x.pow(2).mean(-1, True).add(self.eps).rsqrt() * self.weight + self.bias


@layer_norm.alternative
class WithStandardise(LayerNorm):
    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return torch.addcmul(self.bias, self.weight, (x - mean) / (variance + self.eps).sqrt())
