"""Lesson 05, section 5.1: a word and its place become a vector."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def embed(input_ids: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
    """The vector of each token plus the vector of its place: (B, L) → (B, L, D).

    tokens is (V, D), a row for each word; positions is (P, D) with P ≥ L, a row for each place.
    Places are counted from 0, and padding takes up a place like any other token.
    """
    return tokens[input_ids] + positions[: input_ids.size(1)]


embedding = coding(
    "05.1",
    title="A word and its place",
    difficulty=2,
    minutes=5,
    given="token ids (B, L), a table of words (V, D) and a table of places (P, D)",
    reference=embed,
    hints=[
        "A tensor can be indexed by another tensor: what shape has `tokens[input_ids]`?",
        "All texts of the batch share their places: add the first L rows of the other table, and "
        "let broadcasting repeat them.",
    ],
    why="Indexing looks a row up for every id, (B, L, D); the first L rows of the other table, "
    "(L, D), are added to each text of the batch. Column j is place j, whatever stands there.",
    then="write it once more as a product with one-hot rows.",
)


@embedding.cases
def embedding_cases(draw):
    for batch, length, width, places, words in (
        (2, 3, 4, 9, 5),
        (3, draw.size(5, 9), 7, 11, 10),
        (1, 6, 2, 6, 4),  # the table is just long enough
    ):
        ids = draw.integers(1, words, batch, length)
        ids[-1, -2:] = 0  # padding
        yield case(ids, draw.normal(words, width), draw.normal(places, width))


@embedding.oracle
def torch_embeddings(input_ids, tokens, positions):
    places = torch.arange(input_ids.size(1)).expand_as(input_ids)
    return F.embedding(input_ids, tokens) + F.embedding(places, positions)


@embedding.wrong("the words are looked up, but no place is added", "5.1")
def forgot_the_places(input_ids, tokens, positions):
    return tokens[input_ids]


@embedding.wrong("your places begin at 1, so the first row of the table is never used", "5.1")
def places_from_one(input_ids, tokens, positions):
    return tokens[input_ids] + positions[1 : input_ids.size(1) + 1]


@embedding.wrong("each text got one place for all its words: places run along the length", "5.1")
def places_along_the_batch(input_ids, tokens, positions):
    return tokens[input_ids] + positions[: input_ids.size(0), None]


@embedding.wrong("the place is looked up by the token's id; it has nothing to do with it", "5.1")
def places_by_id(input_ids, tokens, positions):
    return tokens[input_ids] + positions[input_ids % len(positions)]


@embedding.wrong("padding takes up a place too: column j is place j, whatever stands there", "5.1")
def padding_not_counted(input_ids, tokens, positions):
    return tokens[input_ids] + positions[(input_ids != 0).cumsum(1) - 1]


@embedding.wrong("word and place stand side by side, 2D wide; they are added", "5.1")
def side_by_side(input_ids, tokens, positions):
    places = positions[: input_ids.size(1)].expand(len(input_ids), -1, -1)
    return torch.cat([tokens[input_ids], places], -1)


@embedding.wrong("multiplied instead of added: a place near zero would wipe out the word", "5.1")
def multiplied(input_ids, tokens, positions):
    return tokens[input_ids] * positions[: input_ids.size(1)]


@embedding.alternative
def one_hot_product(ids, words, places):
    rows = F.one_hot(ids, len(words)).to(words.dtype) @ words
    return rows + places.narrow(0, 0, ids.shape[1])[None]


@embedding.alternative
def one_at_a_time(input_ids, tokens, positions):
    texts = [
        torch.stack([tokens[word] + positions[place] for place, word in enumerate(row)])
        for row in input_ids.tolist()
    ]
    return torch.stack(texts)
