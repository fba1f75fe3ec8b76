"""Every small change to a reference that changes what it does has to be rejected.

A mutant that is accepted has to stand in `survivors.toml` with the reason. Those marked equivalent
do nothing else than the reference; of all others at least 95 % must be rejected.
"""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from course_utils.exercises import registry, running, stubs
from course_utils.exercises.exercise import Coding

LEAST_REJECTED = 0.95
SECONDS = 0.5  # a mutant that loops for ever is rejected after this long

SURVIVORS = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text("utf-8")).get(
    "survivor", []
)


def is_accepted(exercise: Coding, answer, cases, expected) -> bool:
    trial = running.run(exercise, answer, cases, expected, seed=0, seconds=SECONDS)
    return trial.finished and all(result.right for result in trial.results)


def accepted_mutants(exercise: Coding, mutator) -> tuple[int, list[str]]:
    """How many mutants of the reference there are, and which of them the grader accepts."""
    cases = running.build_cases(exercise, seed=0)
    expected = running.expectations(exercise, cases, seed=0)
    total, accepted = 0, []
    for what, source in mutator.mutants(stubs.source_of(exercise.reference), exercise.keep):
        total += 1
        try:
            answer = exercise.compiled(source)
        except Exception:  # no valid Python any more: rejected
            continue
        if is_accepted(exercise, answer, cases, expected):
            accepted.append(what)
    return total, accepted


def listed(exercise: Coding) -> dict[str, dict]:
    return {one["mutant"]: one for one in SURVIVORS if one["exercise"] == exercise.id}


def test_mutants_are_rejected_or_explained(exercise, mutator):
    total, accepted = accepted_mutants(exercise, mutator)
    known = listed(exercise)
    unexplained = [what for what in accepted if what not in known]
    assert unexplained == [], (
        f"{len(unexplained)} of {total} mutants of {exercise.id} are accepted: add a case that "
        "tells them from the reference, or list them in survivors.toml with the reason."
    )
    stale = [what for what in known if what not in accepted]
    assert stale == [], (
        "These survivors are rejected by now, or are no more: take them off the list."
    )
    wrong = sum(not known[what]["equivalent"] for what in accepted)
    changing = total - sum(known[what]["equivalent"] for what in accepted)
    assert changing == 0 or 1 - wrong / changing >= LEAST_REJECTED


def test_every_survivor_has_a_reason_and_belongs_to_an_exercise():
    known = {one.id for one in registry.all_exercises()}
    for one in SURVIVORS:
        assert one["reason"].strip(), one
        assert isinstance(one["equivalent"], bool), one
        assert one["exercise"] in known, one


def test_the_mutator_changes_each_thing_once(mutator):
    source = '''
def f(x, mask=None):
    """Docstring 1 + 1."""
    if x is None:
        raise ValueError(1 + 1)
    total = x.sum(-1, keepdim=True)
    if mask is not None and x > 2:
        total -= g(x, mask)
    return -total @ x if mask else [i * 0.5 for i in x]
'''
    found = Counter(what for what, _ in mutator.mutants(source))
    assert all(count == 1 for count in found.values())
    for changed in (
        "pass",
        "total = x.sum(1, keepdim=True)",
        "total = x.sum(-2, keepdim=True)",
        "total = x.sum(-1, keepdim=False)",
        "total = x.sum(-1)",
        "if mask is None and x > 2:",
        "if mask is not None or x > 2:",
        "if mask is not None and x >= 2:",
        "if mask is not None and x > 3:",
        "if not (mask is not None and x > 2):",
        "total += g(x, mask)",
        "total -= g(mask, x)",
        "return x @ -total if mask else [i * 0.5 for i in x]",
        "return total @ x if mask else [i * 0.5 for i in x]",
        "return [i * 0.5 for i in x] if mask else -total @ x",
        "return -total @ x if mask else [i / 0.5 for i in x]",
        "return -total @ x if mask else [i * 1.0 for i in x]",
    ):
        assert any(what.endswith(f"→ {changed}") for what in found), changed
    assert not any("ValueError" in what for what in found)


def test_a_grader_that_looks_at_too_little_is_caught(mutator):
    """The proof that this gate bites: with one tiny case, mutants get through."""
    exercise = registry.find("00.2")
    cases = running.build_cases(exercise, seed=0)[:1]
    expected = running.expectations(exercise, cases, seed=0)
    answer = exercise.edited("k.transpose(-2, -1)", "k.transpose(0, 1)")
    assert is_accepted(exercise, answer, cases, expected)
    assert not is_accepted(
        exercise,
        answer,
        running.build_cases(exercise, seed=0),
        running.expectations(exercise, running.build_cases(exercise, seed=0), seed=0),
    )


@pytest.fixture(scope="module")
def mutator(load_module):
    return load_module("mutator")
