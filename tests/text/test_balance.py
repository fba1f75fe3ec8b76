"""Swapped text: by examples, by going there and back, and by counting."""

import re

import pytest

from course_utils.text import balance, corpora
from course_utils.text.balance import rebalanced, swap_gendered, telling_sentences


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("He was an actor.", "She was an actress."),
        ("I saw her.", "I saw him."),
        ("her hat, and her", "his hat, and him"),
        ("I gave it to her because her son asked", "I gave it to him because his daughter asked"),
        ("HER HAT", "HIS HAT"),
        ("HE himself", "SHE herself"),
        ("The theme, the sheriff: nothing here.", "The theme, the sheriff: nothing here."),
        ("Mr. and Mrs. Smith", "Mrs. and Mr. Smith"),
        ("", ""),
    ],
)
def test_examples(text, swapped):
    assert swap_gendered(text) == swapped


def test_each_word_has_one_other_and_it_leads_back():
    assert all(balance.SWAP[balance.SWAP[word]] == word for word in balance.SWAP if word not in
               ("her", "his", "him"))  # fmt: skip


def test_there_and_back_is_the_text_itself_but_for_a_few_words():
    texts = corpora.load("film_reviews")["validation"]["text"][:100]
    words = wrong = 0
    for text in texts:
        back = swap_gendered(swap_gendered(text))
        assert len(back.split()) == len(text.split())
        words += len(text.split())
        wrong += sum(a != b for a, b in zip(text.split(), back.split(), strict=True))
    assert 0 < wrong < 0.001 * words


def test_a_share_is_a_share_and_a_larger_one_holds_the_smaller():
    texts = ["he"] * 40
    swaps = [
        {i for i, t in enumerate(rebalanced(texts, s, seed=1)) if t == "she"} for s in (0.25, 0.5)
    ]
    assert [len(s) for s in swaps] == [10, 20] and swaps[0] < swaps[1]
    assert rebalanced(texts, 0.0) == texts and rebalanced(texts, 1.0) == ["she"] * 40
    assert rebalanced(texts, 0.5, seed=2) != rebalanced(texts, 0.5, seed=1)


def test_telling_sentences_are_whole_and_hold_their_pronouns():
    texts = corpora.load("film_reviews")["validation"]["text"][:60]
    found = telling_sentences(texts, least=3)
    whole = " ".join(texts)
    pronoun = re.compile(r"\b(?:he|she|his|her|him)\b", re.IGNORECASE)
    assert found and all(part in whole and len(pronoun.findall(part)) >= 3 for part in found)
    assert len(telling_sentences(texts, least=1)) > 3 * len(found)
