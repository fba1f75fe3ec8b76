"""Lesson 08, section 8.9: a score that says when a model has collapsed."""

import torch
import torch.nn.functional as F
from sklearn import metrics
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def macro_f1(truth: Tensor, guesses: Tensor) -> float:
    """The mean of every class's F1; both are int64 (N,).

    F1 = 2·hits / (how often the class is there + how often it is guessed).  Average over the
    classes that stand in `truth` or in `guesses`.
    """
    scores = []
    for label in torch.cat([truth, guesses]).unique():
        there, guessed = truth == label, guesses == label
        hits = (there & guessed).sum()
        scores.append(2 * hits / (there.sum() + guessed.sum()))
    return torch.stack(scores).mean().item()


f1 = coding(
    "08.12",
    title="The score that a collapsed model cannot fake",
    difficulty=2,
    minutes=7,
    given="true labels and guesses, whole numbers",
    reference=macro_f1,
    hints=[
        "Do one class first: when it is there and guessed, that is a hit. How many hits, how often "
        "there, how often guessed?",
        "`torch.cat([truth, guesses]).unique()` lists the classes. Average the scores, not the "
        "counts.",
    ],
    why="A model that has collapsed gets a decent F1 for the one class that it says, zero for "
    "every other, and the mean shows it. Accuracy shows it only where classes are balanced.",
    then="what do accuracy and macro F1 say about 98 times 0 and twice 1, all guessed 0? Lesson 09 "
    "starts there.",
)


@f1.cases
def f1_cases(draw):
    yield case(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1]))
    yield case(torch.tensor([0, 0, 1, 0, 1]), torch.tensor([0] * 5))  # collapsed
    truth = draw.integers(0, 3, draw.size(20, 40))
    guesses = torch.where(draw.mask(len(truth)), truth, draw.integers(0, 3, len(truth)))
    yield case(truth, guesses)
    yield case(torch.tensor([5, 2, 2, 5, 5]), torch.tensor([5, 7, 2, 2, 5]))  # 7 is only guessed


@f1.oracle
def by_scikit_learn(truth, guesses):
    return metrics.f1_score(truth.numpy(), guesses.numpy(), average="macro", zero_division=0)


@f1.wrong("that is accuracy; F1 is counted class by class", "8.9")
def accuracy_instead(truth, guesses):
    return (truth == guesses).float().mean().item()


@f1.wrong("that is the F1 of class 1 alone; macro is the mean over the classes", "8.9")
def positive_class_only(truth, guesses):
    both = (truth == 1) & (guesses == 1)
    return (2 * both.sum() / ((truth == 1).sum() + (guesses == 1).sum()).clamp(min=1)).item()


@f1.wrong("the classes are weighted by their size, so the rare one cannot speak", "8.9")
def weighted(truth, guesses):
    return metrics.f1_score(truth.numpy(), guesses.numpy(), average="weighted", zero_division=0)


@f1.wrong("that is recall: the false alarms are not counted", "8.9")
def recall_only(truth, guesses):
    each = [(guesses[truth == label] == label).float().mean() for label in truth.unique()]
    return torch.stack(each).mean().item()


@f1.wrong("a class that is guessed but never there is left out: it counts as 0", "8.9")
def true_classes_only(truth, guesses):
    labels = truth.unique().tolist()
    found = metrics.f1_score(truth.numpy(), guesses.numpy(), average=None, labels=labels)
    return float(found.mean())


@f1.wrong("a factor of 2 is missing: a perfect class must get 1", "8.9")
def forgot_the_two(truth, guesses):
    return macro_f1(truth, guesses) / 2


@f1.alternative
def from_a_table(truth, guesses):
    classes, codes = torch.unique(torch.cat([truth, guesses]), return_inverse=True)
    a, b = F.one_hot(codes).double().chunk(2) if len(truth) == len(guesses) else (None, None)
    return float((2 * (a * b).sum(0) / (a.sum(0) + b.sum(0))).mean()) if len(classes) else 0.0


@f1.alternative
def precision_and_recall(truth, guesses):
    scores = []
    for label in set(truth.tolist()) | set(guesses.tolist()):
        hits = sum(t == g == label for t, g in zip(truth.tolist(), guesses.tolist(), strict=True))
        if not hits:
            scores.append(0.0)
            continue
        precision, recall = hits / guesses.tolist().count(label), hits / truth.tolist().count(label)
        scores.append(2 * precision * recall / (precision + recall))
    return sum(scores) / len(scores)
