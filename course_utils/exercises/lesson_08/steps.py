"""Lesson 08, section 8.1: a step that learns nothing."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


def training_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, labels: Tensor
) -> float:
    """One step of training on one batch; returns its mean cross-entropy, from before the step."""
    loss = F.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def training_step_with_a_bug(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, labels: Tensor
) -> float:
    """One step of training on one batch; returns its mean cross-entropy, from before the step."""
    loss = F.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


step = coding(
    "08.3",
    title="The step that learns nothing",
    difficulty=2,
    minutes=4,
    given="a training step with all the right calls: it runs, and the loss never moves",
    reference=training_step,
    buggy=training_step_with_a_bug,
    mutates=True,
    hints=[
        "Say in one sentence what each of the three calls does to the gradients. What does "
        "`optimizer.step()` find when its turn comes?",
        "`backward` fills the gradients, `step` uses them, `zero_grad` empties them. Which order "
        "makes sense, again and again?",
    ],
    why="Between `backward` and `step` nothing may touch the gradients. Clearing them at the wrong "
    "moment gives no error: an optimizer without gradients simply has nothing to do.",
    then="leave `zero_grad` out altogether and watch the loss. Why is that worse than it looks?",
)


@step.cases
def step_cases(draw):
    for rows, width, classes in ((2, 2, 2), (5, draw.size(3, 5), 3), (4, 2, 2)):
        labels = draw.integers(0, classes, rows)
        yield case(draw.normal(classes, width), draw.normal(rows, width), labels, 0.3)


@step.observe
def three_steps(training_step, weight, inputs, labels, lr):
    model = nn.Linear(weight.size(1), weight.size(0), bias=False).to(weight.dtype)
    model.load_state_dict({"weight": weight})
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = [float(training_step(model, optimizer, inputs, labels)) for _ in range(3)]
    return {"losses": torch.tensor(losses, dtype=weight.dtype), "weights": model.weight.detach()}


@step.oracle
def gradient_descent_by_hand(weight, inputs, labels, lr):
    """NumPy: the gradient of softmax regression is (p - y) x, averaged over the rows."""
    weight, inputs, truth = weight.numpy(), inputs.numpy(), np.eye(len(weight))[labels.numpy()]
    losses = []
    for _ in range(3):
        scores = np.exp(inputs @ weight.T)
        shares = scores / scores.sum(1, keepdims=True)
        losses.append(float(-np.log((shares * truth).sum(1)).mean()))
        weight = weight - lr * (shares - truth).T @ inputs / len(inputs)
    return {"losses": np.array(losses, inputs.dtype), "weights": weight.astype(inputs.dtype)}


step.wrong_edit(
    "never_cleared",
    old="    optimizer.zero_grad()\n",
    new="",
    message="it learns, but every step adds the gradients of all earlier ones: nobody clears them",
    section="8.1",
)
step.wrong_edit(
    "stepped_before_backward",
    old="    loss.backward()\n    optimizer.step()\n",
    new="    optimizer.step()\n    loss.backward()\n",
    message="`step` finds no gradients: it comes before `backward`, or `zero_grad` stands between "
    "them",
    section="8.1",
)


@step.wrong(
    "`cross_entropy` takes logits and applies the softmax itself: yours is a second one", "8.1"
)
def softmax_twice(model, optimizer, inputs, labels):
    loss = F.cross_entropy(model(inputs).softmax(-1), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@step.wrong("the mean was asked for: a sum makes the step grow with the batch", "8.1")
def summed(model, optimizer, inputs, labels):
    loss = F.cross_entropy(model(inputs), labels, reduction="sum")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@step.wrong("that is the loss after the step; return the one that made the gradients", "8.1")
def loss_from_after(model, optimizer, inputs, labels):
    training_step(model, optimizer, inputs, labels)
    return F.cross_entropy(model(inputs), labels).item()


@step.alternative
def cleared_first(model, optimizer, inputs, labels):
    model.zero_grad()
    loss = nn.CrossEntropyLoss()(model(inputs), labels)
    loss.backward()
    optimizer.step()
    return float(loss)


@step.alternative
def cleared_last(model, optimizer, inputs, labels):
    loss = -model(inputs).log_softmax(-1)[torch.arange(len(labels)), labels].mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().item()
