"""Lesson 04, sections 4.1 to 4.3: the soft look-up, its scores and their scale."""

import math

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding, guess_question
from course_utils.model import attention

sharper = guess_question(
    "04.1",
    title="A louder question",
    difficulty=1,
    minutes=1,
    given="a query that scores 1 on the first of two keys and 0 on the second: weights 0.73, 0.27",
    ask="The query is made twice as long, its direction kept. What weight does the first key get?",
    options={"a": "0.73, as before", "b": "0.88", "c": "1.46"},
    answer="b",
    wrong={
        "a": "only the differences between scores matter, but these have doubled too",
        "c": "the weights always add up to one, so none is larger than one",
    },
    section="4.1",
    hints=[
        "A dot product with a vector twice as long is twice as large.",
        "Compare exp(2) / (exp(2) + exp(0)) with exp(1) / (exp(1) + exp(0)).",
    ],
    why="The scores become 2 and 0, and exp(2) / (exp(2) + 1) = 0.88: length is confidence.",
)

scores = coding(
    "04.2",
    title="Scaled scores",
    difficulty=2,
    minutes=8,
    given="queries and keys of the same width d; any number of axes may stand before the last two",
    reference=attention.attention_scores,
    task="""Say how well every query matches every key: dot products, divided by √d.

    q is (..., Lq, d) and k is (..., Lk, d); the scores are (..., Lq, Lk).
    """,
    hints=[
        "A product of two matrices is a table of dot products: of the rows of the first with the "
        "columns of the second. Which axes of k have to change places?",
        "`k.transpose(-2, -1)` swaps the last two axes and leaves batch and heads alone.",
        "`q @ k.transpose(-2, -1)`, divided by `math.sqrt(q.size(-1))`.",
    ],
    why="Row i, column j of q kᵀ is the dot product of query i and key j. Its d terms add up to a "
    "variance of d, and the division by √d brings that back to 1 for a head of any width.",
    then="turn your scores into weights and compare with F.scaled_dot_product_attention.",
)


@scores.cases
def score_cases(draw):
    yield case(draw.normal(2, 4), draw.normal(3, 4))
    yield case(draw.normal(2, 3, draw.size(4, 7), 5), draw.normal(2, 3, 3, 5))
    turned = draw.normal(3, 6, 5).transpose(-2, -1)  # not contiguous: (3, 5, 6)
    yield case(turned, draw.normal(3, 7, 6))
    yield case(draw.normal(1, 9, dtype=torch.float64), draw.normal(5, 9, dtype=torch.float64))


@scores.oracle
def scores_in_numpy(q, k):
    """Straight from the formula."""
    q, k = q.numpy(), k.numpy()
    return np.einsum("...id,...jd->...ij", q, k) / np.sqrt(q.shape[-1]).astype(q.dtype)


@scores.wrong("the scores grow with the width: did you divide by √d?", "4.3")
def forgot_the_scale(q, k):
    return q @ k.transpose(-2, -1)


@scores.wrong("you divide by d; a sum of d random terms has the typical size √d, not d", "4.3")
def divided_by_the_width(q, k):
    return q @ k.transpose(-2, -1) / q.size(-1)


@scores.wrong("rows and columns are swapped: a row belongs to a query, a column to a key", "4.2")
def keys_in_the_rows(q, k):
    return k @ q.transpose(-2, -1) / math.sqrt(q.size(-1))


@scores.wrong("`.T` reverses all axes, so batch and heads change places too", "4.2")
def reversed_all_axes(q, k):
    return q @ k.T / math.sqrt(q.size(-1))


@scores.wrong("these are weights already: the softmax comes later, after the mask", "4.2")
def weights_instead_of_scores(q, k):
    return (q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))).softmax(-1)


@scores.wrong("you divide by the root of the number of keys; what adds up is the width d", "4.3")
def divided_by_the_number_of_keys(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(k.size(-2))


@scores.alternative
def with_einsum(queries, keys):
    return torch.einsum("...id,...jd->...ij", queries, keys) * queries.shape[-1] ** -0.5


@scores.alternative
def one_query_at_a_time(q, k):
    rows = [(q[..., i : i + 1, :] * k).sum(-1) for i in range(q.shape[-2])]
    return torch.stack(rows, dim=-2) / np.sqrt(q.shape[-1])


@scores.alternative
def scaled_before_the_product(q, k):
    return (q / q.size(-1) ** 0.25) @ (k / q.size(-1) ** 0.25).mT


wider = guess_question(
    "04.3",
    title="A wider head",
    difficulty=1,
    minutes=1,
    given="queries and keys whose entries are random, with mean 0 and variance 1",
    ask="The head is made 16 times as wide. By what factor does the spread (the standard "
    "deviation) of the raw scores q·k grow?",
    answer=4,
    wrong={
        16: "that is the factor of the variance; the spread is its root",
        1: "the terms have either sign, but they do not cancel altogether",
        2: "that is the root of the root; one root is enough",
    },
    section="4.3",
    hints=[
        "A dot product is a sum of as many independent terms as the head is wide.",
        "Variances add, so the variance grows by 16; the spread is the root of the variance.",
    ],
    why="Sixteen times as many independent terms have sixteen times the variance and four times "
    "the spread: that is the √d_k.",
)
