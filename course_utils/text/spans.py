"""Places in a text: between words, pieces of words and letters, and the tags that mark them.

Three rulers lie beside a text: its letters, its words and its tokens. A human points with the
first two, a model with the third; every function here reads one ruler on another. A place is
always (start, end) with `end` one past the last, unless it says otherwise.

Sources: Ramshaw & Marcus (1995), "Text Chunking" (BIO tags); Devlin et al. (2018), "BERT",
sections 4.2, 4.3 and 5.3 (answers as a start and an end, labels on first pieces).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.text.masking import IGNORE


class Entity(NamedTuple):
    """A name and where it stands: words start … end - 1."""

    kind: str
    start: int
    end: int


def align_labels(word_ids: Sequence[int | None], labels: Sequence[int]) -> list[int]:
    """A label for each token, from a label for each word.

    `word_ids` says for each token which word it is a piece of, None for [CLS], [SEP] and padding
    (as `BatchEncoding.word_ids()` does). The first piece of a word carries the word's label; its
    other pieces and the special tokens get `IGNORE` (-100), which the loss skips.

    Raises:
        ValueError: a token belongs to a word that has no label.

    >>> align_labels([None, 0, 0, 1, None], [3, 0])
    [-100, 3, -100, 0, -100]
    """
    aligned, before = [], None
    for word in word_ids:
        if word is not None and not 0 <= word < len(labels):
            raise ValueError(f"A token is a piece of word {word}, but there are {len(labels)}.")
        aligned.append(labels[word] if word is not None and word != before else IGNORE)
        before = word
    return aligned


def bio_entities(tags: Sequence[str]) -> list[Entity]:
    """The names that a row of BIO tags marks, from left to right.

    "B-x" begins a name of kind x, "I-x" goes on with it, "O" is outside. A model may say what no
    annotator would: an "I-x" that follows "O" or another kind begins a name, too (as in the
    evaluation of CoNLL-2000, and in seqeval).

    Raises:
        ValueError: a tag that is neither "O" nor of the form "B-x" or "I-x".

    >>> bio_entities(["B-person", "I-person", "O", "B-place"])
    [Entity(kind='person', start=0, end=2), Entity(kind='place', start=3, end=4)]
    """
    entities: list[Entity] = []
    kind = start = None
    for place, tag in enumerate([*tags, "O"]):
        if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
            raise ValueError(f"A tag is 'O', 'B-kind' or 'I-kind', not {tag!r}.")
        if kind is not None and tag != f"I-{kind}":
            entities.append(Entity(kind, start, place))
            kind = None
        if kind is None and tag != "O":
            kind, start = tag[2:], place
    return entities


def token_span(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """The first and the last token that hold the letters start … end - 1, both included.

    `offsets` says for each token which letters it covers; special tokens cover (0, 0). None when
    the tokens do not hold all of these letters, as in a window that does not reach them.

    >>> token_span([(0, 0), (0, 3), (4, 8), (8, 9), (0, 0)], 4, 9)
    (2, 3)
    """
    inside = [i for i, (low, high) in enumerate(offsets) if low < end and high > start]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return None
    return inside[0], inside[-1]


def windows(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Cut a row of `length` into windows (start, end) of `size`; neighbours share `overlap`.

    The last window ends with the row and may be shorter. An answer of at most `overlap` + 1 tokens
    lies whole in at least one window.

    Raises:
        ValueError: sizes that would not get on, or an empty row.

    >>> windows(10, size=4, overlap=2)
    [(0, 4), (2, 6), (4, 8), (6, 10)]
    """
    if length < 1 or not 0 <= overlap < size:
        raise ValueError(
            f"A row of at least 1 and 0 ≤ overlap < size are needed, not length {length}, size "
            f"{size}, overlap {overlap}."
        )
    step, found = size - overlap, []
    for start in range(0, length, step):
        found.append((start, min(start + size, length)))
        if start + size >= length:
            break
    return found


def best_span(start: Tensor, end: Tensor, max_length: int) -> tuple[int, int, float]:
    """The place (first, last) with the largest start[first] + end[last], and that sum.

    `start` and `end` are scores (L,); last ≥ first, and the span has at most `max_length` tokens.
    Places that are not allowed have a score of -inf in both. Of equally good spans the one that
    begins first, then the shortest.

    Raises:
        ValueError: scores of different shapes or of none, or max_length < 1.

    >>> best_span(torch.tensor([0.0, 2.0, 0.0]), torch.tensor([3.0, 0.0, 1.0]), 2)
    (0, 0, 3.0)
    """
    if start.dim() != 1 or start.shape != end.shape or not len(start) or max_length < 1:
        raise ValueError(
            f"start and end must be scores (L,) and max_length at least 1, not "
            f"{tuple(start.shape)}, {tuple(end.shape)} and {max_length}."
        )
    sums = start[:, None] + end[None, :]  # (L, L): from row to column
    allowed = torch.ones_like(sums, dtype=torch.bool).triu().tril(max_length - 1)
    best = int(sums.masked_fill(~allowed, -torch.inf).argmax())
    first, last = divmod(best, len(start))
    return first, last, float(sums[first, last])


@dataclass(frozen=True)
class Window:
    """A question and a part of its passage as one row: [CLS] question [SEP] part [SEP].

    input_ids: the row. offsets: for each token the letters of the *passage* that it covers, (0, 0)
    for the question and the special tokens. row: which question this is.
    """

    input_ids: list[int]
    offsets: list[tuple[int, int]]
    row: int


def question_windows(
    tokenizer, questions: Sequence[str], passages: Sequence[str], size: int, overlap: int
) -> list[Window]:
    """Each question with all windows of its passage, as rows of at most `size` tokens.

    Neighbouring windows share `overlap` tokens of the passage. A question is cut after a quarter
    of the row.

    Raises:
        ValueError: unequal numbers, an empty passage, or windows that would not get on.
    """
    if len(questions) != len(passages):
        raise ValueError(f"There are {len(questions)} questions but {len(passages)} passages.")
    found = []
    for row, (question, passage) in enumerate(zip(questions, passages, strict=True)):
        asked = tokenizer(question, add_special_tokens=False)["input_ids"][: size // 4]
        text = tokenizer(passage, add_special_tokens=False, return_offsets_mapping=True,
                         verbose=False)  # fmt: skip
        head = [tokenizer.cls_token_id, *asked, tokenizer.sep_token_id]
        room = size - len(head) - 1
        for low, high in windows(len(text["input_ids"]), room, overlap):
            ids = [*head, *text["input_ids"][low:high], tokenizer.sep_token_id]
            places = [tuple(pair) for pair in text["offset_mapping"][low:high]]
            found.append(Window(ids, [(0, 0)] * len(head) + places + [(0, 0)], row))
    return found
