"""What byte-pair encoding and WordPiece have in common: merges, and the result of encoding.

Both learn a vocabulary in the same way: start from single symbols and, again and again, glue
together the pair of neighbours that is seen most often (Sennrich et al. 2016,
https://arxiv.org/abs/1508.07909, algorithm 1).
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Pair = tuple[int, int]


@dataclass
class Encoding:
    """A text as tokens: `tokens[i]` has number `ids[i]` and comes from `text[start:end]`,
    where `start, end = offsets[i]` count characters of the text as it was given."""

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


def merge_pair(symbols: Sequence[int], pair: tuple[int, int], new: int) -> list[int]:
    """Replace every `pair` of neighbours by `new`, from left to right.

    >>> merge_pair([1, 2, 3, 1, 2], (1, 2), 9)
    [9, 3, 9]
    >>> merge_pair([7, 7, 7], (7, 7), 9)  # an overlap is used once
    [9, 7]
    """
    merged, i, last = [], 0, len(symbols) - 1
    while i <= last:
        if i < last and symbols[i] == pair[0] and symbols[i + 1] == pair[1]:
            merged.append(new)
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def learn_merges(
    words: Sequence[Sequence[int]],
    counts: Sequence[int],
    tokens: list[str],
    vocab_size: int,
    prefix: str = "",
) -> list[Pair]:
    """Merge the most frequent pair until there are `vocab_size` tokens or no pair is left.

    `words[i]` is a word as token numbers and was seen `counts[i]` times. `tokens` names the
    numbers and grows by one entry a merge. Where a name starts with `prefix` (WordPiece's
    "##"), the prefix is dropped from the right-hand side of a merge.

    **Ties.** Of several pairs with the same count, the one with the smaller token numbers
    wins: first the smaller left number, then the smaller right one. That is the rule of the
    `tokenizers` library, too.

    Recounting everything after each merge would be simple and slow. Only the words that hold
    the merged pair change, so we remember where each pair occurs, and keep the counts up to
    date. The heap may hold outdated counts; they are corrected when they surface.

    >>> names = ["a", "b", "c"]
    >>> learn_merges([[0, 1, 2], [0, 1]], [3, 5], names, vocab_size=5)
    [(0, 1), (3, 2)]
    >>> names
    ['a', 'b', 'c', 'ab', 'abc']
    """
    words = [list(word) for word in words]
    numbers = {token: number for number, token in enumerate(tokens)}
    pair_counts: dict[Pair, int] = Counter()
    where: dict[Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += counts[index]
            where[pair].add(index)
    heap = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(heap)

    merges = []
    while heap and len(tokens) < vocab_size:
        negative_count, pair = heapq.heappop(heap)
        if -negative_count != pair_counts[pair]:  # outdated: put it back where it belongs
            if pair_counts[pair] > 0:
                heapq.heappush(heap, (-pair_counts[pair], pair))
            continue
        token = tokens[pair[0]] + tokens[pair[1]].removeprefix(prefix)
        new = numbers.setdefault(token, len(tokens))
        if new == len(tokens):
            tokens.append(token)
        merges.append(pair)
        appeared = set()
        for index in where.pop(pair):
            count, old = counts[index], words[index]
            words[index] = merge_pair(old, pair, new)
            for gone in pairwise(old):
                pair_counts[gone] -= count
            for found in pairwise(words[index]):
                pair_counts[found] += count
                if new in found:
                    where[found].add(index)
                    appeared.add(found)
        for found in appeared:
            heapq.heappush(heap, (-pair_counts[found], found))
    return merges


def split_special(text: str, special_tokens: Iterable[str]) -> Iterator[tuple[int, str, bool]]:
    """Cut `text` at special tokens: yields (start, piece, is the piece a special token?).

    >>> list(split_special("a [MASK] b", ["[MASK]", "[SEP]"]))
    [(0, 'a ', False), (2, '[MASK]', True), (8, ' b', False)]
    """
    longest_first = sorted(special_tokens, key=len, reverse=True)
    start = 0
    if longest_first:
        for match in re.finditer("|".join(map(re.escape, longest_first)), text):
            if match.start() > start:
                yield start, text[start : match.start()], False
            yield match.start(), match.group(), True
            start = match.end()
    if start < len(text):
        yield start, text[start:], False


def require_text(text: str, name: str = "text") -> str:
    """Return `text` if it is a str that UTF-8 can hold; raise a sentence if it is not."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, but it is of type {type(text).__name__}.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} holds half of a surrogate pair at position {error.start}, which is no"
            " character; decode the original bytes again, for instance with errors='replace'."
        ) from None
    return text


def require_texts(texts: Iterable[str]) -> list[str]:
    """Return the texts as a list, or raise a sentence that says what is wrong with them."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts is one string; pass a list of strings, one for each document.")
    texts = [require_text(text, f"texts[{index}]") for index, text in enumerate(texts)]
    if not any(text.strip() for text in texts):
        raise ValueError("There is no text to train on: texts is empty or blank.")
    return texts


def require_vocab_size(vocab_size: int, needed: int) -> int:
    """Return `vocab_size` if it is an int that leaves room for what is needed anyway."""
    if isinstance(vocab_size, bool) or not isinstance(vocab_size, int):
        raise TypeError(f"vocab_size must be an int, but it is {vocab_size!r}.")
    if vocab_size < needed:
        raise ValueError(
            f"vocab_size is {vocab_size}, but the special tokens and the alphabet of these texts"
            f" already take {needed}; choose a larger vocabulary."
        )
    return vocab_size


def token_names(ids: Iterable[int], tokens: Sequence[str]) -> list[str]:
    """The names of token numbers; raises ValueError for a number that is not in use."""
    names = []
    for number in ids:
        if not hasattr(number, "__index__"):
            raise TypeError(f"Token ids must be whole numbers, but {number!r} is among them.")
        if not 0 <= number < len(tokens):
            raise ValueError(
                f"There is no token with id {number}; ids go from 0 to {len(tokens) - 1}."
            )
        names.append(tokens[number])
    return names
