"""Lesson 04, section 4.4: the causal mask, and a plot of what leaks without it."""

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding, plot_question
from course_utils.model import attention

causal = coding(
    "04.6",
    title="No looking ahead",
    difficulty=1,
    minutes=3,
    given="nothing but a length",
    reference=attention.causal_mask,
    task="""An (L, L) boolean mask that lets position i look at positions 0 … i, itself included.

    Row i belongs to the query at position i, column j to the key at position j.  `device` says
    where the mask shall live; leave it aside for now.
    """,
    hints=[
        "Draw it for L = 3: how many keys may the first query see, how many the last?",
        "`torch.ones(..., dtype=torch.bool)` is a full square of True; `.tril()` keeps what is "
        "on and below the diagonal.",
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


@causal.wrong("True where it is hidden; here, as in PyTorch's fused kernel, True may look", "4.4")
def true_for_hidden(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


@causal.wrong("ones and zeros instead of True and False: a float mask is *added* to scores", "4.4")
def numbers_for_booleans(length, device=None):
    return torch.ones(length, length).tril()


@causal.wrong("0 and −∞ are for adding to scores; here True and False are asked for", "4.4")
def minus_infinity_for_booleans(length, device=None):
    return torch.full((length, length), -torch.inf).triu(1)


@causal.wrong("everything may be seen: the future has to be hidden", "4.4")
def all_of_it(length, device=None):
    return torch.ones(length, length, dtype=torch.bool)


@causal.wrong("every position sees itself alone: the whole past is allowed, too", "4.4")
def itself_alone(length, device=None):
    return torch.eye(length, dtype=torch.bool)


@causal.wrong("one step back and no further: the whole past is allowed", "4.4")
def one_step_back(length, device=None):
    square = torch.ones(length, length, dtype=torch.bool)
    return square.tril() & square.triu(-1)


@causal.wrong("the right triangle with two axes too many: (L, L) broadcasts by itself", "4.4")
def with_axes_for_batch_and_heads(length, device=None):
    return torch.ones(length, length, dtype=torch.bool).tril()[None, None]


@causal.wrong(
    "one row and one column are missing: `range` and `arange` stop before their end", "4.4"
)
def one_too_short(length, device=None):
    return torch.ones(length - 1, length - 1, dtype=torch.bool).tril()


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
    "loss of 1.6 nats, on throws made only after the training. What do you say?",
    options={
        "a": "congratulations: it beats 2.08",
        "b": "the model sees the answer somewhere",
        "c": "it has overfitted the training throws",
    },
    answer="b",
    wrong={
        "a": "no model can guess a fair die; below ln 8 = 2.08 somebody is reading the answer",
        "c": "the throws that it was judged by were made afterwards: nothing to learn by heart",
    },
    section="4.4",
    hints=["What is the best loss that anybody can reach on a fair die?", "ln 8 is 2.08."],
    why="The past says nothing about the next throw of a fair die, so an honest loss cannot fall "
    "below ln 8. A lower one is a leak, and data of pure chance is how one finds it.",
)
