"""Lesson 06, section 6.9: two exhibits of the museum that are about the loss."""

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_06 import pieces


def loss_cases(draw):
    """Logits and labels, −100 among them and word 0 asked for."""
    yield case(draw.normal(3, 2), torch.tensor([0, -100, 1]))
    for rows, words in ((draw.size(6, 9), 4), (11, 3)):
        labels = draw.integers(0, words, rows)
        labels[:5] = torch.tensor([0, 1, -100, words - 1, -100])
        yield case(2 * draw.normal(rows, words), labels)


def loss_by_numpy(logits, labels):
    """NumPy: −ln of the share that the right word gets, averaged over what is asked."""
    logits, labels = logits.double().numpy(), labels.numpy()
    asked = labels != -100
    scores = logits[asked] - logits[asked].max(1, keepdims=True)
    right = scores[np.arange(asked.sum()), labels[asked]]
    loss = (np.log(np.exp(scores).sum(1)) - right).mean()
    return float(loss)


twice = coding(
    "06.12",
    title="One softmax too many",
    difficulty=2,
    minutes=4,
    given="exhibit G; the model is proud of its probabilities",
    reference=pieces.word_loss,
    buggy=pieces.word_loss_softmax_twice,
    hints=[
        "Read what `F.cross_entropy` wants as its first argument.",
        "It wants logits, and takes the softmax itself.",
    ],
    why="The softmax of probabilities is nearly flat: even a model that is sure, 1 against 0, has "
    "only e times as much for the right word as for any other.",
    then="how low can the buggy loss get with V words? Compute −ln(e / (e + V − 1)).",
)
twice.cases(loss_cases)
twice.oracle(loss_by_numpy)


@twice.wrong("the logarithm is missing: `nll_loss` wants the logarithms of probabilities", "6.8")
def no_logarithm(logits, labels):
    return F.nll_loss(logits.softmax(-1), labels)


@twice.wrong("these are bare logits: without a softmax they are no probabilities", "6.8")
def no_softmax_at_all(logits, labels):
    return F.nll_loss(logits, labels)


@twice.wrong("that softmax runs over the rows; it has to run over the words", "6.8")
def over_the_batch(logits, labels):
    return F.nll_loss(logits.log_softmax(0), labels)


@twice.wrong("a sum grows with the number of words that are asked for: take the mean", "6.8")
def added_up(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


@twice.wrong("labels of −100 count as 0 in the sum, but you divide by them, too", "6.8")
def divided_by_all(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none").mean()


@twice.alternative
def by_two_steps(logits, labels):
    return F.nll_loss(F.log_softmax(logits, dim=-1), labels)


@twice.alternative
def a_second_logarithm_does_nothing(logits, labels):
    return F.cross_entropy(logits.log_softmax(-1), labels)


missing = coding(
    "06.13",
    title="The word that was never asked for",
    difficulty=2,
    minutes=5,
    given="exhibit A; the label of “nothing is asked” had been 0 since a time when id 0 was "
    "padding. In this vocabulary it is the commonest word",
    reference=pieces.word_loss,
    buggy=pieces.word_loss_one_word_missing,
    hints=[
        "What happens to a label that is really 0?",
        "Which label means “nothing is asked” in the task, and which one in the call?",
    ],
    why="A number that means two things will mean the wrong one. −100 can be no word, so nothing "
    "real is ever ignored.",
    then="one `NLLLoss(ignore_index=0)` once served both tasks of a BERT, whose second task has "
    "the classes 0 and 1. What did that model learn about class 0?",
)
missing.cases(loss_cases)
missing.oracle(loss_by_numpy)


@missing.wrong("now every −100 asks for word 0: leave the labels as they are", "6.5")
def nothing_became_word_zero(logits, labels):
    return F.cross_entropy(logits, labels.clamp(min=0))


@missing.wrong("now the last word is ignored instead of the first", "6.5")
def another_word_is_lost(logits, labels):
    last = logits.size(-1) - 1
    return F.cross_entropy(logits, labels.masked_fill(labels < 0, last), ignore_index=last)


@missing.wrong("the answers have moved by one word", "6.5")
def moved_by_one(logits, labels):
    moved = (labels + 1) % logits.size(-1)
    return F.cross_entropy(logits, moved.where(labels >= 0, -100))


@missing.wrong("labels of −100 count as 0 in the sum, but you divide by them as well", "6.5")
def divided_by_all_rows(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none").mean()


@missing.wrong("it is a sum: the mean over what is asked was wanted", "6.5")
def summed(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


@missing.alternative
def chosen_first(logits, labels):
    return F.cross_entropy(logits[labels >= 0], labels[labels >= 0])


@missing.alternative
def another_label_for_nothing(logits, labels):
    return F.cross_entropy(logits, torch.where(labels < 0, -7, labels), ignore_index=-7)
