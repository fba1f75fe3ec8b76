"""Scaling laws: what the loss will be with more parameters and tokens, and how sure we are of it.

The law is that of Hoffmann et al. (2022, "Training Compute-Optimal Large Language Models", section
3.3): L(N, D) = E + A/N^α + B/D^β. Whoever fixes the two exponents is left with a straight least
squares problem in E, A and B, so the exponents are searched on a grid and the rest is exact
(separable least squares, Golub and Pereyra 1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .tasks import Interval

EXPONENTS = tuple(np.geomspace(0.05, 2.0, 36))  # neighbours differ by 11 %
FLOPS = 6.0  # a parameter and a token: C = 6 N D (Kaplan et al. 2020, section 2.1)


@dataclass(frozen=True)
class ScalingLaw:
    """L(N, D) = floor + a/N^alpha + b/D^beta, in nats.

    >>> law = ScalingLaw(floor=2.0, a=100.0, alpha=0.5, b=1000.0, beta=0.5)
    >>> law.loss(parameters=10_000, tokens=1_000_000)         # 2 + 100/100 + 1000/1000
    4.0
    """

    floor: float
    a: float
    alpha: float
    b: float
    beta: float

    def loss(self, parameters, tokens):
        """The loss in nats of N parameters after D tokens; arrays are taken item by item."""
        n, d = np.asarray(parameters, float), np.asarray(tokens, float)
        nats = self.floor + self.a * n**-self.alpha + self.b * d**-self.beta
        return float(nats) if nats.ndim == 0 else nats


def fit_law(
    parameters: Sequence[float],
    tokens: Sequence[float],
    losses: Sequence[float],
    exponents: Sequence[float] = EXPONENTS,
    shared: bool = False,
) -> ScalingLaw:
    """The law whose squared errors over R runs are smallest, with E, A and B not negative.

    `parameters`, `tokens` and `losses` (nats) are (R,). Both exponents are chosen from
    `exponents`; with `shared` they are equal, which saves one of five numbers. The runs have to
    differ in size and in tokens, and not in step with each other.

    Raises:
        TypeError: something that is no number.
        ValueError: shapes that differ, too few runs for the numbers that are fitted, a size, a
            count or an exponent that is not positive, fewer than two sizes or counts.

    >>> n, d = np.array([1, 1, 1, 4, 4, 9]) * 1e4, np.array([1, 4, 9, 1, 4, 1]) * 1e6
    >>> law = fit_law(n, d, 2 + 100 / n**0.5 + 1000 / d**0.5, exponents=[0.25, 0.5, 1.0])
    >>> law.alpha, law.beta, round(law.floor, 6), round(law.b, 3)
    (0.5, 0.5, 2.0, 1000.0)
    """
    n, d, nats, grid = _runs(parameters, tokens, losses, exponents, shared)
    (law,) = _fit(n, d, nats[:, None], grid, shared)
    return law


def possible_laws(
    parameters: Sequence[float],
    tokens: Sequence[float],
    losses: Sequence[float],
    draws: int = 400,
    seed: int = 0,
    exponents: Sequence[float] = EXPONENTS,
    shared: bool = False,
) -> tuple[list[ScalingLaw], np.ndarray]:
    """Laws that could as well have been found: a parametric bootstrap of `draws` fits.

    Each draw scatters the fitted losses anew and fits again. How much a run scatters is itself
    known from few runs, with R - p of them left after p numbers were fitted. So each draw takes
    its own spread, √(RSS/χ²) with R - p degrees of freedom, which is what turns a normal interval
    into Student's. Returns the laws and these spreads (draws,), in nats. Errors as in `fit_law`,
    and ValueError for fewer than two draws.

    >>> n, d = np.array([1, 1, 1, 4, 4, 9]) * 1e4, np.array([1, 4, 9, 1, 4, 1]) * 1e6
    >>> noise = np.array([1, -1, 1, -1, 1, -1]) / 100
    >>> laws, spreads = possible_laws(n, d, 2 + 100 / n**0.5 + 1000 / d**0.5 + noise, draws=50)
    >>> len(laws), bool((spreads > 0).all())
    (50, True)
    """
    n, d, nats, grid = _runs(parameters, tokens, losses, exponents, shared)
    if not isinstance(draws, int) or draws < 2:
        raise ValueError(f"draws must be a whole number from 2 upwards, not {draws!r}.")
    (law,) = _fit(n, d, nats[:, None], grid, shared)
    fitted = law.loss(n, d)
    left = len(n) - _fitted_numbers(grid, shared)
    dice = np.random.default_rng(seed)
    spreads = np.sqrt(((nats - fitted) ** 2).sum() / dice.chisquare(left, draws))
    scattered = fitted[:, None] + spreads * dice.standard_normal((len(n), draws))  # (R, draws)
    return _fit(n, d, scattered, grid, shared), spreads


def predict_loss(
    parameters: Sequence[float],
    tokens: Sequence[float],
    losses: Sequence[float],
    new_parameters: float,
    new_tokens: float,
    confidence: float = 0.95,
    draws: int = 400,
    seed: int = 0,
    exponents: Sequence[float] = EXPONENTS,
    shared: bool = False,
) -> Interval:
    """The loss of a run that has not been made, and the interval in which it should land.

    Two doubts are in it: which law it is, and the scatter of the new run itself. A third is not:
    whether the law goes on to hold outside the runs that it was fitted to. Errors as in
    `possible_laws`, and ValueError for a confidence outside (0, 1).

    >>> n, d = np.array([1, 1, 1, 4, 4, 9]) * 1e4, np.array([1, 4, 9, 1, 4, 1]) * 1e6
    >>> losses = 2 + 100 / n**0.5 + 1000 / d**0.5 + np.array([1, -1, 1, -1, 1, -1]) / 100
    >>> shot = predict_loss(n, d, losses, 9e4, 4e6, draws=100, exponents=[0.5])
    >>> shot.low < 2 + 1 / 3 + 1 / 2 < shot.high
    True
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence!r}.")
    if not (0 < new_parameters < np.inf and 0 < new_tokens < np.inf):
        raise ValueError("new_parameters and new_tokens must be positive, finite numbers.")
    given = (parameters, tokens, losses)
    law = fit_law(*given, exponents=exponents, shared=shared)
    laws, spreads = possible_laws(*given, draws, seed, exponents, shared)
    dice = np.random.default_rng(seed + 1)
    shots = np.array([one.loss(new_parameters, new_tokens) for one in laws])
    shots = shots + spreads * dice.standard_normal(len(laws))
    tail = (1 - confidence) / 2
    low, high = np.quantile(shots, (tail, 1 - tail))
    return Interval(float(law.loss(new_parameters, new_tokens)), float(low), float(high))


def compute_optimal(law: ScalingLaw, flops: float) -> tuple[float, float]:
    """Parameters N and tokens D of the lowest loss with C = 6 N D operations (equation 4 there).

    N = G (C/6)^(β/(α+β)) with G = (αA/(βB))^(1/(α+β)), and D is what remains.

    Raises:
        TypeError: `law` is no ScalingLaw.
        ValueError: `flops` is not positive, or the law has no valley: A or B is zero.

    >>> law = ScalingLaw(floor=2.0, a=100.0, alpha=0.5, b=1000.0, beta=0.5)
    >>> n, d = compute_optimal(law, 6e12)
    >>> round(n), round(d)             # there, a/√N = 100/316 and b/√D = 1000/3162: both 0.316
    (100000, 10000000)
    """
    if not isinstance(law, ScalingLaw):
        raise TypeError(f"law must be a ScalingLaw, not {type(law).__name__}.")
    if not flops > 0:
        raise ValueError(f"flops must be positive, not {flops!r}.")
    if not (law.a > 0 and law.b > 0):
        raise ValueError("The law has no valley: without A or B, more of the other always pays.")
    both = law.alpha + law.beta
    g = (law.alpha * law.a / (law.beta * law.b)) ** (1 / both)
    n = g * (flops / FLOPS) ** (law.beta / both)
    return float(n), float(flops / FLOPS / n)


def _fit(n, d, nats, grid: np.ndarray, shared: bool) -> list[ScalingLaw]:
    """One law for each column of `nats` (R, K)."""
    alphas, betas = (grid, grid) if shared else (x.ravel() for x in np.meshgrid(grid, grid))
    # Columns of about 1, so that A and B are as well conditioned as E.
    n0, d0 = np.exp(np.log(n).mean()), np.exp(np.log(d).mean())
    columns = np.stack(
        [
            np.ones((len(alphas), len(n))),
            (n / n0) ** -alphas[:, None],
            (d / d0) ** -betas[:, None],
        ],
        axis=-1,
    )  # (G, R, 3)
    best = np.full(nats.shape[1], np.inf)
    found = np.zeros((5, nats.shape[1]))  # floor, a, alpha, b, beta
    # The smallest error without negative numbers is that of some subset of the three columns
    # whose own least squares solution has none.
    for size in (3, 2, 1):
        for chosen in map(list, combinations(range(3), size)):
            q, r = np.linalg.qr(columns[:, :, chosen])
            projected = np.swapaxes(q, 1, 2) @ nats  # (G, size, K)
            numbers = np.linalg.solve(r, projected)
            errors = (nats**2).sum(0) - (projected**2).sum(1)  # (G, K)
            errors[(numbers < 0).any(1)] = np.inf
            place = errors.argmin(0)
            better = np.flatnonzero(errors[place, np.arange(len(place))] < best - 1e-12)
            at = place[better]
            best[better] = errors[at, better]
            found[:, better] = 0
            found[2, better], found[4, better] = alphas[at], betas[at]
            for row, column in enumerate(chosen):
                found[(0, 1, 3)[column], better] = numbers[at, row, better]
    found[1] *= n0 ** found[2]
    found[3] *= d0 ** found[4]
    return [ScalingLaw(*map(float, numbers)) for numbers in found.T]


def _fitted_numbers(grid: np.ndarray, shared: bool) -> int:
    """E, A and B, and the exponents that are searched."""
    return 3 + (0 if len(grid) == 1 else 1 if shared else 2)


def _runs(parameters, tokens, losses, exponents, shared: bool) -> tuple[np.ndarray, ...]:
    """All as float64 arrays, or one sentence that says what is wrong."""
    arrays = []
    named = {"parameters": parameters, "tokens": tokens, "losses": losses, "exponents": exponents}
    for name, values in named.items():
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a flat list or an array of numbers.") from None
        if array.ndim != 1 or not len(array) or not (np.isfinite(array) & (array > 0)).all():
            raise ValueError(f"{name} must be one or more positive numbers, in one row.")
        arrays.append(array)
    n, d, nats, grid = arrays
    if not len(n) == len(d) == len(nats):
        raise ValueError(
            f"There are {len(n)} parameters, {len(d)} tokens and {len(nats)} losses: each run has "
            "one of each."
        )
    needed = _fitted_numbers(grid, shared) + 1
    if len(n) < needed:
        raise ValueError(f"{len(n)} runs cannot carry this law: it needs {needed} at least.")
    if len(set(n)) < 2 or len(set(d)) < 2:
        raise ValueError("The runs need at least two sizes and two numbers of tokens.")
    if abs(np.corrcoef(np.log(n), np.log(d))[0, 1]) > 1 - 1e-9:
        raise ValueError("Sizes and tokens rise in step: such runs cannot tell A from B.")
    return n, d, nats, grid
