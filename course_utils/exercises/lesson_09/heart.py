"""Lesson 09, section 9.2: when to stop learning by heart."""

from collections.abc import Sequence

import numpy as np

from course_utils.exercises.exercise import case, coding


def stop_early(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Which epoch's weights to keep, and how many epochs are run at all: (kept, run)."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return best, epoch + 1
    return best, len(losses)


early = coding(
    "09.3",
    title="Patience",
    difficulty=2,
    minutes=6,
    given="the validation losses as they would come, epoch by epoch, and a patience of 1 or more",
    reference=stop_early,
    task="""Which epoch's weights to keep, and how many epochs are run at all: (kept, run).

    `losses` are the validation losses after epoch 0, 1, 2 …, as far as training may go.  It ends
    as soon as `patience` epochs have passed since the lowest loss so far; the weights of that
    lowest loss are kept, of equal ones the first.  Later losses are never seen.
    """,
    hints=[
        "Go through the losses once and remember the place of the lowest so far.",
        "At each epoch that is no new best, ask how many epochs have passed since the best.",
    ],
    why="The rule sees the past alone, as it would in life. Whoever takes the minimum over the "
    "whole list has trained to the end first, and has saved nothing.",
    then="which patience would have kept the best epoch of Figure 9.1?",
)


@early.cases
def early_cases(draw):
    yield case([0.7, 0.6, 0.65, 0.62, 0.5], 2)
    yield case([0.9, 0.8, 0.7, 0.75, 0.71, 0.72, 0.73, 0.6], draw.size(1, 2))
    yield case([0.7, 0.6, 0.6, 0.61, 0.55, 0.9, 0.8], 3)  # a late best
    yield case([0.7, 0.6, 0.6, 0.65, 0.7, 0.9, 0.95], 2)  # ties
    yield case([0.6, 0.6, 0.7, 0.8, 0.9], 2)
    for patience in (1, 2, 3):
        count = draw.size(9, 14)
        losses = [draw.size(40, 70) / 100 for _ in range(count)]
        yield case(losses, patience)
    yield case(sorted((draw.size(30, 90) / 100 for _ in range(6)), reverse=True), 2)


@early.oracle
def by_prefixes(losses, patience):
    """NumPy: the smallest of everything seen so far, after each epoch."""
    for run in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:run]))
        if run - 1 - best >= patience:
            return best, run
    return int(np.argmin(losses)), len(losses)


early.wrong_edit(
    "one_epoch_too_patient",
    old=">= patience",
    new="> patience",
    message="you wait one epoch too long: `patience` epochs without a new best are enough",
    section="9.2",
)


@early.wrong("that needs the losses of epochs that are never run", "9.2")
def saw_the_future(losses, patience):
    best = int(np.argmin(losses))
    return best, min(len(losses), best + patience + 1)


@early.wrong("the weights of the last epoch are kept; those of the best were asked for", "9.2")
def kept_the_last(losses, patience):
    _, run = stop_early(losses, patience)
    return run - 1, run


@early.wrong("you compare with the epoch before; compare with the best so far", "9.2")
def compared_with_the_last(losses, patience):
    best = bad = 0
    for epoch in range(1, len(losses)):
        bad = 0 if losses[epoch] < losses[epoch - 1] else bad + 1
        best = epoch if losses[epoch] < losses[best] else best
        if bad >= patience:
            return best, epoch + 1
    return best, len(losses)


@early.wrong("you count bad epochs altogether; a new best starts the count anew", "9.2")
def never_forgave(losses, patience):
    best = bad = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        else:
            bad += 1
            if bad >= patience:
                return best, epoch + 1
    return best, len(losses)


@early.wrong("the number of epochs that are run counts from 1, and yours is one short", "9.2")
def run_from_zero(losses, patience):
    best, run = stop_early(losses, patience)
    return best, run - 1


@early.alternative
def with_a_counter(losses, patience):
    lowest, kept, waited = float("inf"), 0, 0
    for epoch, loss in enumerate(losses):
        if loss < lowest:
            lowest, kept, waited = loss, epoch, 0
        else:
            waited += 1
        if waited == patience:
            return kept, epoch + 1
    return kept, len(losses)


@early.alternative
def with_running_minima(losses, patience):
    lowest = np.minimum.accumulate(losses)
    best = [int(np.flatnonzero(np.asarray(losses) == low)[0]) for low in lowest]
    run = next((e + 1 for e, b in enumerate(best) if e - b >= patience), len(losses))
    return best[run - 1], run
