"""The n-gram models against brute force: dictionaries, loops and the formula as it is printed."""

import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils.text.ngrams import NgramModel, loss_ladder, unigram_loss


def slow_probability(rows, history, token, vocab_size, special=()):
    """p(token | history) by the printed formula, one dictionary and one loop at a time."""
    n = len(history) + 1
    if n == 1:
        below = 1 / (vocab_size - len(set(special)))
    else:
        below = slow_probability(rows, history[1:], token, vocab_size, special)
    counts = Counter(
        tuple(row[i : i + n])
        for row in rows
        for i in range(len(row) - n + 1)
        if row[i + n - 1] not in special
    )
    once = sum(count == 1 for count in counts.values())
    twice = sum(count == 2 for count in counts.values())
    discount = (once + 1) / (once + 2 * twice + 2)
    followers = {gram: count for gram, count in counts.items() if gram[:-1] == tuple(history)}
    total = sum(followers.values())
    if total == 0:
        return below
    count = followers.get((*history, token), 0)
    return max(count - discount, 0) / total + discount * len(followers) / total * below


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(1, 8)
    rows = rng.choice(7, p=chance / chance.sum(), size=(12, 9))
    rows[:, 0], rows[:, -1] = 5, 6  # in the part of [CLS] and [SEP]
    return rows.tolist()


@pytest.mark.parametrize("special", [(), (5, 6)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_probability_equals_brute_force(corpus, order, special):
    vocab_size = 9  # ids 7 and 8 never occur
    model = NgramModel(order, vocab_size, special).fit(corpus)
    rng = np.random.default_rng(1)
    for length in range(order):
        contexts = rng.integers(0, vocab_size, (20, length))
        targets = rng.choice([i for i in range(vocab_size) if i not in special], 20)
        ours = np.exp(model.log_probability(contexts, targets))
        expected = [
            slow_probability(corpus, list(c), t, vocab_size, special)
            for c, t in zip(contexts.tolist(), targets.tolist(), strict=True)
        ]
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_probabilities_add_up_to_one(corpus, order):
    model = NgramModel(order, 9, (5, 6)).fit(corpus)
    words = np.array([0, 1, 2, 3, 4, 7, 8])
    for context in ([], [0], [8], [5], [2, 3], [8, 8])[: 2 * order]:
        if len(context) < order:
            contexts = np.tile(np.array(context, dtype=int), (len(words), 1))
            total = np.exp(model.log_probability(contexts, words)).sum()
            assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_loss_equals_a_loop_over_every_token(corpus, order):
    held_out = [[5, 1, 8, 0, 2, 6], [5, 0, 0, 7, 3, 6]]
    losses = [
        -math.log(slow_probability(corpus, row[max(0, i - order + 1) : i], row[i], 9, (5, 6)))
        for row in held_out
        for i in range(len(row))
        if row[i] not in (5, 6)
    ]
    model = NgramModel(order, 9, (5, 6)).fit(corpus)
    assert model.loss(held_out) == pytest.approx(np.mean(losses), rel=1e-12)


def test_orders_form_a_staircase_on_a_second_order_language():
    """Token = xor of the two before it, with 10 % noise: only the trigram can know."""
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 2, (400, 30))
    for i in range(2, 30):
        rows[:, i] = (rows[:, i - 1] ^ rows[:, i - 2]) ^ (rng.random(400) < 0.1)
    losses = [NgramModel(n, 2).fit(rows[:300]).loss(rows[300:, 2:]) for n in (1, 2, 3)]
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert losses[0] == pytest.approx(math.log(2), abs=0.01)
    assert losses[1] == pytest.approx(math.log(2), abs=0.01)
    # 27 of the 28 scored tokens have a full context or all but
    assert losses[2] == pytest.approx(entropy + 2 / 28 * (math.log(2) - entropy), abs=0.02)


def test_contexts_stop_at_the_start_of_a_row():
    model = NgramModel(2, 4).fit([[0, 1], [2, 3]])
    seen, across = np.exp(model.log_probability([[0], [1]], [1, 2]))
    alone = float(np.exp(model.log_probability(None, [2])[0]))
    assert across == pytest.approx(alone) and seen > 1.5 * alone


def test_tensors_and_arrays_give_the_same(corpus):
    tensor = torch.tensor(corpus)
    assert NgramModel(2, 9).fit(tensor).loss(tensor) == NgramModel(2, 9).fit(corpus).loss(corpus)


def test_unigram_loss_is_close_to_the_entropy_and_never_infinite(corpus):
    rng = np.random.default_rng(3)
    chance = np.array([0.5, 0.25, 0.125, 0.125])
    train, held_out = rng.choice(4, p=chance, size=(2, 40_000))
    entropy = -(chance * np.log(chance)).sum()
    assert unigram_loss(train, held_out, 4) == pytest.approx(entropy, abs=0.01)
    assert math.isfinite(unigram_loss([0, 0, 0], [1, 2], 3))  # never seen, not impossible


def slow_ladder(train, frozen, vocab_size, special):
    unigram, bigram = [], []
    for row, positions, targets in zip(
        frozen.input_ids, frozen.positions, frozen.targets, strict=True
    ):
        hidden = {p for p, t in zip(positions, targets, strict=True) if t != -100}
        for place, target in zip(positions, targets, strict=True):
            if target == -100:
                continue
            left = [row[place - 1]] if place > 0 and place - 1 not in hidden else []
            unigram.append(-math.log(slow_probability(train, [], target, vocab_size, special)))
            bigram.append(-math.log(slow_probability(train, left, target, vocab_size, special)))
    return np.mean(unigram), np.mean(bigram)


def test_ladder_equals_brute_force(corpus):
    frozen = SimpleNamespace(
        # the second row hides three neighbours and its own start; the third has one target less
        input_ids=[[5, 4, 1, 4, 3, 6], [4, 4, 4, 0, 1, 6], [5, 0, 4, 1, 4, 6]],
        positions=[[1, 3, 4], [0, 1, 2], [2, 4, 5]],
        targets=[[0, 2, 3], [1, 0, 3], [0, 2, -100]],
    )
    ladder = loss_ladder(corpus, frozen, 9, (5, 6))
    unigram, bigram = slow_ladder(corpus, frozen, 9, (5, 6))
    assert list(ladder) == ["uniform", "unigram", "bigram"]
    assert ladder["uniform"] == math.log(9)
    assert ladder["unigram"] == pytest.approx(unigram, rel=1e-12)
    assert ladder["bigram"] == pytest.approx(bigram, rel=1e-12)
    assert ladder["unigram"] == pytest.approx(
        unigram_loss(corpus, frozen.targets, 9, (5, 6)), rel=1e-12
    )


def test_ladder_takes_the_masking_machine_s_batch(corpus):
    frozen = SimpleNamespace(
        input_ids=torch.tensor([[5, 4, 1, 6]]),
        positions=torch.tensor([[1]]),
        targets=torch.tensor([[0]]),
    )
    assert loss_ladder(torch.tensor(corpus), frozen, 9)["bigram"] > 0


def bigram():
    return NgramModel(2, 5, [3]).fit([[1, 2]])


def batch(input_ids, positions, targets):
    return SimpleNamespace(input_ids=input_ids, positions=positions, targets=targets)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: NgramModel(0, 5), ValueError, "order must be a whole number from 1"),
        (lambda: NgramModel(2, 1), ValueError, "vocab_size must be"),
        (lambda: NgramModel(6, 8192), ValueError, "too high for a vocabulary"),
        (lambda: NgramModel(1, 5, [5]), ValueError, "special id 5 is outside"),
        (lambda: NgramModel(1, 2, [0, 1]), ValueError, "Every token is special"),
        (lambda: NgramModel(1, 5).fit([[0, 5]]), ValueError, "token id 5.*outside 0 ... 4"),
        (lambda: NgramModel(1, 5).fit([[0, -1]]), ValueError, "token id -1"),
        (lambda: NgramModel(1, 5).fit([[0.0, 1.0]]), TypeError, "dtype is float64"),
        (lambda: NgramModel(1, 5).fit([[0, 1], [2]]), TypeError, "rectangular"),
        (lambda: NgramModel(1, 5).fit(np.zeros((2, 2, 2), int)), ValueError, "shape"),
        (lambda: NgramModel(1, 5).fit(np.zeros((0, 4), int)), ValueError, "empty"),
        (lambda: NgramModel(1, 5, [0]).fit([[0, 0]]), ValueError, "nothing but special"),
        (lambda: NgramModel(1, 5).loss([[1]]), RuntimeError, "call fit"),
        (lambda: NgramModel(1, 5, [0]).fit([[1]]).loss([[0]]), ValueError, "nothing to guess"),
        (lambda: bigram().log_probability([[1, 1]], [1]), ValueError, "looks back 1 tokens"),
        (lambda: bigram().log_probability([[1]], [1, 2]), ValueError, "1 contexts but 2"),
        (lambda: bigram().log_probability(None, [3]), ValueError, "target 3 is a special"),
        (lambda: unigram_loss([[1]], [[-100]], 5), ValueError, "eval_targets is empty"),
        (lambda: loss_ladder([[1, 2]], batch([[1, 2]], [[2]], [[1]]), 5), ValueError, "positions"),
        (lambda: loss_ladder([[1, 2]], batch([[1, 2]], [[1]], [[1, 1]]), 5), ValueError, "same"),
        (lambda: loss_ladder([[1, 2]], batch([[1, 9]], [[1]], [[1]]), 5), ValueError, "input_ids"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
