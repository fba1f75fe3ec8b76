"""Lesson 01, section 1.4: one rung of the ladder."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.compare import as_array
from course_utils.exercises.exercise import case, coding


def climb(counts: Tensor, lower: Tensor, discount: float) -> Tensor:
    """The guess after each context, from what was counted there and from the rung below.

    counts, (C, V) int64, says how often each symbol followed each of C contexts.  lower, (C, V),
    holds the guesses of the next shorter context.  Every count gives up `discount`, between 0
    and 1; what a row saves so is spent in the proportions of its row of lower.  A context that
    was never seen has no opinion: its row is that of lower.  The result is (C, V).
    """
    total = counts.sum(1, keepdim=True)
    kinds = (counts > 0).sum(1, keepdim=True)
    guess = ((counts - discount).clamp(min=0) + discount * kinds * lower) / total
    return torch.where(total > 0, guess, lower)


rung = coding(
    "01.5",
    title="One rung up",
    difficulty=4,
    minutes=12,
    given="counts for some contexts, and the guesses of the rung below",
    reference=climb,
    hints=[
        "How much does a row save? Every count above zero gives up the discount, a zero has "
        "nothing to give.",
        "A row with counts (3, 1, 0) and a discount of ½ keeps 2½ and ½, and saves 1, out of 4.",
        "(what is kept + saved · lower) / total, and `torch.where` for contexts that were never "
        "seen.",
    ],
    why="Whatever is taken is given back, so the rows add up to one. A context with many "
    "different followers saves more, and trusts the rung below more: it has shown that it likes "
    "surprises.",
    then="start from the uniform guess and climb twice: that is a bigram model.",
)


@rung.cases
def rung_cases(draw):
    yield case(torch.tensor([[3, 1, 0]]), torch.tensor([[0.5, 0.25, 0.25]]), 0.5)
    yield case(
        torch.tensor([[0, 0, 0], [0, 1, 0], [2, 0, 0]]),
        torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.125, 0.5, 0.375]]),
        0.75,
    )
    for discount in (0.3, 0.9):
        rows, v = draw.size(5, 8), 2 * draw.size(2, 4) + 1
        counts = draw.integers(0, 6, rows, v) * draw.mask(rows, v, share=0.6)
        counts[-1] = 0
        yield case(counts, draw.normal(rows, v).softmax(-1), discount)


@rung.oracle
def rung_in_numpy(counts, lower, discount):
    """By what is left over: whatever the discounted shares do not use up goes to the lower rung."""
    counts, lower = counts.numpy(), lower.numpy()
    rows = []
    for count, below in zip(counts, lower, strict=True):
        shares = np.where(count > 0, count - discount, 0) / max(count.sum(), 1)
        rows.append(shares + (1 - shares.sum()) * below)
    return np.array(rows, dtype=lower.dtype)


@rung.holds("every row adds up to one")
def rows_add_up(answer, counts, lower, discount):
    total = as_array(answer(counts, lower, discount)).sum(1)
    return np.allclose(total, 1, atol=1e-5)


def _parts(counts):
    return counts.sum(1, keepdim=True), (counts > 0).sum(1, keepdim=True)


@rung.wrong("what was taken from the counts is lost: it has to be given to the lower rung", "1.4")
def nothing_given_back(counts, lower, discount):
    total, _ = _parts(counts)
    return torch.where(total > 0, (counts - discount).clamp(min=0) / total, lower)


@rung.wrong("every count above zero gives up the discount: a row saves it several times", "1.4")
def saved_only_once(counts, lower, discount):
    total, _ = _parts(counts)
    guess = ((counts - discount).clamp(min=0) + discount * lower) / total
    return torch.where(total > 0, guess, lower)


@rung.wrong("a count of zero cannot give anything: do not go below zero", "1.4")
def zeros_give_too(counts, lower, discount):
    total, kinds = _parts(counts)
    guess = (counts - discount + discount * kinds * lower) / total
    return torch.where(total > 0, guess, lower)


@rung.wrong("a context that was never seen becomes 0/0; it should say what `lower` says", "1.4")
def never_seen_is_not_a_number(counts, lower, discount):
    total, kinds = _parts(counts)
    return ((counts - discount).clamp(min=0) + discount * kinds * lower) / total


@rung.wrong("what is saved goes to all symbols, the ones that were seen as well", "1.4")
def only_the_unseen_profit(counts, lower, discount):
    total, kinds = _parts(counts)
    guess = torch.where(counts > 0, counts - discount, discount * kinds * lower) / total
    return torch.where(total > 0, guess, lower)


@rung.wrong("a fixed share for the lower rung; how much a row saves depends on its counts", "1.4")
def a_fixed_mixture(counts, lower, discount):
    total, _ = _parts(counts)
    return torch.where(total > 0, (1 - discount) * counts / total + discount * lower, lower)


@rung.wrong("the kinds are counted in all rows together; each context has its own", "1.4")
def kinds_of_all_rows(counts, lower, discount):
    total, _ = _parts(counts)
    kinds = (counts > 0).sum()
    guess = ((counts - discount).clamp(min=0) + discount * kinds * lower) / total
    return torch.where(total > 0, guess, lower)


@rung.alternative
def by_what_is_left(counts, lower, discount):
    kept = (counts - discount).clamp(min=0) / counts.sum(1, keepdim=True).clamp(min=1)
    return kept + (1 - kept.sum(1, keepdim=True)) * lower


@rung.alternative
def row_by_row(counts, lower, discount):
    rows = []
    for count, below in zip(counts, lower, strict=True):
        if count.sum() == 0:
            rows.append(below)
            continue
        saved = discount * count.count_nonzero()
        rows.append(((count - discount).relu() + saved * below) / count.sum())
    return torch.stack(rows)
