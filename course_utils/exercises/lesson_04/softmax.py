"""Lesson 04, section 4.4: a softmax that hides keys."""

import torch
import torch.nn.functional as F

from course_utils.exercises.exercise import case, coding
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
    of the allowed keys add up to one, however large or small the scores are.  A query that may
    look nowhere gets a row of zeros.
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
    yield case(draw.normal(2, 5, 3) - 1000, torch.tensor([False, True, True]))


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
    "the mask comes after the softmax, so hidden keys took a share: less than 1 is left",
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


@softmax.wrong(
    "the second of your axes is not always that of the keys: count from the end, -1", "4.2"
)
def counted_from_the_front(scores, mask=None):
    hidden = torch.zeros_like(scores).bool() if mask is None else ~mask.expand_as(scores)
    return scores.masked_fill(hidden, -torch.inf).softmax(1).nan_to_num(0.0)


@softmax.wrong("the weights add up over the first axis; the keys are the last one, -1", "4.2")
def softmax_over_the_first_axis(scores, mask=None):
    hidden = torch.zeros_like(scores).bool() if mask is None else ~mask.expand_as(scores)
    return scores.masked_fill(hidden, -torch.inf).softmax(0).nan_to_num(0.0)


@softmax.wrong("the mask is never used", "4.4")
def ignored_the_mask(scores, mask=None):
    return scores.softmax(-1)


@softmax.wrong("a mask may be missing: None means that every key may be looked at", "4.4")
def forgot_that_there_may_be_none(scores, mask=None):
    return scores.masked_fill(~mask, -torch.inf).softmax(-1).masked_fill(~mask, 0.0)


@softmax.wrong("True counts as 1: you raised the allowed scores by one, and hid nothing", "4.4")
def added_the_booleans(scores, mask=None):
    return scores.softmax(-1) if mask is None else (scores + mask).softmax(-1)


@softmax.wrong("inverted, and after the softmax: the mask belongs before it, with `~`", "4.4")
def inverted_and_after(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.softmax(-1).masked_fill(mask, 0.0)


@softmax.wrong("−∞ is for scores, before the softmax; a hidden *weight* is 0", "4.4")
def minus_infinity_after_the_softmax(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.softmax(-1).masked_fill(~mask, -torch.inf)


@softmax.wrong("nan: +∞ gives ∞/∞, and 0 · ∞ is nan as well; *fill* in −∞, with its minus", "4.4")
def no_minus_infinity(scores, mask=None):
    return scores.softmax(-1) if mask is None else scores.masked_fill(~mask, torch.inf).softmax(-1)


@softmax.wrong("these are still scores: the softmax is missing", "4.4")
def forgot_the_softmax(scores, mask=None):
    return scores if mask is None else scores.masked_fill(~mask, -torch.inf)


@softmax.wrong("these are logarithms of weights: `softmax`, not `log_softmax`", "4.2")
def logarithms(scores, mask=None):
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).log_softmax(-1)


@softmax.wrong(
    "a second softmax does not mend the sum, it flattens the weights: mask before", "4.4"
)
def softmax_twice(scores, mask=None):
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, -torch.inf)
    return weights.softmax(-1).nan_to_num(0.0)


@softmax.wrong("exp(−1000) is 0, so a row of low scores vanishes: leave it to `softmax`", "4.4")
def powers_too_small(scores, mask=None):
    powers = scores.exp() if mask is None else scores.exp() * mask
    return powers / (powers.sum(-1, keepdim=True) + 1e-9)


@softmax.wrong(
    "exp(−1000) is 0, and 0/0 is nan: leave it to `softmax`, which subtracts first", "4.4"
)
def bare_powers(scores, mask=None):
    powers = scores.exp() if mask is None else scores.exp() * mask
    return powers / powers.sum(-1, keepdim=True)


@softmax.wrong("the caller's scores are changed: fill a copy (`masked_fill`, without `_`)", "4.4")
def filled_in_place(scores, mask=None):
    if mask is not None:
        scores.masked_fill_(~mask, -torch.inf)
    return scores.softmax(-1).nan_to_num(0.0)


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
