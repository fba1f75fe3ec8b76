"""WordPiece, the tokenizer of BERT, written to be read.

Three steps: tidy the text up, cut it into words, cut each word into the longest pieces that the
vocabulary knows. Devlin et al. 2018 (https://arxiv.org/abs/1810.04805); the rules are those of
`tokenization.py` in google-research/bert and of `BertTokenizerFast`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from course_utils.text.subwords import (
    Encoding,
    learn_merges,
    require_text,
    require_texts,
    require_vocab_size,
    split_special,
    token_names,
)

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUES = "##"  # marks a piece that continues a word
MAX_WORD_LENGTH = 100  # longer words are not looked at: they are [UNK]
ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
IDEOGRAPHS = (  # blocks of Chinese characters, including those of Japanese and old Korean
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)

Sign = tuple[str, int]  # a character, and its position in the text as it was given


def is_ideograph(character: str) -> bool:
    """Is it a Chinese character? They are written without spaces, so each becomes a word."""
    return any(first <= ord(character) <= last for first, last in IDEOGRAPHS)


def is_punctuation(character: str) -> bool:
    """Unicode's punctuation, and every ASCII sign such as $ or + that Unicode calls a symbol."""
    return character in ASCII_PUNCTUATION or unicodedata.category(character)[0] == "P"


@lru_cache(maxsize=4096)
def stands_alone(character: str) -> bool:
    """Is it a word of its own wherever it stands: punctuation, or a Chinese character?"""
    return is_punctuation(character) or is_ideograph(character)


@lru_cache(maxsize=4096)
def tidy_character(character: str) -> str:
    """What BERT's clean-up makes of one character: nothing, a space, or its bare lower case.

    Control and invisible characters go, and so does U+FFFD, which stands for broken bytes.
    Code points without a meaning (class Cn) stay: a later Unicode may give them one.

    >>> [tidy_character(character) for character in "É\\t\\u200b"]
    ['e', ' ', '']
    """
    if character in "\t\n\r":
        return " "
    if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if character.isspace():
        return " "
    parts = unicodedata.normalize("NFD", character)  # é becomes e and a loose accent (Mn)
    return "".join(part.lower() for part in parts if unicodedata.category(part) != "Mn")


def tidy(text: str) -> list[Sign]:
    """BERT's clean-up: no control characters, one kind of space, no accents, lower case.

    >>> "".join(character for character, _ in tidy("Café\\u200b\\tNAÏVE"))
    'cafe naive'
    """
    return [
        (tidied, position)
        for position, character in enumerate(text)
        for tidied in tidy_character(character)
    ]


def split_words(signs: Sequence[Sign]) -> Iterator[list[Sign]]:
    """Cut at white space; a punctuation mark or a Chinese character is a word of its own."""
    word: list[Sign] = []
    for sign in signs:
        character = sign[0]
        alone = stands_alone(character)
        if alone or character == " ":
            if word:
                yield word
            word = []
        if alone:
            yield [sign]
        elif character != " ":
            word.append(sign)
    if word:
        yield word


def longest_match(word: str, vocab: Container[str]) -> list[str] | None:
    """The longest piece that fits, again and again; None if the word cannot be spelled.

    Pieces after the first begin with "##". A word of more than 100 characters is not looked at.

    >>> longest_match("hugs", {"h", "hu", "##g", "##gs"})
    ['hu', '##gs']
    """
    if len(word) > MAX_WORD_LENGTH:
        return None
    pieces: list[str] = []
    start = 0
    while start < len(word):
        prefix = CONTINUES if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in vocab), None)
        if end is None:
            return None
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


class WordPiece:
    """BERT's uncased tokenizer, from a vocabulary: a list of tokens, numbered by position.

    It equals `BertTokenizerFast` id for id and offset for offset. The one exception are some
    500 rare characters that changed their class or were added after Unicode 8 (2015), whose
    tables the library's Rust code uses; Python's are newer.

    >>> wordpiece = WordPiece(["[UNK]", "un", "##want", "##ed", "!"], special_tokens=["[UNK]"])
    >>> encoding = wordpiece.encode("Unwanted!")
    >>> encoding.tokens
    ['un', '##want', '##ed', '!']
    >>> encoding.offsets
    [(0, 2), (2, 6), (6, 8), (8, 9)]
    """

    def __init__(self, tokens: Sequence[str], special_tokens: Sequence[str] = SPECIAL_TOKENS):
        self.tokens = list(tokens)
        self.special_tokens = list(special_tokens)
        self.vocab = {token: number for number, token in enumerate(self.tokens)}
        if len(self.vocab) != len(self.tokens):
            twice = next(token for token, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"The token {twice!r} stands in the vocabulary more than once.")
        for token in {*self.special_tokens, "[UNK]"}:
            if token not in self.vocab:
                raise ValueError(f"The special token {token!r} is missing in the vocabulary.")

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def from_vocab_file(cls, path: str | Path) -> WordPiece:
        """Read a `vocab.txt`: one token a line, as in every BERT that was ever published."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no vocabulary file at {path}.")
        return cls(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
    ) -> WordPiece:
        """Learn a vocabulary: special tokens, then every character of the texts, then merges.

        Merges go by pair counts, ties to the smaller token numbers, as in the `tokenizers`
        library. (Google's own trainer was never published. Schuster and Nakajima 2012 take the
        pair that raises the likelihood most: its count divided by the counts of its parts.)

        Raises `TypeError` for anything but a list of strings, `ValueError` when there is no
        text or no room for the special tokens and the characters.
        """
        counts = Counter(
            "".join(character for character, _ in word)
            for text in require_texts(texts)
            for _, piece, special in split_special(text, special_tokens)
            if not special
            for word in split_words(tidy(piece))
        )
        first = sorted({character for word in counts for character in word})
        inside = sorted({CONTINUES + character for word in counts for character in word[1:]})
        tokens = [*special_tokens, *first, *inside]
        require_vocab_size(vocab_size, len(tokens))
        number = {token: index for index, token in enumerate(tokens)}
        words = [
            [number[word[0]], *(number[CONTINUES + character] for character in word[1:])]
            for word in counts
        ]
        learn_merges(words, list(counts.values()), tokens, vocab_size, prefix=CONTINUES)
        return cls(tokens, special_tokens)

    def encode(self, text: str) -> Encoding:
        """Cut `text` into tokens. Special tokens that stand in the text are recognised.

        No `[CLS]` or `[SEP]` is added. Offsets are positions in `text` as given, before
        accents or control characters went. Raises `TypeError` for anything but a str.
        """
        encoding = Encoding([], [], [])
        for start, piece, special in split_special(require_text(text), self.special_tokens):
            if special:
                self._append(encoding, piece, start, start + len(piece))
                continue
            for word in split_words(tidy(piece)):
                pieces = longest_match("".join(character for character, _ in word), self.vocab)
                if pieces is None:
                    self._append(encoding, "[UNK]", start + word[0][1], start + word[-1][1] + 1)
                    continue
                at = 0
                for token in pieces:
                    end = at + len(token.removeprefix(CONTINUES) if at else token)
                    span = word[at][1], word[end - 1][1] + 1
                    self._append(encoding, token, start + span[0], start + span[1])
                    at = end
        return encoding

    def decode(self, ids: Iterable[int]) -> str:
        """Tokens with spaces between words: readable, but spacing and case are gone for good.

        Raises `ValueError` for an id that is not in the vocabulary.
        """
        return " ".join(token_names(ids, self.tokens)).replace(" " + CONTINUES, "")

    def _append(self, encoding: Encoding, token: str, start: int, end: int) -> None:
        encoding.ids.append(self.vocab[token])
        encoding.tokens.append(token)
        encoding.offsets.append((start, end))
