"""Lesson 01, section 1.7: what the number of guesses says about the entropy."""

import math

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def shannon_bounds(guesses: Tensor) -> tuple[float, float]:
    """Lower and upper bound of the entropy, in bits for each letter, from a game of guesses.

    guesses, (N,) int64, says how many guesses each letter took, 1 or more.  Let q(i) be the share
    of the letters that took i guesses.  The upper bound is the entropy of q.  The lower bound is
    the sum of i · (q(i) − q(i + 1)) · log₂ i, over all i up to the largest number of guesses.
    """
    q = torch.bincount(guesses)[1:] / len(guesses)
    i = torch.arange(1, len(q) + 1)
    step = -q.diff(append=q.new_zeros(1))
    upper = -torch.special.xlogy(q, q).sum() / math.log(2)
    return (i * step * i.log2()).sum().item(), upper.item()


bounds = coding(
    "01.11",
    title="Shannon's two bounds",
    difficulty=5,
    minutes=20,
    given="how many guesses each letter of a text took",
    reference=shannon_bounds,
    tolerance=1e-4,
    hints=[
        "Begin with q: `torch.bincount(guesses)` counts how often each number stands there. What "
        "does its entry 0 hold?",
        "After the largest number of guesses comes a share of 0, so the last term of the lower "
        "bound has q(i + 1) = 0: `torch.diff` has an argument `append`.",
        "Entropy as in 01.3, and mind shares of 0. The lower bound is one sum of products of "
        "three rows: i, the step down from q(i) to q(i + 1), and log₂ i.",
    ],
    why="The numbers of guesses hold the whole text (a twin of the player could read it from "
    "them), so the text cannot have more entropy than they have: the upper bound. For the lower "
    "one, cut q into steps: a step of height h that is i wide is a fair choice among i letters, "
    "made i · h of the time, and takes log₂ i bits. Mixing the steps can only add to that.",
    then="find shares q for which the two bounds are equal. What does the game look like then?",
)


@bounds.cases
def bounds_cases(draw):
    yield case(torch.tensor([1, 1, 2, 1, 3, 1, 1, 2]))
    yield case(torch.tensor([1, 1, 2, 1, 1]))
    yield case(torch.tensor([1, 1, 5, 1, 2, 5, 5]))  # nothing took 3 or 4, and 5 is no rarity
    drawn = draw.uniform(2 * draw.size(100, 200) + 1)
    yield case(1 + (27 * drawn**4).long())
    yield case(1 + draw.integers(0, 27, 501))  # a player without a clue


@bounds.oracle
def bounds_in_scipy(guesses):
    counts = np.bincount(guesses.numpy())[1:]
    q = counts / counts.sum()
    lower = 0.0
    for width, height in enumerate(q - np.append(q[1:], 0), start=1):
        lower += width * height * np.log2(width)
    return lower, scipy.stats.entropy(counts, base=2)


def _shares(guesses):
    return torch.bincount(guesses)[1:] / len(guesses)


def _entropy(q):
    return -torch.special.xlogy(q, q).sum().item() / np.log(2)


@bounds.wrong("the last step is missing: beyond the largest number of guesses q is 0", "1.7")
def forgot_the_last_step(guesses):
    q = _shares(guesses)
    i = torch.arange(1, len(q))
    return (i * (q[:-1] - q[1:]) * i.log2()).sum().item(), _entropy(q)


@bounds.wrong("that is the mean logarithm of the number of guesses, not the sum over steps", "1.7")
def mean_logarithm(guesses):
    return guesses.double().log2().mean().item(), _entropy(_shares(guesses))


@bounds.wrong("lower and upper are swapped", "1.7")
def swapped(guesses):
    lower, upper = shannon_bounds(guesses)
    return upper, lower


@bounds.wrong("in nats; both bounds are in bits", "1.7")
def in_nats(guesses):
    lower, upper = shannon_bounds(guesses)
    return lower * np.log(2), upper * np.log(2)


@bounds.wrong("a step of width i is chosen i · h of the time: the factor i is missing", "1.7")
def forgot_the_width(guesses):
    q = _shares(guesses)
    i = torch.arange(1, len(q) + 1)
    return (-q.diff(append=q.new_zeros(1)) * i.log2()).sum().item(), _entropy(q)


@bounds.wrong("the logarithm of the mean number of guesses bounds nothing: take the entropy", "1.7")
def logarithm_of_the_mean(guesses):
    return shannon_bounds(guesses)[0], guesses.double().mean().log2().item()


@bounds.wrong("a share of 0 makes 0 · log 0, which is “not a number”; here it counts as 0", "1.7")
def zero_times_infinity(guesses):
    q = _shares(guesses)
    return shannon_bounds(guesses)[0], -(q * q.log2()).sum().item()


@bounds.alternative
def with_numpy(guesses):
    _, counts = np.unique(guesses.numpy(), return_counts=True)
    q = np.bincount(guesses.numpy(), minlength=29)[1:] / len(guesses)
    i = np.arange(1, len(q))
    lower = float(np.sum(i * (q[:-1] - q[1:]) * np.log2(i)))
    share = counts / counts.sum()
    return lower, float(-np.sum(share * np.log2(share)))


@bounds.alternative
def with_distributions(guesses):
    q = _shares(guesses)
    cost = torch.arange(1, len(q) + 1) * torch.arange(1, len(q) + 1).log2()
    rises = torch.cat([cost[:1], cost.diff()])  # summed by parts
    upper = torch.distributions.Categorical(probs=q).entropy() / np.log(2)
    return (q * rises).sum().item(), upper.item()
