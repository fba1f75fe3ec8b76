"""Lesson 08, sections 8.2 and 8.9: two judges that are mended."""

import numpy as np
import torch
from sklearn import metrics
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


def accuracy_on(
    model: nn.Module, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
) -> float:
    """Share of texts that the model labels rightly; the model is left in the mode it came in."""
    was_training = model.training
    model.eval()
    logits = model(input_ids, attention_mask).detach()
    model.train(was_training)
    return (logits.argmax(-1) == labels).float().mean().item()


def accuracy_on_with_a_bug(
    model: nn.Module, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
) -> float:
    """Share of texts that the model labels rightly; the model is left in the mode it came in."""
    logits = model(input_ids).detach()
    return (logits.argmax(-1) == labels).float().mean().item()


judged = coding(
    "08.5",
    title="A judge with two blind eyes",
    difficulty=3,
    minutes=6,
    given="an evaluation that runs and gives plausible numbers; two things are missing from it",
    reference=accuracy_on,
    buggy=accuracy_on_with_a_bug,
    hints=[
        "Call it twice during training. Does it give the same number? And if you add padding to "
        "the batch?",
        "`detach` only stops the bookkeeping of gradients. What stops dropout?",
        "`model.eval()`, pass the mask on, and afterwards `model.train(was_training)`.",
    ],
    why="`detach` and `eval()` have nothing to do with each other: one forgets the gradient, the "
    "other turns dropout off. And a model that is not told about padding reads it.",
    then="write the test that would have caught each of the two.",
)


class Moody(nn.Module):
    """A classifier that reads token 1 as for and 2 as against; in training mode it is contrary."""

    def __init__(self):
        super().__init__()
        self.votes = nn.Embedding(4, 2)
        self.votes.weight.data = torch.tensor([[0, 0.7], [0, 1.0], [1.0, 0], [0.1, 0]])

    def forward(self, input_ids, attention_mask=None):
        votes = self.votes(input_ids)  # (B, L, 2)
        if attention_mask is not None:
            votes = votes * attention_mask.unsqueeze(-1)
        total = votes.sum(1)
        return total.flip(-1) if self.training else total


@judged.cases
def judged_cases(draw):
    yield case(torch.tensor([[2, 0, 0], [1, 2, 2], [1, 1, 2]]), torch.tensor([0, 0, 1]), True)
    for training in (False, True):
        rows, length = draw.size(23, 40), 7
        ids = draw.integers(1, 4, rows, length)
        ids[:, 0] = draw.integers(1, 3, rows)
        real = draw.integers(1, length + 1, rows)
        ids[torch.arange(length) >= real[:, None]] = 0
        yield case(ids, draw.integers(0, 2, rows), training)


@judged.observe
def judged_and_left(accuracy_on, input_ids, labels, training):
    model = Moody().train(training)
    found = accuracy_on(model, input_ids, (input_ids != 0).long(), labels)
    return {"accuracy": float(found), "training mode afterwards": model.training}


@judged.oracle
def without_padding(input_ids, labels, training):
    """scikit-learn, on guesses made text by text without any padding."""
    model = Moody().eval()
    guesses = [model(row[row != 0][None]).argmax(-1).item() for row in input_ids]
    right = metrics.accuracy_score(labels.numpy(), guesses)
    return {"accuracy": float(right), "training mode afterwards": training}


judged.wrong_edit(
    "forgot_the_mask",
    old="model(input_ids, attention_mask)",
    new="model(input_ids)",
    message="the mode is right now, but the padding is still read: pass the mask on",
    section="8.1",
)
judged.wrong_edit(
    "forgot_eval",
    old="    model.eval()\n",
    new="",
    message="the mask is used now, but the model still judges in training mode",
    section="8.1",
)
judged.wrong_edit(
    "left_in_evaluation_mode",
    old="    model.train(was_training)\n",
    new="",
    message="right numbers, but the model is left in evaluation mode: the rest of the training "
    "goes on without dropout",
    section="8.1",
)
judged.wrong_edit(
    "left_in_training_mode",
    old="model.train(was_training)",
    new="model.train()",
    message="a model that came in evaluation mode leaves in training mode",
    section="8.1",
)
judged.wrong_edit(
    "argmax_over_the_batch",
    old="logits.argmax(-1) == labels",
    new="logits.argmax(0) == labels[: logits.size(1)]",
    message="the argmax runs over the texts; it should run over the classes",
    section="8.2",
)


@judged.alternative
def counted(model, input_ids, attention_mask, labels):
    mode = model.training
    with torch.inference_mode():
        guesses = model.eval()(input_ids, attention_mask=attention_mask).max(-1).indices
    model.train(mode)
    return int((guesses == labels).sum()) / len(labels)


@judged.alternative
def with_scikit_learn(model, input_ids, attention_mask, labels):
    mode = model.training
    model.eval()
    logits = model(input_ids, attention_mask).detach()
    model.train(mode)
    return metrics.accuracy_score(labels.numpy(), logits.numpy().argmax(1))


def reported_accuracy(validation: list[float], test: list[float]) -> float:
    """The test accuracy to report, from the accuracies on both parts after every epoch."""
    best = max(range(len(validation)), key=lambda epoch: validation[epoch])
    return test[best]


def reported_accuracy_with_a_bug(validation: list[float], test: list[float]) -> float:
    """The test accuracy to report, from the accuracies on both parts after every epoch."""
    return max(test)


reported = coding(
    "08.11",
    title="The test that was peeked at",
    difficulty=3,
    minutes=4,
    given="a line that reports the test accuracy of the best epoch; among equally good epochs, the "
    "first is to be kept",
    reference=reported_accuracy,
    buggy=reported_accuracy_with_a_bug,
    hints=[
        "Who chooses the epoch here? Whom should the choice not see?",
        "Find the epoch with the best *validation* accuracy, and report what the test says there.",
    ],
    why="A maximum over the test part is a choice made on the test part. On 782 sentences, the "
    "best of ten equally good epochs looks better than they are, for no other reason than chance.",
    then="simulate it: ten coins thrown 782 times each. How good is the best one?",
)


@reported.cases
def reported_cases(draw):
    yield case([0.5, 0.7, 0.6], [0.52, 0.61 + draw.size(0, 20) / 1000, 0.66])
    for tied in ((0.8, 0.55), (0.55, 0.8)):
        count = draw.size(4, 9)
        validation = (draw.integers(40, 90, count).double() / 100).tolist()
        test = (draw.integers(40, 95, count).double() / 100).tolist()
        first, second = sorted(draw.random.sample(range(count), 2))
        validation[first] = validation[second] = 0.91  # a tie: the first of the two counts
        test[first], test[second] = (score + draw.size(0, 9) / 1000 for score in tied)
        yield case(validation, test)


@reported.oracle
def with_numpy(validation, test):
    return float(np.asarray(test)[np.argmax(validation)])


@reported.wrong("that is the validation accuracy: it chose the epoch, so it is flattered", "8.9")
def reported_the_validation(validation, test):
    return max(validation)


@reported.wrong("that is the last epoch, whatever the validation part said", "8.9")
def reported_the_last(validation, test):
    return test[-1]


@reported.wrong("an average over all epochs is no model that anybody could use", "8.9")
def averaged(validation, test):
    return sum(test) / len(test)


@reported.wrong("right, but among equally good epochs the first is to be kept", "8.9")
def last_of_a_tie(validation, test):
    return max(zip(validation, range(len(test)), test, strict=True))[2]


@reported.wrong("you take the epoch with the worst validation accuracy", "8.9")
def took_the_worst(validation, test):
    return test[validation.index(min(validation))]


@reported.wrong("among the tied epochs the test chooses again: take the first", "8.9")
def peeked_in_a_tie(validation, test):
    return max(zip(validation, test, strict=True))[1]


@reported.alternative
def by_index(validation, test):
    return test[validation.index(max(validation))]


@reported.alternative
def with_torch(validation, test):
    return torch.tensor(test, dtype=torch.float64)[np.argmax(validation)].item()
