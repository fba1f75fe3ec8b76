"""Counting models: the rungs of the loss ladder that need no neural network.

An n-gram model guesses a token from the n - 1 tokens before it, by counting. We smooth with
interpolated absolute discounting (Ney, Essen and Kneser 1994; Chen and Goodman 1999, section
2.6): every count gives up a little, and what was saved is spent on the guess of the next shorter
model. At the bottom of the staircase stands the uniform guess, so no token is ever impossible:

    p_n(w | h) = max(count(h w) - d_n, 0) / count(h)  +  d_n * kinds(h) / count(h) * p_{n-1}(w | h')

where h' is h without its first token, kinds(h) is the number of different tokens seen after h,
and d_n = n_1 / (n_1 + 2 n_2) comes from the numbers of n-grams seen once and twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

IGNORE = -100  # a target that is no target; masking.IGNORE, which stands further down the list


def _token_ids(values, vocab_size: int, name: str, ndims: tuple[int, ...]) -> np.ndarray:
    """`values` as an int64 array, or one sentence that says what is wrong with it."""
    try:
        ids = np.asarray(values)
    except (ValueError, TypeError):
        raise TypeError(
            f"{name} must be a rectangular array of token ids on the CPU; rows of different "
            "lengths have to be packed or padded first."
        ) from None
    if ids.ndim not in ndims:
        shapes = " or ".join({1: "(L,)", 2: "(N, L)"}[ndim] for ndim in ndims)
        raise ValueError(f"{name} must have shape {shapes}, but its shape is {ids.shape}.")
    if ids.size == 0:
        raise ValueError(f"{name} is empty, and nothing can be counted in it.")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer token ids, but its dtype is {ids.dtype}.")
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"{name} holds the token id {low if low < 0 else high}, which is outside "
            f"0 ... {vocab_size - 1}: is vocab_size = {vocab_size} the tokenizer's?"
        )
    return ids.astype(np.int64, copy=False)


@dataclass(frozen=True)
class _Counts:
    """What one rung has seen; both key arrays are sorted, so that we look up by bisection."""

    ngrams: np.ndarray  # (G,) context * V + token
    ngram_counts: np.ndarray  # (G,)
    contexts: np.ndarray  # (C,)
    context_counts: np.ndarray  # (C,)
    context_kinds: np.ndarray  # (C,) how many different tokens followed
    discount: float


def _count(keys: np.ndarray, vocab_size: int) -> _Counts:
    ngrams, ngram_counts = np.unique(keys, return_counts=True)
    contexts, starts = np.unique(ngrams // vocab_size, return_index=True)
    once, twice = int((ngram_counts == 1).sum()), int((ngram_counts == 2).sum())
    return _Counts(
        ngrams,
        ngram_counts,
        contexts,
        np.add.reduceat(ngram_counts, starts),
        np.diff(np.append(starts, len(ngrams))),
        (once + 1) / (once + 2 * twice + 2),  # the + 1s keep it strictly between 0 and 1
    )


def _look_up(sorted_keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """values[i] where sorted_keys[i] == wanted, and 0 where it is missing."""
    place = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return np.where(sorted_keys[place] == wanted, values[place], 0)


class NgramModel:
    """An interpolated n-gram model over token ids: fit it once, then ask for losses in nats.

    `order` 1 is the unigram, 2 the bigram, 3 the trigram. Tokens in `special_ids` ([CLS], [SEP],
    [PAD] ...) may stand in a context but are never predicted: they are neither counted as
    outcomes nor scored, because no masked target is ever one of them. A context never reaches
    across the start of its row; the first tokens of a row have shorter ones.

    Raises ValueError when `order` is not positive, `vocab_size` is smaller than 2, a special id
    lies outside the vocabulary, or `vocab_size ** order` does not fit into 63 bits.

    >>> rows = np.array([[0, 1, 0, 1, 0, 1, 0, 2]])
    >>> bigram = NgramModel(order=2, vocab_size=3).fit(rows)
    >>> round(float(np.exp(bigram.log_probability([[0]], [1])[0])), 3)    # after 0 comes 1
    0.708
    >>> unigram = NgramModel(order=1, vocab_size=3).fit(rows)
    >>> bigram.loss(rows) < unigram.loss(rows) < math.log(3)
    True
    """

    def __init__(self, order: int, vocab_size: int, special_ids=()):
        if not isinstance(order, int) or order < 1:
            raise ValueError(f"order must be a whole number from 1 upwards, not {order!r}.")
        if not isinstance(vocab_size, int) or vocab_size < 2:
            raise ValueError(f"vocab_size must be a whole number above 1, not {vocab_size!r}.")
        if vocab_size**order >= 2**63:
            raise ValueError(
                f"order {order} is too high for a vocabulary of {vocab_size}: the keys of its "
                "n-grams would not fit into 63 bits."
            )
        self.order, self.vocab_size = order, vocab_size
        self._is_special = np.zeros(vocab_size, dtype=bool)
        for special in special_ids:
            if not 0 <= special < vocab_size:
                raise ValueError(f"special id {special} is outside 0 ... {vocab_size - 1}.")
            self._is_special[special] = True
        if self._is_special.all():
            raise ValueError("Every token is special, so that nothing is left to predict.")
        self._rungs: list[_Counts] = []

    def fit(self, rows) -> NgramModel:
        """Count `rows`, integers of shape (N, L) or one stream (L,); returns the model itself.

        Takes an array, nested lists or a CPU tensor; 8 million tokens take seconds. Raises
        TypeError for a dtype that is no integer, ValueError for a wrong shape, an id outside
        the vocabulary, or rows with nothing but special tokens.
        """
        ids = np.atleast_2d(_token_ids(rows, self.vocab_size, "rows", (1, 2)))
        if self._is_special[ids].all():
            raise ValueError("rows hold nothing but special tokens: there is nothing to count.")
        self._rungs = []
        for context_length in range(self.order):
            if context_length >= ids.shape[1]:
                break  # rows this short have no context this long
            keys, targets = self._keys(ids, context_length)
            keys = keys[~self._is_special[targets]]
            if len(keys) == 0:
                break
            self._rungs.append(_count(keys, self.vocab_size))
        return self

    def _keys(self, ids: np.ndarray, context_length: int) -> tuple[np.ndarray, np.ndarray]:
        """Key and last token of every (context_length + 1)-gram within the rows."""
        width = ids.shape[1] - context_length
        keys = np.zeros((len(ids), width), dtype=np.int64)
        for offset in range(context_length + 1):
            keys = keys * self.vocab_size + ids[:, offset : offset + width]
        return keys.ravel(), ids[:, context_length:].ravel()

    def log_probability(self, contexts, targets) -> np.ndarray:
        """ln p(target | context), in nats: float64 of shape (n,).

        `contexts` is integers of shape (n, c) with c <= order - 1, the nearest token last (or
        None for no context at all), `targets` is (n,). Raises RuntimeError before `fit`, and
        ValueError when a shape is wrong, a context too long, or a target special.
        """
        targets = _token_ids(targets, self.vocab_size, "targets", (1,))
        if contexts is None or np.shape(contexts)[1:] == (0,):
            contexts = np.zeros((len(targets), 0), dtype=np.int64)
        else:
            contexts = _token_ids(contexts, self.vocab_size, "contexts", (2,))
        if not self._rungs:
            raise RuntimeError("This n-gram model has counted nothing yet: call fit(rows) first.")
        if len(contexts) != len(targets):
            raise ValueError(f"There are {len(contexts)} contexts but {len(targets)} targets.")
        if contexts.shape[1] >= self.order:
            raise ValueError(
                f"A model of order {self.order} looks back {self.order - 1} tokens, but the "
                f"contexts have {contexts.shape[1]}."
            )
        if self._is_special[targets].any():
            bad = int(targets[self._is_special[targets]][0])
            raise ValueError(f"The target {bad} is a special token, which is never predicted.")
        probability = np.full(len(targets), 1.0 / (~self._is_special).sum())
        context = np.zeros(len(targets), dtype=np.int64)
        for length, rung in enumerate(self._rungs[: contexts.shape[1] + 1]):
            if length:  # the longer context is one more token to the left
                context += contexts[:, -length] * self.vocab_size ** (length - 1)
            count = _look_up(rung.ngrams, rung.ngram_counts, context * self.vocab_size + targets)
            total = _look_up(rung.contexts, rung.context_counts, context)
            kinds = _look_up(rung.contexts, rung.context_kinds, context)
            seen = np.maximum(count - rung.discount, 0) + rung.discount * kinds * probability
            probability = np.where(total > 0, seen / np.maximum(total, 1), probability)
        return np.log(probability)

    def loss(self, rows) -> float:
        """Mean nats per token when every token of `rows` ((N, L) or (L,)) is guessed in turn.

        Special tokens are not guessed; the first tokens of a row are guessed from what there is,
        so that models of every order are scored on the same tokens. Raises as `fit` does.
        """
        ids = np.atleast_2d(_token_ids(rows, self.vocab_size, "rows", (1, 2)))
        total, guessed = 0.0, 0
        for length in range(min(self.order, ids.shape[1])):
            windows = ids[:, : length + 1]  # the start of a row: all the context there is
            if length == self.order - 1:
                windows = sliding_window_view(ids, self.order, axis=1).reshape(-1, self.order)
            windows = windows[~self._is_special[windows[:, -1]]]
            if len(windows):
                total -= self.log_probability(windows[:, :-1], windows[:, -1]).sum()
                guessed += len(windows)
        if not guessed:
            raise ValueError("rows hold nothing but special tokens: there is nothing to guess.")
        return float(total / guessed)


def unigram_loss(train_ids, eval_targets, vocab_size: int, special_ids=()) -> float:
    """Mean nats of guessing `eval_targets` from the word frequencies of `train_ids` alone.

    Both are integers of shape (N, L) or (L,); a target of -100 is skipped. This is the line on
    which a masked model sits while it has learned how common each token is and nothing else.
    Raises as `NgramModel` does.

    >>> round(unigram_loss([0, 0, 0, 1], [0, 0, 0, 1], vocab_size=2), 3)
    0.562
    """
    model = NgramModel(1, vocab_size, special_ids).fit(train_ids)
    targets = np.asarray(eval_targets)
    targets = _token_ids(targets[targets != IGNORE], vocab_size, "eval_targets", (1,))
    return float(-model.log_probability(None, targets).mean())


def loss_ladder(train_rows, frozen, vocab_size: int, special_ids=()) -> dict[str, float]:
    """The lines to draw behind a masked-LM loss: mean nats on the very same masked tokens.

    `train_rows` is integers (N, L); `frozen` has `input_ids` (B, L), `positions` (B, M) and
    `targets` (B, M), as `masking.frozen_masks` returns it. "uniform" is ln V, where an untrained
    model starts. "unigram" knows how common each token is. "bigram" knows the left neighbour
    too; where that is masked as well, or the row begins, it falls back on the unigram. Targets
    of -100 are skipped. Raises ValueError or TypeError for ids, shapes and positions that do
    not fit together.

    >>> from types import SimpleNamespace
    >>> train = [[0, 1, 2, 0, 1, 2, 0, 1, 2]]
    >>> frozen = SimpleNamespace(input_ids=[[0, 3, 2]], positions=[[1]], targets=[[1]])
    >>> ladder = loss_ladder(train, frozen, vocab_size=4, special_ids=[3])
    >>> {rung: round(nats, 2) for rung, nats in ladder.items()}
    {'uniform': 1.39, 'unigram': 1.1, 'bigram': 0.06}
    """
    if not all(hasattr(frozen, name) for name in ("input_ids", "positions", "targets")):
        raise TypeError("frozen must be a MaskedBatch, such as frozen_masks() returns.")
    inputs = _token_ids(frozen.input_ids, vocab_size, "input_ids", (2,))
    positions = _token_ids(frozen.positions, inputs.shape[1], "positions", (2,))
    targets = np.asarray(frozen.targets)
    if positions.shape != targets.shape or len(positions) != len(inputs):
        raise ValueError(
            f"positions {positions.shape} and targets {targets.shape} must have the same shape, "
            f"with one row for each of the {len(inputs)} rows of input_ids."
        )
    row, column = np.nonzero(targets != IGNORE)
    place = positions[row, column]  # (T,), as row and targets: one entry for each masked token
    targets = _token_ids(targets[row, column], vocab_size, "targets", (1,))
    hidden = np.zeros(inputs.shape, dtype=bool)
    hidden[row, place] = True
    visible = (place > 0) & ~hidden[row, place - 1]  # is the left neighbour there to be seen?
    left = inputs[row, place - 1][visible]

    bigram = NgramModel(2, vocab_size, special_ids).fit(train_rows)
    from_unigram = -bigram.log_probability(None, targets)
    from_bigram = from_unigram.copy()
    if visible.any():
        from_bigram[visible] = -bigram.log_probability(left[:, None], targets[visible])
    return {
        "uniform": math.log(vocab_size),
        "unigram": float(from_unigram.mean()),
        "bigram": float(from_bigram.mean()),
    }
