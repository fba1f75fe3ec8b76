"""Splitting: which text goes into train, validation or test, decided by the text itself.

A hash of a text's letters is as good as a die that always falls the same way: the split does not
depend on the machine, on the order of the rows or on where they came from. Equal texts have equal
hashes, so no text can stand on two sides; texts that resemble each other are made one family,
and a family moves as one.
"""

import hashlib
import json
from collections.abc import Callable, Sequence

from course_utils.text.cleaning import duplicate_key, near_duplicates

Row = dict[str, object]
SPLITS = ("train", "validation", "test")


def digest(text: str) -> str:
    """The SHA-256 of a text's `duplicate_key`: equal for texts that count as the same.

    >>> digest("A mess!") == digest("a  mess")
    True
    """
    return hashlib.sha256(duplicate_key(text).encode("utf-8")).hexdigest()


def split_of(digest: str, test_share: float, validation_share: float) -> str:
    """The split of a text with this digest: its first 64 bits, read as a number in [0, 1), decide.

    Raises:
        ValueError: a share is negative, or both together leave nothing to train on.

    >>> split_of("00" * 32, 0.1, 0.1), split_of("20" * 32, 0.1, 0.1), split_of("ff" * 32, 0.1, 0.1)
    ('test', 'validation', 'train')
    """
    if test_share < 0 or validation_share < 0 or test_share + validation_share >= 1:
        raise ValueError(
            "The shares of test and validation must not be negative and must leave something to "
            f"train on, not {test_share} and {validation_share}."
        )
    place = int(digest[:16], 16) / 2**64
    if place < test_share:
        return "test"
    return "validation" if place < test_share + validation_share else "train"


def distinct_rows(
    rows: Sequence[Row], text_of: Callable[[Row], str], label: str = "label"
) -> list[tuple[str, Row]]:
    """The rows with distinct texts, each with its digest, in the order of the digests.

    Of rows that count as the same, the one that sorts first as a string stays, whatever the order
    they came in. Where their labels contradict each other, all of them go. A row whose text is
    empty goes as well.

    >>> rows = [{"text": "Lovely!", "label": 1}, {"text": "lovely", "label": 1},
    ...         {"text": "hm", "label": 0}, {"text": "Hm?", "label": 1}, {"text": "", "label": 1}]
    >>> [row for _, row in distinct_rows(rows, lambda row: row["text"])]
    [{'text': 'Lovely!', 'label': 1}]
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        text = text_of(row)
        if text:
            groups.setdefault(digest(text), []).append(row)
    agreed = {
        name: min(group, key=lambda row: json.dumps(row, sort_keys=True))
        for name, group in groups.items()
        if len({row[label] for row in group}) == 1
    }
    return sorted(agreed.items())


def families(texts: Sequence[str], groups: Sequence[str] | None = None) -> list[int]:
    """For each text, the index of the first member of its family of near-duplicates.

    Two texts belong together when they are equal, when `near_duplicates` reports them, or when
    their entries in `groups` are equal, and so do friends of friends.

    >>> one = "the plot is thin and the cast is fine, all told"
    >>> families([one, "nothing of the kind", "Now: " + one])
    [0, 1, 0]
    >>> families(["a", "b", "c"], groups=["x", "y", "x"])
    [0, 1, 0]
    """
    if isinstance(texts, str):
        raise TypeError("Expected a sequence of str, such as a list of documents.")
    first: dict[str, int] = {}
    pairs = [(first.setdefault(text, index), index) for index, text in enumerate(texts)]
    places = list(first.values())
    pairs += [(places[a], places[b]) for a, b, _ in near_duplicates(list(first))]
    leader: dict[str, int] = {}
    pairs += [(leader.setdefault(group, index), index) for index, group in enumerate(groups or [])]
    return joined(len(texts), pairs)


def joined(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each of `count` items, the first item that it is joined to, over any number of pairs.

    >>> joined(5, [(3, 4), (1, 3)])
    [0, 1, 2, 1, 1]
    """
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        a, b = sorted((root(a), root(b)))
        parent[b] = a
    return [root(item) for item in range(count)]
