"""Intervals and tests against SciPy, and against how often they are right in simulations."""

import numpy as np
import pytest
from scipy import stats

from course_utils.evaluation import significance

DICE = np.random.default_rng(0)


@pytest.mark.parametrize(("hits", "count"), [(0, 7), (3, 7), (7, 7), (16, 16), (400, 937)])
def test_wilson_is_scipys(hits, count):
    for confidence in (0.8, 0.95):
        theirs = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
        share, low, high = significance.wilson_interval(hits, count, confidence)
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        assert share == hits / count


def test_wilson_covers_where_the_plain_interval_fails():
    dice = np.random.default_rng(1)
    hits = dice.binomial(20, 0.95, 3000)
    inside = [
        low <= 0.95 <= high
        for _, low, high in (significance.wilson_interval(int(h), 20) for h in hits)
    ]
    share = hits / 20
    plain = abs(share - 0.95) <= 1.96 * np.sqrt(share * (1 - share) / 20)
    assert np.mean(inside) > 0.9 and plain.mean() < 0.7


def test_the_bootstrap_is_scipys_and_keeps_rows_together():
    x = DICE.normal(0, 1, 80)
    y = x + DICE.normal(0, 0.1, 80)
    ours = significance.bootstrap(lambda a, b: np.corrcoef(a, b)[0, 1], x, y)
    theirs = stats.bootstrap(
        (x, y), lambda a, b: np.corrcoef(a, b)[0, 1], paired=True, vectorized=False,
        method="percentile", n_resamples=2000, rng=1,
    ).confidence_interval  # fmt: skip
    assert ours[1:] == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert ours.mean == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert ours == significance.bootstrap(lambda a, b: np.corrcoef(a, b)[0, 1], x, y)


def test_mcnemar_is_the_exact_binomial_test():
    for count in (5, 40, 300):
        a, b = DICE.choice(2, (2, count), p=[0.3, 0.7])
        only = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
        theirs = stats.binomtest(only[0], sum(only)).pvalue
        assert significance.mcnemar(a, b) == pytest.approx(theirs)
        assert significance.mcnemar(a, b) == significance.mcnemar(b, a)
    assert significance.mcnemar([1, 0], [1, 0]) == 1


def test_sign_flips_are_scipys_permutation_test():
    for count in (3, 5, 8):
        a, b = DICE.normal(0.7, 0.02, (2, count))
        theirs = stats.permutation_test(
            (a, b), lambda x, y: np.mean(x - y), permutation_type="samples",
            n_resamples=np.inf, alternative="two-sided",
        ).pvalue  # fmt: skip
        assert significance.sign_flip_test(a, b) == pytest.approx(min(1, theirs))
    assert significance.sign_flip_test([1, 1], [1, 1]) == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: significance.wilson_interval(3, 2), ValueError, "hits"),
        (lambda: significance.wilson_interval(0.5, 2), TypeError, "whole numbers"),
        (lambda: significance.wilson_interval(1, 2, 95), ValueError, "confidence"),
        (lambda: significance.bootstrap(np.mean), ValueError, "columns"),
        (lambda: significance.bootstrap(np.mean, [1, 2], [1]), ValueError, "one length"),
        (lambda: significance.bootstrap(np.mean, [1, 2], draws=1), ValueError, "two"),
        (lambda: significance.mcnemar([1, 0], [1]), ValueError, "the same"),
        (lambda: significance.mcnemar([0.5], [1]), TypeError, "a_right"),
        (lambda: significance.mcnemar([1], [2]), TypeError, "b_right"),
        (lambda: significance.sign_flip_test([1], [2]), ValueError, "2 to 16"),
        (lambda: significance.sign_flip_test([1, 2], "ab"), TypeError, "numbers"),
        (lambda: significance.sign_flip_test([1, np.nan], [1, 2]), ValueError, "finite"),
        (lambda: significance.sign_flip_test([1, 2], [np.inf, 2]), ValueError, "finite"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
