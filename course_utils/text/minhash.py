"""MinHash: which of many texts resemble each other, without comparing every pair.

Two texts resemble each other by the runs of words that they share. Hash every run of a text and
keep the smallest number: two texts keep the same one with a chance that equals their Jaccard index.
So a row of K such numbers, a signature, stands for a text of any length (Broder 1997, "On the
resemblance and containment of documents"). Pieces of signatures are looked up in tables, so that
only texts with an equal piece are ever compared (Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", section 3.4).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence, Set
from itertools import combinations

import numpy as np

PRIME = 2**31 - 1  # so that the product of two numbers below it fits into 64 bits
_WORD = re.compile(r"\w+")


def shingles(text: str, run: int = 3) -> set[str]:
    """The distinct runs of `run` words of a text, in lower case, without punctuation.

    A text of fewer words is one run; a text without words has none.

    Raises:
        TypeError: `text` is not a str.
        ValueError: `run` < 1.

    >>> sorted(shingles("The plot is thin. The plot is THIN!", run=3))
    ['is thin the', 'plot is thin', 'the plot is', 'thin the plot']
    """
    if not isinstance(text, str):
        raise TypeError(f"shingles needs a str, not {type(text).__name__}.")
    if run < 1:
        raise ValueError(f"A run has at least 1 word, not {run}.")
    words = _WORD.findall(text.lower())
    starts = range(max(1, len(words) - run + 1)) if words else ()
    return {" ".join(words[start : start + run]) for start in starts}


def jaccard(one: Set, other: Set) -> float:
    """What two sets share, as a share of all that is in either, from 0 to 1 (Jaccard 1901).

    Two empty sets share nothing: 0.

    >>> jaccard({"a", "b", "c"}, {"b", "c", "d"})
    0.5
    """
    return len(one & other) / max(1, len(one | other))


def fingerprint(shingle: str) -> int:
    """A number in 0 … `PRIME` - 1 for a run of words: the same on every machine, unlike `hash`.

    >>> fingerprint("the plot is")
    1469950927
    """
    digest = hashlib.blake2b(shingle.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PRIME


def signatures(sets: Sequence[Set[str]], size: int = 128, seed: int = 0) -> np.ndarray:
    """One row of `size` numbers for each set, (N, size) uint64.

    Two rows are equal in about as many places as the sets' Jaccard index says: the share of equal
    places is off by √(J(1 − J)/size), typically. Number k of a row is the smallest of
    (aₖ·x + bₖ) mod p over the fingerprints x of the set; `seed` draws the aₖ and bₖ.

    Raises:
        ValueError: `size` < 1, or a set is empty.

    >>> near, far = {"a", "b", "c", "d"}, {"x", "y", "z"}
    >>> rows = signatures([near, near | {"e"}, far], size=1000)
    >>> print((rows[0] == rows[1]).mean().round(1), (rows[0] == rows[2]).mean())
    0.8 0.0
    """
    if size < 1:
        raise ValueError(f"A signature has at least 1 number, not {size}.")
    generator = np.random.default_rng(seed)
    factors = generator.integers(1, PRIME, (size, 1), dtype=np.uint64)
    shifts = generator.integers(0, PRIME, (size, 1), dtype=np.uint64)
    rows = np.empty((len(sets), size), np.uint64)
    for place, one in enumerate(sets):
        if not one:
            raise ValueError(f"Set {place} is empty: nothing is the smallest of nothing.")
        numbers = np.array([fingerprint(shingle) for shingle in one], np.uint64)
        rows[place] = ((factors * numbers + shifts) % PRIME).min(axis=1)  # (size, n) → (size,)
    return rows


def candidates(rows: np.ndarray, bands: int) -> set[tuple[int, int]]:
    """Pairs `(i, j)`, i < j, whose signatures (N, size) agree in the whole of at least one band.

    A signature is cut into `bands` pieces of size/bands numbers; what is left over is not used.
    With r numbers in a band, a pair of Jaccard index J is found with chance 1 − (1 − Jʳ)^bands.

    Raises:
        ValueError: `rows` is no table, or `bands` is not in 1 … size.

    >>> candidates(np.array([[1, 2, 3, 4], [9, 9, 3, 4], [1, 9, 9, 4]]), bands=2)
    {(0, 1)}
    """
    if rows.ndim != 2 or not 1 <= bands <= rows.shape[1]:
        raise ValueError(
            f"Signatures of shape {rows.shape} cannot be cut into {bands} bands: rows must be "
            "(N, size), and a band needs at least one number."
        )
    width = rows.shape[1] // bands
    found: set[tuple[int, int]] = set()
    for start in range(0, bands * width, width):
        groups = defaultdict(list)
        for place, row in enumerate(rows[:, start : start + width]):
            groups[row.tobytes()].append(place)
        for group in groups.values():
            found.update(combinations(group, 2))
    return found


def similar_pairs(
    texts: Sequence[str], threshold: float = 0.5, run: int = 3, bands: int = 42, seed: int = 0
) -> list[tuple[int, int, float]]:
    """Pairs `(i, j, J)`, i < j, of texts whose runs of words have a Jaccard index ≥ `threshold`.

    Signatures of 3 numbers a band pick the candidates, and the true index of each is computed, so
    no pair is reported wrongly; a pair at J = 0.5 is missed with a chance of 0.4 %, one at 0.8
    never in practice. Texts without a word are in no pair.

    Raises:
        TypeError: `texts` is a single str, or holds something else than str.
        ValueError: a threshold outside (0, 1], or `run` or `bands` < 1.

    >>> similar_pairs(["the plot is thin, the cast is fine", "nothing like the others here",
    ...                "The plot is thin; the cast is fine!"])
    [(0, 2, 1.0)]
    """
    if isinstance(texts, str):
        raise TypeError("Expected a sequence of str, such as a list of documents.")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0, 1], not {threshold}.")
    sets = [shingles(text, run) for text in texts]
    places = [place for place, one in enumerate(sets) if one]
    rows = signatures([sets[place] for place in places], 3 * bands, seed)
    pairs = sorted((places[a], places[b]) for a, b in candidates(rows, bands))
    scored = ((a, b, jaccard(sets[a], sets[b])) for a, b in pairs)
    return [(a, b, share) for a, b, share in scored if share >= threshold]
