"""Lesson 09, section 9.3: one number for a whole ranking."""

import numpy as np
import torch
from sklearn import metrics
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def average_precision(truth: Tensor, scores: Tensor) -> float:
    """The mean of the precision at each true text, going down the ranking by score."""
    ranked = truth[scores.argsort(descending=True)]  # (N,)
    hits = ranked.double().cumsum(0)
    precision = hits / torch.arange(1, len(ranked) + 1)  # if the list were cut here
    return precision[ranked == 1].mean().item()


ranking = coding(
    "09.4",
    title="Average precision",
    difficulty=3,
    minutes=8,
    given="labels 0 and 1, and a score for each text; no two scores are equal, and there is a 1",
    reference=average_precision,
    task="""The mean of the precision at each true text, going down the ranking by score.

    `truth` is int64 (N,) of 0 and 1, `scores` are (N,), the higher the more likely a 1.  Sort the
    texts by score, the highest first.  Cut the list behind each text whose label is 1: the
    precision there is the share of ones above the cut.  Average over these cuts; a float.
    """,
    hints=[
        "`truth[scores.argsort(descending=True)]` is the list as it is ranked. How many ones are "
        "among the first k? A cumulative sum knows.",
        "Divide by 1, 2, 3 …: that is the precision at each cut. Keep those cuts where the label "
        "is 1, and average.",
    ],
    why="It is the area under the precision–recall curve, drawn as steps: each true text raises "
    "recall by the same amount, so the mean over them is the area.",
    then="shuffle the scores. Which number does it come to on average? It is the line to beat.",
)


@ranking.cases
def ranking_cases(draw):
    yield case(torch.tensor([1, 0, 1, 0, 0]), torch.tensor([0.9, 0.8, 0.7, 0.3, 0.1]))
    for count, share in ((7, 0.5), (2 * draw.size(15, 25) + 1, 0.2), (41, 0.7)):
        truth = draw.mask(count, share=share).long()
        truth[draw.size(0, count - 1)] = 1
        yield case(
            truth, torch.linspace(-2, 3, count)[torch.randperm(count, generator=draw.generator)]
        )
    yield case(torch.tensor([0, 0, 1]), torch.tensor([3.0, 2.0, 1.0 - draw.size(0, 9)]))


@ranking.oracle
def by_scikit_learn(truth, scores):
    return float(metrics.average_precision_score(truth.numpy(), scores.numpy()))


ranking.wrong_edit(
    "worst_first",
    old="descending=True",
    new="descending=False",
    message="the ranking is upside down: the highest score comes first",
    section="9.3",
)
ranking.wrong_edit(
    "every_cut",
    old="precision[ranked == 1].mean()",
    new="precision.mean()",
    message="you average over every cut; only cuts behind a true text count",
    section="9.3",
)
ranking.wrong_edit(
    "ranks_from_zero",
    old="torch.arange(1, len(ranked) + 1)",
    new="torch.arange(1, len(ranked) + 1).sub(1).clamp(min=1)",
    message="ranks count from 1: behind the third text the list holds three",
    section="9.3",
)


@ranking.wrong("that is the area under the ROC curve, which a rare class leaves unmoved", "9.3")
def roc_area(truth, scores):
    if truth.min() == truth.max():
        return 1.0
    return float(metrics.roc_auc_score(truth.numpy(), scores.numpy()))


@ranking.wrong("that is the precision of the whole list, which no ranking can change", "9.3")
def base_rate(truth, scores):
    return truth.double().mean().item()


@ranking.wrong(
    "straight lines mix in the precision just before each true text; use steps", "9.3"
)
def trapezoids(truth, scores):
    precision, recall, _ = metrics.precision_recall_curve(truth.numpy(), scores.numpy())
    return float(metrics.auc(recall, precision))


@ranking.alternative
def text_by_text(truth, scores):
    found, parts = 0, []
    ranked = sorted(zip(scores.tolist(), truth.tolist(), strict=True), reverse=True)
    for total, (_, label) in enumerate(ranked, 1):
        found += label
        if label:
            parts.append(found / total)
    return sum(parts) / len(parts)


@ranking.alternative
def as_an_area(truth, scores):
    ranked = truth.numpy()[np.argsort(-scores.numpy())]
    hits = np.cumsum(ranked)
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / hits[-1]
    return float((np.diff(recall, prepend=0) * precision).sum())
