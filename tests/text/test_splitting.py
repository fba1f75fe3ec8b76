"""Splits are decided by the text alone, in about the shares asked for."""

import hashlib
import random

import pytest

from course_utils.text import splitting


def test_the_shares_come_out_and_no_text_moves_when_others_are_added():
    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(20_000)]
    found = [splitting.split_of(digest, 0.2, 0.1) for digest in digests]
    assert found.count("test") / 20_000 == pytest.approx(0.2, abs=0.01)
    assert found.count("validation") / 20_000 == pytest.approx(0.1, abs=0.01)
    assert splitting.split_of("ff" * 32, 0.0, 0.0) == "train"


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.1), (0.1, -0.1), (1.0, 0.0)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(ValueError, match="must leave something to train on"):
        splitting.split_of("00" * 32, *shares)


def test_the_rows_that_stay_do_not_depend_on_the_order_they_come_in():
    words = {"good": 1, "Good!": 0, "bad": 0, "BAD": 0, "so so": 1, "?": 0, "?!": 1, "": 0}
    rows = [{"text": word, "label": label} for word, label in words.items()]
    results = set()
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        results.add(str(splitting.distinct_rows(rows, lambda row: row["text"])))
    assert len(results) == 1
    kept = [row["text"] for _, row in splitting.distinct_rows(rows, lambda row: row["text"])]
    assert sorted(kept) == ["?", "?!", "BAD", "so so"]  # good is labelled both ways


def test_families_are_the_connected_parts():
    """Against a plain closure of the relation."""
    for seed in range(30):
        chance = random.Random(seed)
        pairs = [(chance.randrange(12), chance.randrange(12)) for _ in range(chance.randrange(10))]
        heads = splitting.joined(12, pairs)
        near = {(a, a) for a in range(12)} | set(pairs) | {(b, a) for a, b in pairs}
        for _ in range(4):
            near |= {(a, d) for a, b in near for c, d in near if b == c}
        assert heads == [min(b for a, b in near if a == item) for item in range(12)]


def test_equal_texts_are_one_family_however_many():
    text = "a passage of more than eight words about which people ask a lot"
    assert splitting.families([text] * 50 + ["another"]) == [0] * 50 + [50]
