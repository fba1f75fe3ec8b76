"""Judging translations: BLEU by hand, and two baselines that any translator has to beat.

Papineni et al. (2002), "BLEU"; Brown et al. (1993), "The Mathematics of Statistical Machine
Translation", model 1.  For scores that others shall read, use `sacrebleu`: it also says how it has
cut the text into words.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer


def clipped_matches(hypothesis: Sequence, reference: Sequence, n: int) -> tuple[int, int]:
    """How many runs of n tokens stand in the reference too, and how many there are.

    A run counts at most as often as the reference has it, or "the the the the" would be perfect.

    >>> clipped_matches("the the the the".split(), "the cat is on the mat".split(), 1)
    (2, 4)
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}.")
    ours, theirs = (
        Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))
        for text in (hypothesis, reference)
    )
    return sum((ours & theirs).values()), sum(ours.values())


def bleu(hypotheses: Sequence[Sequence], references: Sequence[Sequence], longest: int = 4) -> float:
    """BLEU of a whole test part, 0 to 100: one reference for each hypothesis, both lists of tokens.

    The geometric mean of the clipped precisions of runs of 1 … `longest` tokens, each over the
    whole part, times e^(1 − r/c) where the hypotheses' c tokens are fewer than the references' r.

    >>> round(bleu(["a b c d e".split()], ["a b c d f".split()]), 1)
    66.9
    """
    if len(hypotheses) != len(references) or not len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references.")
    logs = []
    for n in range(1, longest + 1):
        counts = [clipped_matches(*both, n) for both in zip(hypotheses, references, strict=True)]
        right, all_ = map(sum, zip(*counts, strict=True))
        if not right:
            return 0.0
        logs.append(math.log(right / all_))
    ours, theirs = sum(map(len, hypotheses)), sum(map(len, references))
    brevity = min(0.0, 1 - theirs / ours)
    return 100 * math.exp(sum(logs) / longest + brevity)


class Dictionary:
    """IBM model 1: which piece translates which, learned from pairs by expectation–maximisation.

    Every target piece is explained by the source pieces of its sentence, or by none of them, in
    proportion to t(target | source); the t are then counted anew, a few times over.

    >>> pairs = [([1, 2], [7, 8]), ([1, 3], [7, 9]), ([2, 3], [8, 9])]
    >>> learned = Dictionary(pairs, rounds=20)
    >>> learned.translate([3, 2, 1]), learned.align([1, 2], [8, 7])
    ([9, 8, 7], [1, 0])
    """

    NOTHING = -1  # the empty source piece, which explains what no other does

    def __init__(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], rounds: int = 5):
        if not len(pairs) or rounds < 1:
            raise ValueError("a dictionary needs at least one pair and one round.")
        sources, targets, slots, count = [], [], [], 0
        for source, target in pairs:
            words = np.array([self.NOTHING, *source])
            sources.append(np.tile(words, len(target)))
            targets.append(np.repeat(np.array(target, dtype=np.int64), len(words)))
            slots.append(np.repeat(np.arange(count, count + len(target)), len(words)))
            count += len(target)
        if not count:
            raise ValueError("a dictionary needs at least one pair with a translation.")
        source, target, slot = map(np.concatenate, (sources, targets, slots))
        width = int(target.max()) + 1
        entries, entry = np.unique((source + 1) * width + target, return_inverse=True)
        explains, explained = entries // width - 1, entries % width
        _, word = np.unique(explains, return_inverse=True)
        chance = np.ones(len(entries))
        for _ in range(rounds):
            share = chance[entry]
            share /= np.bincount(slot, share, count)[slot]  # who explains this target piece?
            mass = np.bincount(entry, share, len(entries))
            chance = mass / np.bincount(word, mass)[word]
        kept = np.argsort(chance, kind="stable")[(np.sort(chance) < 1e-6).sum() :]
        both = zip(explains[kept].tolist(), explained[kept].tolist(), strict=True)
        self.chance = dict(zip(both, chance[kept].tolist(), strict=True))  # the largest last
        self.best = {word: (piece, value) for (word, piece), value in self.chance.items()}

    def translate(self, source: Sequence[int], least: float = 0.0) -> list[int]:
        """Piece by piece, in the source's order; pieces that nothing translates well are left out.

        Unknown ones are left out too, and so is a best translation with a chance below `least`.
        """
        found = [self.best[piece] for piece in source if piece in self.best]
        return [target for target, chance in found if chance >= least]

    def align(self, source: Sequence[int], target: Sequence[int]) -> list[int]:
        """For each target piece, the place in the source of the piece that explains it best."""
        return [
            max(range(len(source)), key=lambda i: self.chance.get((source[i], piece), 0.0))
            for piece in target
        ]


def nearest(known: Sequence[str], asked: Sequence[str]) -> list[int]:
    """For each sentence that is asked, the place of the most similar known one (TF-IDF, words).

    >>> nearest(["a red car", "the blue house"], ["a blue house!"])
    [1]
    """
    if not len(known) or not len(asked):
        raise ValueError("there must be at least one known sentence and one that is asked.")
    counter = TfidfVectorizer(token_pattern=r"(?u)[一-鿿]|[^\W一-鿿]+", ngram_range=(1, 2))
    table = counter.fit_transform(known)
    return [int(row.argmax()) for row in (counter.transform(asked) @ table.T).tocsr()]
