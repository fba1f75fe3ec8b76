"""Lesson 08, sections 8.5 and 8.6: few labels, drawn fairly, and an interval over seeds."""

from statistics import NormalDist

import numpy as np
import torch
from scipy import stats
from sklearn.model_selection import train_test_split

from course_utils.evaluation import tasks
from course_utils.exercises.exercise import case, coding
from course_utils.exercises.sandbox import global_dice
from course_utils.training import finetuning

subset = coding(
    "08.8",
    title="A fair handful",
    difficulty=3,
    minutes=8,
    given="the labels of all texts, how many texts we may look at, and a seed",
    reference=finetuning.few_labels,
    task="""Draw `count` texts, as many of each class: their places in `labels`, a list of int.

    labels are whole numbers; `count` is a multiple of the number of classes, and every class has
    enough texts.  No text is drawn twice.  One seed always gives one draw, another seed another,
    and the global random numbers are left alone.
    """,
    hints=[
        "Go through the classes. For each, collect the places where it stands, shuffle them, take "
        "the first few.",
        "A generator of your own, `torch.Generator().manual_seed(seed)`, once, before the loop; "
        "`torch.randperm(n, generator=...)` shuffles.",
    ],
    why="Eight labels drawn blindly are five to three or worse in most draws, and then the model "
    "learns the imbalance. Drawing class by class takes that accident out of the comparison.",
    then="draw 8 and then 32 with the same seed: are the 8 among the 32? Would you want that?",
)


@subset.cases
def subset_cases(draw):
    yield case([0, 1, 1, 0, 1, 0, 0, 0], 4, draw.size(0, 99))
    labels = draw.integers(0, 3, 90 + draw.size(0, 9)).tolist()
    yield case(labels, 15, draw.size(0, 99))
    skewed = [0] * 40 + [1] * 12
    yield case(skewed, 20, draw.size(0, 99))
    yield case(sorted(draw.integers(0, 2, 60).tolist()), 8, draw.size(0, 99))  # sorted by class


@subset.observe
def described(few_labels, labels, count, seed):
    before = global_dice()
    seeds = range(seed, seed + 12)  # so many that no equal draws come by chance
    draws = [[int(i) for i in few_labels(labels, count, s)] for s in seeds]
    again = [[int(i) for i in few_labels(labels, count, s)] for s in seeds]
    after = global_dice()
    first, reach = draws[0], {i for one in draws for i in one}
    return {
        "of each class": [[labels[i] for i in first].count(c) for c in sorted(set(labels))],
        "all different": len(set(first)) == len(first),
        "the same seed again": draws == again,
        "another seed gives another draw": len({frozenset(one) for one in draws}) > 1,
        "global random numbers left alone": before == after,
        "every text has a chance": len(reach) > min(len(labels), 4 * count) // 2,
    }


@subset.oracle
def by_scikit_learn(labels, count, seed):
    """A stratified split of texts whose classes have been made equally large."""
    classes = sorted(set(labels))
    smallest = min(labels.count(c) for c in classes)
    level = [c for c in classes for _ in range(smallest)]
    every = count == len(level)
    taken = level if every else train_test_split(level, train_size=count, stratify=level)[0]
    return {
        "of each class": [taken.count(c) for c in classes],
        "all different": True,
        "the same seed again": True,
        "another seed gives another draw": True,
        "global random numbers left alone": True,
        "every text has a chance": True,
    }


@subset.wrong("drawn from all texts alike: the classes come out as chance will have it", "8.5")
def drawn_blindly(labels, count, seed):
    dice = torch.Generator().manual_seed(seed)
    return torch.randperm(len(labels), generator=dice)[:count].tolist()


@subset.wrong("every seed gives the same texts, the first or one fixed draw: use `seed`", "8.5")
def always_the_first(labels, count, seed):
    classes = sorted(set(labels))
    each = count // len(classes)
    return [i for c in classes for i in [j for j, x in enumerate(labels) if x == c][:each]]


@subset.wrong("drawn with replacement: some texts come twice", "8.5")
def with_replacement(labels, count, seed):
    dice, classes = np.random.default_rng(seed), sorted(set(labels))
    places = [np.flatnonzero(np.asarray(labels) == c) for c in classes]
    return np.concatenate([dice.choice(p, count // len(classes)) for p in places]).tolist()


@subset.wrong("you take `count` of every class; `count` is for all classes together", "8.5")
def count_of_each(labels, count, seed):
    dice, classes = np.random.default_rng(seed), sorted(set(labels))
    places = [np.flatnonzero(np.asarray(labels) == c) for c in classes]
    return np.concatenate([dice.permutation(p)[:count] for p in places]).tolist()


@subset.wrong("the seed is never used: the same call gives another draw each time", "8.5")
def forgot_the_seed(labels, count, seed):
    dice, classes = np.random.default_rng(), sorted(set(labels))
    places = [np.flatnonzero(np.asarray(labels) == c) for c in classes]
    return np.concatenate([dice.permutation(p)[: count // len(classes)] for p in places]).tolist()


@subset.wrong("you seed the global generator: everybody's random numbers start anew", "8.5")
def seeded_globally(labels, count, seed):
    torch.manual_seed(seed)
    classes = sorted(set(labels))
    chosen = []
    for c in classes:
        places = [i for i, label in enumerate(labels) if label == c]
        chosen += [places[i] for i in torch.randperm(len(places))[: count // len(classes)]]
    return chosen


@subset.wrong("those are labels; their places in the list were asked for", "8.5")
def labels_instead_of_places(labels, count, seed):
    return [labels[i] for i in finetuning.few_labels(labels, count, seed)]


@subset.alternative
def with_numpy(labels, count, seed):
    dice, classes = np.random.default_rng(seed), np.unique(labels)
    places = [np.flatnonzero(np.asarray(labels) == c) for c in classes]
    return np.concatenate([dice.permutation(p)[: count // len(classes)] for p in places])


@subset.alternative
def one_shuffle(labels, count, seed):
    dice = torch.Generator().manual_seed(seed)
    room = dict.fromkeys(labels, count // len(set(labels)))
    chosen = []
    for place in torch.randperm(len(labels), generator=dice).tolist():
        if room[labels[place]]:
            room[labels[place]] -= 1
            chosen.append(place)
    return chosen


student = coding(
    "08.9",
    title="Five seeds, one interval",
    difficulty=3,
    minutes=8,
    given="the accuracies of a few runs that differ in nothing but their seed; `np` and `stats` "
    "(scipy.stats)",
    reference=tasks.mean_interval,
    task="""The mean of `values`, one for each seed, and the interval around it: (mean, low, high).

    With R values the standard error is s/√R, where s is the standard deviation as it is estimated
    from a sample; `stats.t.ppf(share, df)` of SciPy gives the quantiles of Student's distribution.
    A confidence of 0.95 leaves 2.5 % out on each side.
    """,
    hints=[
        "Two things are estimated from five numbers, the mean and the spread. For the spread, one "
        "number fewer is free: `std(ddof=1)`.",
        "2.5 % lie above the interval and 2.5 % below it, so you need the quantile at 0.975, with "
        "R − 1 degrees of freedom.",
        "mean ± stats.t.ppf((1 + confidence) / 2, R − 1) · s / √R",
    ],
    why="With five runs the factor is 2.78 and not 1.96. The difference is what we do not know "
    "about the spread itself.",
    then="how many seeds would you need to make the interval half as wide?",
)


@student.cases
def interval_cases(draw):
    yield case([0.70, 0.72, 0.71, 0.69, round(0.73 + 0.001 * draw.size(0, 9), 3)])
    for count in (2, 5, draw.size(6, 12)):
        yield case((0.7 + 0.05 * draw.uniform(count, dtype=torch.float64)).tolist())
    yield case((0.7 + 0.05 * draw.uniform(4, dtype=torch.float64)).tolist(), 0.8)


@student.oracle
def by_scipy(values, confidence=0.95):
    found = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return float(np.mean(values)), float(found.low), float(found.high)


student.wrong_edit(
    "divided_by_the_number",
    old="values.std(ddof=1)",
    new="values.std()",
    message="NumPy divides by R unless told; estimated from a sample, it is R − 1 (`ddof=1`)",
    section="8.6",
)
student.wrong_edit(
    "spread_of_one_run",
    old=" / math.sqrt(len(values))",
    new="",
    message="that is how far a single run scatters; the mean of R runs is steadier, by √R",
    section="8.6",
)
student.wrong_edit(
    "confidence_ignored",
    old="(1 + confidence) / 2",
    new="0.975",
    message="0.95 is only the default: the quantile depends on `confidence`",
    section="8.6",
)
student.wrong_edit(
    "one_sided",
    old="(1 + confidence) / 2",
    new="confidence",
    message="5 % are left out on each side, so 10 % together; 2.5 % belong on each",
    section="8.6",
)
student.wrong_edit(
    "one_degree_too_many",
    old="df=len(values) - 1",
    new="df=len(values)",
    message="the mean has used up one degree of freedom: R − 1 are left",
    section="8.6",
)


@student.wrong("1.96 is for a spread that is known; with a few runs it is estimated, too", "8.6")
def normal_instead_of_student(values, confidence=0.95):
    mean = np.mean(values)
    share = (1 + confidence) / 2
    reach = NormalDist().inv_cdf(share) * np.std(values, ddof=1) / len(values) ** 0.5
    return mean, mean - reach, mean + reach


@student.wrong("that is the range from the worst to the best run; it only grows with more", "8.6")
def range_instead(values, confidence=0.95):
    return float(np.mean(values)), min(values), max(values)


@student.alternative
def from_scipy(values, confidence=0.95):
    mean = float(np.mean(values))
    return mean, *stats.t.interval(confidence, len(values) - 1, mean, stats.sem(values))


@student.alternative
def with_torch(values, confidence=0.95):
    values = torch.tensor(values, dtype=torch.float64)
    mean, error = values.mean().item(), values.std().item() / len(values) ** 0.5
    reach = -stats.t.ppf((1 - confidence) / 2, len(values) - 1) * error
    return [mean, mean - reach, mean + reach]
