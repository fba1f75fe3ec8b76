"""The exercises of the course as a whole: enough of them, of every kind, easy and hard."""

from collections import Counter

import pytest

from course_utils.exercises import registry
from course_utils.exercises.exercise import Coding

FIRST_LESSONS = ["03", "04", "05", "07", "08"]


@pytest.mark.parametrize("lesson", registry.lessons())
def test_a_lesson_has_six_exercises_from_a_warm_up_to_a_stretch(lesson):
    exercises = registry.all_exercises(lesson)
    assert len(exercises) >= 6
    assert min(one.difficulty for one in exercises) == 1
    assert max(one.difficulty for one in exercises) >= 4


@pytest.mark.skipif(
    not set(FIRST_LESSONS) <= set(registry.lessons()), reason="not all five lessons are there yet"
)
def test_the_course_has_thirty_exercises_and_a_hundred_and_twenty_wrong_answers():
    everything = [one for lesson in FIRST_LESSONS for one in registry.all_exercises(lesson)]
    wrong = sum(len(one.wrong_answers) for one in everything if isinstance(one, Coding))
    assert len(everything) >= 30
    assert wrong >= 120
    assert set(Counter(one.kind for one in everything)) == {
        "function",
        "class",
        "guess",
        "bug",
        "plot",
    }
