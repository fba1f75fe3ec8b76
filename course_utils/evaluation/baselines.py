"""What a model without word order reaches: the line that every fine-tuned model has to beat."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from operator import index

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from course_utils.text.spans import bio_entities


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
        # On a busy machine two threads wait for each other forty times as long as one works.
        with threadpool_limits(1, user_api="blas"):
            return model.fit(list(texts), classes)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise ValueError("The texts hold no word of two letters or more to count.") from error


class Gazetteer:
    """A list of names that marks them wherever they come again; it knows nothing else.

    Built from N rows of words and of BIO tags (`text.spans`). A name of the list is marked when the
    same words come again, whatever their case, the longest first. Names that were more often *not*
    a name in the rows than one are left out.

    Raises:
        ValueError: rows of different lengths, or a tag that is none.

    >>> names = Gazetteer([["New", "York", "is", "far"]], [["B-place", "I-place", "O", "O"]])
    >>> names.tag(["new", "york", "?"])
    ['B-place', 'I-place', 'O']
    """

    def __init__(self, words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]):
        if [len(row) for row in words] != [len(row) for row in tags]:
            raise ValueError("words and tags must be rows of equal lengths.")
        named: dict[tuple[str, ...], Counter] = defaultdict(Counter)
        for row, marks in zip(words, tags, strict=True):
            for kind, start, end in bio_entities(marks):
                named[tuple(word.lower() for word in row[start:end])][kind] += 1
        self.longest = max(map(len, named), default=0)
        seen = Counter(part for row in words for part in self._parts(row))
        self.kinds = {
            name: kinds.most_common(1)[0][0]
            for name, kinds in named.items()
            if 2 * kinds.total() >= seen[name]
        }

    def _parts(self, row: Sequence[str]):
        """All runs of words that could be a name, in lower case."""
        lower = [word.lower() for word in row]
        for start in range(len(lower)):
            for end in range(start + 1, min(start + self.longest, len(lower)) + 1):
                yield tuple(lower[start:end])

    def tag(self, row: Sequence[str]) -> list[str]:
        """A BIO tag for each word of a row."""
        lower, tags = [word.lower() for word in row], ["O"] * len(row)
        start = 0
        while start < len(lower):
            for end in range(min(start + self.longest, len(lower)), start, -1):
                kind = self.kinds.get(tuple(lower[start:end]))
                if kind is not None:
                    tags[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
                    start = end - 1
                    break
            start += 1
        return tags


def sentences_of(passage: str) -> list[str]:
    """A passage cut behind full stops, question and exclamation marks that a space follows.

    >>> sentences_of("It won . Nobody knew why. ")
    ['It won .', 'Nobody knew why.']
    """
    return [part for part in re.split(r"(?<=[.!?])\s+", passage) if part.strip()]


def likeliest_sentence(question: str, passage: str) -> str:
    """The sentence of a passage that is nearest to a question by TF-IDF; of equals the first.

    Rare words count more; how rare a word is, is counted over the passage's own sentences.

    Raises:
        ValueError: a passage without a sentence.

    >>> likeliest_sentence("Who made the film?", "It won a prize. Ang Lee directed the film.")
    'Ang Lee directed the film.'
    """
    sentences = sentences_of(passage)
    if not sentences:
        raise ValueError("The passage holds no sentence.")
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+")
    rows = words.fit_transform(sentences)
    return sentences[int((rows @ words.transform([question]).T).toarray().argmax())]
