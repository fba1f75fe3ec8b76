"""Lesson 06, section 6.5: gradients that are added up over the parts of a batch."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


def accumulate(model: nn.Module, parts: list[tuple[Tensor, Tensor]]) -> float:
    """Fill the gradients of `model` from a batch that comes in parts; return its mean loss.

    A part is (inputs, labels); a label of -100 asks for nothing. Loss and gradients are those of
    the mean over all labels of the whole batch that ask for something. Gradients are empty before.
    """
    count = sum(int((labels != -100).sum()) for _, labels in parts)
    total = 0.0
    for inputs, labels in parts:
        loss = F.cross_entropy(model(inputs), labels, reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total


def accumulate_with_a_bug(model: nn.Module, parts: list[tuple[Tensor, Tensor]]) -> float:
    """Fill the gradients of `model` from a batch that comes in parts; return its mean loss.

    A part is (inputs, labels); a label of -100 asks for nothing. Loss and gradients are those of
    the mean over all labels of the whole batch that ask for something. Gradients are empty before.
    """
    total = 0.0
    for inputs, labels in parts:
        loss = F.cross_entropy(model(inputs), labels) / len(parts)
        loss.backward()
        total += loss.item()
    return total


adding = coding(
    "06.6",
    title="A mean of means",
    difficulty=3,
    minutes=6,
    given="gradient accumulation as it stood in large libraries until 2024; parts of a batch may "
    "ask for different numbers of words",
    reference=accumulate,
    buggy=accumulate_with_a_bug,
    mutates=True,
    tolerance=1e-5,
    hints=[
        "One part asks for two words, another one for twenty. How much does a word count in each?",
        "Count first, over all parts, the labels that are not −100. Then every part gives the "
        'sum of its losses (`reduction="sum"`), divided by that one count.',
    ],
    why="A mean of means is the mean only where all parts are equally large. Masked words seldom "
    "are, and so the gradient depended on how a batch happened to be cut.",
    then="what does the bug do in data-parallel training, where each process has a part?",
)


@adding.cases
def adding_cases(draw):
    for sizes, classes in (((1, 3), 2), ((4, 2, 5), 3), ((draw.size(2, 4), 7), 4)):
        width = classes + 1
        parts = []
        for size in sizes:
            labels = draw.integers(0, classes, size)
            if size > 3:
                labels[: size // 2] = -100
            parts.append((draw.normal(size, width), labels))
        if len(sizes) == 3:  # one part asks for nothing: its mean would be 0/0
            parts.insert(1, (draw.normal(2, width), torch.full((2,), -100)))
        yield case(draw.normal(classes, width), parts)


@adding.observe
def loss_and_gradient(accumulate, weight, parts):
    model = nn.Linear(weight.size(1), weight.size(0), bias=False).to(weight.dtype)
    model.load_state_dict({"weight": weight})
    loss = accumulate(model, parts)
    return {"loss": float(loss), "gradient": model.weight.grad}


@adding.oracle
def by_hand_on_the_whole_batch(weight, parts):
    """NumPy: the gradient of softmax regression is (p - y) x, averaged over what is asked."""
    inputs = np.concatenate([part.numpy() for part, _ in parts])
    labels = np.concatenate([labels.numpy() for _, labels in parts])
    inputs, labels = inputs[labels != -100], labels[labels != -100]
    scores = np.exp(inputs @ weight.numpy().T)
    shares, truth = scores / scores.sum(1, keepdims=True), np.eye(len(weight))[labels]
    loss = float(-np.log((shares * truth).sum(1)).mean())
    gradient = (shares - truth).T @ inputs / len(inputs)
    return {"loss": loss, "gradient": gradient.astype(inputs.dtype)}


adding.wrong_edit(
    "divided_by_rows",
    old="int((labels != -100).sum())",
    new="len(labels)",
    message="you divide by all labels; those of −100 ask for nothing and must not count",
    section="6.5",
)
adding.wrong_edit(
    "never_divided",
    old=', reduction="sum") / count',
    new=', reduction="sum")',
    message="nobody divides: gradients grow with the batch",
    section="6.5",
)
adding.wrong_edit(
    "means_added",
    old=', reduction="sum") / count',
    new=")",
    message="the means of the parts are added: with four parts the gradient is four times as large",
    section="6.5",
)
adding.wrong_edit(
    "only_the_last_part",
    old="        loss.backward()\n",
    new="        model.zero_grad()\n        loss.backward()\n",
    message="the gradients are cleared between the parts: only the last one is left",
    section="6.5",
)
adding.wrong_edit(
    "weighted_by_rows_of_the_part",
    old=', reduction="sum") / count',
    new=") * len(labels) / sum(len(one) for _, one in parts)",
    message="the parts are weighted by their rows; weigh them by the labels that ask for something",
    section="6.5",
)


@adding.wrong("the mean of a part that asks for nothing is 0/0, and stays it: take its sum", "6.5")
def weighted_means_of_nothing(model, parts):
    counts, total = [int((labels != -100).sum()) for _, labels in parts], 0.0
    for (inputs, labels), count in zip(parts, counts, strict=True):
        loss = F.cross_entropy(model(inputs), labels) * (count / sum(counts))
        loss.backward()
        total += loss.item()
    return total


@adding.alternative
def weighted_means(model, parts):
    counts = [int((labels != -100).sum()) for _, labels in parts]
    total = 0.0
    for (inputs, labels), count in zip(parts, counts, strict=True):
        if not count:
            continue
        loss = F.cross_entropy(model(inputs), labels) * (count / sum(counts))
        loss.backward()
        total += loss.item()
    return total


@adding.alternative
def all_at_once(model, parts):
    inputs = torch.cat([inputs for inputs, _ in parts])
    labels = torch.cat([labels for _, labels in parts])
    loss = nn.CrossEntropyLoss()(model(inputs), labels)
    loss.backward()
    return loss.item()
