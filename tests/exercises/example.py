"""Exercises of each kind, worked out as docs/adding-exercises.md explains; 00 is no lesson."""

import math

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding, guess_question, plot_question
from course_utils.model import attention

scores = coding(
    "00.2",
    title="Scaled scores",
    difficulty=2,
    minutes=8,
    given="queries `q` and keys `k`, the last axis of both is d wide",
    reference=attention.attention_scores,
    task="""Say how well each query matches each key.

    q is (..., Lq, d) and k is (..., Lk, d); return the scaled scores, (..., Lq, Lk), whatever
    stands in front of the last two axes.
    """,
    hints=[
        "One score is the dot product of one query and one key. Which product of matrices holds "
        "all of them?",
        "A sum of d independent terms of variance 1 has variance d. What brings it back to 1?",
        "q @ k.transpose(-2, -1), divided by the square root of q.size(-1).",
    ],
    why="The division keeps the variance of a score at 1 whatever the width of the head, so that "
    "the softmax after it does not saturate.",
    then="give it a batch of heads, (B, H, L, d).",
)


@scores.cases
def score_cases(draw):
    yield case(draw.normal(2, 4), draw.normal(3, 4))  # the smallest first: the message shows it
    yield case(draw.normal(2, 3, draw.size(4, 7), 5), draw.normal(2, 3, 3, 5))
    wide = draw.normal(2, 6, 4).transpose(-2, -1)  # not contiguous: (2, 4, 6)
    yield case(wide, draw.normal(2, 5, 6))
    yield case(draw.normal(3, 8, dtype=torch.float64), draw.normal(4, 8, dtype=torch.float64))


@scores.oracle
def score_oracle(q, k):
    """NumPy, straight from the formula."""
    q, k = q.numpy(), k.numpy()
    return np.matmul(q, np.swapaxes(k, -1, -2)) / np.sqrt(q.shape[-1]).astype(q.dtype)


@scores.wrong("the scores grow with d: did you divide by √d?", "4.3")
def forgot_the_scale(q, k):
    return q @ k.transpose(-2, -1)


@scores.wrong("you divide by d; the typical size of a sum of d terms is √d", "4.3")
def divided_by_d(q, k):
    return q @ k.transpose(-2, -1) / q.size(-1)


@scores.wrong("the axes are swapped: a row belongs to a query, a column to a key", "4.2")
def swapped_queries_and_keys(q, k):
    return k @ q.transpose(-2, -1) / math.sqrt(q.size(-1))


@scores.wrong("`.T` turns all axes round, not only the last two: it fails for a batch", "4.2")
def transposed_all_axes(q, k):
    return q @ k.T / math.sqrt(q.size(-1))


# A wrong answer that is a small slip in the reference may be written as an edit of its source.
scores.wrong_edit(
    "divided_by_length",
    old="q.size(-1))  #",
    new="k.size(-2))  #",
    message="you divide by the root of the number of keys; it is the width d that adds up",
    section="4.3",
)


@scores.alternative
def einsum(q, k):
    return torch.einsum("...id,...jd->...ij", q, k) * q.shape[-1] ** -0.5


@scores.alternative
def loops(queries, keys):
    rows = [(queries[..., i : i + 1, :] * keys).sum(-1) for i in range(queries.shape[-2])]
    return torch.stack(rows, dim=-2) / np.sqrt(queries.shape[-1])


size = guess_question(
    "00.3",
    title="How long is a dot product?",
    difficulty=1,
    minutes=1,
    given="two random vectors of 64 numbers, each number of variance 1",
    ask="How large is their dot product, typically: about 1, 8 or 64?",
    answer=8,
    wrong={1: "the terms of the sum do not cancel altogether", 64: "the terms have either sign"},
    section="4.3",
    hints=["Variances add.", "The variance is 64; what is the typical size?"],
    why="64 terms of variance 1 make a sum of variance 64, whose typical size is the root, 8.",
)

curve = plot_question(
    "00.4",
    title="Read the gradient",
    difficulty=1,
    minutes=2,
    given="Figure 4.2",
    ask="Which line stays flat as the head grows wider?",
    options={"a": "the one without a scale", "b": "the one divided by √d", "c": "neither"},
    answer="b",
    wrong={"a": "that one falls with every doubling", "c": "look at the right half of the figure"},
    section="4.3",
    hints=["Follow each line from left to right.", "One has the same height at 16 and at 1024."],
    why="Divided by √d the scores keep their size, and so does the gradient of the softmax.",
)
