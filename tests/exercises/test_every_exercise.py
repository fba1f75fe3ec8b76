"""Every exercise of the course against the promises of the graders.

`pytest tests/exercises -k 04.2` tries one exercise.
"""

import inspect
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.exercises import check, rules, running, sandbox, stubs
from course_utils.exercises.grading import grade

SEEDS = range(20)


def test_it_is_complete(exercise):
    assert rules.problems(exercise) == []


def test_the_stub_is_not_attempted(exercise):
    scope = dict(vars(inspect.getmodule(exercise.reference)))
    exec(stubs.stub(exercise), scope)
    outcome = check(exercise.id, scope[exercise.name])
    assert str(outcome) == f'○ {exercise.id} not attempted · hint("{exercise.id}")'


def test_nothing_is_not_attempted(exercise):
    assert check(exercise.id, None).status == check(exercise.id, ...).status == "not attempted"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_the_solution_is_correct(exercise, dtype):
    outcomes = {seed: grade(exercise, exercise.reference, seed, dtype) for seed in SEEDS}
    assert {seed: str(one) for seed, one in outcomes.items() if not one.correct} == {}


def test_odd_lengths_are_tried(exercise):
    lengths = {
        length
        for seed in SEEDS
        for one in running.build_cases(exercise, seed)
        for value in [*one.args, *one.kwargs.values()]
        if isinstance(value, torch.Tensor)
        for length in value.shape
    }
    assert not lengths or any(length > 1 and length % 2 for length in lengths)


def test_every_wrong_answer_is_recognised_by_its_own_name(exercise):
    said = {wrong.name: check(exercise.id, wrong.answer) for wrong in exercise.wrong_answers}
    assert {name: one.status for name, one in said.items()} == dict.fromkeys(said, "wrong")
    assert {name: one.diagnosis for name, one in said.items()} == {name: name for name in said}
    for wrong in exercise.wrong_answers:
        assert said[wrong.name].message == f"{wrong.message} (section {wrong.section})"


def test_no_wrong_answer_is_right_under_another_seed(exercise):
    undiagnosed = replace(exercise, wrong_answers=[])
    for wrong in exercise.wrong_answers:
        statuses = {grade(undiagnosed, wrong.answer, seed).status for seed in range(1, 6)}
        assert statuses <= {"wrong", "crashed"}, f"{wrong.name}: {statuses}"


def test_alternative_right_answers_are_correct(exercise):
    for answer in exercise.alternatives:
        for seed in range(5):
            outcome = grade(exercise, answer, seed)
            assert outcome.correct, f"{answer.__name__}, seed {seed}: {outcome}"


def test_a_crash_is_named_with_the_learners_line(exercise):
    def crash(*args, **kwargs):
        return 1 / 0  # the learner's own line

    outcome = check(exercise.id, _as_answer(exercise, crash))
    assert outcome.status == "crashed"
    assert outcome.message == "ZeroDivisionError: division by zero"
    assert "return 1 / 0  # the learner's own line" in dict(outcome.details)["at"]


def test_an_endless_loop_is_stopped_and_named(exercise):
    def loop(*args, **kwargs):
        while True:
            try:
                len(args)
            except:  # noqa: E722  even this must not keep it alive
                len(kwargs)

    outcome = grade(replace(exercise, seconds=0.2), _as_answer(exercise, loop))
    assert outcome.status == "crashed"
    assert "a loop that never ends" in outcome.message


def test_changing_an_argument_is_named(exercise):
    if exercise.mutates:
        pytest.skip("changing an argument is the task")
    touched = []

    def spoil(function):
        def answer(*args, **kwargs):
            value = sandbox.clone(function(*args, **kwargs))
            touched.extend(_altered(one) for one in [*args, *kwargs.values()])
            return value

        return answer

    outcome = check(exercise.id, _around(exercise, spoil))
    if not any(touched):
        pytest.skip("nothing that it is given can be changed")
    assert outcome.status == "wrong"
    assert "changes its argument" in outcome.message or outcome.diagnosis


def test_a_hard_coded_answer_fails_under_another_seed(exercise):
    tape = []

    def record(function):
        def answer(*args, **kwargs):
            tape.append(function(*args, **kwargs))
            return tape[-1]

        return answer

    assert grade(exercise, _around(exercise, record), seed=0).correct
    left = list(tape)

    def replay(function):
        return lambda *args, **kwargs: left.pop(0) if left else tape[-1]

    assert grade(exercise, _around(exercise, replay), seed=1).status in ("wrong", "crashed")


def test_the_global_state_is_left_alone(exercise):
    def vandal(*args, **kwargs):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        raise SystemExit

    torch.manual_seed(7)
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    outcome = check(exercise.id, _as_answer(exercise, vandal))
    assert outcome.message == "SystemExit"
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_the_verdict_does_not_depend_on_the_global_seed(exercise):
    wrong, shown = exercise.wrong_answers[0].answer, set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        shown.add(str(check(exercise.id, wrong)))
    assert len(shown) == 1


def test_a_question_is_complete(question):
    assert rules.problems(question) == []


def test_a_question_is_scored(question):
    assert check(question.id, ...).status == "not attempted"
    assert check(question.id, question.answer).correct
    for value, message in question.wrong.items():
        outcome = check(question.id, value)
        assert outcome.status == "wrong"
        assert message in outcome.message
        assert outcome.diagnosis == str(value)
    assert check(question.id, "something else").status == "wrong"


def _as_answer(exercise, function):
    """The function, or a class that runs it when it is built."""
    if inspect.isclass(exercise.reference):
        return type(exercise.name, (), {"__init__": function})
    return function


def _around(exercise, wrapper):
    """The reference with a wrapper around it; for a class around each method that is asked for."""
    if not inspect.isclass(exercise.reference):
        return wrapper(exercise.reference)
    methods = {
        name: wrapper(function)
        for name, function in vars(exercise.reference).items()
        if inspect.isfunction(function) and name not in (*exercise.keep, "__init__")
    }
    return type(exercise.name, (exercise.reference,), methods)


def _altered(value) -> bool:
    """Change a value in place where that can be done."""
    if isinstance(value, torch.Tensor) and value.numel() and not value.requires_grad:
        with torch.no_grad():
            value.logical_not_() if value.dtype == torch.bool else value.add_(1)
        return True
    if isinstance(value, np.ndarray) and value.size:
        value += 1
        return True
    if isinstance(value, list) and value:
        value.append(value[0])
        return True
    return False
