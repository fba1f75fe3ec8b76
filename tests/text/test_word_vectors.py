"""Vectors from counts, against counting by hand and an exact decomposition."""

import math
from collections import Counter

import pytest
import torch

from course_utils.text.word_vectors import SMOOTHED, neighbour_information, word_vectors

V = 30


@pytest.fixture
def rows():
    return torch.randint(V, (50, 12), generator=torch.Generator().manual_seed(0))


def test_information_is_what_counting_by_hand_says(rows):
    pairs, tokens, contexts = Counter(), Counter(), Counter()
    for row in rows.tolist():
        for i, token in enumerate(row):
            around = [row[i + 1]] if i + 1 < len(row) else []
            around += [V + row[i - 1]] if i else []
            for context in around:
                pairs[token, context] += 1
                tokens[token] += 1
                contexts[context] += 1
    smoothed = sum(times**SMOOTHED for times in contexts.values())
    found = neighbour_information(rows, V)
    for token in range(V):
        for context in range(2 * V):
            expected = 0.0
            if times := pairs[token, context]:
                chance = tokens[token] * contexts[context] ** SMOOTHED / smoothed
                expected = max(0.0, math.log(times / chance))
            assert found[token, context].item() == pytest.approx(expected, abs=1e-5)


def test_the_vectors_multiply_to_the_information(rows):
    """With all dimensions, vectors · vectorsᵀ is the root of table · tableᵀ, up to scale."""
    torch.manual_seed(0)
    table = neighbour_information(rows, V)
    u, values, _ = torch.linalg.svd(table, full_matrices=False)
    exact = u * values.sqrt()
    exact = exact - exact.mean(0)
    ours = word_vectors(rows, V, V)
    a, b = (one @ one.T for one in (exact, ours))
    torch.testing.assert_close(b / b.norm(), a / a.norm(), atol=1e-4, rtol=1e-3)


def test_tokens_with_the_same_neighbours_lie_together():
    """Two sorts of tokens, which stand between different ones: 10-14 and 15-19."""
    torch.manual_seed(0)
    kinds = torch.randint(2, (400, 8))
    words = 10 + 5 * kinds + torch.randint(5, kinds.shape)
    frame = 2 * kinds + 1
    rows = torch.stack([frame, words, frame + 1], dim=2).flatten(1)
    vectors = torch.nn.functional.normalize(word_vectors(rows, 20, 4)[10:])
    alike = vectors @ vectors.T
    assert alike[:5, :5].min() > alike[:5, 5:].max()


def test_size_and_spread(rows):
    vectors = word_vectors(rows, V, 8)
    assert vectors.shape == (V, 8)
    assert vectors.mean().item() == pytest.approx(0, abs=1e-6)
    assert vectors.std().item() == pytest.approx(0.1, rel=1e-4)


def test_a_token_that_never_occurs_gets_finite_numbers(rows):
    assert word_vectors(rows.clamp(min=5), V, 8).isfinite().all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: neighbour_information(torch.ones(4, dtype=torch.long), 9), "whole numbers"),
        (lambda: neighbour_information(torch.ones(2, 4), 9), "whole numbers"),
        (lambda: neighbour_information(torch.full((2, 4), 9), 9), "outside a vocabulary of 9"),
        (lambda: word_vectors(torch.ones(2, 4, dtype=torch.long), 9, 10), "size"),
    ],
)
def test_bad_input_is_told_in_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
