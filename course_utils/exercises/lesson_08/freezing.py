"""Lesson 08, section 8.4: a freeze that freezes nothing."""

import copy

import torch
from torch import nn

from course_utils.exercises.exercise import case, coding


def freeze_encoder(model: nn.Module) -> list[nn.Parameter]:
    """Freeze `model.encoder` in place; return the parameters that still learn, for an optimizer."""
    model.encoder.requires_grad_(False)
    return [weight for weight in model.parameters() if weight.requires_grad]


def freeze_encoder_with_a_bug(model: nn.Module) -> list[nn.Parameter]:
    """Freeze `model.encoder` in place; return the parameters that still learn, for an optimizer."""
    model.encoder.requires_grad = False
    return [weight for weight in model.parameters() if weight.requires_grad]


freeze = coding(
    "08.7",
    title="The freeze that freezes nothing",
    difficulty=3,
    minutes=4,
    given="a function that should freeze the encoder; no error, no warning, and all of it learns",
    reference=freeze_encoder,
    buggy=freeze_encoder_with_a_bug,
    mutates=True,
    hints=[
        "`requires_grad` belongs to a parameter. What is `model.encoder`?",
        "Python lets you set any attribute on any module. Who would ever read this one?",
        "A module has a *method* for it, with an underscore at the end; or go through "
        "`model.encoder.parameters()`.",
    ],
    why="Setting an attribute that nobody reads is the most silent bug there is. Print the number "
    "of parameters that learn before every run: it costs a line.",
    then="what would weight decay do to frozen parameters, if an optimizer had them?",
)


class Toy(nn.Module):
    """An encoder and what stands on it; `encoder_scale` is not a part of the encoder."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        parts = [nn.Linear(width, width), nn.LayerNorm(width)]
        self.encoder = nn.Sequential(nn.Embedding(7, width), *(copy.deepcopy(parts) * layers))
        self.encoder_scale = nn.Parameter(torch.ones(width))
        self.head = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))
        self.classifier = nn.Linear(width, 2)


@freeze.cases
def freeze_cases(draw):
    yield case(2, 1)
    yield case(draw.size(3, 6), draw.size(2, 3))


def names(model: nn.Module, wanted) -> list[str]:
    chosen = {id(weight) for weight in wanted}
    return sorted(name for name, weight in model.named_parameters() if id(weight) in chosen)


@freeze.observe
def what_learns(freeze_encoder, width, layers):
    model = Toy(width, layers)
    returned = list(freeze_encoder(model))
    return {
        "still learn": names(model, [w for w in model.parameters() if w.requires_grad]),
        "for the optimizer": names(model, returned),
        "training mode": model.training,
    }


@freeze.oracle
def by_a_gradient(width, layers):
    """PyTorch: what is no part of the encoder learns."""
    model = Toy(width, layers)
    others = [name for name, part in model.named_children() if name != "encoder"]
    learn = sorted(
        ["encoder_scale"]
        + [f"{o}.{name}" for o in others for name, _ in getattr(model, o).named_parameters()]
    )
    return {"still learn": learn, "for the optimizer": learn, "training mode": True}


@freeze.wrong("frozen, but the optimizer still gets all parameters, frozen ones too", "8.4")
def gave_all_to_the_optimizer(model):
    model.encoder.requires_grad_(False)
    return list(model.parameters())


@freeze.wrong(
    "nothing is frozen: neither `eval()` nor an attribute that nobody reads stops a weight",
    "8.4",
)
def eval_is_no_freeze(model):
    model.encoder.eval()
    return [weight for weight in model.parameters() if weight.requires_grad]


@freeze.wrong("everything is frozen, the head as well: nothing is left to learn", "8.4")
def froze_everything(model):
    model.requires_grad_(False)
    return [weight for weight in model.parameters() if weight.requires_grad]


@freeze.wrong(
    "the optimizer no longer has the encoder, but its gradients are still computed", "8.4"
)
def only_left_out(model):
    inside = {id(weight) for weight in model.encoder.parameters()}
    return [weight for weight in model.parameters() if id(weight) not in inside]


@freeze.wrong(
    "`encoder_scale` only begins with the same letters; it is no part of the encoder", "8.4"
)
def matched_the_name(model):
    for name, weight in model.named_parameters():
        weight.requires_grad = not name.startswith("encoder")
    return [weight for weight in model.parameters() if weight.requires_grad]


@freeze.wrong("only the matrices are frozen: norms and biases of the encoder still learn", "8.4")
def froze_the_matrices_only(model):
    for weight in model.encoder.parameters():
        weight.requires_grad = weight.dim() < 2
    return [weight for weight in model.parameters() if weight.requires_grad]


@freeze.alternative
def one_by_one(model):
    for weight in model.encoder.parameters():
        weight.requires_grad = False
    return list(filter(lambda weight: weight.requires_grad, model.parameters()))


@freeze.alternative
def by_its_full_name(net):
    for name, weight in net.named_parameters():
        weight.requires_grad_(not name.startswith("encoder."))
    return [w for _, w in net.named_parameters() if w.requires_grad]
