"""The masking machine: counts by chi-square, special tokens, frozen masks, packing."""

import pytest
import torch
from scipy.stats import chisquare

from course_utils.text.masking import (
    IGNORE,
    Corruption,
    frozen_masks,
    mask_rows,
    mask_tokens,
    pack,
)

SPECIAL = (0, 1, 2, 3, 4)
MASK, VOCAB = 4, 50


def rows(n=400, length=64, seed=0):
    ids = torch.randint(5, VOCAB, (n, length), generator=torch.Generator().manual_seed(seed))
    ids[:, 0], ids[:, -1], ids[:, 20] = 2, 3, 3
    return ids


def corruption(**choices):
    return Corruption(MASK, VOCAB, SPECIAL, **choices)


def textbook(ids, c, seed):
    corrupted, labels = mask_tokens(ids, c, torch.Generator().manual_seed(seed))
    chosen = labels != IGNORE
    return corrupted[chosen], labels[chosen], int(chosen.sum()), corrupted, labels


def fast(ids, c, seed):
    batch = mask_rows(ids, c, torch.Generator().manual_seed(seed))
    return batch.input_ids.gather(1, batch.positions).flatten(), batch.targets.flatten()


@pytest.mark.parametrize("form", ["textbook", "fast"])
def test_shares_are_80_10_10(form):
    ids, c = rows(2000), corruption(rate=0.3)
    written, original = textbook(ids, c, 1)[:2] if form == "textbook" else fast(ids, c, 1)
    masked = (written == MASK).sum().item()
    same = (written == original).sum().item()
    n = len(original)
    # A random draw hits the original by chance once in 45 (the ordinary ids): it counts as kept.
    chance = 0.1 / 45
    expected = [0.8 * n, (0.1 + chance) * n, (0.1 - chance) * n]
    assert chisquare([masked, same, n - masked - same], expected).pvalue > 1e-3


def test_a_machine_with_independent_draws_is_caught_by_the_same_test():
    """The published bug: a second, independent coin leaves 81/9/10, and chi-square sees it."""
    n = 200_000
    g = torch.Generator().manual_seed(0)
    masked = torch.rand(n, generator=g) < 0.81
    counts = [masked.sum().item(), n - masked.sum().item()]
    assert chisquare(counts, [0.8 * n, 0.2 * n]).pvalue < 1e-3


def test_rate_and_choice_are_uniform_over_ordinary_positions():
    ids, c = rows(4000, 32), corruption(rate=0.15)
    _, _, count, _, labels = textbook(ids, c, 3)
    ordinary = (ids >= 5).sum().item()
    assert chisquare([count, ordinary - count], [0.15 * ordinary, 0.85 * ordinary]).pvalue > 1e-3
    per_place = (labels != IGNORE).sum(0)[(ids[0] >= 5)].tolist()
    assert chisquare(per_place).pvalue > 1e-3


def test_random_replacements_are_uniform_over_ordinary_ids():
    c = corruption(rate=0.5, mask_share=0.0, random_share=1.0)
    written, _ = fast(rows(1000), c, 5)
    counts = torch.bincount(written, minlength=VOCAB)
    assert counts[:5].sum() == 0
    assert chisquare(counts[5:].tolist()).pvalue > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_special_tokens_are_never_touched_and_input_is_left_alone(seed):
    ids = rows(50, seed=seed)
    before = ids.clone()
    _, _, _, corrupted, labels = textbook(ids, corruption(rate=0.9), seed)
    special = ids < 5
    assert (corrupted[special] == ids[special]).all() and (labels[special] == IGNORE).all()
    batch = mask_rows(ids, corruption(rate=0.6), torch.Generator().manual_seed(seed))
    assert (batch.input_ids[special] == ids[special]).all()
    assert (ids == before).all()


def test_a_row_short_of_ordinary_tokens_has_ignored_targets():
    ids = torch.tensor([[2, 9, 3, 0, 0, 0, 0, 0]])
    everything = corruption(rate=0.5, mask_share=1.0, random_share=0.0)
    batch = mask_rows(ids, everything, torch.Generator())
    assert batch.positions.shape == (1, 4) and batch.count() == 1
    assert sorted(batch.targets[0].tolist()) == [IGNORE, IGNORE, IGNORE, 9]
    assert batch.input_ids.tolist() == [[2, MASK, 3, 0, 0, 0, 0, 0]]


def test_fast_rows_have_distinct_places_and_true_targets():
    ids = rows(30)
    batch = mask_rows(ids, corruption(), torch.Generator())
    assert all(len(set(p)) == len(p) for p in batch.positions.tolist())
    assert (ids.gather(1, batch.positions) == batch.targets).all()


def test_frozen_masks_are_frozen_and_all_mask():
    kw = {"mask_id": MASK, "vocab_size": VOCAB, "special_ids": SPECIAL}
    a, b, c = (frozen_masks(rows(20), 9, seed=s, **kw) for s in (1, 1, 2))
    assert torch.equal(a.input_ids, b.input_ids) and torch.equal(a.positions, b.positions)
    assert not torch.equal(a.positions, c.positions)
    assert (a.input_ids.gather(1, a.positions) == MASK).all() and a.count() == 180


def test_pack_loses_and_invents_nothing():
    texts = [[5, 6, 7], [], [8, 9, 10, 11, 12], [13]]
    packed = pack(texts, 5, cls_id=2, sep_id=3)
    ribbon = [5, 6, 7, 3, 8, 9, 10, 11, 12, 3, 13, 3]
    assert packed[:, 1:-1].flatten().tolist() == ribbon
    assert (packed[:, 0] == 2).all() and (packed[:, -1] == 3).all()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: corruption(rate=0.0), ValueError, "rate"),
        (lambda: corruption(mask_share=0.9, random_share=0.2), ValueError, "at most 1"),
        (lambda: Corruption(9, VOCAB, SPECIAL), ValueError, "special_ids"),
        (lambda: Corruption(4, 5, SPECIAL), ValueError, "nothing but special"),
        (lambda: pack([[5]], 2, 2, 3), ValueError, "at least 3"),
        (lambda: pack([], 8, 2, 3), ValueError, "do not fill"),
        (lambda: mask_tokens(rows().float(), corruption(), None), TypeError, "int64"),
        (lambda: mask_tokens(rows()[0], corruption(), None), ValueError, "shape"),
        (lambda: mask_tokens(rows() + 40, corruption(), None), ValueError, "0 … 49"),
        (lambda: frozen_masks(rows(), 65, mask_id=4, vocab_size=50, special_ids=SPECIAL),
         ValueError, "per_row"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_a_sentence(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
