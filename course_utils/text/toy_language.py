"""A generated language whose best possible masked loss we can compute exactly.

On real text nobody knows how low the loss could go. Here we do: a hidden topic wanders slowly
through the sentence (a Markov chain) and each token is drawn from the topic of its moment, so
the exact distribution of a masked token follows from the visible ones by the forward-backward
algorithm (Rabiner 1989; see `hidden_markov`). A network that
reaches the optimum has had to infer the topic; nobody told it that there was one.

Every word belongs to two topics, as "bank" does: one neighbour narrows the topic down, several
settle it. That is what puts the rungs of the ladder ln V > unigram > bigram > optimum apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .hidden_markov import draw, forward_backward, stationary

IGNORE = -100  # a target that is no target; masking.IGNORE, which stands further down the list
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # ids 0 ... 4, never emitted
MEMBERSHIP = 55.0  # a topic uses its own words this many times as often as another's


def _word(index: int) -> str:
    """A pronounceable name for each word: ba, be, ..., vu, then two syllables."""
    syllables = [c + v for c in "bdfghklmnprstvz" for v in "aeiou"]
    head, tail = divmod(index, len(syllables))
    return (_word(head - 1) if head else "") + syllables[tail]


class ToyLanguage:
    """A hidden Markov model with `num_states` topics over `vocab_size` tokens.

    Ids 0 ... 4 are the course's special tokens and are never emitted; the rest are words, the
    commoner ones first (Zipf's law with exponent `zipf`). At each step the topic stays with
    probability `stay`; otherwise it moves on, most often to the next one round a ring. Each word
    belongs to `topics_per_word` topics, chosen by `seed`.

    Tables, all float64: `transition` (S, S) with rows that say where a topic goes, `emission`
    (S, V) with rows that say which words it uses, `start` (S,) the share of each topic, in which
    the first token of a sentence is drawn as well.

    It answers to `mask_token_id`, `all_special_ids`, `convert_ids_to_tokens` and `len` as a
    tokenizer would, so that whatever trains on text can be trained on this.

    Raises ValueError for fewer than two topics or words, or a probability outside its range.

    >>> language = ToyLanguage()
    >>> tokens = language.sample(2, 6, torch.Generator().manual_seed(0))
    >>> tokens.shape, language.convert_ids_to_tokens([5, 6, 4])
    (torch.Size([2, 6]), ['ba', 'be', '[MASK]'])
    >>> language.unigram_loss() < math.log(len(language))
    True
    """

    def __init__(
        self,
        num_states: int = 8,
        vocab_size: int = 64,
        seed: int = 0,
        *,
        stay: float = 0.95,
        topics_per_word: int = 2,
        zipf: float = 0.8,
    ):
        for size in (num_states, vocab_size, seed, topics_per_word):
            if not isinstance(size, int):
                raise TypeError(f"A size or seed must be a whole number, not {size!r}.")
        num_words = vocab_size - len(SPECIAL_TOKENS)
        if num_states < 2:
            raise ValueError(f"num_states must be at least 2, not {num_states}.")
        if num_words < 2:
            raise ValueError(
                f"vocab_size must be at least 7, five special tokens and two words, "
                f"not {vocab_size}."
            )
        if not 0 < stay < 1:
            raise ValueError(f"stay must be a probability strictly between 0 and 1, not {stay}.")
        if not 1 <= topics_per_word <= num_states:
            raise ValueError(
                f"topics_per_word must lie in 1 ... {num_states}, the number of topics, "
                f"not {topics_per_word}."
            )
        ring = torch.eye(num_states, dtype=torch.float64).roll(1, dims=1)
        anywhere = torch.full_like(ring, 1 / num_states)
        transition = stay * torch.eye(num_states) + (1 - stay) * (0.8 * ring + 0.2 * anywhere)

        generator = torch.Generator().manual_seed(seed)
        lottery = torch.rand(num_states, num_words, generator=generator)
        belongs = lottery.argsort(0).argsort(0) < topics_per_word  # (S, words)
        popularity = torch.arange(1, num_words + 1, dtype=torch.float64) ** -zipf
        words = popularity * torch.where(belongs, MEMBERSHIP, 1.0)
        emission = torch.zeros(num_states, vocab_size, dtype=torch.float64)
        emission[:, len(SPECIAL_TOKENS) :] = words / words.sum(1, keepdim=True)
        self._set(transition, emission)

    @classmethod
    def from_tables(cls, transition, emission) -> ToyLanguage:
        """The language with these tables (S, S) and (S, V), whose rows sum to 1.

        Raises ValueError for shapes that do not fit, rows that are no distributions, or a
        special token with a probability.

        >>> language = ToyLanguage.from_tables([[0.9, 0.1], [0.3, 0.7]],
        ...                                    [[0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]])
        >>> language.start
        tensor([0.7500, 0.2500], dtype=torch.float64)
        """
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
        if emission[:, : len(SPECIAL_TOKENS)].any():
            raise ValueError("The special tokens, ids 0 ... 4, must have emission probability 0.")
        language = cls.__new__(cls)
        language._set(transition, emission)
        return language

    def _set(self, transition: Tensor, emission: Tensor) -> None:
        self.transition, self.emission = transition, emission
        self.num_states, self.vocab_size = emission.shape
        self.start = stationary(transition)
        self.words = SPECIAL_TOKENS + tuple(
            _word(index) for index in range(self.vocab_size - len(SPECIAL_TOKENS))
        )
        self.pad_token_id, self.mask_token_id = 0, 4
        self.all_special_ids = list(range(len(SPECIAL_TOKENS)))

    def __len__(self) -> int:
        return self.vocab_size

    def convert_ids_to_tokens(self, ids: Sequence[int] | Tensor) -> list[str]:
        """The words with these ids; ValueError for an id outside the vocabulary."""
        ids = torch.as_tensor(ids)
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < self.vocab_size:
            raise ValueError(f"ids must lie in 0 ... {self.vocab_size - 1}.")
        return [self.words[index] for index in ids.tolist()]

    def sample(self, num_sentences: int, length: int, generator: torch.Generator) -> Tensor:
        """Sentences (N, L), int64 word ids. Errors as in `sample_with_states`."""
        return self.sample_with_states(num_sentences, length, generator)[0]

    def sample_with_states(
        self, num_sentences: int, length: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Sentences (N, L) and the hidden topic of every token (N, L), both int64.

        The same generator state gives the same sentences. Raises ValueError unless both sizes
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
        """p(topic at each place | the visible tokens): float64 (N, L, S), by forward-backward.

        `tokens` is int64 (N, L), `masked` is bool (N, L); what stands at masked places is not
        looked at. Raises TypeError for other dtypes, ValueError for shapes that differ, ids
        outside the vocabulary, or a visible row that the language cannot produce.
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

    def bayes_masked_loss(self, tokens: Tensor, masked: Tensor) -> float:
        """Mean nats per masked token of the best possible guess, given what is visible.

        `tokens` int64 (N, L) are the true ones, `masked` bool (N, L) says which are hidden. It
        is exact for these masks; over other sentences it varies a little, as every model's loss
        does. Raises as `posterior`, and ValueError when nothing is masked or a masked token is
        a special one.

        >>> language = ToyLanguage()
        >>> tokens = language.sample(200, 32, torch.Generator().manual_seed(1))
        >>> masked = torch.rand(tokens.shape, generator=torch.Generator().manual_seed(2)) < 0.15
        >>> optimum = language.bayes_masked_loss(tokens, masked)
        >>> optimum < language.bigram_loss() < language.unigram_loss() < math.log(64)
        True
        """
        return float(-self._log_of_truth(self.predict(tokens, masked), tokens, masked).mean())

    def unigram_loss(self) -> float:
        """Nats per token of the best guess that looks at nothing: the entropy of a word."""
        marginal = self.start @ self.emission
        return float(torch.special.entr(marginal).sum())

    def bigram_loss(self) -> float:
        """Nats per token of the best guess from the left neighbour alone, when it is visible."""
        pairs = self.emission.T * self.start @ self.transition @ self.emission  # (V, V)
        return float(torch.special.entr(pairs).sum()) - self.unigram_loss()

    def ladder(self, frozen) -> dict[str, float]:
        """Exact rungs on the very same masked tokens: uniform, unigram, bigram, optimum.

        `frozen` has `input_ids` (B, L), `positions` (B, M) and `targets` (B, M), as
        `masking.frozen_masks` returns it; targets of -100 are skipped. The bigram falls back on
        the unigram where the left neighbour is masked too. Nothing is counted: these are the
        true probabilities, which `ngrams.loss_ladder` estimates. Errors as in `bayes_masked_loss`.
        """
        if not hasattr(frozen, "positions"):
            raise TypeError("frozen must be a MaskedBatch, such as frozen_masks() returns.")
        counts = frozen.targets != IGNORE
        rows = counts.nonzero()[:, 0]
        masked = torch.zeros_like(frozen.input_ids, dtype=torch.bool)
        masked[rows, frozen.positions[counts]] = True
        tokens = frozen.input_ids.clone()
        tokens[rows, frozen.positions[counts]] = frozen.targets[counts]
        optimum = self.bayes_masked_loss(tokens, masked)
        marginal = self.start @ self.emission
        pairs = self.emission.T * self.start @ self.transition @ self.emission
        after = pairs / marginal.clamp(min=1e-300).unsqueeze(1)  # (V, V) p(next | this one)
        left = tokens.roll(1, dims=1)[masked]
        hidden = masked.roll(1, dims=1)
        hidden[:, 0] = True  # a row's first token has no left neighbour
        guess = torch.where(hidden[masked].unsqueeze(1), marginal, after[left])
        unigram = self._log_of_truth(marginal.expand(len(left), -1), tokens, masked)
        return {
            "uniform": math.log(self.vocab_size),
            "unigram": float(-unigram.mean()),
            "bigram": float(-self._log_of_truth(guess, tokens, masked).mean()),
            "optimum": optimum,
        }

    def _log_of_truth(self, predicted: Tensor, tokens: Tensor, masked: Tensor) -> Tensor:
        """ln of what `predicted` (T, V) gave to the true masked tokens: (T,)."""
        truth = tokens[masked]
        if len(truth) == 0:
            raise ValueError("Nothing is masked, so there is nothing to guess.")
        if bool((truth < len(SPECIAL_TOKENS)).any()):
            raise ValueError("A masked token is a special one: tokens must be the true words.")
        return predicted.gather(1, truth.unsqueeze(1)).squeeze(1).log()

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
