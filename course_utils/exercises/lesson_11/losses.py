"""Lesson 11, section 11.2: what a guess is compared with."""

import torch
import torch.nn.functional as F

from course_utils.exercises.exercise import case, coding
from course_utils.training.translation import next_token_loss

shifted = coding(
    "11.3",
    title="Guess the successor",
    difficulty=3,
    minutes=8,
    given="logits for every position, the ids that went in, and a mask of what is padding",
    reference=next_token_loss,
    task="""Summed cross-entropy in nats of guessing each token from those before it; a scalar.

    logits (B, L, V) are the model's answer to ids (B, L), int64.  Where `mask` (B, L) is 0, the
    token is padding, and guessing it costs nothing; without a mask, all tokens are real.
    """,
    hints=[
        "Row i of the logits has seen the tokens 0 … i. Which token does it guess?",
        "Compare logits[:, :-1] with ids[:, 1:]. And which part of the mask belongs to them?",
        "masked_fill the targets with -100 where mask[:, 1:] is 0; put the rows behind each other, "
        "`.flatten(0, 1)` and `.flatten()`, and cross_entropy with ignore_index=-100 and "
        "reduction='sum' does the rest.",
    ],
    why="Shifted once. Unshifted, the model learns to repeat its input, at a loss of nearly zero; "
    "shifted twice, once here and once in the data, it learns to skip a word. Neither is an error.",
    then="what is the loss of a model that is unshifted, after training? Try it.",
)


@shifted.cases
def loss_cases(draw):
    for rows, length, vocab, masked in (
        (1, 3, 3, False),
        (2, draw.size(4, 6), 5, True),
        (3, 7, 4, True),
    ):
        ids = draw.integers(0, vocab, rows, length)
        ids[:, 1] = (ids[:, 0] + 1) % vocab
        mask = (torch.arange(length) < length - torch.arange(rows)[:, None] - 1).long()
        logits = 2 * draw.normal(rows, length, vocab)
        yield case(logits, ids, mask) if masked else case(logits, ids)


@shifted.oracle
def one_by_one(logits, ids, mask=None):
    total = torch.zeros((), dtype=logits.dtype)
    for row in range(len(ids)):
        for place in range(1, ids.size(1)):
            if mask is None or mask[row, place]:
                total = total - logits[row, place - 1].log_softmax(-1)[ids[row, place]]
    return total


@shifted.wrong("it is not shifted: position i is asked for token i, which it has just read", "11.2")
def not_shifted(logits, ids, mask=None):
    if mask is not None:
        ids = ids.masked_fill(mask == 0, -100)
    return F.cross_entropy(logits.transpose(1, 2), ids, reduction="sum")


@shifted.wrong("shifted twice: position i is asked for token i + 2", "11.2")
def shifted_twice(logits, ids, mask=None):
    if mask is not None:
        ids = ids.masked_fill(mask == 0, -100)
    return F.cross_entropy(logits[:, :-2].transpose(1, 2), ids[:, 2:], reduction="sum")


@shifted.wrong(
    "shifted the wrong way: position i is asked for token i − 1, which it has seen", "11.2"
)
def shifted_back(logits, ids, mask=None):
    if mask is not None:
        ids = ids.masked_fill(mask == 0, -100)
    return F.cross_entropy(logits[:, 1:].transpose(1, 2), ids[:, :-1], reduction="sum")


@shifted.wrong("padding is guessed, too: a model gets good at it and the loss looks better", "11.2")
def learned_the_padding(logits, ids, mask=None):
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="sum")


@shifted.wrong(
    "the mask is not shifted with the targets: the first padding token is still asked", "11.2"
)
def mask_not_shifted(logits, ids, mask=None):
    truth = ids[:, 1:]
    if mask is not None:
        truth = truth.masked_fill(mask[:, :-1] == 0, -100)
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), truth, reduction="sum")


@shifted.wrong("that is the mean; the sum was asked for, the loop divides by the tokens", "11.2")
def averaged(logits, ids, mask=None):
    truth = ids[:, 1:] if mask is None else ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100)
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), truth)


@shifted.alternative
def gathered(logits, ids, mask=None):
    chance = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    return -(chance if mask is None else chance * mask[:, 1:]).sum()


@shifted.alternative
def picked(logits, ids, mask=None):
    keep = torch.ones_like(ids[:, 1:], dtype=torch.bool) if mask is None else mask[:, 1:].bool()
    return F.cross_entropy(logits[:, :-1][keep], ids[:, 1:][keep], reduction="sum")
