"""Lesson 06, section 6.9: two exhibits of the museum that are about steps."""

import numpy as np
import torch
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_06 import pieces
from course_utils.training.optim import schedule

clearing = coding(
    "06.14",
    title="Yesterday's gradients",
    difficulty=1,
    minutes=2,
    given="exhibit C; one line is missing",
    reference=pieces.update,
    buggy=pieces.update_with_a_bug,
    mutates=True,
    hints=[
        "`backward` adds to `.grad`. Who empties it?",
        "`optimizer.zero_grad()`, at a moment when nobody needs the gradients.",
    ],
    why="Every step went along the sum of all gradients there had ever been. It looks like a very "
    "large momentum, and swings like one.",
    then="AdamW divides by the size of the gradient. Why does that not save it?",
)


@clearing.cases
def clearing_cases(draw):
    for rows, width in ((2, 2), (5, draw.size(3, 5))):
        yield case(draw.normal(width), draw.normal(3, rows, width), draw.normal(3, rows))


@clearing.observe
def three_updates(update, weight, inputs, truth):
    model = nn.Linear(len(weight), 1, bias=False).to(weight.dtype)
    model.load_state_dict({"weight": weight[None]})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    for x, y in zip(inputs, truth, strict=True):
        update(optimizer, (model(x).squeeze(-1) - y).square().mean())
    return model.weight.detach()


@clearing.oracle
def by_numpy(weight, inputs, truth):
    weight, inputs, truth = weight.numpy(), inputs.numpy(), truth.numpy()
    momentum = np.zeros_like(weight)
    for x, y in zip(inputs, truth, strict=True):
        momentum = momentum / 2 + 2 * x.T @ (x @ weight - y) / len(y)
        weight = weight - weight.dtype.type(0.1) * momentum
    return weight[None]


@clearing.wrong(
    "they are cleared between `backward` and `step`: nothing is left to step along", "6.5"
)
def cleared_too_late(optimizer, loss):
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()


@clearing.wrong("`step` comes before `backward` and finds no gradients", "6.5")
def stepped_too_early(optimizer, loss):
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()


@clearing.wrong("that forgets the momentum; the old gradients are still there", "6.5")
def forgot_the_state_instead(optimizer, loss):
    optimizer.state.clear()
    loss.backward()
    optimizer.step()


@clearing.wrong("now the momentum is cleared as well: only the gradients should be", "6.5")
def forgot_everything(optimizer, loss):
    optimizer.state.clear()
    pieces.update(optimizer, loss)


@clearing.wrong("clipping shortens the sum of old gradients; it does not clear it", "6.5")
def clipped_instead(optimizer, loss):
    loss.backward()
    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
    optimizer.step()


@clearing.alternative
def cleared_afterwards(optimizer, loss):
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


@clearing.alternative
def set_to_zero(optimizer, loss):
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()


late = coding(
    "06.15",
    title="A warm-up of twenty epochs",
    difficulty=2,
    minutes=3,
    given="exhibit D; `optim.schedule(step, total, warmup)` is the right one, and it is asked the "
    "wrong question",
    reference=pieces.rate_factor,
    buggy=pieces.rate_factor_with_a_bug,
    hints=[
        "In which unit is `warmup`? And what is the first argument counted in?",
        "`optim.schedule` wants the step; nobody needs the epoch here.",
    ],
    why="Steps and epochs are both whole numbers, and no library can tell them apart. The warm-up "
    "was never over, and the learning rate never near what the log's first line said.",
    then="which curve would have shown it at once? Plot the learning rate, always.",
)


@late.cases
def late_cases(draw):
    yield case(3, 12, 2, 4)
    total = draw.size(30, 50)
    for step in (0, 1, 3, 4, 9, 17, total - 2, total - 1):
        yield case(step, total, 4, 7)


@late.oracle
def through_the_corners(step, total, warmup, steps_per_epoch):
    return float(np.interp(step, [-1, warmup - 1, warmup, total], [0, 1, 1, 0]))


@late.wrong(
    "the warm-up is longer now by the steps of an epoch: `warmup` counts steps already", "6.3"
)
def longer_warmup(step, total, warmup, steps_per_epoch):
    return schedule(step, total, min(total, warmup * steps_per_epoch))


@late.wrong("everything counts epochs now: the rate is flat for an epoch, and then jumps", "6.3")
def staircase(step, total, warmup, steps_per_epoch):
    return schedule(step // steps_per_epoch, -(-total // steps_per_epoch), 1)


@late.wrong("the warm-up is gone; it was to be mended, not removed", "6.3")
def no_warmup(step, total, warmup, steps_per_epoch):
    return schedule(step, total)


@late.wrong("it rises, and never falls: the decay is missing", "6.3")
def no_decay(step, total, warmup, steps_per_epoch):
    return schedule(step, total, warmup, "constant")


@late.wrong("`schedule` counts steps from 0, as you are given them: you are one ahead", "6.3")
def one_ahead(step, total, warmup, steps_per_epoch):
    return schedule(min(step + 1, total - 1), total, warmup)


@late.alternative
def as_the_lower_of_two(step, total, warmup, steps_per_epoch):
    return min((step + 1) / warmup, (total - step) / (total - warmup))


@late.alternative
def with_the_kind(step, total, warmup, steps_per_epoch):
    return schedule(step=step, total=total, warmup=warmup, kind="linear")
