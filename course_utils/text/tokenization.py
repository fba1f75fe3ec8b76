"""From text to token ids: the door to this folder's tokenizers.

`BytePairEncoding` and `WordPiece` are written from scratch, to be read. `train_tokenizer` trains
with the fast `tokenizers` library and returns an object of `transformers`; everything after
lesson 03 uses that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertTokenizerFast, PreTrainedTokenizerFast

from course_utils.text.bpe import BytePairEncoding
from course_utils.text.subwords import Encoding, require_texts, require_vocab_size
from course_utils.text.wordpiece import SPECIAL_TOKENS, WordPiece

__all__ = [
    "SPECIAL_TOKENS",
    "BytePairEncoding",
    "Encoding",
    "WordPiece",
    "join_pair",
    "pad_batch",
    "train_tokenizer",
]

PRINTABLE_ASCII = [chr(code) for code in range(33, 127)]
MAX_LENGTH = 512


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, kind: str = "wordpiece"
) -> PreTrainedTokenizerFast:
    """Train a tokenizer with the `tokenizers` library and wrap it for `transformers`.

    `kind="wordpiece"` gives BERT's own: lower case, accents stripped, `[CLS] A [SEP] B [SEP]`
    with token types 0 and 1, padding on the right. `kind="bpe"` gives byte-level BPE with the
    same special tokens (token types only when asked for). `[PAD] [UNK] [CLS] [SEP] [MASK]`
    always have the ids 0 to 4. Saved with `save_pretrained`, either opens with
    `AutoTokenizer.from_pretrained`.

    The same texts always give the same vocabulary. Characters get into the alphabet by their
    count, printable ASCII always; at most a quarter of the vocabulary is spent on them, and as
    much on their ## forms.

    Raises `TypeError` when `texts` is a single string or holds anything but strings, or when
    `vocab_size` is not an int; `ValueError` when there is no text, when `vocab_size` is too
    small, or when `kind` is unknown.

    >>> tokenizer = train_tokenizer(["The film was good.", "The film was bad."], vocab_size=160)
    >>> tokenizer.tokenize("The film!")
    ['the', 'film', '!']
    >>> tokenizer("good", "bad")["token_type_ids"]
    [0, 0, 0, 1, 1]
    """
    texts = require_texts(texts)
    require_vocab_size(vocab_size, len(SPECIAL_TOKENS))
    if kind == "wordpiece":
        return _train_wordpiece(texts, vocab_size)
    if kind == "bpe":
        return _train_bpe(texts, vocab_size)
    raise ValueError(f"kind is {kind!r}, but only 'wordpiece' and 'bpe' are known.")


def _train_wordpiece(texts: list[str], vocab_size: int) -> BertTokenizerFast:
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    texts = [normalizer.normalize_str(text) for text in texts]
    alphabet = _alphabet(texts, limit=vocab_size // 4)
    # The trainer numbers "##x" in the order in which a randomly seeded hash map meets it, and
    # ties between pairs are settled by number. Numbering them ourselves, as if they were
    # special tokens, makes the training repeatable.
    inside = ["##" + c for c in alphabet if len(splitter.pre_tokenize_str("a" + c)) == 1]
    reserved = [*SPECIAL_TOKENS, *inside]
    require_vocab_size(vocab_size, len(reserved) + len(alphabet))

    scratch = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    scratch.pre_tokenizer = splitter
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=reserved,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    scratch.train_from_iterator(texts, trainer)
    learned = sorted(scratch.get_vocab().items(), key=lambda item: item[1])
    merged = [token for token, number in learned if number >= len(reserved) + len(alphabet)]
    tokens = [*SPECIAL_TOKENS, *alphabet, *inside, *merged]
    return BertTokenizerFast(
        vocab={token: number for number, token in enumerate(tokens)},
        do_lower_case=True,
        model_max_length=MAX_LENGTH,
        padding_side="right",
    )


def _train_bpe(texts: list[str], vocab_size: int) -> PreTrainedTokenizerFast:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    require_vocab_size(vocab_size, len(SPECIAL_TOKENS) + len(alphabet))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MAX_LENGTH,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def _alphabet(texts: list[str], limit: int) -> list[str]:
    """The characters of the vocabulary, in code point order: printable ASCII, then by count."""
    counts = Counter()
    for text in texts:
        counts.update(text)
    always = [c for c in PRINTABLE_ASCII if not c.isupper()]
    others = sorted((-count, c) for c, count in counts.items() if c not in always)
    room = max(limit - len(always), 0)
    return sorted(always + [c for _, c in others if not c.isspace()][:room])


def join_pair(
    first: Sequence[int], second: Sequence[int] | None, cls_id: int, sep_id: int
) -> tuple[list[int], list[int]]:
    """Lay one or two texts out as BERT reads them: `[CLS] first [SEP] second [SEP]`.

    Returns `(input_ids, token_type_ids)`: type 0 up to and including the first `[SEP]`, type 1
    after it. With `second=None` there is one text and one `[SEP]`.

    >>> join_pair([7, 8], [9], cls_id=2, sep_id=3)
    ([2, 7, 8, 3, 9, 3], [0, 0, 0, 0, 1, 1])
    >>> join_pair([7, 8], None, cls_id=2, sep_id=3)
    ([2, 7, 8, 3], [0, 0, 0, 0])
    """
    left = [cls_id, *first, sep_id]
    right = [] if second is None else [*second, sep_id]
    return left + right, [0] * len(left) + [1] * len(right)


def pad_batch(
    rows: Sequence[Sequence[int]], pad_id: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Make rows equally long by padding on the right, as a rectangular tensor needs it.

    Returns `(input_ids, attention_mask)`, both as lists of B rows of the longest length L; the
    mask is 1 for a token and 0 for padding, also where a real token happens to equal `pad_id`.

    >>> pad_batch([[2, 7, 3], [2, 3]], pad_id=0)
    ([[2, 7, 3], [2, 3, 0]], [[1, 1, 1], [1, 1, 0]])
    """
    if any(isinstance(row, int) for row in rows):
        raise TypeError("rows must be a list of rows of ids; for a single row, pass [row].")
    length = max(map(len, rows), default=0)
    input_ids = [[*row, *[pad_id] * (length - len(row))] for row in rows]
    attention_mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
    return input_ids, attention_mask
