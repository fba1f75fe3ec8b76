"""Mistakes of authors fail with a sentence."""

from dataclasses import replace

import pytest

from course_utils.exercises import registry, rules
from course_utils.exercises.exercise import ExerciseError, Wrong, coding


@pytest.fixture
def good():
    return registry.find("00.2")


def test_the_examples_are_complete():
    for one in registry.all_exercises("00"):
        assert rules.problems(one) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"expected": None}, "it has no oracle"),
        ({"make_cases": None}, "it has no cases"),
        ({"wrong_answers": []}, "it has 0 wrong answers, at least 4 are needed."),
        ({"alternatives": []}, "it has 0 alternative right answers, at least 2 are needed."),
        ({"hints": ["one"]}, "it has 1 hints, at least 2 are needed."),
        ({"difficulty": 6}, "its difficulty is 6, which must be from 1 to 5."),
        ({"minutes": 0}, "its minutes are 0, which must be at least 1."),
        ({"title": " "}, "its 'title' is empty."),
        ({"why": ""}, "its 'why' is empty."),
        ({"id": "4.2"}, 'the id must look like "04.2" or "04.3a".'),
    ],
)
def test_a_coding_exercise_that_lacks_something(good, change, sentence):
    broken = replace(good, **change)
    assert any(sentence in one for one in rules.problems(broken))
    assert rules.problems(broken)[0].startswith(f"Exercise {broken.id}: ")


def test_the_reference_is_no_oracle(good):
    broken = replace(good, expected=good.reference)
    assert "its oracle is the reference itself" in rules.problems(broken)[0]


def test_wrong_answers_need_names_messages_and_sections_of_their_own(good):
    twice = Wrong(good.reference, "", "", good.wrong_answers[0].name)
    said = " ".join(rules.problems(replace(good, wrong_answers=[*good.wrong_answers, twice])))
    assert "two wrong answers have the name 'forgot_the_scale'" in said
    assert "its wrong answer forgot_the_scale has no message." in said
    assert "its wrong answer forgot_the_scale points to no section." in said


def test_a_class_must_say_how_it_is_used():
    broken = replace(registry.find("00.5"), observation=None)
    assert "say with @….observe how it is built and run" in rules.problems(broken)[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "x"}, "its answer 'x' is not one of its options."),
        ({"answer": "a"}, "its answer 'a' stands among the wrong ones."),
        ({"wrong": {"a": "no"}}, "it has 1 wrong answers, at least 2 are needed."),
        ({"wrong": {"a": "no", "x": "no"}}, "its option 'c' has no message"),
    ],
)
def test_a_question_that_lacks_something(change, sentence):
    broken = replace(registry.find("00.4"), **change)
    assert any(sentence in one for one in rules.problems(broken))


def test_an_id_used_twice_is_refused(good):
    with pytest.raises(registry.DuplicateExercise, match='there are two exercises "00.2"'):
        coding(
            "00.2",
            title="Another",
            difficulty=1,
            minutes=1,
            given="",
            hints=[],
            why="",
            reference=good.reference,
        )
    assert registry.find("00.2") is good


def test_an_edit_of_text_that_is_not_there_is_refused(good):
    with pytest.raises(ExerciseError, match="stands 0 times in the source of attention_scores"):
        good.edited("no such text", "")
    with pytest.raises(ExerciseError, match="an edit needs a text that stands there once"):
        good.edited("size", "")
