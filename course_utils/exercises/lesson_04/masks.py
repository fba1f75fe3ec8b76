"""Lesson 04, section 4.4: masks for what may be seen."""

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.exercises.exercise import case, coding, plot_question
from course_utils.model import attention

softmax = coding(
    "04.5",
    title="A softmax that hides keys",
    difficulty=3,
    minutes=8,
    given="scores (..., Lq, Lk) and a boolean mask of a shape that broadcasts to them, or none",
    reference=attention.masked_softmax,
    task="""Softmax over the keys (the last axis), with forbidden keys at exactly zero.

    In `mask`, True means *may look*; None means that every key may be looked at.  The weights
    of the allowed keys add up to one, whatever the scores of the forbidden ones.  A query that
    may look nowhere gets a row of zeros.
    """,
    hints=[
        "What must a score be for its exponential to be exactly zero?",
        "Fill the forbidden scores with −∞ (`masked_fill`) before the softmax.",
        "A row of nothing but −∞ gives 0/0. Which entries may be set to zero after the softmax "
        "without any harm?",
    ],
    why="exp(−∞) is exactly 0, so a hidden key adds nothing to the sum that every weight is "
    "divided by. The second filling changes only the rows in which everything was hidden.",
    then="try a mask that hides every key from one query.",
)


@softmax.cases
def softmax_cases(draw):
    yield case(2 * draw.normal(2, 3), torch.tensor([[True, True, False], [True, False, True]]))
    scores = 3 * draw.normal(2, 3, draw.size(4, 6), 7)
    mask = draw.mask(2, 1, scores.size(2), 7)
    mask[..., 0] = True
    yield case(scores, mask)
    yield case(draw.normal(2, 3, 5))
    nowhere = draw.mask(4, 5)
    nowhere[draw.size(0, 3)] = False
    yield case(draw.normal(4, 5), nowhere)
    yield case(draw.normal(2, 5, 3) - 30, torch.tensor([False, True, True]))


@softmax.oracle
def fused_kernel(scores, mask=None):
    """PyTorch's fused attention over unit vectors returns the weights themselves."""
    one = torch.eye(scores.size(-1), dtype=scores.dtype)
    one = one.expand(*scores.shape[:-2], -1, -1)
    if mask is not None:
        mask = mask.broadcast_to(scores.shape)
    return F.scaled_dot_product_attention(scores, one, one, attn_mask=mask, scale=1.0)


@softmax.wrong("a score of 0 is a score like any other: exp(0) = 1; hide a key with −∞", "4.4")
def zero_for_minus_infinity(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.masked_fill(~mask, 0.0).softmax(-1)


@softmax.wrong(
    "the mask comes after the softmax, so hidden keys still took their share: no row adds up to 1",
    "4.4",
)
def mask_after_the_softmax(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.softmax(-1).masked_fill(~mask, 0.0)


@softmax.wrong("the mask is the wrong way round: True means that the key may be seen", "4.4")
def inverted_mask(scores, mask=None):
    if mask is None:
        return scores.softmax(-1)
    return scores.masked_fill(mask, -torch.inf).softmax(-1).masked_fill(mask, 0.0)


@softmax.wrong("the weights add up to 1 over the queries; they should over the keys", "4.2")
def softmax_over_the_queries(scores, mask=None):
    if mask is None:
        return scores.softmax(-2)
    return scores.masked_fill(~mask, -torch.inf).softmax(-2).masked_fill(~mask, 0.0)


@softmax.wrong("right until a query may look nowhere: a row of −∞ gives 0/0, which is nan", "4.4")
def nan_where_nothing_is_allowed(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.masked_fill(~mask, -torch.inf).softmax(-1)


@softmax.wrong(
    "right until a query may look nowhere: −10⁹ everywhere is as good as 0 everywhere", "4.4"
)
def a_large_number_for_infinity(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.masked_fill(~mask, -1e9).softmax(-1)


@softmax.alternative
def by_hand(scores, mask=None):
    allowed = torch.ones_like(scores) if mask is None else mask.to(scores.dtype)
    highest = (scores + torch.log(allowed)).amax(-1, keepdim=True)
    top = torch.where(highest.isfinite(), highest, 0.0)
    powers = torch.where(allowed.expand_as(scores) > 0, (scores - top).clamp(max=0).exp(), 0.0)
    return powers / powers.sum(-1, keepdim=True).clamp(min=1e-30)


@softmax.alternative
def renormalised(scores, mask=None):
    weights = scores.double().softmax(-1)
    if mask is not None:
        weights = weights * mask
    return (weights / weights.sum(-1, keepdim=True)).nan_to_num(0.0).to(scores.dtype)


causal = coding(
    "04.6",
    title="No looking ahead",
    difficulty=1,
    minutes=3,
    given="nothing but a length",
    reference=attention.causal_mask,
    task="""An (L, L) boolean mask that lets position i look at positions 0 … i, itself included.

    Row i belongs to the query at position i, column j to the key at position j.
    """,
    hints=[
        "Draw it for L = 3: how many keys may the first query see, how many the last?",
        "`torch.ones(...)` makes a full square; `.tril()` keeps what is on and below the diagonal.",
    ],
    why="Position i may see the keys j ≤ i: the lower triangle, with its diagonal.",
    then="how many of the L² pairs are left, as L grows?",
)


@causal.cases
def causal_cases(draw):
    yield case(3)
    yield case(draw.size(4, 12))
    yield case(draw.size(13, 40))
    yield case(1)


@causal.oracle
def triangle(length, device=None):
    return torch.from_numpy(np.tri(length, dtype=bool))


@causal.wrong("the first position may see nothing: a query looks at itself too", "4.4")
def blind_to_itself(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).tril(-1)


@causal.wrong("off by one: every query sees the next position, the very one to be guessed", "4.4")
def one_step_ahead(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).tril(1)


@causal.wrong("this is the other triangle: it shows the future and hides the past", "4.4")
def the_future_only(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).triu()


@causal.wrong("True where it is hidden; in this course (and in PyTorch) True means may look", "4.4")
def true_for_hidden(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


@causal.wrong("ones and zeros instead of True and False: a float mask is *added* to scores", "4.4")
def numbers_for_booleans(length, device=None):
    return torch.ones(length, length).tril()


@causal.alternative
def compare_positions(length, device=None):
    position = torch.arange(length, device=device)
    return position[None, :] <= position[:, None]


@causal.alternative
def row_by_row(n, device=None):
    return torch.tensor([[j <= i for j in range(n)] for i in range(n)], device=device)


honest = plot_question(
    "04.4",
    title="Too good to be true",
    difficulty=1,
    minutes=1,
    given="the right half of Figure 4.3",
    ask="A colleague reports a causal model that guesses throws of a fair eight-sided die with a "
    "loss of 1.6 nats. What do you say?",
    options={
        "a": "congratulations: it beats 2.08",
        "b": "the model sees the answer somewhere",
        "c": "it has overfitted the training throws",
    },
    answer="b",
    wrong={
        "a": "no model can guess a fair die; below ln 8 = 2.08 somebody is reading the answer",
        "c": "every batch was thrown anew, so there is nothing to learn by heart",
    },
    section="4.4",
    hints=["What is the best loss that anybody can reach on a fair die?", "ln 8 is 2.08."],
    why="The past says nothing about the next throw of a fair die, so an honest loss cannot fall "
    "below ln 8. A lower one is a leak, and data of pure chance is how one finds it.",
)
