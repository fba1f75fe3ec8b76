"""BLEU against sacrebleu; the dictionary against a small world that is known."""

import random

import pytest
import sacrebleu

from course_utils.evaluation.translation import Dictionary, bleu, nearest


@pytest.mark.parametrize("seed", range(5))
def test_bleu_is_sacrebleus(seed):
    dice = random.Random(seed)
    references = [[dice.choice("abcdef") for _ in range(dice.randint(6, 15))] for _ in range(40)]
    hypotheses = [
        [c if dice.random() < 0.8 else "z" for c in text][: dice.randint(5, 15)]
        for text in references
    ]
    if seed == 0:
        hypotheses = [text + ["a", "b"] for text in hypotheses]  # longer than the references
    joined = [" ".join(text) for text in hypotheses], [[" ".join(text) for text in references]]
    expected = sacrebleu.corpus_bleu(*joined, tokenize="none", smooth_method="none").score
    assert bleu(hypotheses, references) == pytest.approx(expected, abs=1e-9)


def test_the_dictionary_finds_a_cipher():
    dice = random.Random(0)
    sources = [[dice.randrange(30) for _ in range(dice.randint(2, 6))] for _ in range(300)]
    pairs = [(text, [100 + word for word in reversed(text)]) for text in sources]
    learned = Dictionary(pairs, rounds=8)
    assert learned.translate(list(range(30))) == list(range(100, 130))
    assert learned.translate([99]) == [] and learned.translate([1], least=1.1) == []
    assert learned.align([4, 5, 6], [106, 105, 104]) == [2, 1, 0]


def test_a_translation_may_be_empty_but_not_all():
    pairs = [([1, 2], [7, 8]), ([1, 3], [7, 9]), ([2, 3], [8, 9]), ([4], [])]
    found = Dictionary(pairs, rounds=20).translate([3, 2, 1])
    assert found == [9, 8, 7]
    assert all(isinstance(piece, int) for piece in found)
    with pytest.raises(ValueError, match="with a translation"):
        Dictionary([([1], [])])


def test_the_nearest_sentence():
    known = ["我喜欢茶。", "he likes tea", "the weather is nice"]
    assert nearest(known, ["nice weather", "Tom喜欢茶吗", "he drinks tea"]) == [2, 0, 1]
