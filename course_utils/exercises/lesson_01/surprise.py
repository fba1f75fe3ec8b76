"""Lesson 01, section 1.2: what a wrong belief costs."""

import math

import torch
from scipy.special import entr, rel_entr
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    """Mean surprise, in bits, of somebody who believes q while the truth is p: −Σ p log₂ q.

    p and q are (..., V), probabilities along the last axis; the result is (...).  What never
    happens (p = 0) costs nothing, even where q is 0 as well; what does happen although q is 0
    makes the price infinite.
    """
    return -torch.special.xlogy(p, q).sum(-1) / math.log(2)


price = coding(
    "01.3",
    title="The price of a belief",
    difficulty=2,
    minutes=6,
    given="how often things happen (p), and how often somebody believes that they do (q)",
    reference=cross_entropy,
    hints=[
        "Who decides how often each surprise is felt, p or q? And who decides how large it is?",
        "`p * q.log2()` is right wherever q > 0. What is 0 times minus infinity in a computer?",
        "`torch.where(p > 0, …, 0)`, or `torch.special.xlogy`, gives 0 where p is 0.",
    ],
    why="The world draws from p, so p weighs; the believer is surprised by −log₂ q. With q = p it "
    "is the entropy, and no other q costs less.",
    then="which belief about three things costs the same, whatever the truth p is?",
)


@price.cases
def price_cases(draw):
    fair, loaded = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.25, 0.125, 0.625])
    yield case(fair, loaded)
    yield case(fair, fair)
    p, q = draw.normal(2, 3, 5).softmax(-1), draw.normal(2, 3, 5).softmax(-1)
    yield case(p, q)
    yield case(draw.normal(3, 5).mT.softmax(-1), draw.normal(3, 5).mT.softmax(-1))
    yield case(torch.tensor([0.75, 0.25, 0.0]), torch.tensor([0.5, 0.5, 0.0]))
    yield case(fair, torch.tensor([0.5, 0.5, 0.0]))  # the impossible happens: infinite


@price.oracle
def price_in_scipy(p, q):
    p, q = p.numpy(), q.numpy()
    return (entr(p) + rel_entr(p, q)).sum(-1) / math.log(2)


@price.wrong("p and q are swapped: the truth weighs, the belief is surprised", "1.2")
def truth_and_belief_swapped(p, q):
    return -torch.special.xlogy(q, p).sum(-1) / math.log(2)


@price.wrong("that is the entropy of p, the price for somebody who knows p; q plays no part", "1.2")
def the_entropy(p, q):
    return -torch.special.xlogy(p, p).sum(-1) / math.log(2)


@price.wrong("that is only what the wrong belief costs on top of the entropy of p", "1.2")
def only_the_extra(p, q):
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(-1) / math.log(2)


@price.wrong("in nats; a bit is a logarithm to base 2", "1.2")
def in_nats(p, q):
    return -torch.special.xlogy(p, q).sum(-1)


@price.wrong("0 · log 0 is “not a number” in a computer, and 0 in this sum", "1.2")
def zero_times_infinity(p, q):
    return -(p * q.log2()).sum(-1)


@price.wrong("the surprise of the mean is not the mean surprise: first the logarithm", "1.2")
def logarithm_of_the_mean(p, q):
    return -(p * q).sum(-1).log2()


@price.wrong("p already says how often each happens; do not divide by V as well", "1.2")
def divided_by_v(p, q):
    return -torch.special.xlogy(p, q).mean(-1) / math.log(2)


@price.wrong("the sum runs over the outcomes, the last axis, and not over the batch", "1.2")
def summed_over_the_batch(p, q):
    return -torch.special.xlogy(p, q).sum(0) / math.log(2)


@price.alternative
def only_what_happens(p, q):
    return -torch.where(p > 0, p * q.log2(), 0).sum(-1)


@price.alternative
def yes_no_questions(p, q):
    infinite = float("inf")
    each = (p * -q.log2()).nan_to_num(nan=0.0, posinf=infinite)
    return each.sum(-1)
