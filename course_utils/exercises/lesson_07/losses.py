"""Lesson 07, section 7.4: the loss at the hidden places."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.text.masking import IGNORE


def mlm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the hidden tokens of the whole batch, a scalar.

    logits is (B, L, V); labels is (B, L) int64, IGNORE (−100) where nothing was hidden.  Every
    hidden token counts the same, however many there are in its row.  Logits may be large; the loss
    stays finite.
    """
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE)


loss = coding(
    "07.8",
    title="The loss at the hidden places",
    difficulty=3,
    minutes=8,
    given="logits for every place of a batch, and the answer key of 07.3",
    reference=mlm_loss,
    hints=[
        "`F.cross_entropy` wants (N, V) and (N,): put the rows behind each other with `flatten`.",
        "It has an argument for labels that should be skipped.",
        "By hand: `log_softmax(-1)`, the entry of each label, and the mean over the hidden places.",
    ],
    why="Flattened, a token is a token, whichever row it stands in, and cross_entropy divides by "
    "the number of labels that are not ignored.",
    then="what does it give when nothing at all is hidden?",
)


@loss.cases
def loss_cases(draw):
    yield case(draw.normal(1, 3, 4), torch.tensor([[IGNORE, draw.size(0, 3), 3]]))
    labels = draw.integers(0, 7, 4, 9)
    hidden = draw.mask(4, 9, share=0.3)
    hidden[0], hidden[1, :2], hidden[2, 0] = True, True, True  # rows that hide unequal numbers
    hidden[3] = torch.arange(9) == 5
    yield case(3 * draw.normal(4, 9, 7), labels.masked_fill(~hidden, IGNORE))
    far = draw.normal(5, 3, 2).mT + 200 * draw.mask(5, 2, 3)  # not contiguous, and large
    yield case(far, torch.tensor([[0, IGNORE], [IGNORE, IGNORE], [1, 2], [IGNORE, 0], [2, 2]]))


@loss.oracle
def loss_in_scipy(logits, labels):
    scores = -log_softmax(logits.numpy(), axis=-1)
    labels = labels.numpy()[..., None]
    chosen = np.take_along_axis(scores, np.maximum(labels, 0), axis=-1)
    return chosen[labels >= 0].mean()


@loss.wrong("a mean of row means: a token counts more in a row that hides few", "7.4")
def mean_over_rows(logits, labels):
    rows = [
        F.cross_entropy(one, key) for one, key in zip(logits, labels, strict=True) if max(key) >= 0
    ]
    return torch.stack(rows).mean()


@loss.wrong("the sum is right, but you divide by all places, hidden or not", "7.4")
def divided_by_all_places(logits, labels):
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    return total / labels.numel()


@loss.wrong("places that were not hidden are scored too, as if their label were token 0", "7.4")
def ignored_places_scored(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.clamp(min=0).flatten())


@loss.wrong("token 0 is skipped as well: only −100 is to be ignored", "7.4")
def token_zero_skipped(logits, labels):
    labels = labels.masked_fill(labels == 0, IGNORE)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


@loss.wrong("this is the sum; the loss is a mean over the hidden tokens", "7.4")
def the_sum(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")


@loss.wrong("in bits; nats take the natural logarithm", "7.4")
def in_bits(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten()) / np.log(2)


@loss.wrong("a probability where its logarithm is due: take log_softmax, not softmax", "7.4")
def forgot_the_logarithm(logits, labels):
    chosen = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return 1 - chosen[labels != IGNORE].mean()


@loss.alternative
def hidden_places_only(logits, labels):
    hidden = labels >= 0
    return F.cross_entropy(logits[hidden], labels[hidden])


@loss.alternative
def with_vocabulary_second(logits, labels):
    return F.cross_entropy(logits.transpose(1, 2), labels)


@loss.alternative
def by_hand(logits, labels):
    chosen = logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    each = logits.logsumexp(-1) - chosen
    hidden = (labels != IGNORE).to(each.dtype)
    return (each * hidden).sum() / hidden.sum()
