"""What a model without word order reaches: the line that every fine-tuned model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


def tfidf_classifier(texts: Sequence[str], labels: Sequence[int]) -> Pipeline:
    """TF-IDF of single words and pairs of neighbours, with a logistic regression on top, fitted.

    `texts` are N documents, `labels` their N classes; `.predict(texts)` gives classes and
    `.predict_proba(texts)` probabilities (N, C). It has no random numbers in it: the same
    labels give the same classifier.

    A baseline that was not tuned proves nothing when it loses. `C=10` was chosen on the
    validation part of Rotten Tomatoes, from 0.3 to 100: within half a point of the best at 100,
    1,000 and all 7,011 labels alike, where scikit-learn's own C=1 loses up to three. Pairs of
    words and the logarithm of counts (`sublinear_tf`) were kept since they help there too.

    Raises:
        TypeError: something other than texts, or labels that are no whole numbers.
        ValueError: no texts, texts without a single word, labels of another number than the
            texts, or of one class only.

    >>> model = tfidf_classifier(["a fine film", "a dull film"], [1, 0])
    >>> model.predict(["fine, fine"]).tolist()
    [1]
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("texts must be a list of str.")
    if len(texts) == 0:
        raise ValueError("There are no texts.")
    if len(texts) != len(labels):
        raise ValueError(f"There are {len(texts)} texts but {len(labels)} labels.")
    try:
        classes = [index(label) for label in labels]
    except TypeError:
        raise TypeError("labels must be whole numbers, one for each text.") from None
    if len(set(classes)) < 2:
        raise ValueError("All labels are equal: a classifier needs at least two classes.")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    try:
        return model.fit(list(texts), classes)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise ValueError("The texts hold no word of two letters or more to count.") from error
