"""Lesson 07, section 7.5: an evaluation that asks other questions every time."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.sandbox import global_dice


def hide_for_evaluation(
    rows: Tensor, per_row: int, special_ids: tuple[int, ...], seed: int = 0
) -> Tensor:
    """Places to hide in an evaluation: `per_row` different ones in each row, (B, per_row).

    No special token is hidden.  The places depend on `rows` and `seed` alone, so that every
    evaluation asks the same questions, and nobody else's random numbers are touched.
    """
    generator = torch.Generator().manual_seed(seed)
    lottery = torch.rand(rows.shape, generator=generator)
    lottery = lottery.masked_fill(torch.isin(rows, torch.tensor(special_ids)), 2.0)
    return lottery.topk(per_row, largest=False).indices


def hide_for_evaluation_with_a_bug(
    rows: Tensor, per_row: int, special_ids: tuple[int, ...], seed: int = 0
) -> Tensor:
    """Places to hide in an evaluation: `per_row` different ones in each row, (B, per_row).

    No special token is hidden.  The places depend on `rows` and `seed` alone, so that every
    evaluation asks the same questions, and nobody else's random numbers are touched.
    """
    lottery = torch.rand(rows.shape)
    lottery = lottery.masked_fill(torch.isin(rows, torch.tensor(special_ids)), 2.0)
    return lottery.topk(per_row, largest=False).indices


frozen = coding(
    "07.9",
    title="Other questions every time",
    difficulty=3,
    minutes=6,
    given="a function that is called before each evaluation, and a curve that trembles",
    reference=hide_for_evaluation,
    buggy=hide_for_evaluation_with_a_bug,
    tolerance=0.1,
    hints=[
        "Call it twice with the same rows. Are the places the same?",
        "`torch.manual_seed(seed)` would freeze them, but it also sets back the random numbers of "
        "the training that is going on.",
        "A `torch.Generator().manual_seed(seed)` of its own, handed to `torch.rand`.",
    ],
    why="With its own generator the evaluation draws the same places for ever, and the training's "
    "random numbers do not even notice that there was an evaluation.",
    then="what else would differ between two runs, one of which evaluates twice as often?",
)


@frozen.cases
def frozen_cases(draw):
    for per_row, special in ((2, (2, 3)), (5, (0, 1, 2, 3, 4))):
        rows = draw.integers(0, 12, 900 + draw.size(0, 9), 13)
        rows[:, :6] = 5 + rows[:, :6] % 7  # there are always enough ordinary ones
        yield case(rows, per_row, special, 1 + draw.seed)
    yield case(rows, 3, (9,))


@frozen.observe
def how_it_behaves(hide_for_evaluation, rows, per_row, special_ids, seed=0):
    before = global_dice()
    places = torch.as_tensor(hide_for_evaluation(rows, per_row, special_ids, seed))
    untouched = before == global_dice()
    torch.rand(3)  # the training goes on
    again = torch.as_tensor(hide_for_evaluation(rows, per_row, special_ids, seed))
    other = torch.as_tensor(hide_for_evaluation(rows, per_row, special_ids, seed + 1))
    hidden = torch.zeros(rows.shape).scatter(1, places, 1.0)
    return {
        "shape": list(places.shape),
        "the same places again": bool(torch.equal(places, again)),
        "other places for another seed": not torch.equal(places, other),
        "the global random numbers are left alone": untouched,
        "special tokens hidden": int(torch.isin(rows, torch.tensor(special_ids))[hidden > 0].sum()),
        "different places in a row": bool((hidden.sum(1) == per_row).all()),
        "the first half of a row": hidden[:, :6].mean(),
    }


@frozen.oracle
def frozen_in_numpy(rows, per_row, special_ids, seed=0):
    """NumPy draws the places: how often should the first half of a row be hidden?"""
    dice = np.random.default_rng(seed).random((20, *rows.shape))
    dice[:, np.isin(rows.numpy(), special_ids)] = 2.0
    hidden = dice.argsort(-1).argsort(-1) < per_row
    return {
        "shape": [len(rows), per_row],
        "the same places again": True,
        "other places for another seed": True,
        "the global random numbers are left alone": True,
        "special tokens hidden": 0,
        "different places in a row": True,
        "the first half of a row": hidden[:, :, :6].mean(),
    }


@frozen.wrong("frozen, but `torch.manual_seed` also sets back the training's own numbers", "7.5")
def the_global_seed(rows, per_row, special_ids, seed=0):
    torch.manual_seed(seed)
    return hide_for_evaluation_with_a_bug(rows, per_row, special_ids)


@frozen.wrong("frozen, but the seed is not used: every seed gives the same places", "7.5")
def the_seed_is_not_used(rows, per_row, special_ids, seed=0):
    return hide_for_evaluation(rows, per_row, special_ids, 0)


@frozen.wrong("frozen because nothing is drawn: the first tokens of a row are hidden", "7.5")
def always_the_first(rows, per_row, special_ids, seed=0):
    special = torch.isin(rows, torch.tensor(special_ids))
    return special.int().sort(dim=1, stable=True).indices[:, :per_row]


@frozen.wrong("frozen, but one draw serves all rows, so special tokens are hidden as well", "7.5")
def one_draw_for_all(rows, per_row, special_ids, seed=0):
    order = torch.randperm(rows.size(1), generator=torch.Generator().manual_seed(seed))
    return order[:per_row].expand(len(rows), -1)


@frozen.wrong("frozen, but special tokens are hidden too", "7.5")
def special_tokens_hidden(rows, per_row, special_ids, seed=0):
    lottery = torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed))
    return lottery.topk(per_row, largest=False).indices


@frozen.alternative
def fork_the_global_state(rows, per_row, special_ids, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return hide_for_evaluation_with_a_bug(rows, per_row, special_ids)


@frozen.alternative
def with_numpy(rows, per_row, special_ids, seed=0):
    dice = np.random.default_rng(seed).random(rows.shape)
    dice[np.isin(rows.numpy(), special_ids)] = 2.0
    return torch.from_numpy(dice.argsort(axis=1)[:, :per_row])


@frozen.alternative
def weighted_draws(rows, per_row, special_ids, seed=0):
    weights = (~torch.isin(rows, torch.tensor(special_ids))).float()
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(weights, per_row, generator=generator).sort(1).values
