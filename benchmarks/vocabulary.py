"""The tokenizer-trainer race: the same merges from the textbook loop, from ours, and from Rust."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from course_utils.text.bpe import BYTE_OF_NAME, CHUNKS, BytePairEncoding
from course_utils.text.subwords import merge_pair
from course_utils.text.tokenization import train_tokenizer

Merges = list[tuple[str, str]]


def textbook(texts: list[str], vocab_size: int) -> Merges:
    """The loop of a first course on BPE: count every pair anew, merge the commonest, repeat.

    Every chunk of the text is kept, however often it comes; ties go to the smaller numbers, so
    that the merges are those of `BytePairEncoding`.

    >>> textbook(["low lower lowest"] * 3, vocab_size=259)
    [('l', 'o'), ('lo', 'w'), ('Ġ', 'low')]
    """
    tokens = sorted(BYTE_OF_NAME)
    number_of = {BYTE_OF_NAME[name]: tokens.index(name) for name in BYTE_OF_NAME}
    chunks = [
        [number_of[byte] for byte in chunk.encode()]
        for text in texts
        for chunk in CHUNKS.findall(text)
    ]
    merges: Merges = []
    while len(tokens) < vocab_size:
        pairs: Counter = Counter()
        for chunk in chunks:
            pairs.update(pairwise(chunk))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((tokens[best[0]], tokens[best[1]]))
        tokens.append("".join(merges[-1]))
        chunks = [merge_pair(chunk, best, len(tokens) - 1) for chunk in chunks]
    return merges


def from_scratch(texts: list[str], vocab_size: int) -> Merges:
    """The library's trainer, the one that lesson 03 builds."""
    return BytePairEncoding.train(texts, vocab_size).merges


def in_rust(texts: list[str], vocab_size: int) -> Merges:
    """The `tokenizers` library; its vocabulary holds five special tokens besides."""
    made = train_tokenizer(texts, vocab_size + 5, kind="bpe")
    merges = json.loads(made.backend_tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) for pair in merges]


TRAINERS: dict[str, Callable[[list[str], int], Merges]] = {
    "textbook": textbook,
    "ours": from_scratch,
    "rust": in_rust,
}


# Characters, vocabulary and who trains: the textbook loop gets a small sample only.
SIZES = {"small": (200_000, 512, ("textbook", "ours", "rust")),
         "large": (5_000_000, 4096, ("ours", "rust"))}  # fmt: skip


def race_sizes(texts: list[str]) -> dict[str, dict]:
    """The race at each of `SIZES`, on the first of these texts."""
    return {
        name: race(sample(texts, characters), size, sides)
        for name, (characters, size, sides) in SIZES.items()
    }


def race(texts: list[str], vocab_size: int, sides: tuple[str, ...], repeats: int = 3) -> dict:
    """Seconds of each side, the median of `repeats` alternating runs, and whether all agree.

    >>> found = race(["low lower lowest"] * 3, 259, ("textbook", "ours", "rust"), repeats=1)
    >>> found["same_merges"], sorted(found["seconds"])
    (True, ['ours', 'rust', 'textbook'])
    """
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    results = {}
    for _ in range(repeats):
        for side in sides:
            start = time.perf_counter()
            results[side] = TRAINERS[side](texts, vocab_size)
            seconds[side].append(time.perf_counter() - start)
    first = results[sides[0]]
    return {
        "characters": sum(map(len, texts)),
        "vocab_size": vocab_size,
        "same_merges": all(merges == first for merges in results.values()),
        "seconds": {side: statistics.median(taken) for side, taken in seconds.items()},
        "all_seconds": seconds,
    }


def describe(found: dict[str, dict]) -> list[str]:
    """A line a size.

    >>> describe({"small": {"seconds": {"ours": 2.0, "rust": 0.5}, "same_merges": True}})
    ['small: ours 2.00 s, rust 0.50 s; the same merges: True']
    """
    lines = []
    for name, one in found.items():
        taken = ", ".join(f"{side} {seconds:.2f} s" for side, seconds in one["seconds"].items())
        lines.append(f"{name}: {taken}; the same merges: {one['same_merges']}")
    return lines


def sample(texts: list[str], characters: int) -> list[str]:
    """The first texts that together have about so many characters.

    >>> sample(["abc", "def", "ghi"], 4)
    ['abc', 'def']
    """
    taken, total = [], 0
    for text in texts:
        if total >= characters:
            break
        taken.append(text)
        total += len(text)
    return taken
