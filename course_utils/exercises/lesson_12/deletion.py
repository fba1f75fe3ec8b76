"""Lesson 12, section 12.4: the judge of the stories, with two bugs."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_utils.evaluation import attribution
from course_utils.exercises.exercise import case, coding


def deletion_curve_with_a_bug(
    score: Callable[[Tensor], Tensor], ids: Tensor, importance: Tensor, mask_id: int
) -> Tensor:
    """The score with the 0, 1, … L most important tokens replaced by [MASK]: (L + 1,)."""
    order = importance.argsort(stable=True)
    rows = [ids]
    for place in order:
        without = ids.clone()
        without[place] = mask_id
        rows.append(without)
    return score(torch.stack(rows))


deletion = coding(
    "12.6",
    title="The judge who cannot count",
    difficulty=3,
    minutes=7,
    given="a deletion test that runs; two things are wrong with it; in a right one, of "
    "equally important tokens the one further left goes first",
    reference=attribution.deletion_curve,
    buggy=deletion_curve_with_a_bug,
    hints=[
        "Print the rows that go into `score`. How many [MASK] does the last one hold?",
        "Each row should go on from the one before it. And which token goes first?",
        "`descending=True`, and `without = rows[-1].clone()`.",
    ],
    why="`argsort` begins with the smallest, so the least important token went first; and each row "
    "began anew, so that never more than one token was gone.",
    then="draw the curve of a random order beside it: without that, no curve means anything.",
)


def votes(ids: Tensor) -> Tensor:
    """A reader in whom every token counts for itself, and neighbours 6 and 7 for something more."""
    pairs = (ids[:, :-1] == 6) & (ids[:, 1:] == 7)
    return torch.tanh(0.1 * (ids % 5).sum(1) + 0.7 * pairs.sum(1)).double()


@deletion.cases
def deletion_cases(draw):
    yield case(votes, torch.tensor([6, 7, 9]), draw.normal(3, dtype=torch.float32), 20)
    length = draw.size(5, 9)
    ids = draw.integers(5, 12, length)
    yield case(votes, ids, draw.normal(length), 20)
    yield case(votes, draw.integers(5, 12, 7), draw.integers(0, 3, 7).float(), 20)  # with ties


@deletion.oracle
def one_after_another(score, ids, importance, mask_id):
    left, found = ids.tolist(), [score(ids[None]).item()]
    for place in np.argsort(-importance.double().numpy(), kind="stable"):
        left[place] = mask_id
        found.append(score(torch.tensor([left])).item())
    return torch.tensor(found, dtype=torch.float64)


def deleted(score, ids, order, mask_id, anew=False):
    rows = [ids]
    for place in order:
        without = (ids if anew else rows[-1]).clone()
        without[place] = mask_id
        rows.append(without)
    return score(torch.stack(rows))


@deletion.wrong("the order is right now, but only one token is ever gone at a time", "12.4")
def only_the_order(score, ids, importance, mask_id):
    return deleted(score, ids, importance.argsort(descending=True, stable=True), mask_id, anew=True)


@deletion.wrong("tokens pile up now, but the least important one goes first", "12.4")
def only_the_pile(score, ids, importance, mask_id):
    return deleted(score, ids, importance.argsort(stable=True), mask_id)


@deletion.wrong("without the sign, a token that speaks *against* the score goes early", "12.4")
def without_the_sign(score, ids, importance, mask_id):
    return deleted(score, ids, importance.abs().argsort(descending=True, stable=True), mask_id)


@deletion.wrong("among equally important tokens the one further *left* goes first", "12.4")
def ties_from_the_right(score, ids, importance, mask_id):
    order = len(ids) - 1 - importance.flip(0).argsort(descending=True, stable=True)
    return deleted(score, ids, order, mask_id)


@deletion.wrong("the untouched text is missing: the curve begins with nothing deleted", "12.4")
def forgot_the_start(score, ids, importance, mask_id):
    return deleted(score, ids, importance.argsort(descending=True, stable=True), mask_id)[1:]


@deletion.alternative
def piled_up(score, ids, importance, mask_id):
    rows = [ids]
    for place in importance.argsort(descending=True, stable=True):
        without = rows[-1].clone()
        without[place] = mask_id
        rows.append(without)
    return score(torch.stack(rows))


@deletion.alternative
def one_call_each(score, ids, importance, mask_id):
    order = importance.sort(descending=True, stable=True).indices
    found = []
    for count in range(len(ids) + 1):
        row = ids.clone()
        row[order[:count]] = mask_id
        found.append(score(row[None])[0])
    return torch.stack(found)
