"""Lesson 08, section 8.10: the whole of fine-tuning, from an empty function."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding
from course_utils.training.optim import schedule


def fine_tune(
    model: nn.Module, batches: list[tuple[Tensor, Tensor]], epochs: int, lr: float, warmup: int
) -> list[float]:
    """Fine-tune `model` in place; return the mean loss of a text in each epoch, as floats.

    `batches` is a list of (inputs, labels), gone through `epochs` times in this order; the last
    one may be short.  The loss of a batch is its mean cross-entropy.  Clip the gradient's norm to
    1, and use torch.optim.AdamW with weight_decay=0.1.  The learning rate of step 0, 1, 2 … is
    `lr` times `schedule(step, total, warmup)`.  Train in training mode; leave in evaluation mode.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)
    step, total, means = 0, epochs * len(batches), []
    model.train()
    for _ in range(epochs):
        lost, seen = 0.0, 0
        for inputs, labels in batches:
            loss = F.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = lr * schedule(step, total, warmup)
            optimizer.step()
            step += 1
            lost += loss.item() * len(labels)
            seen += len(labels)
        means.append(lost / seen)
    model.eval()
    return means


BACKWARD = "            loss.backward()\n"
CLIP = "            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"

whole = coding(
    "08.13",
    title="Fine-tuning, whole",
    difficulty=5,
    minutes=25,
    given="a model, its batches, and `schedule(step, total, warmup)` from `training.optim`: a "
    "factor that rises over `warmup` steps and then falls to zero",
    reference=fine_tune,
    hints=[
        "Two loops, epochs and batches, and one counter of steps that both share: the schedule "
        "needs it, and so does `total = epochs * len(batches)`.",
        "For each batch: loss, zero_grad, backward, clip, set `group['lr']` of every group in "
        "`optimizer.param_groups`, step.",
        "The mean loss of a *text*: a short batch must not count as much as a full one, so add up "
        "`loss.item() * len(labels)` and divide by the texts.",
    ],
    why="Every line is one that somebody forgot in a published notebook: the mode, the order of "
    "the three calls, the clip between backward and step, a schedule that counts steps, not "
    "epochs, and a mean that weighs texts and not batches.",
    then="give it the lesson's classifier. What is the first thing that you would print while it "
    "runs?",
)


class Mode(nn.Module):
    """Like dropout, it acts in training mode only; unlike dropout, it is not random."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.linspace(0.5, 2, x.size(-1)).to(x) if self.training else x


@whole.cases
def loop_cases(draw):
    for width, sizes, epochs, warmup in (
        (2, (2, 1), 2, 1),
        (draw.size(3, 5), (4, 4, 1), 3, 2),
        (3, (3, 2), 4, 3),
    ):
        weights = draw.normal(width, width) / 2, draw.normal(2, width)
        batches = [(3 * draw.normal(n, width), draw.integers(0, 2, n)) for n in sizes]
        yield case(weights, batches, epochs, 0.05, warmup)


def built(weights):
    inner, outer = weights
    model = nn.Sequential(
        nn.Linear(*reversed(inner.shape), bias=False), nn.Tanh(), Mode(),
        nn.Linear(*reversed(outer.shape), bias=False),
    ).to(inner.dtype)  # fmt: skip
    model.load_state_dict({"0.weight": inner, "3.weight": outer})
    return model.eval()


def outcome(model, losses):
    weights = [weight.detach() for weight in model.parameters()]
    return {"losses": list(losses), "weights": weights, "training mode": model.training}


@whole.observe
def tuned(fine_tune, weights, batches, epochs, lr, warmup):
    model = built(weights)
    return outcome(model, fine_tune(model, batches, epochs, lr, warmup))


@whole.oracle
def with_schedulers_of_torch(weights, batches, epochs, lr, warmup):
    """PyTorch's own schedulers, driving PyTorch's AdamW."""
    model, losses = built(weights).train(), []
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=0.1)
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, max(warmup - 1, 1))
    fall = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, epochs * len(batches) - warmup)
    both = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])
    for _ in range(epochs):
        terms = []
        for inputs, labels in batches:
            each = F.cross_entropy(model(inputs), labels, reduction="none")
            model.zero_grad()
            each.mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            both.step()
            terms += each.tolist()
        losses.append(sum(terms) / len(terms))
    return outcome(model.eval(), losses)


whole.wrong_edit(
    "left_in_evaluation_mode",
    old="    model.train()\n",
    new="",
    message="the model came in evaluation mode, and nobody called `model.train()`",
    section="8.1",
)
whole.wrong_edit(
    "left_in_training_mode",
    old="    model.eval()\n",
    new="",
    message="it learns the right thing, but leaves in training mode: whoever predicts next has "
    "dropout on",
    section="8.1",
)
whole.wrong_edit(
    "never_cleared",
    old="            optimizer.zero_grad()\n",
    new="",
    message="nobody clears the gradients: every step adds those of all earlier ones",
    section="8.1",
)
whole.wrong_edit(
    "never_clipped",
    old=f"{BACKWARD}{CLIP}",
    new=f"{CLIP}{BACKWARD}",
    message="the gradient is never shortened: the clip belongs between `backward` and `step`",
    section="6.4",
)
whole.wrong_edit(
    "schedule_by_epoch",
    old=" * schedule(step, total, warmup)",
    new=" * schedule(len(means), epochs, min(warmup, epochs - 1))",
    message="the schedule moves once an epoch; it counts steps",
    section="6.3",
)
whole.wrong_edit(
    "no_schedule",
    old="lr * schedule(step, total, warmup)\n",
    new="lr\n",
    message="the learning rate is constant: no warm-up, no decay",
    section="6.3",
)
whole.wrong_edit(
    "mean_of_batch_means",
    old="loss.item() * len(labels)\n            seen += len(labels)",
    new="loss.item()\n            seen += 1",
    message="right weights, but a mean over batches: a short last one counts too much",
    section="8.1",
)


@whole.alternative
def with_a_scheduler(model, batches, epochs, lr, warmup):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)
    total = epochs * len(batches)
    factor = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: schedule(min(s, total - 1), total, warmup)
    )
    history = []
    for _ in range(epochs):
        model.train()
        losses, counts = [], []
        for inputs, labels in batches:
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(model(inputs), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
            optimizer.step()
            factor.step()
            losses.append(loss.item() * len(inputs))
            counts.append(len(inputs))
        history.append(sum(losses) / sum(counts))
    model.eval()
    return history


@whole.alternative
def one_flat_loop(model, batches, epochs, lr, warmup):
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(weights, lr=lr, weight_decay=0.1)
    means, total = torch.zeros(epochs, dtype=torch.float64), epochs * len(batches)
    texts = sum(len(labels) for _, labels in batches)
    model.train()
    for step in range(total):
        inputs, labels = batches[step % len(batches)]
        optimizer.param_groups[0]["lr"] = lr * schedule(step, total, warmup)
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        means[step // len(batches)] += loss.item() * len(labels) / texts
    model.eval()
    return means.tolist()
