"""The baseline is deterministic, strong for what it is, and says what it cannot use."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from course_utils.evaluation.baselines import tfidf_classifier
from course_utils.evaluation.tasks import accuracy
from course_utils.text import corpora


def test_it_counts_pairs_of_words():
    """Word for word, both classes say the same; only the order tells them apart."""
    texts = ["good not bad", "bad not good"] * 4
    model = tfidf_classifier(texts, [1, 0] * 4)
    assert model.predict(["good not bad", "bad not good"]).tolist() == [1, 0]


def test_it_is_fitted_by_one_thread(monkeypatch):
    """Its products are so small that two threads mostly wait for each other."""
    threads, fit = [], LogisticRegression.fit

    def watched(*arguments, **choices):
        threads.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
        return fit(*arguments, **choices)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    tfidf_classifier(["a fine film", "a dull film"], [1, 0])
    assert threads and set(threads) == {1}


def test_it_is_strong_on_real_text():
    reviews = corpora.load("rotten_tomatoes")
    train, validation = reviews["train"], reviews["validation"]
    everything = tfidf_classifier(train["text"], train["label"])
    score = accuracy(validation["label"], everything.predict(validation["text"]))
    assert score > 0.77
    few = np.random.default_rng(0).permutation(len(train))[:100]
    small = tfidf_classifier(train.select(few)["text"], train.select(few)["label"])
    assert 0.52 < accuracy(validation["label"], small.predict(validation["text"])) < score - 0.1


def test_probabilities_are_those_of_the_classes():
    texts, labels = ["fine film", "dull film", "odd film"], [2, 0, 1]
    model = tfidf_classifier(texts, labels)
    given = model.predict_proba(texts)
    assert model.classes_.tolist() == [0, 1, 2] and given.shape == (3, 3)
    assert given.argmax(1).tolist() == labels
    assert np.array_equal(given, tfidf_classifier(texts, labels).predict_proba(texts))


@pytest.mark.parametrize(
    ("texts", "labels", "error", "words"),
    [
        ("a film", [0], TypeError, "list of str"),
        ([1, 2], [0, 1], TypeError, "list of str"),
        ([], [], ValueError, "no texts"),
        (["one", "two"], [0], ValueError, "2 texts but 1 label"),
        (["one", "two"], [0, 0.9], TypeError, "whole numbers"),
        (["one", "two"], [1, 1], ValueError, "two classes"),
        (["", "!"], [0, 1], ValueError, "no word"),
    ],
)
def test_bad_input_gets_one_sentence(texts, labels, error, words):
    with pytest.raises(error, match=words) as caught:
        tfidf_classifier(texts, labels)
    assert "\n" not in str(caught.value)
