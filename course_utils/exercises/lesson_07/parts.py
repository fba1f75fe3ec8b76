"""Lesson 07, section 7.6: a step whose batch comes in several parts."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding
from course_utils.text.masking import IGNORE, MaskedBatch


def accumulate(model: nn.Module, parts: list[MaskedBatch]) -> Tensor:
    """Leave in `.grad` the gradient of one large batch that comes in several parts.

    The loss is the mean over all hidden tokens of all parts; it is returned, without gradient.
    Parts hide different numbers of tokens (`part.count()`).  Gradients from before are forgotten.
    `model(part.input_ids, positions=part.positions)` gives logits (B, M, V), and `part.targets`
    (B, M) are the answers, IGNORE where there is none.  Only one part is in memory at a time.
    """
    total = sum(part.count() for part in parts)
    model.zero_grad()
    loss = torch.zeros(())
    for part in parts:
        logits = model(part.input_ids, positions=part.positions)
        targets = part.targets.flatten()
        summed = F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum")
        (summed / total).backward()
        loss = loss + summed.detach() / total
    return loss


class Neighbours(nn.Module):
    """The smallest masked language model: it guesses from the mean of all that it sees."""

    def __init__(self, vocab_size: int, width: int):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, width)
        self.decoder = nn.Linear(width, vocab_size)

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        seen = self.tokens(input_ids)  # (B, L, D)
        places = positions.unsqueeze(-1).expand(-1, -1, seen.size(-1))
        return self.decoder(seen.gather(1, places) + seen.mean(1, keepdim=True))  # (B, M, V)


accumulation = coding(
    "07.11",
    title="One large batch in small parts",
    difficulty=5,
    minutes=20,
    given="a model and the parts of a batch that is too large for the memory",
    reference=accumulate,
    hints=[
        "The gradient of a sum is the sum of the gradients, and `.backward()` adds to `.grad`.",
        "Which number must every part's *summed* loss be divided by, so that they add up to the "
        "mean of the whole batch?",
        "Count first, over all parts. Then for each part: forward, `reduction='sum'`, divide by "
        "the total, backward.",
    ],
    why="Mean losses cannot be averaged when the parts are of unequal size, but sums can be added: "
    "one division, by the number of hidden tokens of the whole step. The course's own loop does "
    "the same, and several processes are only more parts.",
    then="read `gradients` in course_utils/training/loop.py.",
)


@accumulation.cases
def accumulation_cases(draw):
    for sizes in (((2, 3),), ((1, 5), (3, 2), (2, 1)), ((3, 2), (draw.size(1, 4), 4))):
        model = Neighbours(11, 3).to(draw.dtype)
        for weight in model.parameters():
            weight.data = draw.normal(*weight.shape)
        parts = []
        for rows, hidden in sizes:
            ids = draw.integers(0, 11, rows, 7)
            positions = torch.rand(rows, 7, generator=draw.generator).argsort(1)[:, :hidden]
            targets = draw.integers(0, 11, rows, hidden)
            if hidden > 1:
                targets[0, 0] = IGNORE
            parts.append(MaskedBatch(ids, positions, targets))
        yield case(model, parts)


@accumulation.observe
def gradients_left(accumulate, model, parts):
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)  # left over from the step before
    value = accumulate(model, parts)
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    return {"loss": value.detach(), "needs gradient": value.requires_grad} | gradients


@accumulation.oracle
def in_one_go(model, parts):
    """PyTorch's autograd on all hidden tokens at once."""
    logits = [model(part.input_ids, part.positions).flatten(0, 1) for part in parts]
    targets = torch.cat([part.targets.flatten() for part in parts])
    value = F.cross_entropy(torch.cat(logits), targets)
    names, weights = zip(*model.named_parameters(), strict=True)
    found = dict(zip(names, torch.autograd.grad(value, weights), strict=True))
    return {"loss": value.detach(), "needs gradient": False} | found


accumulation.wrong_edit(
    "old_gradients_kept",
    old="    model.zero_grad()\n",
    new="",
    message="the gradients of the step before are still in it: forget them first",
    section="7.6",
)
accumulation.wrong_edit(
    "only_the_last_part",
    old="        (summed / total).backward()\n",
    new="        model.zero_grad()\n        (summed / total).backward()\n",
    message="`zero_grad` inside the loop: only the last part is left",
    section="7.6",
)
accumulation.wrong_edit(
    "forgot_to_divide",
    old="(summed / total).backward()",
    new="summed.backward()",
    message="the loss is divided, the gradient is not: divide before `backward`",
    section="7.6",
)
accumulation.wrong_edit(
    "ignored_places_counted",
    old="part.count() for",
    new="part.targets.numel() for",
    message="you divide by all places; some of them ask nothing (IGNORE)",
    section="7.6",
)


@accumulation.wrong("a mean of means: a token of a part that hides few weighs more", "7.6")
def mean_of_means(model, parts):
    model.zero_grad()
    value = torch.zeros(())
    for part in parts:
        logits = model(part.input_ids, positions=part.positions).flatten(0, 1)
        mean = F.cross_entropy(logits, part.targets.flatten()) / len(parts)
        mean.backward()
        value = value + mean.detach()
    return value


@accumulation.wrong("a sum of means: divide, or the learning rate grows with the parts", "7.6")
def sum_of_means(model, parts):
    model.zero_grad()
    value = torch.zeros(())
    for part in parts:
        logits = model(part.input_ids, positions=part.positions).flatten(0, 1)
        mean = F.cross_entropy(logits, part.targets.flatten())
        mean.backward()
        value = value + mean.detach()
    return value


@accumulation.alternative
def weighted_means(model, parts):
    counts = [part.count() for part in parts]
    model.zero_grad(set_to_none=True)
    value = 0.0
    for part, count in zip(parts, counts, strict=True):
        logits = model(part.input_ids, positions=part.positions)
        mean = F.cross_entropy(logits.transpose(1, 2), part.targets, ignore_index=IGNORE)
        (mean * count / sum(counts)).backward()
        value += mean.item() * count / sum(counts)
    return torch.tensor(value)


@accumulation.alternative
def divided_at_the_end(model, parts):
    for weight in model.parameters():
        weight.grad = None
    value, total = torch.zeros(()), 0
    for part in parts:
        hidden = part.targets != IGNORE
        logits = model(part.input_ids, positions=part.positions)[hidden]
        summed = F.cross_entropy(logits, part.targets[hidden], reduction="sum")
        summed.backward()
        value, total = value + summed.detach(), total + int(hidden.sum())
    for weight in model.parameters():
        weight.grad /= total
    return value / total
