"""Scores for those who point: names found in rows of tags, answers found in passages.

Both count what was pointed at, not tokens: a tagger that finds nothing has 95 % of its tokens
right. Sources: Tjong Kim Sang & De Meulder (2003), the CoNLL-2003 shared task (names); Rajpurkar
et al. (2016), "SQuAD", section 6.1 (answers).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from course_utils.text.spans import bio_entities


class Found(NamedTuple):
    """Shares from 0 to 1: of the names said, of the names there, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def entity_scores(truth: Sequence[Sequence[str]], guesses: Sequence[Sequence[str]]) -> Found:
    """Precision, recall and F1 of names, over rows of BIO tags.

    A name counts as found when its kind, its start and its end are right, and not at all
    otherwise. Where nothing is said, or nothing is there, a share without a divisor is 0.

    Raises:
        ValueError: rows of different numbers or lengths, or a tag that is none.

    >>> entity_scores([["B-x", "I-x", "O", "B-y"]], [["B-x", "O", "O", "B-y"]])
    Found(precision=0.5, recall=0.5, f1=0.5)
    """
    _check_rows(truth, guesses)
    there = {(i, *entity) for i, tags in enumerate(truth) for entity in bio_entities(tags)}
    said = {(i, *entity) for i, tags in enumerate(guesses) for entity in bio_entities(tags)}
    hits = len(there & said)
    precision, recall = hits / max(len(said), 1), hits / max(len(there), 1)
    return Found(precision, recall, 2 * hits / max(len(there) + len(said), 1))


def token_accuracy(truth: Sequence[Sequence[str]], guesses: Sequence[Sequence[str]]) -> float:
    """The share of tags that are right; errors as in `entity_scores`.

    >>> token_accuracy([["B-x", "O", "O", "O"]], [["O", "O", "O", "O"]])
    0.75
    """
    _check_rows(truth, guesses)
    for tags in (*truth, *guesses):
        bio_entities(tags)  # refuses what is no tag
    pairs = [pair for rows in zip(truth, guesses, strict=True) for pair in zip(*rows, strict=True)]
    return sum(one == other for one, other in pairs) / len(pairs)


def normalised(answer: str) -> list[str]:
    """The words of an answer, without case, punctuation and articles, as SQuAD compares them.

    >>> normalised("The director's cut, a classic!")
    ['directors', 'cut', 'classic']
    """
    if not isinstance(answer, str):
        raise TypeError(f"An answer must be a str, not {type(answer).__name__}.")
    bare = "".join(letter for letter in answer.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def exact_match(guess: str, answer: str) -> float:
    """1.0 when both are the same words, else 0.0; "" is *no answer*.

    >>> exact_match("the Nile.", "Nile"), exact_match("Nile", "the River Nile")
    (1.0, 0.0)
    """
    return float(normalised(guess) == normalised(answer))


def answer_f1(guess: str, answer: str) -> float:
    """How much of an answer was found: F1 over its words, each as often as it occurs.

    Where one of the two is *no answer* (""), 1.0 if both are and else 0.0.

    >>> answer_f1("the River Nile", "Nile")                    # precision 1/2, recall 1
    0.6666666666666666
    """
    said, there = normalised(guess), normalised(answer)
    if not said or not there:
        return float(said == there)
    hits = (Counter(said) & Counter(there)).total()
    return 2 * hits / (len(said) + len(there))


def _check_rows(truth, guesses) -> None:
    lengths = [len(row) for row in truth], [len(row) for row in guesses]
    if not sum(lengths[0]) or lengths[0] != lengths[1]:
        raise ValueError("truth and guesses must be rows of tags, equally many and equally long.")
