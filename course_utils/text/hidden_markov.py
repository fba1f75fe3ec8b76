"""Hidden Markov models, exactly: sampling, forward-backward, the best possible guess.

Source: Rabiner 1989, "A Tutorial on Hidden Markov Models", sections II and III. A hidden state
moves along a Markov chain, and what we see at each step depends on the state of that step alone.
Everything is computed in float64: the exact answer is what these are for.
"""

from __future__ import annotations

import torch
from torch import Tensor


def stationary(transition) -> Tensor:
    """The share of time that each state gets in the long run: float64 (S,).

    It solves share @ transition = share with a sum of 1. `transition` is (S, S), its rows sum
    to 1 (ValueError otherwise).

    >>> stationary([[0.9, 0.1], [0.3, 0.7]])
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    transition = torch.as_tensor(transition, dtype=torch.float64)
    states = len(transition)
    if transition.shape != (states, states) or ((transition.sum(1) - 1).abs() > 1e-9).any():
        raise ValueError("transition must be square, and every row must sum to 1.")
    equations = torch.eye(states, dtype=torch.float64) - transition.T
    equations = torch.cat([equations, torch.ones(1, states, dtype=torch.float64)])
    right = torch.zeros(states + 1, 1, dtype=torch.float64)
    right[-1] = 1
    share = torch.linalg.lstsq(equations, right).solution.squeeze(1).clamp(min=0)
    return share / share.sum()


def draw(probabilities: Tensor, dice: Tensor) -> Tensor:
    """One outcome from each row of probabilities (N, K) with dice (N,) in [0, 1): int64 (N,).

    An outcome of probability 0 never happens, not even by rounding. Raises ValueError for shapes
    that do not fit.

    >>> draw(torch.tensor([[0.0, 0.5, 0.5, 0.0]] * 3), torch.tensor([0.0, 0.4, 0.999]))
    tensor([1, 1, 2])
    """
    if probabilities.dim() != 2 or dice.shape != probabilities.shape[:1]:
        raise ValueError(
            f"probabilities must be (N, K) and dice (N,), not {tuple(probabilities.shape)} and "
            f"{tuple(dice.shape)}."
        )
    steps = probabilities.cumsum(1)
    steps = steps / steps[:, -1:]  # the last step is 1 exactly, whatever was rounded
    return torch.searchsorted(steps, dice.unsqueeze(1), right=True).squeeze(1)


def forward_backward(start: Tensor, transition: Tensor, evidence: Tensor) -> Tensor:
    """p(state at each step | all the evidence): float64 (N, L, S).

    `start` (S,) is the belief about the first state, `evidence` (N, L, S) is how probable what
    was seen at each step would be in each state; a step where nothing was seen has ones. Every
    message is rescaled, so that long sequences do not underflow. Raises ValueError for shapes
    that do not fit, or when a row is impossible.

    >>> start, transition = torch.tensor([0.5, 0.5]), torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    >>> seen, nothing = [1.0, 0.0], [1.0, 1.0]
    >>> forward_backward(start, transition, torch.tensor([[seen, nothing, nothing]]))[0, :, 0]
    tensor([1.0000, 0.9000, 0.8200], dtype=torch.float64)
    """
    start, transition, evidence = start.double(), transition.double(), evidence.double()
    states = len(start)
    if evidence.dim() != 3 or not evidence.shape[-1:] * 2 == transition.shape == (states, states):
        raise ValueError(
            f"start, transition and evidence must be (S,), (S, S) and (N, L, S), not "
            f"{tuple(start.shape)}, {tuple(transition.shape)} and {tuple(evidence.shape)}."
        )
    steps = range(evidence.shape[1])
    before, after = torch.empty_like(evidence), torch.empty_like(evidence)
    belief = start.expand(len(evidence), -1)
    for t in steps:  # left to right: p(state_t | what was seen before t)
        before[:, t] = belief
        belief = _normalise(belief * evidence[:, t]) @ transition
    message = torch.ones_like(belief)
    for t in reversed(steps):  # right to left: p(what was seen after t | state_t), rescaled
        after[:, t] = message
        if t:  # before the first state there is none
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


class HiddenMarkovModel:
    """A chain of S hidden states that emits V symbols; it starts as it runs in the long run.

    Tables, all float64: `transition` (S, S) with rows that say where a state goes, `emission`
    (S, V) with rows that say which symbols it shows, `start` (S,) the share of each state, in
    which the first state of a row is drawn as well.

    Raises ValueError for shapes that do not fit or rows that are no distributions.

    >>> coin = HiddenMarkovModel([[0.5, 0.5], [0.5, 0.5]], [[1, 0, 0], [0, 0.5, 0.5]])
    >>> coin.predict(torch.tensor([[0, 2]]), torch.tensor([[True, False]]))
    tensor([[0.5000, 0.2500, 0.2500]], dtype=torch.float64)
    """

    def __init__(self, transition, emission):
        transition = torch.as_tensor(transition, dtype=torch.float64)
        emission = torch.as_tensor(emission, dtype=torch.float64)
        states = len(emission)
        if transition.shape != (states, states) or emission.dim() != 2:
            raise ValueError(
                f"The tables must have shapes (S, S) and (S, V), not {tuple(transition.shape)} "
                f"and {tuple(emission.shape)}."
            )
        for name, table in (("transition", transition), ("emission", emission)):
            if (table < 0).any() or ((table.sum(1) - 1).abs() > 1e-9).any():
                raise ValueError(f"Every row of {name} must be a distribution that sums to 1.")
        self.start = stationary(transition)
        self.transition, self.emission = transition, emission
        self.num_states, self.vocab_size = emission.shape

    def sample(self, num_sentences: int, length: int, generator: torch.Generator) -> Tensor:
        """Rows (N, L) of int64 symbols. Errors as in `sample_with_states`."""
        return self.sample_with_states(num_sentences, length, generator)[0]

    def sample_with_states(
        self, num_sentences: int, length: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Rows (N, L) of symbols and the hidden state of every one (N, L), both int64.

        The same generator state gives the same rows. Raises ValueError unless both sizes
        are positive, TypeError without a generator.
        """
        if not isinstance(generator, torch.Generator):
            raise TypeError("generator must be a torch.Generator: it decides what is drawn.")
        if num_sentences < 1 or length < 1:
            raise ValueError(
                f"num_sentences ({num_sentences}) and length ({length}) must both be positive."
            )
        dice = torch.rand(2, length, num_sentences, dtype=torch.float64, generator=generator)
        states = [draw(self.start.expand(num_sentences, -1), dice[0, 0])]
        for t in range(1, length):
            states.append(draw(self.transition[states[-1]], dice[0, t]))
        tokens = [draw(self.emission[state], dice[1, t]) for t, state in enumerate(states)]
        return torch.stack(tokens, 1), torch.stack(states, 1)

    def posterior(self, tokens: Tensor, masked: Tensor) -> Tensor:
        """p(state at each place | the visible tokens): float64 (N, L, S), by forward-backward.

        `tokens` is int64 (N, L), `masked` is bool (N, L); what stands at masked places does not
        count, but has to be an id. Raises TypeError for other dtypes, ValueError for shapes that
        differ, ids outside the vocabulary, or a visible row that the model cannot produce.
        """
        self._check(tokens, masked)
        evidence = self.emission.T[tokens.masked_fill(masked, 0)]  # (N, L, S)
        evidence = evidence.masked_fill(masked.unsqueeze(-1), 1.0)  # a mask says nothing
        return forward_backward(self.start, self.transition, evidence)

    def predict(self, tokens: Tensor, masked: Tensor) -> Tensor:
        """p(token | the visible tokens) at every masked place: float64 (T, V), in reading order.

        No model can do better on average. Arguments and errors as in `posterior`.
        """
        return self.posterior(tokens, masked)[masked] @ self.emission

    def _check(self, tokens: Tensor, masked: Tensor) -> None:
        if not isinstance(tokens, Tensor) or tokens.dtype != torch.int64:
            raise TypeError("tokens must be an int64 tensor of word ids.")
        if not isinstance(masked, Tensor) or masked.dtype != torch.bool:
            raise TypeError("masked must be a bool tensor, True where a token is hidden.")
        if tokens.dim() != 2 or tokens.shape != masked.shape or tokens.numel() == 0:
            raise ValueError(
                f"tokens {tuple(tokens.shape)} and masked {tuple(masked.shape)} must have the "
                "same shape (N, L)."
            )
        if int(tokens.min()) < 0 or int(tokens.max()) >= self.vocab_size:
            raise ValueError(f"tokens must lie in 0 ... {self.vocab_size - 1}.")
