"""Lesson 11, section 11.3: a nucleus that may be empty."""

import torch
from torch import Tensor
from transformers.generation.logits_process import TopPLogitsWarper

from course_utils.exercises.exercise import case, coding
from course_utils.model.decoding import keep_top_p


def nucleus(logits: Tensor, p: float) -> Tensor:
    """The fewest likeliest tokens that have p together; all others at −∞: (B, V) → (B, V)."""
    ordered, order = logits.sort(-1, descending=True)
    shares = ordered.softmax(-1)
    before = shares.cumsum(-1) - shares
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -torch.inf)


def nucleus_with_a_bug(logits: Tensor, p: float) -> Tensor:
    """The fewest likeliest tokens that have p together; all others at −∞: (B, V) → (B, V)."""
    ordered, order = logits.sort(-1, descending=True)
    together = ordered.softmax(-1).cumsum(-1)
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, together >= p)
    return logits.masked_fill(dropped, -torch.inf)


top_p = coding(
    "11.4",
    title="An empty nucleus",
    difficulty=3,
    minutes=6,
    given="a filter that works for weeks, and then gives rows in which nothing is left",
    reference=nucleus,
    buggy=nucleus_with_a_bug,
    hints=[
        "Try a model that is sure: one token with 0.95, and p = 0.9. What is left?",
        "A token is dropped when those *before* it already have p. What do those before the first "
        "one have?",
        "before = shares.cumsum(-1) - shares",
    ],
    why="The sum up to and including a token drops the one that crosses the line, and where the "
    "very first one crosses it, everything is gone: the softmax of a row of −∞ is not a number. "
    "Every nucleus is one token too small, which nobody notices; it is empty, and crashes, only "
    "where the model is sure.",
    then="what does p = 1 keep? And is that what `transformers` does?",
)


@top_p.cases
def nucleus_cases(draw):
    yield case(torch.tensor([[0.5, 0.3, 0.2]]).log(), 0.7)
    sure = draw.normal(2, 5)
    sure[0, draw.size(0, 4)] = 9.0
    yield case(sure, 0.9)
    yield case(2 * draw.normal(3, draw.size(6, 9)), 0.6)
    yield case(draw.normal(1, 8), 0.3)


@top_p.oracle
def transformers_warper(logits, p):
    return TopPLogitsWarper(p)(None, logits)


@top_p.wrong("you keep the unlikeliest tokens: sort in descending order", "11.3")
def kept_the_tail(logits, p):
    ordered, order = logits.sort(-1)
    shares = ordered.softmax(-1)
    before = shares.cumsum(-1) - shares
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -torch.inf)


@top_p.wrong("the places are those of the sorted row: bring them back with `scatter`", "11.3")
def forgot_to_unsort(logits, p):
    shares = logits.sort(-1, descending=True).values.softmax(-1)
    return logits.masked_fill(shares.cumsum(-1) - shares >= p, -torch.inf)


@top_p.wrong(
    "that keeps every token that has 1 − p by itself: p is for the sum of those that stay",
    "11.3",
)
def a_threshold_for_each(logits, p):
    chance = logits.softmax(-1)
    return logits.masked_fill(chance < 1 - p, -torch.inf)


@top_p.wrong("a dropped token at 0 is not dropped: 0 is a logit like any other, use −∞", "11.3")
def dropped_to_zero(logits, p):
    kept = nucleus(logits, p)
    return kept.masked_fill(kept.isinf(), 0.0)


@top_p.wrong(
    "the likeliest token stays now, but the one that crosses the line is still missing", "11.3"
)
def only_the_first_is_saved(logits, p):
    kept = nucleus_with_a_bug(logits, p)
    best = logits.argmax(-1, keepdim=True)
    return kept.scatter(-1, best, logits.gather(-1, best))


@top_p.alternative
def the_librarys(logits, p):
    return keep_top_p(logits, p)


@top_p.alternative
def row_by_row(logits, p):
    kept = torch.full_like(logits, -torch.inf)
    for row, chance in enumerate(logits.softmax(-1)):
        total = 0.0
        for place in chance.argsort(descending=True).tolist():
            kept[row, place] = logits[row, place]
            total += chance[place].item()
            if total >= p:
                break
    return kept
