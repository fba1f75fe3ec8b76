"""Lesson 04, sections 4.1 to 4.3: the soft look-up, its scores and their scale."""

import math

import numpy as np
import torch
import torch.nn.functional as F

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


@scores.wrong("right until a batch stands in front: exchange the *last* two axes, -2 and -1", "4.2")
def reversed_all_axes(q, k):
    return q @ k.T / math.sqrt(q.size(-1))


@scores.wrong("right for exactly three axes: count from the end, -2 and -1, and use `@`", "4.2")
def only_for_three_axes(q, k):
    return torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.size(-1))


@scores.wrong("`size(1)` is the width only while there are two axes: count from the end", "4.2")
def counted_from_the_front(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(1))


@scores.wrong("these are weights already: the softmax comes later, after the mask", "4.2")
def weights_instead_of_scores(q, k):
    return (q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))).softmax(-1)


@scores.wrong("you divide by the root of the number of keys; what adds up is the width d", "4.3")
def divided_by_the_number_of_keys(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(k.size(-2))


@scores.wrong("you divide by the root of the number of queries; what adds up is the width", "4.3")
def divided_by_the_number_of_queries(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.size(-2))


@scores.wrong("you multiply by √d, so wide heads shout louder still: divide", "4.3")
def multiplied_by_the_root(q, k):
    return q @ k.transpose(-2, -1) * math.sqrt(q.size(-1))


@scores.wrong("8 is the root of 64, a common width; take the root of the width at hand", "4.3")
def always_divided_by_eight(q, k):
    return q @ k.transpose(-2, -1) / 8


@scores.wrong("`//` rounds down to whole numbers; scores are fractions: `/`", "4.2")
def rounded_down(q, k):
    return q @ k.transpose(-2, -1) // math.sqrt(q.size(-1))


@scores.wrong("you compare directions only; the length of a query is its confidence", "4.1")
def cosine_similarity(q, k):
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)


@scores.wrong("that is attention from one end to the other; only its scores are asked for", "4.2")
def the_whole_of_attention(q, k):
    return F.scaled_dot_product_attention(q, k, k)


@scores.wrong("float64 goes in and float32 comes out: leave the dtype as it is", "4.2")
def always_float32(q, k):
    return q.float() @ k.float().transpose(-2, -1) / math.sqrt(q.size(-1))


@scores.wrong(
    "you scale `q` where it stands: the caller's queries are changed; work on a copy", "4.2"
)
def scaled_in_place(q, k):
    q /= math.sqrt(q.size(-1))
    return q @ k.transpose(-2, -1)


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
    given="queries and keys whose entries are drawn independently, with mean 0 and variance 1",
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
