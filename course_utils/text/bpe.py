"""Byte-level byte-pair encoding, as in GPT-2, written to be read.

Text becomes UTF-8 bytes, so there are only 256 symbols to start from and nothing can ever be
unknown. Radford et al. 2019, section 2.2; the merges are those of Sennrich et al. 2016.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import regex  # like `re`, and knows Unicode classes such as \p{L} (letters) and \p{N} (numbers)

from course_utils.text.subwords import (
    Encoding,
    learn_merges,
    merge_pair,
    require_text,
    require_texts,
    require_vocab_size,
    split_special,
    token_names,
)

# GPT-2's rule for cutting text into chunks: a merge never crosses the border of a chunk. A
# chunk is an English contraction, or letters, or digits, or other signs, each with at most one
# space in front, or white space.
CHUNKS = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)


def byte_names() -> dict[int, str]:
    """GPT-2's printable name for each byte: itself where it can be seen, else from U+0100 on.

    >>> names = byte_names()
    >>> names[ord("A")], names[ord(" ")], names[0xE9]
    ('A', 'Ġ', 'é')
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    names = {byte: chr(byte) for byte in visible}
    return names | {byte: chr(0x100 + index) for index, byte in enumerate(hidden)}


NAME_OF_BYTE = byte_names()
BYTE_OF_NAME = {name: byte for byte, name in NAME_OF_BYTE.items()}


class BytePairEncoding:
    """A tokenizer: special tokens first, then the 256 bytes, then one token for each merge.

    Attributes: `tokens` (names by number), `vocab` (numbers by name), `merges` (pairs of names,
    in the order in which they were learned).

    >>> bpe = BytePairEncoding.train(["low lower lowest"] * 3, vocab_size=259)
    >>> bpe.merges
    [('l', 'o'), ('lo', 'w'), ('Ġ', 'low')]
    >>> bpe.encode("a slow lower").tokens
    ['a', 'Ġ', 's', 'low', 'Ġlow', 'e', 'r']
    >>> bpe.decode(bpe.encode("naïve 🎬").ids)
    'naïve 🎬'
    """

    def __init__(self, merges: Sequence[tuple[str, str]], special_tokens: Sequence[str] = ()):
        self.special_tokens = list(special_tokens)
        self.merges = list(merges)
        made = set(BYTE_OF_NAME)
        for left, right in self.merges:
            if left not in made or right not in made:
                raise ValueError(f"Merge {left!r} + {right!r} uses a token not made before it.")
            made.add(left + right)
        joined = dict.fromkeys(left + right for left, right in self.merges)
        self.tokens = [*self.special_tokens, *sorted(BYTE_OF_NAME), *joined]
        self.vocab = {token: number for number, token in enumerate(self.tokens)}
        self._ranks = {
            (self.vocab[left], self.vocab[right]): (rank, self.vocab[left + right])
            for rank, (left, right) in enumerate(self.merges)
        }
        self._cache: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str] = ()
    ) -> BytePairEncoding:
        """Learn merges until the vocabulary has `vocab_size` tokens or no pair is left.

        Ties between pairs go to the smaller token numbers (see `learn_merges`), so the result
        depends on the texts alone and equals that of the `tokenizers` library.

        Raises `TypeError` for anything but a list of strings, `ValueError` when there is no
        text or no room for the bytes and the special tokens.
        """
        texts = require_texts(texts)
        tokens = [*special_tokens, *sorted(BYTE_OF_NAME)]
        require_vocab_size(vocab_size, len(tokens))
        number_of = {BYTE_OF_NAME[name]: tokens.index(name) for name in BYTE_OF_NAME}
        chunks = Counter(
            chunk
            for text in texts
            for _, piece, special in split_special(text, special_tokens)
            if not special
            for chunk in CHUNKS.findall(piece)
        )
        words = [[number_of[byte] for byte in chunk.encode("utf-8")] for chunk in chunks]
        merges = learn_merges(words, list(chunks.values()), tokens, vocab_size)
        return cls([(tokens[left], tokens[right]) for left, right in merges], special_tokens)

    def encode(self, text: str) -> Encoding:
        """Cut `text` into tokens. Special tokens that stand in the text are recognised.

        A token that is part of a character (some of its bytes) has the offsets of the whole
        character. Raises `TypeError` for anything but a str.
        """
        return self._encode(require_text(text))

    def encode_bytes(self, data: bytes) -> list[int]:
        """Ids of any bytes, valid UTF-8 or not; `decode_bytes` gives exactly these bytes back."""
        if not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, but it is of type {type(data).__name__}.")
        return self._encode(data.decode("utf-8", errors="surrogateescape")).ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 (half a character) become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`. Raises `ValueError` for an id that is not in the vocabulary."""
        data = bytearray()
        for name in token_names(ids, self.tokens):
            if name in self.special_tokens:
                data += name.encode("utf-8")
            else:
                data += bytes(BYTE_OF_NAME[character] for character in name)
        return bytes(data)

    def _encode(self, text: str) -> Encoding:
        ids, offsets = [], []
        for start, piece, special in split_special(text, self.special_tokens):
            if special:
                ids.append(self.vocab[piece])
                offsets.append((start, start + len(piece)))
                continue
            for match in CHUNKS.finditer(piece):
                chunk = match.group()
                chunk_ids = self._merge(chunk)
                ids += chunk_ids
                offsets += self._offsets(chunk, chunk_ids, start + match.start())
        return Encoding(ids, [self.tokens[number] for number in ids], offsets)

    def _merge(self, chunk: str) -> list[int]:
        """Apply the merges to one chunk, the earliest learned first."""
        if chunk in self._cache:
            return self._cache[chunk]
        data = chunk.encode("utf-8", errors="surrogateescape")
        symbols = [self.vocab[NAME_OF_BYTE[byte]] for byte in data]
        while True:
            known = [pair for pair in pairwise(symbols) if pair in self._ranks]
            if not known:
                break
            first = min(known, key=self._ranks.__getitem__)
            symbols = merge_pair(symbols, first, self._ranks[first][1])
        if len(self._cache) < 100_000:
            self._cache[chunk] = symbols
        return symbols

    def _offsets(self, chunk: str, ids: list[int], start: int) -> list[tuple[int, int]]:
        """Characters from which each token's bytes come; in a name, one character is one byte."""
        owner = [
            start + position
            for position, character in enumerate(chunk)
            for _ in character.encode("utf-8", errors="surrogateescape")
        ]
        offsets, first = [], 0
        for number in ids:
            end = first + len(self.tokens[number])
            offsets.append((owner[first], owner[end - 1] + 1))
            first = end
        return offsets
