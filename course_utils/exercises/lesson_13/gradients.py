"""Lesson 13, section 13.6: the gradient of several processes is not the mean of their means."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def average_gradients(gradients: list[Tensor], counts: list[int]) -> Tensor:
    """The gradient of the mean loss over all hidden tokens of all processes.

    Entry i belongs to process i: gradients[i] is the gradient of the mean loss over its own
    counts[i] hidden tokens.
    """
    total = 0.0
    for i, count in enumerate(counts):
        total = total + gradients[i] * count
    return total / sum(counts)


def average_gradients_with_a_bug(gradients: list[Tensor], counts: list[int]) -> Tensor:
    """The gradient of the mean loss over all hidden tokens of all processes.

    Entry i belongs to process i: gradients[i] is the gradient of the mean loss over its own
    counts[i] hidden tokens.
    """
    return torch.stack(gradients).mean(0)


average = coding(
    "13.6",
    title="Not all processes are equal",
    difficulty=2,
    minutes=5,
    given="a function that averages the gradients of several processes; it runs, and the result "
    "is not quite the gradient that one process would have found",
    reference=average_gradients,
    buggy=average_gradients_with_a_bug,
    hints=[
        "One process has 10 hidden tokens, the other 30. How much should a token count, wherever "
        "it is?",
        "A mean of means is the mean only when the groups are equally large. Turn each mean back "
        "into a sum first.",
        "Multiply each gradient by its count, add, and divide once by the total.",
    ],
    why="Where each token has a coin of its own, or a batch cannot be halved, the counts differ. "
    "For that reason the loop of this course sums losses and divides by the hidden tokens of all "
    "processes together.",
    then="DistributedDataParallel does average plainly. How can the loss be scaled beforehand so "
    "that this average comes out right? `training.loop.gradients` does it in one line.",
)


@average.cases
def average_cases(draw):
    yield case([torch.tensor([1.0]), torch.tensor([3.0])], [1, 3])
    for processes in (3, draw.size(4, 6)):
        counts = draw.integers(1, 50, processes)
        counts[0] = 60  # never all equal
        yield case([draw.normal(3, 4) for _ in range(processes)], counts.tolist())
    yield case([draw.normal(5) for _ in range(2)], [7, 7])
    yield case([draw.normal(4)], [3])


@average.oracle
def by_numpy(gradients, counts):
    stacked = torch.stack(gradients).numpy()
    return np.average(stacked, axis=0, weights=counts).astype(stacked.dtype)


@average.wrong("you add what should be averaged: the more processes, the longer the step", "13.6")
def summed(gradients, counts):
    return torch.stack(gradients).sum(0)


@average.wrong("a process with few tokens counts most: multiply by the count, not divide", "13.6")
def divided_by_the_count(gradients, counts):
    shares = torch.tensor([1 / count for count in counts])
    shares = (shares / shares.sum()).to(gradients[0].dtype)
    return torch.einsum("p...,p->...", torch.stack(gradients), shares)


@average.wrong("divided by the number of processes; the weights are counts, so divide by their sum",
               "13.6")  # fmt: skip
def divided_by_the_processes(gradients, counts):
    return sum(g * c for g, c in zip(gradients, counts, strict=True)) / len(counts)


@average.wrong("that is the sum over all tokens: divide by how many there are", "13.6")
def never_divided(gradients, counts):
    return sum(g * c for g, c in zip(gradients, counts, strict=True))


@average.wrong("that is the gradient of the first process alone", "13.6")
def first_process_only(gradients, counts):
    return gradients[0].clone()


@average.alternative
def with_einsum(gradients, counts):
    shares = torch.tensor(counts, dtype=gradients[0].dtype) / sum(counts)
    return torch.einsum("p,p...->...", shares, torch.stack(gradients))


@average.alternative
def share_by_share(gradients, counts):
    total = sum(counts)
    return sum(g * (count / total) for g, count in zip(gradients, counts, strict=True))
