"""Lesson 09, section 9.5: losses in which the rare class can be heard."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from course_utils.evaluation import imbalance
from course_utils.exercises.exercise import case, coding

weights = coding(
    "09.6",
    title="An equal say",
    difficulty=2,
    minutes=5,
    given="labels 0 … C−1, each of which is there at least once",
    reference=imbalance.class_weights,
    task="""A weight for each class 0 … C-1, float32 (C,), so that every class has the same say.

    `labels` is an int64 tensor (N,).  The weights of all texts of a class sum to the same for
    each class, and the mean weight of a text is 1.
    """,
    hints=[
        "`torch.bincount` counts. A class that is there half as often needs twice the weight.",
        "All weights together must be N, and each class gets N/C of it, shared by its texts.",
    ],
    why="N/(C·count): with the mean at 1 the learning rate means what it meant before.",
    then="what is the weight of a spam message when two in a hundred are spam?",
)


@weights.cases
def weight_cases(draw):
    yield case(torch.tensor([0, 0, 0, 1, 0]))
    yield case(torch.tensor([0, 2, 1, 1, 2, 2, 2]))
    for classes in (2, draw.size(3, 5)):
        more = draw.integers(0, classes, 2 * draw.size(10, 30) + 1)
        yield case(torch.cat([torch.arange(classes), more * draw.mask(len(more))]))


@weights.oracle
def by_scikit_learn(labels):
    labels = labels.numpy()
    found = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    return torch.tensor(found, dtype=torch.float32)


@weights.wrong("every class has an equal say, but the mean weight of a text is not 1", "9.5")
def one_over_count(labels):
    return 1 / torch.bincount(labels).float()


@weights.wrong("each class together weighs N; divide by the number of classes", "9.5")
def forgot_the_classes(labels):
    return len(labels) / torch.bincount(labels).float()


@weights.wrong("those are the shares: frequent classes get even louder", "9.5")
def shares(labels):
    return torch.bincount(labels).float() / len(labels)


@weights.wrong("they sum to 1 over the classes; it is the mean over texts that should be 1", "9.5")
def summed_to_one(labels):
    found = 1 / torch.bincount(labels).float()
    return found / found.sum()


@weights.wrong("a weight for each text; one for each class was asked for", "9.5")
def one_for_each_text(labels):
    return imbalance.class_weights(labels)[labels]


@weights.alternative
def by_torch(labels):
    count = torch.bincount(labels)
    return len(labels) / (len(count) * count.float())


@weights.alternative
def scaled_afterwards(labels):
    found = 1 / torch.bincount(labels).double()
    return (found / found[labels].mean()).float()


focal = coding(
    "09.7",
    title="Focal loss",
    difficulty=4,
    minutes=10,
    given="logits, labels, the exponent γ, and perhaps a weight for each class",
    reference=imbalance.focal_loss,
    task="""The mean over N texts of -(1 - p)^γ ln p, where p is the chance given to the true class.

    `logits` are (N, C), `labels` int64 (N,).  `weights` (C,), if given, multiplies each text's
    loss by the weight of its class; the mean is over the N texts all the same.  A scalar tensor.
    """,
    hints=[
        "`F.cross_entropy(..., reduction='none')` is -ln p for each text; so p is `torch.exp` of "
        "minus that.",
        "Multiply each text's loss by (1 - p)^γ, then by `weights[labels]`, then average.",
    ],
    why="A text that is right for sure has 1 - p near 0 and falls silent; with γ = 2, one at p = "
    "0.9 counts a hundredth. What is left to be heard are the hard ones, rare or not.",
    then="put γ = 0. What is left?",
)


@focal.cases
def focal_cases(draw):
    yield case(torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]]), torch.tensor([1, 0, 0]), 1.0)
    for rows, classes in ((5, 2), (draw.size(6, 9), 3)):
        logits, labels = 2 * draw.normal(rows, classes), draw.integers(0, classes, rows)
        yield case(logits, labels)
        yield case(logits, labels, 0.5 + draw.size(0, 3))
        yield case(logits, labels, 0.0)
        yield case(logits, labels, 2.0, 0.2 + draw.uniform(classes))


@focal.oracle
def by_numpy(logits, labels, gamma=2.0, weights=None):
    """Text by text from the softmax, in float64."""
    x, y = logits.double().numpy(), labels.numpy()
    p = (np.exp(x) / np.exp(x).sum(1, keepdims=True))[np.arange(len(y)), y]
    losses = -((1 - p) ** gamma) * np.log(p)
    if weights is not None:
        losses = losses * weights.double().numpy()[y]
    return torch.tensor(losses.mean(), dtype=logits.dtype)


focal.wrong_edit(
    "focus_on_the_easy",
    old="missing.clamp_min(1e-30) ** gamma",
    new="torch.exp(-surprise) ** gamma",
    message="p^γ silences the hard texts; it is 1 - p that is small when a text is easy",
    section="9.5",
)
focal.wrong_edit(
    "summed",
    old="losses.mean()",
    new="losses.sum()",
    message="that is the sum over the texts; the mean was asked for",
    section="9.5",
)
focal.wrong_edit(
    "divided_by_the_weights",
    old="losses.mean()",
    new="losses.mean() if weights is None else losses.sum() / weights[labels].sum()",
    message="PyTorch's weighted mean divides by the weights; here it is by the number of texts",
    section="9.5",
)
focal.wrong_edit(
    "forgot_the_weights",
    old="losses * weights[labels]",
    new="losses",
    message="the weights of the classes are never used",
    section="9.5",
)


@focal.wrong("that is cross-entropy: nothing falls silent", "9.5")
def without_focus(logits, labels, gamma=2.0, weights=None):
    losses = F.cross_entropy(logits, labels, reduction="none")
    return (losses if weights is None else losses * weights[labels]).mean()


@focal.wrong("the factor belongs to each text; you take it of the mean", "9.5")
def focus_of_the_mean(logits, labels, gamma=2.0, weights=None):
    losses = F.cross_entropy(logits, labels, reduction="none")
    losses = losses if weights is None else losses * weights[labels]
    return (1 - torch.exp(-losses.mean())) ** gamma * losses.mean()


@focal.alternative
def by_gathering(logits, labels, gamma=2.0, weights=None):
    log_p = logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]
    each = torch.ones_like(log_p) if weights is None else weights[labels]
    return (-each * (1 - log_p.exp()).pow(gamma) * log_p).sum() / len(labels)


@focal.alternative
def by_one_hot(logits, labels, gamma=2.0, weights=None):
    true = F.one_hot(labels, logits.size(1)).to(logits.dtype)  # (N, C)
    true = true if weights is None else true * weights
    log_p = logits.log_softmax(-1)
    return -(true * (1 - log_p.exp()) ** gamma * log_p).sum(1).mean()
