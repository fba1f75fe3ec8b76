"""Three small algorithms for hidden Markov models: sampling, shares, forward-backward.

Source: Rabiner 1989, "A Tutorial on Hidden Markov Models", sections II and III. A hidden state
moves along a Markov chain, and what we see at each step depends on the state of that step alone.
"""

from __future__ import annotations

import torch
from torch import Tensor


def stationary(transition: Tensor) -> Tensor:
    """The share of time that each state gets in the long run: float64 (S,).

    It solves share @ transition = share with a sum of 1. `transition` is (S, S), its rows sum
    to 1 (ValueError otherwise).

    >>> stationary(torch.tensor([[0.9, 0.1], [0.3, 0.7]]).double())
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    states = len(transition)
    if transition.shape != (states, states) or ((transition.sum(1) - 1).abs() > 1e-9).any():
        raise ValueError("transition must be square, and every row must sum to 1.")
    equations = torch.eye(states, dtype=torch.float64) - transition.T
    equations = torch.cat([equations, torch.ones(1, states, dtype=torch.float64)])
    right = torch.zeros(states + 1, 1, dtype=torch.float64)
    right[-1] = 1
    return torch.linalg.lstsq(equations, right).solution.squeeze(1).clamp(min=0)


def draw(probabilities: Tensor, dice: Tensor) -> Tensor:
    """One outcome from each row of probabilities (N, K) with dice (N,) in [0, 1): int64 (N,).

    An outcome of probability 0 never happens, not even by rounding.

    >>> draw(torch.tensor([[0.0, 0.5, 0.5, 0.0]] * 3), torch.tensor([0.0, 0.4, 0.999]))
    tensor([1, 1, 2])
    """
    steps = probabilities.cumsum(1)
    steps = steps / steps[:, -1:]  # the last step is 1 exactly, whatever was rounded
    return torch.searchsorted(steps, dice.unsqueeze(1), right=True).squeeze(1)


def forward_backward(start: Tensor, transition: Tensor, evidence: Tensor) -> Tensor:
    """p(state at each step | all the evidence): (N, L, S).

    `start` (S,) is the belief about the first state, `evidence` (N, L, S) is how probable what
    was seen at each step would be in each state; a step where nothing was seen has ones. Every
    message is rescaled, so that long sequences do not underflow. Raises ValueError when a row
    is impossible.

    >>> start, transition = torch.tensor([0.5, 0.5]), torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> seen, nothing = [1.0, 0.0], [1.0, 1.0]
    >>> forward_backward(start, transition, torch.tensor([[seen, nothing, nothing]]))[0, :, 0]
    tensor([1.0000, 0.9000, 0.8200])
    """
    steps = range(evidence.shape[1])
    before, after = torch.empty_like(evidence), torch.empty_like(evidence)
    belief = start.expand(len(evidence), -1)
    for t in steps:  # left to right: p(state_t | what was seen before t)
        before[:, t] = belief
        belief = _normalise(belief * evidence[:, t]) @ transition
    message = torch.ones_like(belief)
    for t in reversed(steps):  # right to left: p(what was seen after t | state_t), rescaled
        after[:, t] = message
        message = _normalise((message * evidence[:, t]) @ transition.T)
    return _normalise(before * evidence * after)


def _normalise(weights: Tensor) -> Tensor:
    total = weights.sum(-1, keepdim=True)
    if not bool((total > 0).all()):
        raise ValueError(
            "This language cannot produce one of the visible rows: does it hold special tokens, "
            "or words of another language?"
        )
    return weights / total
