"""Lesson 03, section 3.4: reading by merges."""

from itertools import pairwise

from tokenizers import models

from course_utils.exercises.exercise import case, coding


def apply_merges(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """Cut a word into tokens by merges, the earliest learned first."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens = list(word)
    while len(tokens) > 1:
        first = min(pairwise(tokens), key=lambda pair: ranks.get(pair, len(merges)))
        if first not in ranks:
            break
        merged = []
        for token in tokens:
            if merged and (merged[-1], token) == first:
                merged[-1] += token
            else:
                merged.append(token)
        tokens = merged
    return tokens


reading = coding(
    "03.8",
    title="Read by rank",
    difficulty=3,
    minutes=12,
    given="a word, perhaps an empty one, and merges in the order in which they were learned; no "
    "two make the same token",
    reference=apply_merges,
    task="""Cut a word into tokens by merges, the earliest learned first.

    Begin with characters.  Of all pairs of neighbours that stand among the merges, take the one
    learned first, wherever in the word it is; glue it everywhere, from left to right; look
    again, until no pair of neighbours is a known merge.
    """,
    hints=[
        "Make a dictionary from pair to rank: `{pair: rank for rank, pair in enumerate(merges)}`.",
        "`min` over `pairwise(tokens)` with the rank as key finds the pair that was learned first; "
        "what rank does a pair have that was never learned?",
        "Glue that pair everywhere (03.6), and repeat until the best pair is not in the "
        "dictionary or fewer than two tokens are left.",
    ],
    why="Reading replays the training: a pair that was glued first then is glued first now, and "
    "later merges find what they found in training.",
    then="compare with the longest known token from the left: 03.9 does that.",
)


@reading.cases
def reading_cases(draw):
    yield case("abc", [("b", "c"), ("a", "b")])
    yield case("abc", [("a", "b"), ("b", "c"), ("a", "bc")])
    yield case("abc", [("b", "c"), ("a", "bc"), ("a", "b")])
    yield case("abab", [("a", "b"), ("ab", "ab")])
    yield case("aaaaa", [("a", "a")])
    yield case("lower", [("l", "o"), ("e", "r"), ("lo", "w"), ("low", "er")])
    yield case("xyz", [("a", "b")])
    yield case("", [("a", "b")])
    yield case("bcabcd", [("c", "d"), ("b", "c"), ("a", "b"), ("ab", "cd")])
    yield case("a", [])
    for _ in range(4):
        letters = "abc"[: draw.size(2, 3)]
        known, merges = [*letters], []
        while len(merges) < 8:
            left, right = draw.choice(known), draw.choice(known)
            if left + right not in known and len(left + right) < 6:
                known.append(left + right)
                merges.append((left, right))
        yield case("".join(draw.choice(letters) for _ in range(draw.size(9, 12))), merges)


@reading.oracle
def tokenizers_model(word, merges):
    names = dict.fromkeys([*word, *(part for pair in merges for part in (*pair, "".join(pair)))])
    model = models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=merges)
    return [token.value for token in model.tokenize(word)]


@reading.wrong("that is the longest known token from the left; BPE glues by rank", "3.4")
def longest_from_the_left(word, merges):
    known = {left + right for left, right in merges}
    tokens = []
    while word:
        ends = range(len(word), 1, -1)
        end = next((end for end in ends if word[:end] in known), 1)
        tokens.append(word[:end])
        word = word[end:]
    return tokens


@reading.wrong("you glue the first known pair from the left; take the one learned first", "3.4")
def leftmost_known_pair(word, merges):
    tokens, i = list(word), 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) in merges:
            tokens[i : i + 2] = ["".join(tokens[i : i + 2])]
            i = 0
        else:
            i += 1
    return tokens


@reading.wrong("the merge learned last comes first here; the order is that of learning", "3.4")
def latest_first(word, merges):
    tokens = list(word)
    while known := [pair for pair in pairwise(tokens) if pair in merges]:
        last = max(known, key=merges.index)
        place = list(pairwise(tokens)).index(last)
        tokens[place : place + 2] = ["".join(last)]
    return tokens


@reading.wrong("one round is not enough: a merged token may be part of a further merge", "3.4")
def one_merge_only(word, merges):
    known = [pair for pair in pairwise(word) if pair in merges]
    return apply_merges(word, [min(known, key=merges.index)]) if known else list(word)


@reading.wrong("each merge is used once; glue it wherever it stands in the word", "3.4")
def each_merge_once(word, merges):
    tokens = list(word)
    for pair in merges:
        pairs = list(pairwise(tokens))
        if pair in pairs:
            place = pairs.index(pair)
            tokens[place : place + 2] = ["".join(pair)]
    return tokens


@reading.alternative
def merge_after_merge(word, merges):
    tokens = list(word)
    for left, right in merges:
        i = 0
        while i + 1 < len(tokens):
            if tokens[i] == left and tokens[i + 1] == right:
                tokens[i : i + 2] = [left + right]
            i += 1
    return tokens


@reading.alternative
def one_at_a_time(word, merges):
    tokens = list(word)
    while True:
        known = [
            (merges.index(pair), place)
            for place, pair in enumerate(pairwise(tokens))
            if pair in merges
        ]
        if not known:
            return tokens
        place = min(known)[1]
        tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
