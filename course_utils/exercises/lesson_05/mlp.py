"""Lesson 05, section 5.3: the MLP, plain and gated."""

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.model import encoder
from course_utils.model.encoder import EncoderConfig

gated = coding(
    "05.3",
    title="Widen, bend, narrow",
    difficulty=3,
    minutes=8,
    given="the two linear layers; for a gated MLP `up` is twice as wide",
    reference=encoder.MLP,
    keep=("__init__",),
    task="""Widen, bend, narrow: (B, L, D) → (B, L, D).

    Plain: up, gelu, down.  Gated (Shazeer 2020): `up` gives twice as many numbers.  The first
    half goes through gelu and is multiplied by the second half, number by number; then down.
    """,
    hints=[
        "Begin with the plain one: three calls inside each other.",
        "`chunk(2, dim=-1)` cuts the last axis into two halves.",
        "Gated: `first, gate = self.up(x).chunk(2, dim=-1)`, and `F.gelu(first) * gate` goes down.",
    ],
    why="The gate lets the layer decide, for every number that it computed, how much of it to "
    "pass on. Three matrices instead of two: at 8/3 instead of 4 times the width the cost is the "
    "same.",
    then="how wide must a gated MLP be to have as many parameters as a plain one of 4D?",
)


@gated.cases
def mlp_cases(draw):
    for kind, shape, mlp_size, bias in (
        ("gelu", (1, 2, 4), 6, False),
        ("gated", (1, 2, 4), 6, False),
        ("gelu", (3, draw.size(3, 7), 5), 8, True),
        ("gated", (2, draw.size(4, 7), 6), 9, True),
    ):
        config = EncoderConfig(
            10, hidden_size=shape[-1], num_heads=1, mlp_size=mlp_size, mlp=kind, bias=bias,
            positions="learned",
        )  # fmt: skip
        wide = mlp_size * (2 if kind == "gated" else 1)
        weights = {"up.weight": draw.normal(wide, shape[-1])}
        weights["down.weight"] = draw.normal(shape[-1], mlp_size)
        if bias:
            weights |= {"up.bias": draw.normal(wide), "down.bias": draw.normal(shape[-1])}
        yield case(config, draw.normal(*shape), weights)


@gated.observe
def passed_through(MLP, config, x, weights):
    layer = MLP(config).to(x.dtype)
    layer.load_state_dict(weights)
    return layer(x)


@gated.oracle
def torch_modules(config, x, weights):
    """PyTorch's modules in a row; the gate is a linear layer of its own."""
    bias, gate = weights.get("up.bias"), None
    up = weights["up.weight"]
    if config.mlp == "gated":
        gate = linear(up[config.mlp_size :], None if bias is None else bias[config.mlp_size :])
        up, bias = up[: config.mlp_size], None if bias is None else bias[: config.mlp_size]
    bent = nn.Sequential(linear(up, bias), nn.GELU())(x)
    down = linear(weights["down.weight"], weights.get("down.bias"))
    return down(bent if gate is None else torch.mul(bent, gate(x)))


def linear(weight, bias):
    layer = nn.Linear(weight.size(1), weight.size(0), bias=bias is not None).to(weight.dtype)
    layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return layer


gated.wrong_edit(
    "gelu_on_the_gate",
    old="F.gelu(x) * gate",
    new="x * F.gelu(gate)",
    message="gelu stands on the wrong half: bend the first half, the second is the gate",
    section="5.3",
)
gated.wrong_edit(
    "sigmoid_gate",
    old="F.gelu(x) * gate",
    new="x * torch.sigmoid(gate)",
    message="this is the older GLU, with a sigmoid; here the first half goes through gelu",
    section="5.3",
)
gated.wrong_edit(
    "added_the_gate",
    old="F.gelu(x) * gate",
    new="F.gelu(x) + gate",
    message="the gate multiplies; adding it opens and closes nothing",
    section="5.3",
)
gated.wrong_edit(
    "forgot_to_bend",
    old="F.gelu(x) * gate",
    new="x * gate",
    message="right halves, but nothing is bent when there is a gate: gelu is missing",
    section="5.3",
)
gated.wrong_edit(
    "cut_into_neighbours",
    old="self.up(x).chunk(2, dim=-1)",
    new="self.up(x).unflatten(-1, (-1, 2)).unbind(-1)",
    message="every second number went to the gate; the gate is the second half",
    section="5.3",
)


@gated.wrong("gelu is missing in the plain MLP: two linear layers in a row are one", "5.3")
class WithoutABend(encoder.MLP):
    def forward(self, x):
        return super().forward(x) if self.gated else self.down(self.up(x))


@gated.wrong("relu where gelu should be", "5.3")
class WithRelu(encoder.MLP):
    def forward(self, x):
        if not self.gated:
            return self.down(F.relu(self.up(x)))
        x, gate = self.up(x).chunk(2, dim=-1)
        return self.down(F.relu(x) * gate)


@gated.wrong("gelu's tanh approximation is close, but it is another function", "5.3")
class Approximated(encoder.MLP):
    def forward(self, x):
        if not self.gated:
            return self.down(F.gelu(self.up(x), approximate="tanh"))
        x, gate = self.up(x).chunk(2, dim=-1)
        return self.down(F.gelu(x, approximate="tanh") * gate)


@gated.alternative
class BySlices(encoder.MLP):
    def forward(self, x):
        wide = self.up(x)
        half = self.down.in_features
        bent = nn.functional.gelu(wide[..., :half])
        return self.down(bent * wide[..., half:] if self.gated else bent)


@gated.alternative
class GeluByHand(encoder.MLP):
    def forward(self, x):
        def gelu(z):
            return z * 0.5 * (1 + torch.erf(z / 2**0.5))

        wide = self.up(x)
        if self.gated:
            first, gate = wide.split(wide.size(-1) // 2, dim=2)
            return self.down(gelu(first).mul(gate))
        return self.down(gelu(wide))
