"""Dropped words: as many as asked for, the others in their order."""

import pytest

from course_utils.text.augmentation import drop_words


def test_about_as_many_go_as_asked_for_and_the_order_stays():
    words = [str(number) for number in range(4000)]
    kept = drop_words(" ".join(words), 0.3, seed=5).split()
    assert len(kept) == pytest.approx(2800, abs=120)  # four standard deviations
    assert kept == sorted(kept, key=int) and len(set(kept)) == len(kept)


def test_one_seed_gives_one_text_and_one_word_always_stays():
    assert drop_words("a b c d e f", 0.5, 1) == drop_words("a b c d e f", 0.5, 1)
    assert len({drop_words("a b c d e f", 0.5, seed) for seed in range(20)}) > 5
    assert all(drop_words("alone", 0.9, seed) == "alone" for seed in range(20))
    assert drop_words("nothing  goes", 0) == "nothing goes"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: drop_words(["a"]), TypeError, "str"),
        (lambda: drop_words("a", 1.0), ValueError, "rate"),
        (lambda: drop_words(" "), ValueError, "no word"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()
