"""Byte-level BPE against the `tokenizers` library, and its properties."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from course_utils.text import corpora
from course_utils.text.bpe import CHUNKS, BytePairEncoding
from course_utils.text.subwords import learn_merges, merge_pair, split_special

SPECIAL = ["<pad>", "<end>"]


@pytest.fixture(scope="module")
def megabyte():
    """Film reviews, about one megabyte of them."""
    texts, size = [], 0
    for text in corpora.load("film_reviews")["train"]["text"]:
        texts.append(text)
        size += len(text.encode("utf-8"))
        if size >= 1_000_000:
            return texts


def library_bpe(texts, vocab_size, special=()):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    return tokenizer, merges


@pytest.fixture(scope="module")
def pair_of_tokenizers(megabyte):
    start = time.process_time()
    ours = BytePairEncoding.train(megabyte, vocab_size=2 + 256 + 1_000, special_tokens=SPECIAL)
    seconds = time.process_time() - start
    return ours, library_bpe(megabyte, len(ours), SPECIAL), seconds


def test_a_thousand_merges_equal_the_library(pair_of_tokenizers):
    ours, (library, merges), _ = pair_of_tokenizers
    assert len(merges) == 1_000
    assert ours.merges == merges
    assert ours.vocab == library.get_vocab()


def test_a_thousand_merges_of_a_megabyte_take_under_three_seconds(pair_of_tokenizers):
    """Processor seconds, so that a busy machine does not count; twice that is still a pass
    on a slow one."""
    assert pair_of_tokenizers[2] < 6


NASTY = [
    "",
    " ",
    "  two  spaces\n\n and\tlines \r\n",
    "I'll say we've seen 1234.5 films!!! ...",
    "naïve café e\u0301 中文電影 🎬👩‍👩‍👧 \u200d\u00a0\u3000\x00\x7f\ufffd\U0010ffff\u0378",
    "<pad>text<end><end> <pa",
    "ſ 's 'S ½ ² Ⅷ _a_ हिन्दी",
]


def test_encoding_equals_the_library(pair_of_tokenizers, megabyte):
    ours, (library, _), _ = pair_of_tokenizers
    for text in [*megabyte[:300], *NASTY]:
        expected, got = library.encode(text), ours.encode(text)
        assert (got.ids, got.tokens, got.offsets) == (
            expected.ids,
            expected.tokens,
            expected.offsets,
        )


def test_many_merges_on_repetitive_text_equal_the_library():
    """Runs of one letter are where overlapping pairs and equal counts meet."""
    texts = ["aaaaaaa aaaa aaa aabaab abab ababa bbbb", "-- ---- ------ ===== =="] * 3
    ours = BytePairEncoding.train(texts, vocab_size=320)
    assert ours.merges == library_bpe(texts, 320)[1]


@pytest.fixture(scope="module")
def small():
    return BytePairEncoding.train(["naïve 中文 🎬 the theatre there"] * 2, 290, SPECIAL)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_come_back(small, data):
    assert small.decode_bytes(small.encode_bytes(data)) == data


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_comes_back_and_offsets_cover_it(small, text):
    encoding = small.encode(text)
    assert small.decode(encoding.ids) == text
    reached = 0
    for start, end in encoding.offsets:
        assert start <= reached <= end <= len(text)  # no gaps; a split character repeats
        reached = end
    assert reached == len(text)


def test_special_tokens_are_never_split_nor_learned(small):
    encoding = small.encode("the<end> <pad>")
    assert [i for i in encoding.ids if i < 2] == [1, 0]
    assert small.decode(encoding.ids) == "the<end> <pad>"
    with_special = BytePairEncoding.train(["<end>" * 50 + "abab"], 260, ["<end>"])
    assert all("<" not in token for token in with_special.tokens[1 + 256 :])


def test_half_a_character_decodes_to_a_replacement(small):
    ids = small.encode("é").ids
    assert small.decode(ids[:1]) == ("\ufffd" if len(ids) > 1 else "é")


def test_chunks_never_lose_text():
    for text in NASTY:
        assert "".join(CHUNKS.findall(text)) == text


def naive_merges(words, counts, tokens, vocab_size):
    """Recount everything after every merge: slow, and obviously right."""
    words, tokens, merges = [list(w) for w in words], list(tokens), []
    while len(tokens) < vocab_size:
        totals = {}
        for word, count in zip(words, counts, strict=True):
            for pair in zip(word, word[1:], strict=False):
                totals[pair] = totals.get(pair, 0) + count
        if not totals:
            break
        best = min(totals, key=lambda pair: (-totals[pair], pair))
        token = tokens[best[0]] + tokens[best[1]]
        if token not in tokens:
            tokens.append(token)
        words = [merge_pair(word, best, tokens.index(token)) for word in words]
        merges.append(best)
    return merges, tokens


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=9), min_size=1, max_size=8),
    data=st.data(),
)
def test_keeping_the_counts_up_to_date_changes_nothing(words, data):
    counts = [data.draw(st.integers(1, 4)) for _ in words]
    tokens = ["a", "b", "c"]
    expected = naive_merges(words, counts, tokens, 12)
    assert (learn_merges(words, counts, tokens, 12), tokens) == expected


def test_the_longest_special_token_wins():
    pieces = list(split_special("x<a><a>b", ["<a>", "<a><a>"]))
    assert pieces == [(0, "x", False), (1, "<a><a>", True), (7, "b", False)]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: BytePairEncoding.train("one string", 300), TypeError, "list of strings"),
        (lambda: BytePairEncoding.train(["a", 3], 300), TypeError, r"texts\[1\]"),
        (lambda: BytePairEncoding.train([], 300), ValueError, "no text"),
        (lambda: BytePairEncoding.train(["  "], 300), ValueError, "no text"),
        (lambda: BytePairEncoding.train(["a"], 255), ValueError, "larger vocabulary"),
        (lambda: BytePairEncoding.train(["a"], True), TypeError, "int"),
        (lambda: BytePairEncoding([("ab", "c")]), ValueError, "not made before"),
        (lambda: BytePairEncoding([]).encode(None), TypeError, "must be a str"),
        (lambda: BytePairEncoding([]).encode("half \ud83c"), ValueError, "surrogate"),
        (lambda: BytePairEncoding([]).encode_bytes("text"), TypeError, "must be bytes"),
        (lambda: BytePairEncoding([]).decode([256]), ValueError, "ids go from 0 to 255"),
        (lambda: BytePairEncoding([]).decode([-1]), ValueError, "no token with id -1"),
        (lambda: BytePairEncoding([]).decode([1.0]), TypeError, "whole numbers"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
