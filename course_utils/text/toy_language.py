"""A generated language whose best possible masked loss we can compute exactly.

On real text nobody knows how low the loss could go. Here we do: a hidden topic wanders slowly
through the sentence (a Markov chain) and each token is drawn from the topic of its moment, so
the exact distribution of a masked token follows from the visible ones by the forward-backward
algorithm (Rabiner 1989; see `hidden_markov`). A network that reaches the optimum has had to
infer the topic; nobody told it that there was one.

Every word belongs to two topics, as "bank" does: one neighbour narrows the topic down, several
settle it. That is what puts the rungs of the ladder ln V > unigram > bigram > optimum apart.
Rows hold words only, from the first place to the last: no [CLS], [SEP] or [PAD].

A modern encoder of 2 x 64 comes within 0.1 nat of the optimum in 300 steps of 32 rows of 32
tokens, about 12 s on one core (Muon, learning rate 8e-3, 30 % masked and all of it [MASK])::

    language, dice = ToyLanguage(), torch.Generator().manual_seed(1)
    rows, held_out = language.sample(4_000, 32, dice), language.sample(512, 32, dice)
    frozen = frozen_masks(held_out, 5, mask_id=4, vocab_size=64, special_ids=range(5))
    recipe = Recipe(
        TrainConfig(steps=300, lr=8e-3, warmup=20, eval_every=50), vocab_size=64, hidden_size=64,
        num_layers=2, num_heads=2, mlp_size=192, length=32, batch_size=32,
        mask_share=1.0, random_share=0.0,
    )
    model = recipe.model()
    pretrain(model, rows, frozen, language, recipe)
    masked_loss(model, frozen) - language.bayes_masked_loss(frozen)     # 0.07: the same tokens
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .hidden_markov import HiddenMarkovModel

IGNORE = -100  # a target that is no target; masking.IGNORE, which stands further down the list
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # ids 0 ... 4, never emitted
MEMBERSHIP = 55.0  # a topic uses its own words this many times as often as another's


def _word(index: int) -> str:
    """A pronounceable name for each word: ba, be, ..., vu, then two syllables."""
    syllables = [c + v for c in "bdfghklmnprstvz" for v in "aeiou"]
    head, tail = divmod(index, len(syllables))
    return (_word(head - 1) if head else "") + syllables[tail]


class ToyLanguage(HiddenMarkovModel):
    """A hidden Markov model with `num_states` topics over `vocab_size` tokens.

    Ids 0 ... 4 are the course's special tokens and are never emitted; the rest are words, the
    commoner ones first (Zipf's law with exponent `zipf`). At each step the topic stays with
    probability `stay`; otherwise it is drawn anew, most often the next one round a ring, sometimes
    any, its own included. Each word belongs to `topics_per_word` topics, chosen by `seed`.

    Its tables, and how it samples and predicts, are those of `HiddenMarkovModel`: states are
    topics, symbols are words.

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
        transition = stay * torch.eye(num_states, dtype=torch.float64) + (1 - stay) * (
            0.8 * ring + 0.2 * anywhere
        )

        generator = torch.Generator().manual_seed(seed)
        lottery = torch.rand(num_states, num_words, generator=generator, dtype=torch.float64)
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
        language = cls.__new__(cls)
        language._set(transition, emission)
        return language

    def _set(self, transition, emission) -> None:
        super().__init__(transition, emission)
        if self.emission[:, : len(SPECIAL_TOKENS)].any():
            raise ValueError("The special tokens, ids 0 ... 4, must have emission probability 0.")
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

    def bayes_masked_loss(self, frozen) -> float:
        """Mean nats per masked token of the best possible guess, given what is visible.

        `frozen` is a `MaskedBatch`, as `masking.frozen_masks` returns it: `input_ids` (B, L),
        `positions` (B, M) and `targets` (B, M), of which -100 is skipped. It is exact for these
        very masks, so `evaluation.language.masked_loss` of a model on the same batch is the
        number to hold beside it; over other sentences both vary a little. Raises as
        `posterior`, TypeError for anything without masks, and ValueError when nothing is masked.

        >>> from course_utils.text.masking import frozen_masks
        >>> language = ToyLanguage()
        >>> rows = language.sample(200, 32, torch.Generator().manual_seed(1))
        >>> frozen = frozen_masks(rows, 5, mask_id=4, vocab_size=64, special_ids=range(5))
        >>> optimum = language.bayes_masked_loss(frozen)
        >>> optimum < language.bigram_loss() < language.unigram_loss() < math.log(64)
        True
        """
        tokens, masked = uncover(frozen)
        return _nats(self.predict(tokens, masked), tokens[masked])

    def unigram_loss(self) -> float:
        """Nats per token of the best guess that looks at nothing: the entropy of a word."""
        return float(torch.special.entr(self._pairs()[0]).sum())

    def bigram_loss(self) -> float:
        """Nats per token of the best guess from the left neighbour alone, when it is visible."""
        return float(torch.special.entr(self._pairs()[1]).sum()) - self.unigram_loss()

    def ladder(self, frozen) -> dict[str, float]:
        """Exact rungs on the very same masked tokens: uniform, unigram, bigram, optimum.

        The bigram falls back on the unigram where the left neighbour is masked too. Nothing is
        counted: these are the true probabilities, which `ngrams.loss_ladder` estimates.
        Argument and errors as in `bayes_masked_loss`.
        """
        tokens, masked = uncover(frozen)
        optimum = self.bayes_masked_loss(frozen)  # first, since it checks the tokens
        marginal, pairs = self._pairs()
        after = pairs / marginal.clamp(min=1e-300).unsqueeze(1)  # (V, V) p(next | this one)
        hidden = masked.roll(1, dims=1)
        hidden[:, 0] = True  # a row's first token has no left neighbour
        left = tokens.roll(1, dims=1)[masked]
        guess = torch.where(hidden[masked].unsqueeze(1), marginal, after[left])
        truth = tokens[masked]
        return {
            "uniform": math.log(self.vocab_size),
            "unigram": _nats(marginal.expand(len(truth), -1), truth),
            "bigram": _nats(guess, truth),
            "optimum": optimum,
        }

    def _pairs(self) -> tuple[Tensor, Tensor]:
        """p(word), (V,), and p(word, next word), (V, V)."""
        pairs = self.emission.T * self.start @ self.transition @ self.emission
        return self.start @ self.emission, pairs


def uncover(frozen) -> tuple[Tensor, Tensor]:
    """The true tokens (B, L), int64, and where they were hidden (B, L), bool, of a `MaskedBatch`.

    >>> from course_utils.text.masking import MaskedBatch
    >>> ids, places, truth = [[7, 4, 9, 4]], [[1, 3]], [[8, IGNORE]]
    >>> uncover(MaskedBatch(*map(torch.tensor, (ids, places, truth))))
    (tensor([[7, 8, 9, 4]]), tensor([[False,  True, False, False]]))
    """
    if not all(isinstance(getattr(frozen, n, None), Tensor) for n in ("positions", "targets")):
        raise TypeError("frozen must be a MaskedBatch, such as frozen_masks() returns.")
    counts = frozen.targets != IGNORE
    rows, places = counts.nonzero()[:, 0], frozen.positions[counts]
    if len(rows) == 0:
        raise ValueError("Nothing is masked, so there is nothing to guess.")
    tokens, masked = frozen.input_ids.clone(), torch.zeros_like(frozen.input_ids, dtype=torch.bool)
    tokens[rows, places] = frozen.targets[counts]
    masked[rows, places] = True
    return tokens, masked


def _nats(predicted: Tensor, truth: Tensor) -> float:
    """Mean -ln of what `predicted` (T, V) gave to the words that stood there (T,)."""
    if bool((truth < len(SPECIAL_TOKENS)).any()):
        raise ValueError("A masked token is a special one: its target must be the true word.")
    return float(-predicted.gather(1, truth.unsqueeze(1)).log().mean())
