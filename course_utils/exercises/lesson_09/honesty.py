"""Lesson 09, section 9.7: does a model that says 80 % win eight times out of ten?"""

import numpy as np
import torch
from sklearn.calibration import calibration_curve

from course_utils.evaluation import calibration
from course_utils.exercises.exercise import case, coding

error = coding(
    "09.10",
    title="The gap between saying and being",
    difficulty=3,
    minutes=10,
    given="whether something came true, and the chance that a model had given it; `np`",
    reference=calibration.expected_calibration_error,
    task="""The gap between what was said and what came of it, on average over texts: a float.

    `truth` is an int64 tensor (N,) of 0 and 1, `chances` a float tensor (N,) of numbers from 0
    to 1; `np.asarray` makes an array of either.  Cut 0 … 1 into `bins` equally wide bins.  In
    each bin that is not empty take the mean chance and the share of ones, and the distance of
    the two.  Average the distances, each bin counting as many times as it has texts.
    """,
    hints=[
        "`np.linspace(0, 1, bins + 1)` gives the borders, `np.digitize` or `np.searchsorted` the "
        "bin of each chance.",
        "For each bin: abs(mean chance - mean truth) times the number of texts. Divide the sum "
        "by N.",
    ],
    why="The distances are taken bin by bin, so that too sure in one place and too shy in another "
    "do not cancel. Their sum depends on the bins: report how many there were.",
    then="try 2, 10 and 100 bins on honest chances. Why does the error grow?",
)


@error.cases
def error_cases(draw):
    yield case(torch.tensor([0, 1, 1, 1, 1]), torch.tensor([0.1, 0.1, 0.9, 0.7, 0.62]), 2)
    for bins in (10, 4, draw.size(5, 13)):
        count = 2 * draw.size(30, 60) + 1
        chances = draw.uniform(count) ** 3 * 0.98 + 0.01
        truth = (draw.uniform(count) < chances**0.6).long()
        yield case(truth, chances, bins)
    yield case(truth, chances)


@error.oracle
def by_scikit_learn(truth, chances, bins=10):
    truth, chances = truth.numpy(), chances.double().numpy()
    came, said = calibration_curve(truth, chances, n_bins=bins)
    count = np.histogram(chances, np.linspace(0, 1, bins + 1))[0]
    return float(np.average(abs(came - said), weights=count[count > 0]))


error.wrong_edit(
    "bins_count_alike",
    old="(count * abs(said - came)).sum() / count.sum()",
    new="abs(said - came).mean()",
    message="every bin counts the same here; one with many texts should count more",
    section="9.7",
)
error.wrong_edit(
    "gaps_cancel",
    old="(count * abs(said - came)).sum() / count.sum()",
    new="abs((count * (said - came)).sum()) / count.sum()",
    message="too sure and too shy cancel: take the distance in each bin",
    section="9.7",
)
error.wrong_edit(
    "worst_bin",
    old="(count * abs(said - came)).sum() / count.sum()",
    new="abs(said - came).max()",
    message="that is the largest gap of all bins; the mean over texts was asked for",
    section="9.7",
)
error.wrong_edit(
    "forgot_to_divide",
    old=" / count.sum()",
    new="",
    message="a sum over texts; divide by how many there are",
    section="9.7",
)


@error.wrong("that is the gap text by text, where even an honest model has a large one", "9.7")
def text_by_text(truth, chances, bins=10):
    return (truth - chances).abs().double().mean().item()


@error.wrong("you take the middle of each bin; take the mean of the chances in it", "9.7")
def middle_of_the_bin(truth, chances, bins=10):
    places = torch.clamp((chances * bins).ceil().long() - 1, 0, bins - 1)
    total = 0.0
    for place in places.unique():
        here = places == place
        middle = (place.item() + 0.5) / bins
        total += here.sum().item() * abs(middle - truth[here].double().mean().item())
    return total / len(truth)


@error.alternative
def bin_by_bin(truth, chances, bins=10):
    truth, chances = truth.numpy(), chances.double().numpy()
    borders = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in zip(borders[:-1], borders[1:], strict=True):
        here = (chances > low) & (chances <= high)
        total += abs(chances[here].sum() - truth[here].sum())
    return total / len(truth)


@error.alternative
def by_torch(truth, chances, bins=10):
    places = torch.bucketize(chances.double(), torch.linspace(0, 1, bins + 1).double()[1:-1])
    gaps = torch.zeros(bins).double().index_add(0, places, chances.double() - truth)
    return gaps.abs().sum().item() / len(truth)
