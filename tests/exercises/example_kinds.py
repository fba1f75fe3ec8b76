"""A class to write, a silent bug to mend, and something that draws at random; 00 is no lesson."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


class LayerNorm(nn.Module):
    """Bring every row to mean 0 and variance 1, then scale by `weight` and shift by `bias`."""

    def __init__(self, width: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """x is (..., width)."""
        mean = x.mean(-1, keepdim=True)
        variance = x.var(-1, keepdim=True, correction=0)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


norm = coding(
    "00.5",
    title="Layer norm",
    difficulty=3,
    minutes=10,
    given="a module whose parameters are made already",
    reference=LayerNorm,
    keep=("__init__",),
    hints=["Over which axis is the mean?", "The variance is the biased one."],
    why="It divides by the number of entries, not by one less.",
)


@norm.cases
def norm_cases(draw):
    yield case(draw.normal(2, 3), draw.normal(3), draw.normal(3))
    yield case(3 * draw.normal(2, draw.size(3, 5), 7) + 1, draw.normal(7), draw.normal(7))
    yield case(1e-3 * draw.normal(2, 5), draw.normal(5), draw.normal(5))  # here eps matters


@norm.observe
def normalised(answer, x, weight, bias):
    layer = answer(x.size(-1)).to(x.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer(x)


@norm.oracle
def torch_norm(x, weight, bias):
    return F.layer_norm(x, x.shape[-1:], weight, bias)


norm.wrong_edit(
    "unbiased",
    old="correction=0",
    new="correction=1",
    message="you divide by n - 1; layer norm divides by n",
    section="5.2",
)
norm.wrong_edit(
    "eps_outside_the_root",
    old="torch.sqrt(variance + self.eps)",
    new="(torch.sqrt(variance) + self.eps)",
    message="eps belongs under the root",
    section="5.2",
)
norm.wrong_edit(
    "forgot_the_bias",
    old=" + self.bias",
    new="",
    message="scaled, but not shifted",
    section="5.2",
)


@norm.wrong("the statistics belong to a row, not to the batch", "5.2")
class OverTheBatch(LayerNorm):
    def forward(self, x):
        mean, variance = x.mean(0), x.var(0, correction=0)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@norm.alternative
class FromLibrary(nn.LayerNorm):
    pass


@norm.alternative
class ByHand(LayerNorm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.weight + (
            self.bias
        )


def mean_loss(losses: Tensor, lengths: Tensor) -> Tensor:
    """The mean loss per token of padded rows: losses (B, L), lengths (B,)."""
    real = torch.arange(losses.size(1)) < lengths[:, None]
    return (losses * real).sum() / lengths.sum()


def mean_of_means(losses: Tensor, lengths: Tensor) -> Tensor:
    """The mean loss per token of padded rows: losses (B, L), lengths (B,)."""
    real = torch.arange(losses.size(1)) < lengths[:, None]
    return ((losses * real).sum(1) / lengths).mean()


averaging = coding(
    "00.6",
    title="A mean of means",
    difficulty=2,
    minutes=5,
    given="a function that weighs a token of a short row more than one of a long row",
    reference=mean_loss,
    buggy=mean_of_means,
    hints=["Try it on rows of one and of nine tokens.", "Sum everything first."],
    why="Every token counts once.",
)


@averaging.cases
def averaging_cases(draw):
    yield case(draw.uniform(2, 3), torch.tensor([1, 3]))
    yield case(draw.uniform(3, 7), torch.tensor([draw.size(1, 3), 7, 2]))


@averaging.oracle
def kept_tokens(losses, lengths):
    """NumPy, which averages the entries of a masked array."""
    padding = np.arange(losses.size(1)) >= lengths.numpy()[:, None]
    return np.ma.masked_array(losses.numpy(), padding).mean()


@averaging.wrong("the padding is counted", "6.3")
def counts_padding(losses, lengths):
    return losses.mean()


@averaging.wrong("the padding is left out of the sum, but not out of the count", "6.3")
def divides_by_all(losses, lengths):
    real = torch.arange(losses.size(1)) < lengths[:, None]
    return (losses * real).sum() / losses.numel()


@averaging.wrong("one token too many: positions are counted from 0", "6.3")
def off_by_one(losses, lengths):
    real = torch.arange(losses.size(1)) <= lengths[:, None]
    return (losses * real).sum() / lengths.sum()


@averaging.wrong("still a mean of means", "6.3")
def mean_of_row_means(losses, lengths):
    return torch.stack([row[:n].mean() for row, n in zip(losses, lengths, strict=True)]).mean()


@averaging.alternative
def by_concatenation(losses, lengths):
    return torch.cat([row[:n] for row, n in zip(losses, lengths, strict=True)]).mean()


@averaging.alternative
def by_loop(losses, lengths):
    total = sum(losses[i, j] for i in range(len(losses)) for j in range(int(lengths[i])))
    return total / lengths.sum()


def hide(ids: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Replace each id by 0 with probability `rate`, drawn from `generator`; ids (L,)."""
    hidden = torch.rand(ids.shape, generator=generator) < rate
    return ids.masked_fill(hidden, 0)


hiding = coding(
    "00.7",
    title="Hide at random",
    difficulty=2,
    minutes=5,
    given="token ids from 1 up, and a generator",
    reference=hide,
    tolerance=0.08,
    hints=["Draw one number per id.", "Compare it with the rate."],
    why="A uniform number is below the rate with a probability of the rate.",
)


@hiding.cases
def hiding_cases(draw):
    for rate in (0.3, 0.6):
        yield case(draw.integers(1, 50, 20_001), rate, torch.Generator().manual_seed(draw.seed))


@hiding.observe
def share(answer, ids, rate, generator):
    before = ids.clone()
    after = answer(ids, rate, generator)
    kept = after != 0
    same = bool((after == before)[kept].all())
    return {"hidden": (~kept).double().mean(), "kept as they were": same}


@hiding.oracle
def the_rate(ids, rate, generator):
    return {"hidden": rate, "kept as they were": True}


@hiding.holds("the same generator hides the same ids again")
def repeatable(answer, ids, rate, generator):
    twin = torch.Generator().set_state(generator.get_state())
    return torch.equal(answer(ids, rate, generator), answer(ids, rate, twin))


@hiding.wrong("you keep what should be hidden", "7.2")
def the_other_way(ids, rate, generator):
    return ids * (torch.rand(ids.shape, generator=generator) < rate)


@hiding.wrong("one number for all: they are hidden all or none", "7.2")
def all_or_none(ids, rate, generator):
    return ids * 0 if torch.rand(1, generator=generator) < rate else ids


@hiding.wrong("normal numbers are not uniform", "7.2")
def normal_numbers(ids, rate, generator):
    return ids.masked_fill(torch.randn(ids.shape, generator=generator) < rate, 0)


@hiding.wrong("it changes the ids that it was given", "7.2")
def in_place(ids, rate, generator):
    return ids.masked_fill_(torch.rand(ids.shape, generator=generator) < rate, 0)


@hiding.alternative
def bernoulli(ids, rate, generator):
    return ids * torch.bernoulli(torch.full(ids.shape, 1 - rate), generator=generator).long()


@hiding.alternative
def permutation(ids, rate, generator):
    order = torch.randperm(len(ids), generator=generator)
    hidden = ids.clone()
    hidden[order[: round(rate * len(ids))]] = 0
    return hidden
