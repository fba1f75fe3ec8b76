"""The bridge to the `tokenizers` library."""

import subprocess
import sys

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from course_utils.text.tokenization import SPECIAL_TOKENS, join_pair, pad_batch, train_tokenizer

TEXTS = [
    "The acting is good, the story is not.",
    "A good story, badly told; the naïve café scene is the best.",
    "Nothing happens, twice. Nobody minds, not even 10% of us.",
] * 5
KINDS = ["wordpiece", "bpe"]


@pytest.fixture(params=KINDS)
def tokenizer(request):
    return train_tokenizer(TEXTS, vocab_size=300, kind=request.param)


def test_special_tokens_come_first(tokenizer):
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    assert tokenizer.convert_ids_to_tokens(range(5)) == list(SPECIAL_TOKENS)
    names = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{name}_token_id") for name in names] == [0, 1, 2, 3, 4]


def test_vocabulary_is_full_and_dense(tokenizer):
    assert len(tokenizer) <= 300  # words run out before merges do on so little text
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))


def test_pairs_padding_and_types(tokenizer):
    batch = tokenizer(
        ["good", "a good story"], ["not good", "story"], padding=True, return_token_type_ids=True
    )
    lengths = [sum(row) for row in batch["attention_mask"]]
    assert len({len(row) for row in batch["input_ids"]}) == 1
    for ids, types, length in zip(
        batch["input_ids"], batch["token_type_ids"], lengths, strict=True
    ):
        assert ids[0] == 2 and ids[length - 1] == 3 and set(ids[length:]) <= {0}
        middle = ids.index(3)
        assert types[:length] == [0] * (middle + 1) + [1] * (length - middle - 1)
    assert tokenizer.model_max_length == 512 and tokenizer.padding_side == "right"


@pytest.mark.parametrize("config", [None, "bert", "modernbert"])
def test_saved_folder_opens_with_auto_tokenizer(tokenizer, tmp_path, config):
    tokenizer.save_pretrained(tmp_path)
    if config:  # a model beside it must not change how the tokenizer is opened
        (tmp_path / "config.json").write_text(f'{{"model_type": "{config}"}}')
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == tokenizer.get_vocab()
    texts = [*TEXTS[:3], "Ünseen wörds, 中文 and 🎬!", "a [MASK] story"]
    expected, got = (t(texts, texts, padding=True) for t in (tokenizer, again))
    assert got["input_ids"] == expected["input_ids"]
    assert got["attention_mask"] == expected["attention_mask"]
    # ModernBERT has no token types, so beside its configuration none may be passed to it.
    wants_types = "token_type_ids" in expected and config != "modernbert"
    assert ("token_type_ids" in got) == wants_types
    assert again.decode(again("good story")["input_ids"], skip_special_tokens=True) == "good story"
    assert again.model_max_length == 512


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_vocabulary(kind):
    """In other processes too: the library's hash maps are seeded anew in each."""
    code = (
        "from course_utils.text.tokenization import train_tokenizer; import json\n"
        "texts = ['abc bca cab acb bac cba', 'xyz zyx yzx', 'ab ba xy yx zz']\n"
        f"t = train_tokenizer(texts, vocab_size=285, kind={kind!r})\n"
        "print(json.dumps(sorted(t.get_vocab().items())))"
    )
    runs = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}
    first = train_tokenizer(TEXTS, 300, kind).get_vocab()
    assert len(runs) == 1
    assert all(train_tokenizer(TEXTS, 300, kind).get_vocab() == first for _ in range(5))


def test_wordpiece_covers_printable_ascii():
    tokenizer = train_tokenizer(["just this"], vocab_size=200)
    printable = "".join(map(chr, range(33, 127)))
    assert "[UNK]" not in tokenizer.tokenize(printable)
    assert "[UNK]" in tokenizer.tokenize("中")


def test_alphabet_never_takes_more_than_a_quarter_beyond_ascii():
    many = ["".join(map(chr, range(0x4E00, 0x4E00 + 2000)))]
    tokenizer = train_tokenizer([*many, "abcab abcab"], vocab_size=600)
    assert sum(token > "一" for token in tokenizer.get_vocab()) <= 150


@pytest.mark.parametrize(
    ("texts", "vocab_size", "kind", "error", "says"),
    [
        ("one string", 300, "wordpiece", TypeError, "list of strings"),
        (["a", 3], 300, "wordpiece", TypeError, r"texts\[1\]"),
        ([], 300, "wordpiece", ValueError, "no text"),
        (["", "  "], 300, "bpe", ValueError, "no text"),
        (TEXTS, 20, "wordpiece", ValueError, "larger vocabulary"),
        (TEXTS, 200, "bpe", ValueError, "larger vocabulary"),
        (TEXTS, "300", "bpe", TypeError, "int"),
        (TEXTS, 300, "unigram", ValueError, "unigram"),
    ],
)
def test_bad_input_is_named(texts, vocab_size, kind, error, says):
    with pytest.raises(error, match=says):
        train_tokenizer(texts, vocab_size, kind)


def test_pairs_and_padding_by_hand_equal_the_library(tokenizer):
    firsts, seconds = ["good", "a good story"], ["not good at all", "story"]
    plain = [tokenizer(texts, add_special_tokens=False)["input_ids"] for texts in (firsts, seconds)]
    joined = [join_pair(a, b, cls_id=2, sep_id=3) for a, b in zip(*plain, strict=True)]
    ids, mask = pad_batch([row for row, _ in joined], pad_id=0)
    types, _ = pad_batch([row for _, row in joined], pad_id=0)
    expected = tokenizer(firsts, seconds, padding=True, return_token_type_ids=True)
    assert ids == expected["input_ids"]
    assert mask == expected["attention_mask"]
    assert types == expected["token_type_ids"]
    single = join_pair(plain[0][0], None, cls_id=2, sep_id=3)[0]
    assert single == tokenizer(firsts[0])["input_ids"]


def test_padding_looks_at_length_not_at_ids():
    rows = [[2, 0, 3], [2]]
    assert pad_batch(rows, pad_id=0) == ([[2, 0, 3], [2, 0, 0]], [[1, 1, 1], [1, 0, 0]])
    assert rows == [[2, 0, 3], [2]]
    assert pad_batch([], pad_id=0) == ([], [])
    with pytest.raises(TypeError, match=r"\[row\]"):
        pad_batch([2, 3], pad_id=0)
