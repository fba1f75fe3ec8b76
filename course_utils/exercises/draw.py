"""Seeded inputs: what the graders try an answer on.

A case is one call of the learner's function, written as that call: ``case(q, k, mask=None)``.
Everything random comes from a `Draw`, so that one seed gives one set of cases, and
`COURSE_CHECK_SEED` gives another.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """The arguments of one call."""

    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def case(*args, **kwargs) -> Case:
    """One call of the answer, written as the call.

    >>> case(1, 2, mask=None)
    Case(args=(1, 2), kwargs={'mask': None})
    """
    return Case(args, kwargs)


class Draw:
    """A seeded source of inputs; `dtype` is what `normal` and `uniform` give unless told otherwise.

    >>> draw = Draw(seed=0)
    >>> draw.normal(2, 3).shape
    torch.Size([2, 3])
    >>> Draw(seed=0).integers(0, 10, 4).equal(Draw(seed=0).integers(0, 10, 4))
    True
    """

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32):
        self.seed = seed
        self.dtype = dtype
        self.random = random.Random(seed)  # plain Python: words, shuffles, choices
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.generator, dtype=dtype or self.dtype)

    def uniform(self, *shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Numbers between 0 and 1."""
        return torch.rand(shape, generator=self.generator, dtype=dtype or self.dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """Whole numbers, `low` included, `high` not (int64)."""
        return torch.randint(low, high, shape, generator=self.generator)

    def mask(self, *shape: int, share: float = 0.5) -> torch.Tensor:
        """Booleans, True with probability `share`."""
        return torch.rand(shape, generator=self.generator) < share

    def size(self, low: int, high: int) -> int:
        """One whole number from `low` to `high`, both included: the length of an axis."""
        return self.random.randint(low, high)

    def choice(self, options):
        """One element of a sequence."""
        return self.random.choice(options)
