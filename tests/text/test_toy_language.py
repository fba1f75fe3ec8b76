"""The generated language against brute force: every path of topics, every way to fill a gap."""

import itertools
import math
import re

import numpy as np
import pytest
import torch

from course_utils.text.hidden_markov import draw, forward_backward, stationary
from course_utils.text.masking import IGNORE, Corruption, MaskedBatch, frozen_masks
from course_utils.text.ngrams import loss_ladder
from course_utils.text.toy_language import ToyLanguage, uncover

SMALL = ToyLanguage.from_tables(
    [[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]],
    [
        [0, 0, 0, 0, 0, 0.5, 0.3, 0.2, 0.0],
        [0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0.7],
        [0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25],
    ],
)


def joint(language, states, tokens):
    """p(these topics and these words), one factor after another."""
    p = float(language.start[states[0]])
    for t, (state, token) in enumerate(zip(states, tokens, strict=True)):
        if t:
            p *= float(language.transition[states[t - 1], state])
        p *= float(language.emission[state, token])
    return p


def enumerate_row(language, row, masked):
    """Topic posterior (L, S) and word posterior (L, V) by adding up every possibility."""
    length, words = len(row), range(5, language.vocab_size)
    choices = [words if hidden else [token] for token, hidden in zip(row, masked, strict=True)]
    topic = np.zeros((length, language.num_states))
    word = np.zeros((length, language.vocab_size))
    for states in itertools.product(range(language.num_states), repeat=length):
        for tokens in itertools.product(*choices):
            p = joint(language, states, tokens)
            topic[range(length), states] += p
            word[range(length), tokens] += p
    return topic / topic.sum(1, keepdims=True), word / word.sum(1, keepdims=True)


def hide(tokens, masked):
    """A `MaskedBatch` that hides `tokens` (N, L) at the places of `masked` (N, L)."""
    most = int(masked.sum(1).max())
    positions = masked.int().topk(most).indices.sort().values
    targets = torch.where(masked.gather(1, positions), tokens.gather(1, positions), IGNORE)
    return MaskedBatch(tokens.masked_fill(masked, 4), positions, targets)


MASKS = ["00000", "00100", "10000", "00001", "01100", "10101", "11111"]


@pytest.mark.parametrize("hidden", MASKS)
def test_forward_backward_equals_enumeration(hidden):
    tokens = SMALL.sample(3, 5, torch.Generator().manual_seed(3))
    masked = torch.tensor([[letter == "1" for letter in hidden]] * 3)
    posterior = SMALL.posterior(tokens, masked)
    expected = [enumerate_row(SMALL, row, masked[0].tolist()) for row in tokens.tolist()]
    np.testing.assert_allclose(posterior, [topic for topic, _ in expected], atol=1e-12)
    if "1" in hidden:
        words = np.array([word for _, word in expected])[masked.numpy()]
        np.testing.assert_allclose(SMALL.predict(tokens, masked), words, atol=1e-12)
        truth = words[np.arange(len(words)), tokens[masked].numpy()]
        frozen = hide(tokens, masked)
        assert all(map(torch.equal, uncover(frozen), (tokens, masked)))
        loss = SMALL.bayes_masked_loss(frozen)
        assert loss == pytest.approx(-np.log(truth).mean(), abs=1e-12)


def test_nothing_leaks_from_a_masked_place():
    tokens = SMALL.sample(4, 6, torch.Generator().manual_seed(0))
    masked = torch.rand(4, 6, generator=torch.Generator().manual_seed(1)) < 0.5
    other = tokens.masked_fill(masked, SMALL.mask_token_id)
    assert torch.equal(SMALL.posterior(tokens, masked), SMALL.posterior(other, masked))


def test_when_all_is_hidden_the_guess_is_the_unigram():
    """All hidden: nothing is known, and every place is guessed as the unigram would."""
    tokens = SMALL.sample(2, 4, torch.Generator().manual_seed(0))
    predicted = SMALL.predict(tokens, torch.ones(2, 4, dtype=torch.bool))
    marginal = SMALL.start @ SMALL.emission
    torch.testing.assert_close(predicted, marginal.expand(8, -1))


def test_start_is_the_share_of_each_topic():
    for language in (SMALL, ToyLanguage(), ToyLanguage(3, 20, seed=4, stay=0.5)):
        torch.testing.assert_close(language.start @ language.transition, language.start)
        assert language.start.sum().item() == pytest.approx(1)
        power = torch.linalg.matrix_power(language.transition, 10_000)
        torch.testing.assert_close(power[0], language.start)


def test_everything_is_float64():
    """In float32 the rows of a table would miss the sum of 1 by a hundred millionth."""
    language = ToyLanguage(5, 30, stay=0.9)
    for table in (language.start, language.transition, language.emission):
        assert table.dtype == torch.float64
        assert (table.sum(-1) - 1).abs().max() < 1e-15 * len(table)
    tokens, masked = torch.full((1, 4), 5), torch.tensor([[False, True, False, False]])
    assert language.posterior(tokens, masked).dtype == torch.float64
    assert forward_backward(*map(torch.ones, ((1,), (1, 1), (1, 1, 1)))).dtype == torch.float64


def test_population_losses_equal_the_sums_they_stand_for():
    pairs = np.zeros((9, 9))
    for states in itertools.product(range(3), repeat=2):
        for tokens in itertools.product(range(5, 9), repeat=2):
            pairs[tokens] += joint(SMALL, states, tokens)
    word = pairs.sum(1)
    unigram = -sum(p * math.log(p) for p in word if p)
    bigram = -sum(pairs[a, b] * math.log(pairs[a, b] / word[a]) for a, b in np.argwhere(pairs > 0))
    assert SMALL.unigram_loss() == pytest.approx(unigram, abs=1e-12)
    assert SMALL.bigram_loss() == pytest.approx(bigram, abs=1e-12)


@pytest.fixture(scope="module")
def world():
    language = ToyLanguage()
    dice = torch.Generator().manual_seed(1)
    train = language.sample(5_000, 64, dice)
    rows = language.sample(1_000, 64, dice)
    frozen = frozen_masks(rows, 10, mask_id=4, vocab_size=64, special_ids=range(5))
    return language, train, frozen


def test_ladder_equals_enumeration_by_hand():
    frozen = MaskedBatch(
        input_ids=torch.tensor([[4, 5, 4, 4, 7], [5, 4, 8, 6, 6]]),
        positions=torch.tensor([[0, 2, 3], [1, 2, 4]]),
        targets=torch.tensor([[6, 5, 8], [6, IGNORE, IGNORE]]),
    )
    # in the second row, only place 1 counts: 8 and 6 at the others stay in sight
    gaps = [([6, 5, 5, 8, 7], "10110"), ([5, 6, 8, 6, 6], "01000")]
    optimum, bigram, unigram = [], [], []
    for row, hidden in gaps:
        masked = [letter == "1" for letter in hidden]
        _, words = enumerate_row(SMALL, row, masked)
        for t in np.flatnonzero(masked):
            optimum.append(-math.log(words[t, row[t]]))
            _, alone = enumerate_row(SMALL, row[t : t + 1], [True])
            unigram.append(-math.log(alone[0, row[t]]))
            if t > 0 and not masked[t - 1]:
                _, alone = enumerate_row(SMALL, row[t - 1 : t + 1], [False, True])
                bigram.append(-math.log(alone[1, row[t]]))
            else:
                bigram.append(unigram[-1])
    ladder = SMALL.ladder(frozen)
    assert list(ladder) == ["uniform", "unigram", "bigram", "optimum"]
    expected = [math.log(9), np.mean(unigram), np.mean(bigram), np.mean(optimum)]
    assert list(ladder.values()) == pytest.approx(expected, abs=1e-12)


def test_rungs_of_the_default_language_lie_well_apart(world):
    language, _, frozen = world
    rungs = list(language.ladder(frozen).values())
    gaps = [high - low for high, low in itertools.pairwise(rungs)]
    assert min(gaps) > 0.4, rungs


def test_counted_ladder_approaches_the_exact_one(world):
    language, train, frozen = world
    exact, counted = language.ladder(frozen), loss_ladder(train, frozen, 64, range(5))
    assert counted["uniform"] == exact["uniform"]
    for rung in ("unigram", "bigram"):
        assert 0 <= counted[rung] - exact[rung] + 1e-3 < 0.01


def test_the_optimum_is_as_sure_as_it_is_right(world):
    """A calibrated guess expects its own loss: mean of -ln p(truth) = mean entropy."""
    language, _, frozen = world
    masked = frozen.input_ids == 4
    tokens = frozen.input_ids.scatter(1, frozen.positions, frozen.targets)
    predicted = language.predict(tokens, masked)
    entropy = torch.special.entr(predicted).sum(1)
    nats = -predicted.gather(1, tokens[masked].unsqueeze(1)).log().squeeze(1)
    error = (nats - entropy).std() / math.sqrt(len(nats))
    assert abs((nats - entropy).mean()) < 4 * error < 0.1


def test_samples_follow_the_tables():
    language = ToyLanguage(3, 12, seed=1, stay=0.8)
    tokens, states = language.sample_with_states(4_000, 50, torch.Generator().manual_seed(0))
    assert tokens.dtype == states.dtype == torch.int64 and tokens.shape == (4_000, 50)
    moves = torch.bincount((states[:, :-1] * 3 + states[:, 1:]).flatten(), minlength=9)
    words = torch.bincount((states * 12 + tokens).flatten(), minlength=36)
    for counts, table in ((moves.view(3, 3), language.transition), (words, language.emission)):
        counts = counts.view(table.shape).double()
        share = counts / counts.sum(1, keepdim=True)
        error = (table * (1 - table) / counts.sum(1, keepdim=True)).sqrt()
        assert bool(((share - table).abs() <= 5 * error).all())
    first = torch.bincount(states[:, 0], minlength=3) / 4_000
    assert (first - language.start).abs().max() < 0.04
    assert int(tokens.min()) >= 5  # no special token, ever


def test_the_same_seed_gives_the_same_language_and_sentences():
    def draw(seed, dice):
        return ToyLanguage(seed=seed).sample(3, 9, torch.Generator().manual_seed(dice))

    assert torch.equal(draw(0, 1), draw(0, 1))
    assert not torch.equal(draw(0, 1), draw(0, 2))
    assert not torch.equal(ToyLanguage(seed=0).emission, ToyLanguage(seed=1).emission)


def test_long_sentences_do_not_underflow():
    language = ToyLanguage()
    tokens = language.sample(2, 5_000, torch.Generator().manual_seed(0))
    masked = torch.zeros_like(tokens, dtype=torch.bool)
    masked[:, ::7] = True
    assert language.bayes_masked_loss(hide(tokens, masked)) == pytest.approx(2.6, abs=0.4)


def test_words_are_distinct_and_it_stands_in_for_a_tokenizer():
    language = ToyLanguage(vocab_size=3_000)
    assert len(set(language.words)) == len(language) == 3_000
    corruption = Corruption.of(language)
    assert corruption.mask_id == 4 and len(corruption.ordinary_ids) == 2_995


TOKENS = torch.full((2, 3), 5)
NONE = torch.zeros(2, 3, dtype=torch.bool)
FLAT = [[0, 0, 0, 0, 0, 0.5, 0.5]] * 2
IMPOSSIBLE = ToyLanguage.from_tables(
    [[1.0, 0.0], [0.5, 0.5]], [[0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]]
)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ToyLanguage(1), ValueError, "num_states"),
        (lambda: ToyLanguage(4, 6), ValueError, "vocab_size must be at least 7"),
        (lambda: ToyLanguage(4, 20.0), TypeError, "whole number"),
        (lambda: ToyLanguage(stay=1.0), ValueError, "stay must be"),
        (lambda: ToyLanguage(topics_per_word=9), ValueError, "1 ... 8"),
        (lambda: ToyLanguage.from_tables([[1.0]], FLAT), ValueError, "shapes"),
        (lambda: ToyLanguage.from_tables([[1, 1], [0, 1]], FLAT), ValueError, "transition"),
        (
            lambda: ToyLanguage.from_tables([[1, 0], [0, 1]], [[1] + [0] * 6] * 2),
            ValueError,
            "spec",
        ),
        (lambda: SMALL.sample(0, 3, torch.Generator()), ValueError, "positive"),
        (lambda: SMALL.sample(1, 3, None), TypeError, "torch.Generator"),
        (lambda: SMALL.posterior(TOKENS.float(), NONE), TypeError, "int64"),
        (lambda: SMALL.posterior(TOKENS, NONE.long()), TypeError, "bool"),
        (lambda: SMALL.posterior(TOKENS, NONE[:1]), ValueError, "same shape"),
        (lambda: SMALL.posterior(TOKENS + 4, NONE), ValueError, "0 ... 8"),
        (lambda: SMALL.posterior(TOKENS - 1, NONE), ValueError, "cannot produce"),
        (lambda: IMPOSSIBLE.posterior(torch.tensor([[5, 6]]), NONE[:1, :2]), ValueError, "cannot"),
        (lambda: SMALL.bayes_masked_loss(hide(TOKENS, NONE)), ValueError, "Nothing is masked"),
        (lambda: SMALL.bayes_masked_loss(hide(TOKENS - 1, ~NONE)), ValueError, "special one"),
        (lambda: SMALL.bayes_masked_loss(TOKENS), TypeError, "MaskedBatch"),
        (lambda: stationary([[0.5, 0.6], [0.5, 0.5]]), ValueError, "sum to 1"),
        (lambda: draw(torch.ones(2, 3), torch.zeros(3)), ValueError, "(N,)"),
        (lambda: forward_backward(*map(torch.ones, (2, 2, 2))), ValueError, "(N, L, S)"),
        (lambda: SMALL.convert_ids_to_tokens([9]), ValueError, "0 ... 8"),
        (lambda: SMALL.ladder(TOKENS), TypeError, "MaskedBatch"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=re.escape(words)) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_first_state_needs_no_predecessor():
    start, onwards = torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    seen = torch.eye(2)[None]
    assert forward_backward(start, onwards, seen).equal(seen.double())
