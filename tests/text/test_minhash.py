"""MinHash against datasketch and against every pair compared; equal places estimate Jaccard."""

import random

import datasketch
import numpy as np
import pytest
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import pairwise_distances

from course_utils.text import minhash


def some_texts(seed: int, count: int = 60) -> list[str]:
    """Sentences, and among them copies with a few words exchanged."""
    chance = random.Random(seed)
    words = [f"w{i}" for i in range(400)]
    texts = [" ".join(chance.choices(words, k=chance.randint(1, 25))) for _ in range(count)]
    for text in texts[: count // 2]:
        copy = text.split()
        for _ in range(chance.randint(0, 4)):
            copy[chance.randrange(len(copy))] = chance.choice(words)
        texts.append(" ".join(copy).upper() + " !")
    return texts


def by_scikit_learn(texts: list[str], run: int) -> np.ndarray:
    """The Jaccard index of every pair, (N, N)."""
    tokens = CountVectorizer(token_pattern=r"\w+").build_analyzer()

    def runs(text):
        found = tokens(text)
        return [" ".join(found[i : i + run]) for i in range(max(1, len(found) - run + 1))]

    table = CountVectorizer(analyzer=runs, binary=True).fit_transform(texts)
    return 1 - pairwise_distances(table.toarray().astype(bool), metric="jaccard")


@pytest.mark.parametrize("run", [1, 2, 3, 5])
def test_the_index_is_scikit_learns(run):
    texts = some_texts(run)
    sets = [minhash.shingles(text, run) for text in texts]
    ours = np.array([[minhash.jaccard(a, b) for b in sets] for a in sets])
    assert np.allclose(ours, by_scikit_learn(texts, run))


def test_equal_places_estimate_the_index():
    """Each of 2,000 places is a coin that falls on "equal" with probability J."""
    texts = some_texts(0)
    rows = minhash.signatures([minhash.shingles(text) for text in texts], size=2000, seed=1)
    share = (rows[:, None] == rows[None]).mean(-1)
    index = by_scikit_learn(texts, 3)
    sure = (index == 0) | (index > 1 - 1e-9)
    assert np.array_equal(share[sure], index[sure].round())
    low, high = stats.binom.interval(1 - 1e-6, 2000, index[~sure])
    assert ((low <= 2000 * share[~sure]) & (2000 * share[~sure] <= high)).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_pairs_are_those_of_brute_force(seed):
    texts = some_texts(seed)
    index = by_scikit_learn(texts, 3)
    wanted = {(i, j) for i, j in np.argwhere(index >= 0.5).tolist() if i < j}
    found = minhash.similar_pairs(texts, threshold=0.5, seed=seed)
    assert {(i, j) for i, j, _ in found} <= wanted
    missed = {pair for pair in wanted if pair not in {(i, j) for i, j, _ in found}}
    assert all(index[pair] < 0.8 for pair in missed) and len(missed) <= 1
    assert [share for *_, share in found] == pytest.approx([index[i, j] for i, j, _ in found])


def test_the_chance_of_being_a_candidate():
    sets = [{f"{i} {k}" for k in range(4)} for i in range(400)]
    sets += [{f"{i} {k}" for k in range(2, 6)} for i in range(400)]  # J = 1/3 to its twin
    found = minhash.candidates(minhash.signatures(sets, size=24), bands=8)
    caught = sum((i, i + 400) in found for i in range(400)) / 400
    assert caught == pytest.approx(1 - (1 - (1 / 3) ** 3) ** 8, abs=0.08)


def datasketches(rows: np.ndarray) -> list[datasketch.MinHash]:
    """Our rows as signatures of the library."""
    return [datasketch.MinHash(hashvalues=row, scheme="legacy") for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_datasketches(seed, monkeypatch):
    """With our prime, our aₖ and bₖ and our fingerprints the library gets the same numbers."""
    monkeypatch.setattr(datasketch.minhash, "_mersenne_prime", np.uint64(minhash.PRIME))
    draws = np.random.default_rng(seed)
    a = draws.integers(1, minhash.PRIME, (40, 1), dtype=np.uint64).ravel()
    b = draws.integers(0, minhash.PRIME, (40, 1), dtype=np.uint64).ravel()
    sets = [minhash.shingles(text) for text in some_texts(seed)]
    for row, runs in zip(minhash.signatures(sets, 40, seed), sets, strict=True):
        theirs = datasketch.MinHash(
            num_perm=40, permutations=(a, b), hashfunc=minhash.fingerprint, scheme="legacy"
        )
        theirs.update_batch(runs)
        assert np.array_equal(row, theirs.hashvalues)


@pytest.mark.parametrize(("bands", "width"), [(2, 6), (4, 2), (16, 3), (30, 1)])
def test_the_candidates_are_datasketches(bands, width):
    rows = minhash.signatures([minhash.shingles(t) for t in some_texts(3)], bands * width, seed=5)
    drawers = datasketch.MinHashLSH(num_perm=bands * width, params=(bands, width))
    signed = datasketches(rows)
    for place, one in enumerate(signed):
        drawers.insert(place, one)
    theirs = {(i, j) for j, one in enumerate(signed) for i in drawers.query(one) if i < j}
    assert minhash.candidates(rows, bands) == theirs
    left_over = np.hstack([rows, np.zeros((len(rows), bands - 1), rows.dtype)])
    assert minhash.candidates(left_over, bands) == theirs  # what fills no band is not looked at


def test_texts_without_words_are_nobodys_twins():
    assert minhash.similar_pairs(["?!", "!", "", "ok", "OK."]) == [(3, 4, 1.0)]
    assert minhash.similar_pairs([]) == []
