"""What counts as the same, and how a difference is said."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from course_utils.exercises.clues import clue
from course_utils.exercises.compare import describe, difference


@dataclass
class Pair:
    first: object
    second: object


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (torch.ones(2), np.ones(2)),
        (torch.ones(2), [1.0, 1.0]),
        (torch.ones(2), [torch.tensor(1.0), torch.tensor(1.0)]),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), torch.ones(2, dtype=torch.int64)),
        (torch.ones(2), torch.ones(2, requires_grad=True)),
        (torch.tensor([1e-9, 1.0]), torch.tensor([0.0, 1.0])),
        (torch.tensor([float("nan"), float("inf")]), np.array([float("nan"), float("inf")])),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2)),
        (2.0, torch.tensor(2.0)),
        (2, np.int64(2)),
        (True, np.bool_(True)),
        (True, torch.tensor(True)),
        ([1, 2], (1, 2)),
        ([1, 2], torch.tensor([1, 2])),
        (["a", ["b"]], ["a", ("b",)]),
        ({"a": 1.0}, {"a": 1.0 + 1e-9}),
        ({1, 2}, frozenset({2, 1})),
        (Pair(1, torch.ones(2)), Pair(1, np.ones(2))),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_same(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (torch.ones(2), torch.ones(3), "expected shape (2,), got (3,)"),
        (torch.ones(2), None, "expected tensor [1, 1], got None"),
        (torch.ones(2), "text", "expected tensor [1, 1], got 'text'"),
        (torch.ones(2), object, "expected tensor [1, 1], got <class 'object'>"),
        (torch.ones(2), torch.tensor([1.0, 1.1]), "at [1]: expected 1, got 1.1"),
        (torch.ones(2), torch.tensor([1.0, float("nan")]), "at [1]: expected 1, got nan"),
        (
            torch.ones(2, dtype=torch.float64),
            torch.ones(2),
            "expected float64 as in the input, got float32",
        ),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), "expected int64 values, got float32"),
        (torch.tensor([True]), torch.tensor([1]), "expected bool values, got int64"),
        (
            torch.tensor([True, False]),
            torch.tensor([True, True]),
            "at [1]: expected False, got True",
        ),
        (3, 4, "expected 3, got 4"),
        (True, 1, "expected True, got 1"),
        ("a", "b", "expected 'a', got 'b'"),
        ([1, 2], [1], "expected [1, 2], got [1]"),
        ([1, [2, 3]], [1, [2, 4]], "at [1]: at [1]: expected 3, got 4"),
        ({"a": 1}, {"b": 1}, "expected {'a': 1}, got {'b': 1}"),
        ({"a": 1}, {"a": 2}, "at ['a']: expected 1, got 2"),
        (Pair(1, 2), Pair(1, 3), "at .second: expected 2, got 3"),
        (Pair(1, 2), 3, "expected a Pair with first, got 3"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_difference_is_said(expected, got, said):
    assert difference(expected, got) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: 2 * x, "every number is 2 times what it should be"),
        (lambda x: -x, "every number has the wrong sign"),
        (lambda x: x + 3, "every number is 3 too large"),
        (lambda x: x - 0.5, "every number is 0.5 too small"),
        (lambda x: x.mT, "it is right with its last two axes exchanged"),
        (lambda x: x.reshape(-1), "the numbers are right, the shape is not"),
        (lambda x: x.flip(0), "the right numbers in the wrong places"),
        (lambda x: 1.0001 * x, ""),
        (lambda x: x * x, ""),
        (lambda x: "text", ""),
        (lambda x: x / 0, ""),
        (lambda x: torch.zeros_like(x), ""),
    ],
)
def test_a_relation_is_seen(change, said):
    x = torch.tensor([[1.0, 2.0, 4.0], [3.0, -1.0, 0.0]])
    assert clue(x, change(x)) == said


def test_inverted_truth_values_are_seen():
    mask = torch.tensor([True, False, True])
    assert clue(mask, ~mask) == "every truth value is inverted"
    assert clue(mask, mask[:2]) == clue(mask, torch.ones(3)) == ""


def test_the_tolerance_can_be_widened():
    assert difference(0.3, 0.31) is not None
    assert difference(0.3, 0.31, tolerance=0.05) is None


def test_a_value_is_described_in_one_line():
    assert describe(torch.tensor([[True, False]])) == "tensor [[True, False]], bool"
    assert describe(np.zeros((9, 9))) == "array of shape (9, 9), float64"
    assert describe([1, "a", None]) == "[1, 'a', None]"
    assert describe((torch.zeros(1), 0.1)) == "(tensor [0], 0.1)"
    assert describe(torch.nn.Linear(1, 1)) == "Linear module"
    assert describe(torch.Generator().manual_seed(3)) == "torch.Generator seeded with 3"
    assert len(describe("x" * 1000)) < 250


def test_a_float_may_have_been_computed_in_float32_and_two_numbers_are_told_apart():
    assert difference(0.1, float(np.float32(0.1) * np.float32(1 + 3e-7))) is None
    assert difference(0.1, 0.10001) is not None
    said = difference(0.12345678, 0.1234571)
    assert said == "expected 0.12345678, got 0.1234571"
    assert difference(np.array(1234567), np.array(1234568)) == "expected 1234567, got 1234568"
