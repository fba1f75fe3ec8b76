"""MinHash against every pair compared, and its one property: equal places estimate Jaccard."""

import random

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


def test_texts_without_words_are_nobodys_twins():
    assert minhash.similar_pairs(["?!", "!", "", "ok", "OK."]) == [(3, 4, 1.0)]
    assert minhash.similar_pairs([]) == []


def test_bad_input_is_told():
    with pytest.raises(TypeError, match="needs a str"):
        minhash.shingles(b"bytes")
    with pytest.raises(ValueError, match="at least 1 word"):
        minhash.shingles("a", run=0)
    with pytest.raises(ValueError, match="Set 1 is empty"):
        minhash.signatures([{"a"}, set()])
    with pytest.raises(ValueError, match="threshold"):
        minhash.similar_pairs(["a", "b"], threshold=0)
