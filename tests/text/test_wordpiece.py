"""WordPiece against `BertTokenizerFast` with a real vocabulary, and its trainer."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from course_utils.text import corpora, wordpiece
from course_utils.text.tokenization import SPECIAL_TOKENS, WordPiece


@pytest.fixture(scope="module")
def library():
    return AutoTokenizer.from_pretrained(corpora.minilm_folder(), model_max_length=10**6)


@pytest.fixture(scope="module")
def ours(library):
    vocab = library.get_vocab()
    return WordPiece(sorted(vocab, key=vocab.get))


def differs(ours, library, texts):
    """The texts on which ids or offsets are not those of the library."""
    expected = library(texts, add_special_tokens=False, return_offsets_mapping=True)
    return [
        text
        for text, ids, offsets in zip(
            texts, expected["input_ids"], expected["offset_mapping"], strict=True
        )
        if (encoding := ours.encode(text)).ids != ids
        or encoding.offsets != [tuple(span) for span in offsets]
    ]


def test_equals_the_library_on_ten_thousand_documents(ours, library):
    """All Rotten Tomatoes sentences, and film reviews, the longest of which has 2,000 words."""
    sentences = [text for part in corpora.load("rotten_tomatoes").values() for text in part["text"]]
    reviews = corpora.load("imdb")["train"]["text"][:1_600]
    documents = list(dict.fromkeys(sentences + reviews))
    assert len(documents) >= 10_000
    assert differs(ours, library, documents) == []


NASTY = [
    "",
    " \t\r\n\v\f\u00a0\u2003\u3000 ",
    "film🎬 👩‍👩‍👧‍👦 👍🏽 🇧🇷 ❤️ ☺",
    "zero\u200bwidth\u200djoiner\ufeff and soft\u00adhyphen",
    "cafe\u0301 Z\u0351\u036a\u0358a\u030al\u0323\u0307go e\u0323\u0302 \u0301alone",
    "中文电影很好看。電影、日本語のカタカナ、한국어 텍스트",
    "mixed中a文b1。",
    "\x00\x01\x1b[0m\x7f\x85 bell\x07\ufffd broken",
    "İstanbul ΣΊΣΥΦΟΣ ẞ ﬁ ſ Ǆ ǅ ŉ",
    "हिन्दी ภาษาไทย العَرَبِيَّة עִבְרִית",
    "supercalifragilistic" * 5 + " " + "x" * 101 + " " + "é" * 100 + " " + "é" * 101,
    "don't stop--now... $9.99 #1 C++ a_b @x ^^ `tick` ~ <br /> 50%",
    "«quoted» “curly” ‘single’ – dash — em … ¡hola! ¿qué? § ¶ · • €5 £5 ©",
    "unassigned \u0378 \U0001fbff \U000e0fff private \ue000 \U0010ffff",
    "line\u2028separator\u2029paragraph",
    "[MASK] [CLS]text[SEP] [mask] [PAD][UNK] [MASK",
    "𝔣𝔯𝔞𝔨𝔱𝔲𝔯 ① ² ½ Ⅷ ｆｕｌｌｗｉｄｔｈ",
    "가각힣 ᄀ\u1161\u11a8 각",
    "豈更 \U0002f800 \U00020000 㐀",
]


def test_equals_the_library_on_nasty_unicode(ours, library):
    assert differs(ours, library, NASTY) == []
    assert differs(ours, library, ["a" + text + "b" for text in NASTY]) == []


def test_every_character_of_unicode_is_treated_alike(ours, library):
    """But for those whose class is newer than the library's tables (see `WordPiece`)."""
    normalizer, splitter = library.backend_tokenizer.normalizer, pre_tokenizers.BertPreTokenizer()

    def different(characters):
        text = " ".join(f"a{character}b" for character in characters)
        words = wordpiece.split_words(wordpiece.tidy(text))
        got = ["".join(character for character, _ in word) for word in words]
        expected = splitter.pre_tokenize_str(normalizer.normalize_str(text))
        return got != [word for word, _ in expected]

    characters = [chr(number) for number in range(0x110000)]
    assigned = [c for c in characters if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    found = []
    for start in range(0, len(assigned), 50):
        block = assigned[start : start + 50]
        if different(block):
            found += [character for character in block if different(character)]
    assert len(assigned) > 140_000
    assert len(found) < 700
    assert min(found) > "\u0600"  # nothing in Latin, Greek, Cyrillic, Armenian or Hebrew
    kinds = {unicodedata.category(character)[0] for character in found}
    assert not kinds & {"L", "N", "Z"}  # marks, punctuation, invisible signs


COMMON = st.one_of(
    st.characters(max_codepoint=0x5FF, exclude_categories=["Cs"]),
    st.sampled_from("ａ한국어中文日本語カガ🎬👩\u200d👍🏽\ufe0f\u302e\u3099\u0958ﷺ\u20dd"),
)


@settings(max_examples=500, deadline=None)
@given(text=st.text(COMMON, max_size=30))
def test_equals_the_library_on_any_mixture(ours, library, text):
    assert differs(ours, library, [text]) == []


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60))
def test_offsets_point_at_what_was_encoded(ours, text):
    encoding = ours.encode(text)
    assert len(encoding.ids) == len(encoding.tokens) == len(encoding.offsets)
    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        assert 0 <= start < end <= len(text)
        if token not in SPECIAL_TOKENS:
            tidied = "".join(c for c, _ in wordpiece.tidy(text[start:end]))
            assert token.removeprefix("##") in tidied or len(text[start:end]) == 1


def test_decode_reads_well(ours):
    ids = ours.encode("Unbelievably naïve!").ids
    assert ours.decode(ids) == "unbelievably naive !"


def test_trained_vocabulary_equals_the_library():
    """The library numbers "##x" at random, and ties go by number: so we hand it our numbers."""
    texts = corpora.load("rotten_tomatoes")["train"]["text"][:3_000]
    ours = WordPiece.train(texts, vocab_size=2_500)
    single = [t for t in ours.tokens[5:] if len(t.removeprefix("##")) == 1]
    scratch = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    normalizer = AutoTokenizer.from_pretrained(corpora.minilm_folder()).backend_tokenizer.normalizer
    scratch.normalizer = normalizer
    scratch.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=2_500, special_tokens=[*SPECIAL_TOKENS, *single], show_progress=False
    )
    scratch.train_from_iterator(texts, trainer)
    assert len(ours) == 2_500
    assert scratch.get_vocab() == ours.vocab


def test_training_by_hand():
    """l·o 5 times, o·w 5 times: the tie goes to the smaller numbers; then lo·w, then e·r."""
    trained = WordPiece.train(["low low low lower lower"], vocab_size=18)
    assert trained.tokens[5:14] == ["e", "l", "o", "r", "w", "##e", "##o", "##r", "##w"]
    assert trained.tokens[14:] == ["lo", "low", "##er", "lower"]
    assert trained.encode("Lower, lo").tokens == ["lower", "[UNK]", "lo"]


def test_from_vocab_file(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n", encoding="utf-8")
    assert WordPiece.from_vocab_file(path).encode("ab").ids == [5, 6]
    with pytest.raises(FileNotFoundError, match="no vocabulary file"):
        WordPiece.from_vocab_file(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: WordPiece.train("one string", 100), TypeError, "list of strings"),
        (lambda: WordPiece.train(["a", None], 100), TypeError, r"texts\[1\]"),
        (lambda: WordPiece.train(["", "\n"], 100), ValueError, "no text"),
        (lambda: WordPiece.train(["abc"], 8), ValueError, "larger vocabulary"),
        (lambda: WordPiece.train(["abc"], 100.0), TypeError, "int"),
        (lambda: WordPiece(["a", "b"]), ValueError, "missing"),
        (lambda: WordPiece(["[UNK]", "a", "a"], ["[UNK]"]), ValueError, "more than once"),
        (lambda: WordPiece(SPECIAL_TOKENS).encode(b"bytes"), TypeError, "must be a str"),
        (lambda: WordPiece(SPECIAL_TOKENS).encode("half \ud83c"), ValueError, "surrogate"),
        (lambda: WordPiece(SPECIAL_TOKENS).decode([5]), ValueError, "ids go from 0 to 4"),
        (lambda: WordPiece(SPECIAL_TOKENS).decode(["a"]), TypeError, "whole numbers"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
