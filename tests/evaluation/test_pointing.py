"""Scores of names against seqeval; scores of answers against SQuAD's definition."""

import random

import pytest
import seqeval.metrics as theirs

from course_utils.evaluation.baselines import Gazetteer, likeliest_sentence, sentences_of
from course_utils.evaluation.pointing import (
    answer_f1,
    entity_scores,
    exact_match,
    normalised,
    token_accuracy,
)

TAGS = ["O", "O", "B-a", "I-a", "B-b", "I-b"]


@pytest.mark.parametrize("seed", range(30))
def test_names_are_scored_as_seqeval_does(seed):
    dice = random.Random(seed)
    truth = [dice.choices(TAGS, k=dice.randrange(1, 12)) for _ in range(6)]
    guesses = [[t if dice.random() < 0.7 else dice.choice(TAGS) for t in row] for row in truth]
    found = entity_scores(truth, guesses)
    assert found.precision == pytest.approx(theirs.precision_score(truth, guesses))
    assert found.recall == pytest.approx(theirs.recall_score(truth, guesses))
    assert found.f1 == pytest.approx(theirs.f1_score(truth, guesses))
    assert token_accuracy(truth, guesses) == pytest.approx(theirs.accuracy_score(truth, guesses))


def test_nothing_said_is_nothing_found():
    assert entity_scores([["B-a", "O"]], [["O", "O"]]) == (0, 0, 0)
    assert entity_scores([["O", "O"]], [["B-a", "O"]]) == (0, 0, 0)
    assert entity_scores([["O", "O"]], [["O", "O"]]) == (0, 0, 0)


def test_rows_that_do_not_fit_are_refused():
    for function in (entity_scores, token_accuracy):
        with pytest.raises(ValueError, match="equally many"):
            function([["O"]], [["O", "O"]])
        with pytest.raises(ValueError, match="equally many"):
            function([], [])


@pytest.mark.parametrize(
    ("guess", "answer", "exact", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1, 1),
        ("in Paris, France", "Paris", 0, 0.5),
        ("cat cat dog", "cat dog dog", 0, 2 / 3),
        ("", "", 1, 1),
        ("", "Paris", 0, 0),
        ("the", "", 1, 1),  # nothing is left of it
        ("London", "Paris", 0, 0),
    ],
)
def test_answers_worked_by_hand(guess, answer, exact, f1):
    assert exact_match(guess, answer) == exact
    assert answer_f1(guess, answer) == pytest.approx(f1)
    assert answer_f1(answer, guess) == pytest.approx(f1)


def test_what_is_no_answer_is_refused():
    with pytest.raises(TypeError, match="str"):
        normalised(None)


def test_the_gazetteer_takes_the_longest_name_and_drops_doubtful_ones():
    words = [["New", "York", "Times"], ["new", "York"], ["will", "it"], ["will", "you"], ["Will"]]
    tags = [["B-o", "I-o", "I-o"], ["B-p", "I-p"], ["O", "O"], ["O", "O"], ["B-p"]]
    names = Gazetteer(words, tags)
    assert names.tag(["the", "new", "york", "times", "will"]) == ["O", "B-o", "I-o", "I-o", "O"]
    assert names.tag(["NEW", "YORK", "NEW"]) == ["B-p", "I-p", "O"]
    assert names.tag([]) == []
    assert Gazetteer([["a"]], [["O"]]).tag(["a"]) == ["O"]


def test_sentences_and_the_likeliest():
    assert sentences_of("One. Two? Three") == ["One.", "Two?", "Three"]
    passage = "The film won. The director Ang Lee was glad. The film lost."
    assert likeliest_sentence("Which director?", passage) == "The director Ang Lee was glad."
    assert likeliest_sentence("???", passage) == "The film won."
