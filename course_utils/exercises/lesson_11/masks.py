"""Lesson 11, section 11.1: a mask that lets one token of the future through."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.model.decoder import step_mask


def step_mask_with_a_bug(
    new: int, past: int = 0, device: torch.device | str | None = None
) -> Tensor:
    """Who may look at whom when `new` tokens follow `past` ones: (new, past + new), boolean.

    The last row sees everything, and each row above it one token less.
    """
    mask = torch.ones(new, past + new, dtype=torch.bool, device=device)
    return mask.tril(diagonal=past + 1)


leak = coding(
    "11.2",
    title="A glimpse of the future",
    difficulty=2,
    minutes=4,
    given="a mask that trains to a wonderful loss and writes nonsense",
    reference=step_mask,
    buggy=step_mask_with_a_bug,
    hints=[
        "Print it for three new tokens and no past. Which token can the first one see?",
        "Row i stands for token past + i, and it may look at the tokens 0 … past + i.",
    ],
    why="One diagonal too many, and every position reads its answer from the input. The training "
    "loss falls to almost nothing, without an error, and at writing time, when there is no "
    "future to copy from, the model is lost. The test is always the same: change a token, and see "
    "whether anything *before* it moves.",
    then="how would a training loss tell you that the future leaks?",
)


@leak.cases
def mask_cases(draw):
    yield case(2)
    yield case(draw.size(3, 6))
    yield case(1, draw.size(1, 6))
    yield case(draw.size(2, 4), past=draw.size(5, 9))


@leak.oracle
def by_comparing_places(new, past=0):
    rows, columns = np.arange(past, past + new)[:, None], np.arange(past + new)[None]
    return torch.from_numpy(columns <= rows)


@leak.wrong("nobody sees itself: position i may look at itself, too", "11.1")
def blind_to_itself(new, past=0, device=None):
    return torch.ones(new, past + new, dtype=torch.bool).tril(diagonal=past - 1)


@leak.wrong(
    "right without a past; with one, the new tokens are treated as if they came first", "11.1"
)
def forgot_the_past(new, past=0, device=None):
    return torch.ones(new, past + new, dtype=torch.bool).tril()


@leak.wrong("it is upside down: everybody sees the future and nobody the past", "11.1")
def upside_down(new, past=0, device=None):
    return torch.ones(new, past + new, dtype=torch.bool).triu(diagonal=past)


@leak.wrong("nothing is hidden at all: that is the encoder's mask", "11.1")
def sees_everything(new, past=0, device=None):
    return torch.ones(new, past + new, dtype=torch.bool)


@leak.wrong(
    "the past is lost: the mask must be (new, past + new), with a column for each key", "11.1"
)
def square(new, past=0, device=None):
    return torch.ones(new, new, dtype=torch.bool).tril()


@leak.alternative
def the_end_of_a_square(new, past=0, device=None):
    whole = past + new
    return torch.ones(whole, whole, dtype=torch.bool, device=device).tril()[past:]


@leak.alternative
def compared(new, past=0, device=None):
    place = torch.arange(past + new, device=device)
    return place[None] <= place[past:, None]
