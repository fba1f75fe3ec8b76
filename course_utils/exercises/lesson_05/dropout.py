"""Lesson 05, section 5.6: a model that never gives the same answer twice."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


class TextClassifier(nn.Module):
    """Scores the labels of a text from its pooled vector: (B, D) → (B, C).

    In training a share of the vector's numbers is dropped at random, and never at evaluation.
    """

    def __init__(self, width: int, num_labels: int, dropout: float):
        super().__init__()
        self.classifier = nn.Linear(width, num_labels)
        self.dropout = dropout

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(F.dropout(pooled, self.dropout, self.training))


class TextClassifierWithABug(nn.Module):
    """Scores the labels of a text from its pooled vector: (B, D) → (B, C).

    In training a share of the vector's numbers is dropped at random, and never at evaluation.
    """

    def __init__(self, width: int, num_labels: int, dropout: float):
        super().__init__()
        self.classifier = nn.Linear(width, num_labels)
        self.dropout = dropout

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(F.dropout(pooled, self.dropout))


never_twice = coding(
    "05.9",
    title="Never the same answer twice",
    difficulty=2,
    minutes=5,
    given="a classifier that its owner has put into `eval()` mode, and that still gives another "
    "answer at every call",
    reference=TextClassifier,
    buggy=TextClassifierWithABug,
    tolerance=0.05,
    hints=[
        "`eval()` sets a flag on every module. Who reads it here?",
        "Look at the signature: F.dropout(input, p=0.5, training=True).",
    ],
    why="nn.Dropout reads the module's flag by itself; the function F.dropout is in training mode "
    "unless it is told, so it has to be handed `self.training`.",
    then="how would a unit test have found it? Call the model twice.",
)


@never_twice.cases
def classifier_cases(draw):
    for labels, width, dropout in ((2, 3, 0.5), (3, draw.size(4, 7), 0.2)):
        yield case(draw.normal(5, width), draw.normal(labels, width), draw.normal(labels), dropout)


@never_twice.observe
def both_modes(TextClassifier, pooled, weight, bias, dropout):
    model = TextClassifier(pooled.size(1), len(weight), dropout).to(pooled.dtype)
    model.load_state_dict({"classifier.weight": weight, "classifier.bias": bias})
    evaluated = model.eval()(pooled)
    mirror = TextClassifier(9, 9, dropout).train()  # shows every number of its input, plus one
    mirror.load_state_dict({"classifier.weight": torch.eye(9), "classifier.bias": torch.ones(9)})
    with torch.no_grad():
        seen = mirror(torch.ones(4001, 9))
    return {
        "scores at evaluation": evaluated,
        "share dropped in training": (seen == 1).double().mean(),
        "mean in training": seen.double().mean(),
        "scores that are zero": (seen == 0).double().mean(),
    }


@never_twice.oracle
def torch_dropout(pooled, weight, bias, dropout):
    return {
        "scores at evaluation": F.linear(nn.Dropout(dropout).eval()(pooled), weight, bias),
        "share dropped in training": dropout,
        "mean in training": 2.0,
        "scores that are zero": 0.0,
    }


never_twice.wrong_edit(
    "never_drops",
    old="F.dropout(pooled, self.dropout, self.training)",
    new="pooled",
    message="the same answer every time, but now nothing is dropped in training either",
    section="5.6",
)
never_twice.wrong_edit(
    "upside_down",
    old="self.dropout, self.training",
    new="self.dropout, not self.training",
    message="upside down: it drops at evaluation and not in training",
    section="5.6",
)
never_twice.wrong_edit(
    "dropped_the_scores",
    old="self.classifier(F.dropout(pooled, self.dropout, self.training))",
    new="F.dropout(self.classifier(pooled), self.dropout, self.training)",
    message="the flag is right, but now the scores are dropped, not the vector's numbers",
    section="5.6",
)
never_twice.wrong_edit(
    "kept_instead_of_dropped",
    old="self.dropout, self.training",
    new="1 - self.dropout, self.training",
    message="dropout is the share that is dropped, not the share that is kept",
    section="5.6",
)


@never_twice.wrong("what is kept must grow by 1/(1 − p), or training and evaluation differ", "5.6")
class Unscaled(TextClassifier):
    def forward(self, pooled):
        if self.training:
            pooled = pooled * (torch.rand_like(pooled) >= self.dropout)
        return self.classifier(pooled)


@never_twice.alternative
class WithTheModule(nn.Module):
    def __init__(self, width, num_labels, dropout):
        super().__init__()
        self.classifier = nn.Linear(width, num_labels)
        self.drop = nn.Dropout(dropout)

    def forward(self, pooled):
        return self.classifier(self.drop(pooled))


@never_twice.alternative
class OnlyWhenTraining(TextClassifier):
    def forward(self, pooled):
        if self.training:
            pooled = F.dropout(pooled, p=self.dropout)
        return self.classifier(pooled)
