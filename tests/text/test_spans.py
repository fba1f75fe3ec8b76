"""Places in a text, against seqeval, `tokenizers` and brute force."""

import random

import pytest
import torch
from seqeval.metrics.sequence_labeling import get_entities

from course_utils.text.masking import IGNORE
from course_utils.text.spans import (
    align_labels,
    best_span,
    bio_entities,
    question_windows,
    token_span,
    windows,
)
from course_utils.text.tokenization import train_tokenizer

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]
PASSAGE = "The director of the second film was never named. Nobody asked, and nobody told."


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([PASSAGE], 120)


@pytest.mark.parametrize("seed", range(50))
def test_entities_are_those_of_seqeval(seed):
    dice = random.Random(seed)
    tags = dice.choices(TAGS, k=dice.randrange(0, 15))
    theirs = [(kind, start, end + 1) for kind, start, end in get_entities(tags)]
    assert [tuple(entity) for entity in bio_entities(tags)] == theirs


@pytest.mark.parametrize("tag", ["X-a", "B", "I-", "b-a", ""])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError, match="A tag is"):
        bio_entities(["O", tag])


def test_each_word_is_labelled_once(tokenizer):
    words = PASSAGE.split()
    found = tokenizer([words], is_split_into_words=True)
    aligned = align_labels(found.word_ids(0), range(len(words)))
    assert [label for label in aligned if label != IGNORE] == list(range(len(words)))
    first = {}
    for token, word in enumerate(found.word_ids(0)):
        if word is not None:
            first.setdefault(word, token)
    assert [aligned[token] for token in first.values()] == list(first)


def test_a_word_without_a_label_is_refused():
    with pytest.raises(ValueError, match="word 1, but there are 1"):
        align_labels([None, 0, 1, None], [2])


def test_every_span_of_words_is_found_again(tokenizer):
    """The letters that the found tokens cover are the ones asked for."""
    offsets = tokenizer(PASSAGE, return_offsets_mapping=True)["offset_mapping"]
    edges = [i for i in range(len(PASSAGE)) if i == 0 or PASSAGE[i - 1] == " "]
    for start in edges:
        for end in edges:
            if end > start + 1:
                first, last = token_span(offsets, start, end - 1)
                assert (offsets[first][0], offsets[last][1]) == (start, end - 1)
                assert 1 <= first <= last < len(offsets) - 1


def test_a_span_that_the_tokens_do_not_reach_is_none():
    offsets = [(0, 0), (10, 14), (15, 20), (0, 0)]
    assert token_span(offsets, 8, 14) is None
    assert token_span(offsets, 15, 21) is None
    assert token_span(offsets, 0, 5) is None
    assert token_span(offsets, 10, 20) == (1, 2)
    assert token_span(offsets, 11, 13) == (1, 1)  # part of a token: the token holds it


@pytest.mark.parametrize(("size", "overlap"), [(4, 0), (5, 2), (9, 6), (30, 3)])
def test_windows_are_those_of_tokenizers(tokenizer, size, overlap):
    for count in (1, 4, 5, 9, 16):
        text = " ".join(PASSAGE.split()[:count])
        whole = tokenizer(text, add_special_tokens=False)["input_ids"]
        theirs = tokenizer(
            text, add_special_tokens=False, truncation=True, max_length=size, stride=overlap,
            return_overflowing_tokens=True,
        )["input_ids"]  # fmt: skip
        ours = [whole[low:high] for low, high in windows(len(whole), size, overlap)]
        assert ours == theirs


@pytest.mark.parametrize("wrong", [(0, 4, 1), (5, 4, 4), (5, 0, 0), (5, 4, -1)])
def test_windows_that_would_not_get_on_are_refused(wrong):
    with pytest.raises(ValueError, match="overlap < size"):
        windows(*wrong)


@pytest.mark.parametrize("seed", range(20))
def test_no_allowed_span_is_better(seed):
    torch.manual_seed(seed)
    length, longest = 3 + seed % 7, 1 + seed % 4
    start, end = torch.randn(length), torch.randn(length)
    start[seed % 3] = end[seed % 3] = -torch.inf
    every = [
        (float(start[i] + end[j]), i, j)
        for i in range(length)
        for j in range(i, min(i + longest, length))
    ]
    score, first, last = max(every)
    assert best_span(start, end, longest) == (first, last, pytest.approx(score))


def test_scores_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="scores"):
        best_span(torch.zeros(3), torch.zeros(4), 2)
    with pytest.raises(ValueError, match="max_length"):
        best_span(torch.zeros(3), torch.zeros(3), 0)


def test_rows_are_laid_out_as_the_tokenizer_does(tokenizer):
    question = "was it?"
    theirs = tokenizer(
        question, PASSAGE, truncation="only_second", max_length=40, stride=5,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    ours = question_windows(tokenizer, [question], [PASSAGE], 40, 5)
    assert [window.input_ids for window in ours] == theirs["input_ids"]
    for i, window in enumerate(ours):
        passage = [place == 1 for place in theirs.sequence_ids(i)]
        expected = [
            pair if inside else (0, 0)
            for pair, inside in zip(theirs["offset_mapping"][i], passage, strict=True)
        ]
        assert window.offsets == expected and window.row == 0


def test_questions_and_passages_must_be_as_many(tokenizer):
    with pytest.raises(ValueError, match="1 questions but 0"):
        question_windows(tokenizer, ["who?"], [], 24, 5)
