"""Lesson 09, section 9.4: where to put the threshold when mistakes have prices."""

import numpy as np
from sklearn import metrics

from course_utils.evaluation import imbalance
from course_utils.exercises.exercise import case, coding

threshold = coding(
    "09.5",
    title="The cheapest threshold",
    difficulty=4,
    minutes=12,
    given="true labels, the chances that a model gives class 1, and the price of both mistakes",
    reference=imbalance.best_threshold,
    task="""The threshold with the lowest expected cost on these texts; of equal ones, the highest.

    A text is called 1 when its chance is at least the threshold.  `miss` is the price of a 1 that
    is called 0, `alarm` that of a 0 that is called 1; `weights` (N,) say what each text counts,
    all the same when None.  Try each of the chances as threshold, and infinity, `math.inf`, which
    calls nothing 1.  `truth` and `chances` are tensors (N,); return a float.
    """,
    hints=[
        "Write the cost of one threshold first: who is called 1, which of them are alarms, which "
        "of the others are misses?",
        "Then try all candidates, from the highest down, and keep the first that is cheapest.",
        "Faster: sort the texts, and note that calling one more text 1 saves a miss or costs an "
        "alarm. A cumulative sum gives all costs; of texts with equal chances, look only behind "
        "the last.",
    ],
    why="Only where a text changes sides can the cost change, so N + 1 candidates are enough. With "
    "true probabilities the answer would be alarm/(alarm + miss), without any search; the search "
    "is for models whose probabilities are not true.",
    then="choose it on one half of the texts and look at its cost on the other half. Is it still "
    "the cheapest there?",
)


@threshold.cases
def threshold_cases(draw):
    from torch import tensor

    yield case(tensor([0, 0, 1, 1, 0]), tensor([0.1, 0.6, 0.4, 0.9, 0.5]), 10, 1)
    yield case(tensor([0, 1, 0]), tensor([0.9, 0.2, 0.8]), 1, 5)  # better to call nothing
    yield case(tensor([0, 1, 0]), tensor([0.9, 0.8, 0.2]), 1, 1.5)
    yield case(tensor([1, 0, 1]), tensor([0.3, 0.6, 0.2]), 50, 1)  # better to call everything
    yield case(tensor([1, 0, 1]), tensor([0.9, 0.5, 0.4]), 1, 1)  # two are equally cheap
    yield case(tensor([1, 0, 1]), tensor([0.9, 0.5, 0.4]), 1, 1, weights=tensor([1, 0.5, 3]))
    yield case(tensor([1, 0, 0]), tensor([0.5, 0.5, 0.1]), 1, 1)  # no threshold parts the two
    for miss, alarm in ((1, 1), (20, 1), (2, 3), (draw.size(3, 9), 2)):
        count = 2 * draw.size(12, 20) + 1
        truth = draw.mask(count, share=0.3).long()
        chances = (truth * 0.25 + draw.integers(0, 12, count) / 16).double()  # many are equal
        yield case(truth, chances, miss, alarm)
        yield case(truth, chances, miss, alarm, weights=draw.integers(1, 9, count) / 2)


@threshold.oracle
def by_trying_all(truth, chances, miss, alarm, weights=None):
    """scikit-learn's confusion matrix at every candidate, the highest first."""
    truth, chances = truth.numpy(), chances.numpy()
    weights = None if weights is None else weights.numpy()
    costs = {}
    for cut in [np.inf, *np.unique(chances)[::-1]]:
        table = metrics.confusion_matrix(
            truth, chances >= cut, sample_weight=weights, labels=[0, 1]
        )
        costs[float(cut)] = round(float(miss * table[1, 0] + alarm * table[0, 1]), 6)
    return min(costs, key=costs.get)


threshold.wrong_edit(
    "prices_exchanged",
    old="-miss, alarm)",
    new="-alarm, miss)",
    message="the two prices are exchanged: a 1 that is called 0 is a miss",
    section="9.4",
)
threshold.wrong_edit(
    "forgot_the_weights",
    old="alarm) * weights",
    new="alarm)",
    message="the weights are never used: some texts stand for more of the world than others",
    section="9.4",
)
threshold.wrong_edit(
    "must_call_something",
    old="np.argmin(np.round(costs, 9))",
    new="1 + np.argmin(np.round(costs[1:], 9))",
    message="you never consider calling nothing 1; with dear alarms that can be the cheapest",
    section="9.4",
)
threshold.wrong_edit(
    "split_equal_chances",
    old="    costs, cuts = costs[last], cuts[last]\n",
    new="",
    message="texts with equal chances end up on both sides; no threshold can part them",
    section="9.4",
)


@threshold.wrong("that has the highest accuracy: the prices are not used", "9.4")
def most_accurate(truth, chances, miss, alarm, weights=None):
    return imbalance.best_threshold(truth, chances, 1, 1, weights)


@threshold.wrong("that is right if the chances are true probabilities; here, try them", "9.4")
def trusted_the_chances(truth, chances, miss, alarm, weights=None):
    return alarm / (alarm + miss)


@threshold.wrong(
    "of equally cheap thresholds you take the lowest; the highest was asked for", "9.4"
)
def lowest_of_equals(truth, chances, miss, alarm, weights=None):
    cuts = [*sorted(set(chances.tolist())), np.inf]
    cost = [
        round(imbalance.expected_cost(truth, chances, t, miss, alarm, weights), 9) for t in cuts
    ]
    return float(cuts[int(np.argmin(cost))])


@threshold.alternative
def candidate_by_candidate(truth, chances, miss, alarm, weights=None):
    import torch

    weights = torch.ones(len(truth)) if weights is None else weights
    best = float("inf"), 0.0
    for cut in [float("inf"), *chances.unique().flip(0).tolist()]:
        said = chances >= cut
        cost = weights * (miss * ((truth == 1) & ~said) + alarm * ((truth == 0) & said))
        total = round(cost.sum().item(), 6)
        if cut == float("inf") or total < best[1]:
            best = cut, total
    return best[0]


@threshold.alternative
def from_the_table(truth, chances, miss, alarm, weights=None):
    truth, chances = truth.numpy(), chances.numpy()
    weights = np.ones(len(truth)) if weights is None else weights.numpy()
    cuts = np.r_[np.inf, np.unique(chances)[::-1]]
    said = chances >= cuts[:, None]  # (T, N)
    cost = (np.where(truth == 1, miss * ~said, alarm * said) * weights).sum(1)
    return cuts[np.argmin(cost.round(6))]
