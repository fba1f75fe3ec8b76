"""Lesson 01, section 1.3: from counts to guesses."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.naive_bayes import CategoricalNB
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def bigram_table(ids: Tensor, vocab_size: int, k: float) -> Tensor:
    """Guesses from counts: row a, column b holds the probability that b follows a, (V, V).

    ids is a text, (L,) int64.  Count how often each pair of neighbours stands in it, and add
    k > 0 to every count, seen or not, before you turn counts into probabilities.
    """
    pairs = ids[:-1] * vocab_size + ids[1:]
    counts = torch.bincount(pairs, minlength=vocab_size**2).view(vocab_size, vocab_size)
    return (counts + k) / (counts + k).sum(1, keepdim=True)


table = coding(
    "01.4",
    title="Count, add, divide",
    difficulty=3,
    minutes=10,
    given="a text as numbers from 0 to V − 1, and how much to add to each count",
    reference=bigram_table,
    hints=[
        "Begin with `counts = torch.zeros(vocab_size, vocab_size)` and a loop over pairs of "
        "neighbours. Which index comes first?",
        "After adding k to each of the V counts of a row, what has the row's sum grown by?",
        "`(counts + k) / (counts + k).sum(1, keepdim=True)`; `keepdim` keeps one sum for each row.",
    ],
    why="Adding k pretends that every pair was seen k more times. The sum of a row then grows by "
    "k · V, and dividing by anything else leaves rows that do not add up to one.",
    then="what does a row become when its symbol never occurs in the text?",
)


@table.cases
def table_cases(draw):
    yield case(torch.tensor([0, 1, 0, 1, 0, 2, 0]), 3, 1.0)
    yield case(torch.tensor([0, 2, 0, 0, 2]), 4, 0.5)  # 1 and 3 never occur
    v = draw.size(5, 8)
    yield case(draw.integers(0, v, 2 * draw.size(30, 60) + 1), v, 0.01)
    yield case(draw.integers(0, v, 201), v + 2, 30.0)


@table.oracle
def naive_bayes_in_scikit_learn(ids, vocab_size, k):
    """A naive Bayes classifier whose class is the symbol before and whose feature is the next."""
    before, after = ids[:-1].numpy(), ids[1:].numpy()
    model = CategoricalNB(alpha=k, min_categories=vocab_size).fit(after[:, None], before)
    rows = np.full((vocab_size, vocab_size), 1 / vocab_size, dtype=np.float32)
    rows[model.classes_] = np.exp(model.feature_log_prob_[0])
    return rows


def _counts(ids, vocab_size):
    pairs = ids[:-1] * vocab_size + ids[1:]
    return torch.bincount(pairs, minlength=vocab_size**2).view(vocab_size, vocab_size)


@table.wrong("a row's sum has grown by k · V: divide by the new sum, or the row exceeds one", "1.3")
def forgot_v_times_k(ids, vocab_size, k):
    counts = _counts(ids, vocab_size)
    return (counts + k) / counts.sum(1, keepdim=True)


@table.wrong("k belongs to the counts, before the division, not to the probabilities", "1.3")
def added_after_the_division(ids, vocab_size, k):
    counts = _counts(ids, vocab_size)
    return counts / counts.sum(1, keepdim=True) + k


@table.wrong("the table is turned: the row is the symbol before, the column the one after", "1.3")
def rows_and_columns_swapped(ids, vocab_size, k):
    smoothed = _counts(ids, vocab_size).T + k
    return smoothed / smoothed.sum(1, keepdim=True)


@table.wrong("you divide by the sums of the columns; each *row* adds up to one", "1.3")
def columns_add_up_to_one(ids, vocab_size, k):
    smoothed = _counts(ids, vocab_size) + k
    return smoothed / smoothed.sum(0, keepdim=True)


@table.wrong("that is how likely the *pair* is; given a, the row of a adds up to one", "1.3")
def probability_of_the_pair(ids, vocab_size, k):
    smoothed = _counts(ids, vocab_size) + k
    return smoothed / smoothed.sum()


@table.wrong("the last symbol of the text is followed by nothing: it is no pair", "1.3")
def counted_symbols_not_pairs(ids, vocab_size, k):
    symbols = torch.bincount(ids, minlength=vocab_size)
    return (_counts(ids, vocab_size) + k) / (symbols[:, None] + k * vocab_size)


@table.wrong("k is added to every count, also to those that are not zero", "1.3")
def only_zeros_smoothed(ids, vocab_size, k):
    counts = _counts(ids, vocab_size)
    smoothed = torch.where(counts > 0, counts, k)
    return smoothed / smoothed.sum(1, keepdim=True)


@table.wrong("you always add 1; how much to add is what k says", "1.3")
def always_adds_one(ids, vocab_size, k):
    smoothed = _counts(ids, vocab_size) + 1
    return smoothed / smoothed.sum(1, keepdim=True)


@table.alternative
def with_a_loop(ids, vocab_size, k):
    smoothed = torch.full((vocab_size, vocab_size), k)
    for before, after in zip(ids.tolist(), ids[1:].tolist(), strict=False):
        smoothed[before, after] += 1
    return F.normalize(smoothed, p=1, dim=1)


@table.alternative
def with_one_hot_rows(ids, vocab_size, k):
    rows = F.one_hot(ids, vocab_size).double()  # (L, V)
    counts = rows[:-1].T @ rows[1:]
    return (counts + k) / (counts.sum(1) + k * vocab_size)[:, None]
