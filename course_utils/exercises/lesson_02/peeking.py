"""Lesson 02, section 2.5: what is learned from data must not see the test."""

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import make_pipeline

from course_utils.exercises.exercise import case, coding


def features_for_test(train_texts: list[str], test_texts: list[str]) -> np.ndarray:
    """TF-IDF of the test texts as an honest experiment has it, a dense array (tests, words).

    The words, and how rare each of them is, are known from the training texts alone.
    """
    vectorizer = TfidfVectorizer()
    vectorizer.fit(train_texts)
    return vectorizer.transform(test_texts).toarray()


def features_for_test_with_a_bug(train_texts: list[str], test_texts: list[str]) -> np.ndarray:
    """TF-IDF of the test texts as an honest experiment has it, a dense array (tests, words).

    The words, and how rare each of them is, are known from the training texts alone.
    """
    vectorizer = TfidfVectorizer()
    features = vectorizer.fit_transform(train_texts + test_texts).toarray()
    return features[len(train_texts) :]


peeking = coding(
    "02.10",
    title="The vectoriser that peeked",
    difficulty=2,
    minutes=5,
    given="features that know words which the model has never been shown; `TfidfVectorizer`",
    reference=features_for_test,
    buggy=features_for_test_with_a_bug,
    hints=[
        "Which texts does `fit_transform` learn its words from?",
        "`fit` learns, `transform` applies. Which texts belong into which?",
    ],
    why="Whatever is learned from data is part of the model, the list of words and their rarity "
    "too, and must not see the test. A pipeline does this by itself: it fits all parts on train.",
    then="do the same with a tokenizer: on which texts may it be trained?",
)


@peeking.cases
def peeking_cases(draw):
    yield case(["a good film", "a bad film"], ["good good plot"])
    words = [f"word{k}" for k in range(9)]

    def some(count):
        return [" ".join(draw.random.choices(words, k=draw.size(3, 8))) for _ in range(count)]

    for _ in range(3):
        new = ["unseen " + text for text in some(2)]
        yield case([*some(draw.size(4, 7)), "word0 word1"], [*some(3), *new])
    yield case(["one two", "two three", "two"], ["two", "one four", "five six"])


@peeking.oracle
def by_a_pipeline(train_texts, test_texts):
    """Counting and weighing as two steps of a pipeline, which fits on what it is given."""
    pipeline = make_pipeline(CountVectorizer(), TfidfTransformer()).fit(train_texts)
    return pipeline.transform(test_texts).toarray()


peeking.wrong_edit(
    "fitted_on_the_test",
    old="vectorizer.fit(train_texts)",
    new="vectorizer.fit(test_texts)",
    message="now the words are those of the test alone: the model has learned from other columns",
    section="2.5",
)
peeking.wrong_edit(
    "features_of_the_training_texts",
    old="vectorizer.transform(test_texts)",
    new="vectorizer.transform(train_texts)",
    message="fitted on the right texts, but these are the features of the training texts",
    section="2.5",
)


@peeking.wrong("the words are those of train now, but their rarity is still counted on both", "2.5")
def rarity_from_both(train_texts, test_texts):
    words = TfidfVectorizer().fit(train_texts).get_feature_names_out()
    vectorizer = TfidfVectorizer(vocabulary=words).fit(train_texts + test_texts)
    return vectorizer.transform(test_texts).toarray()


@peeking.wrong("rarity is counted on train now, but the list of words still comes from both", "2.5")
def words_from_both(train_texts, test_texts):
    words = TfidfVectorizer().fit(train_texts + test_texts).get_feature_names_out()
    vectorizer = TfidfVectorizer(vocabulary=words).fit(train_texts)
    return vectorizer.transform(test_texts).toarray()


@peeking.wrong("the words are those of train, their rarity is that of the test", "2.5")
def rarity_from_the_test(train_texts, test_texts):
    words = TfidfVectorizer().fit(train_texts).get_feature_names_out()
    vectorizer = TfidfVectorizer(vocabulary=words)
    return vectorizer.fit_transform(test_texts).toarray()


@peeking.wrong("rarity is gone altogether: these are plain counts", "2.5")
def plain_counts(train_texts, test_texts):
    return CountVectorizer().fit(train_texts).transform(test_texts).toarray().astype(float)


@peeking.alternative
def with_the_attributes(train, test):
    learned = TfidfVectorizer()
    learned.fit_transform(train)
    copy = TfidfVectorizer(vocabulary=learned.vocabulary_)
    copy.idf_ = learned.idf_
    return copy.transform(test).toarray()


@peeking.alternative
def by_hand(train, test):
    counter = CountVectorizer().fit(train)
    seen = (counter.transform(train).toarray() > 0).sum(0)
    rarity = np.log((1 + len(train)) / (1 + seen)) + 1
    weighed = counter.transform(test).toarray() * rarity
    length = np.linalg.norm(weighed, axis=1, keepdims=True)
    return weighed / np.where(length == 0, 1, length)
