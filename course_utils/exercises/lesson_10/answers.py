"""Lesson 10, sections 10.4 and 10.6: choosing a span, and saying how good an answer is."""

import re
from collections import Counter

import numpy as np
import torch
from torch import Tensor

from course_utils.evaluation import pointing
from course_utils.evaluation.pointing import normalised
from course_utils.exercises.exercise import case, coding
from course_utils.text import spans


def best_span_with_a_bug(start: Tensor, end: Tensor, max_length: int) -> tuple[int, int, float]:
    """The place (first, last) with the largest start[first] + end[last], and that sum.

    last ≥ first, and the span has at most `max_length` tokens.  Scores are (L,).
    """
    first, last = int(start.argmax()), int(end.argmax())
    return first, last, float(start[first] + end[last])


chosen = coding(
    "10.7",
    title="The answer that ends before it begins",
    difficulty=3,
    minutes=7,
    given="scores (L,) for being the first and for being the last token of the answer, -inf where "
    "no answer can be",
    reference=spans.best_span,
    buggy=best_span_with_a_bug,
    hints=[
        "The best start and the best end may belong to two different answers. Which table would "
        "hold the score of every pair?",
        "`start[:, None] + end[None, :]` is (L, L). Which of its entries are no spans?",
        "Keep `triu()` (last ≥ first) and `tril(max_length - 1)` of a table of ones, put -inf "
        "elsewhere; `divmod(argmax, L)` gives row and column.",
    ],
    why="Start and end are judged by two columns that do not know of each other. Chosen "
    "separately, they give spans of negative length or a whole passage, and `text[7:3]` is the "
    "empty string: no error, just a worse score.",
    then="with L = 512 the table has 262,144 entries. How would you avoid most of them?",
)


@chosen.cases
def chosen_cases(draw):
    dtype = draw.dtype
    yield case(torch.tensor([0, 2, 0], dtype=dtype), torch.tensor([3, 0, 1.5], dtype=dtype), 2)
    yield case(torch.tensor([2, 1, 0, 1], dtype=dtype), torch.tensor([-1, 0, 1, 3], dtype=dtype), 2)
    yield case(torch.tensor([5, 1, 0], dtype=dtype), torch.tensor([-4, 0.5, 4], dtype=dtype), 3)
    yield case(torch.tensor([0, 4, 1], dtype=dtype), torch.tensor([0, 3, 1], dtype=dtype), 3)
    yield case(torch.tensor([0, 3, 1], dtype=dtype), torch.tensor([0, -9, 2.5], dtype=dtype), 1)
    yield case(torch.tensor([0, 3, 1], dtype=dtype), torch.tensor([4.5, -9, 2], dtype=dtype), 3)
    for length in (7, 9, draw.size(11, 15)):
        start, end = draw.normal(length), draw.normal(length)
        start[0] = end[0] = -torch.inf
        yield case(start, end, draw.size(2, 4))


@chosen.oracle
def pair_by_pair(start, end, max_length):
    """NumPy numbers, one pair after the other."""
    start, end = start.numpy(), end.numpy()
    pairs = [(i, j) for i in range(len(start)) for j in range(i, min(i + max_length, len(start)))]
    first, last = max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
    return first, last, float(start[first] + end[last])


@chosen.wrong("exchanged, the two are in order, but nobody has looked for the best pair", "10.4")
def exchanged(start, end, max_length):
    first, last = sorted((int(start.argmax()), int(end.argmax())))
    return first, last, float(start[first] + end[last])


@chosen.wrong("you fix the best start and then look for its end; the best *pair* is due", "10.4")
def greedy(start, end, max_length):
    first = int(start.argmax())
    last = first + int(end[first : first + max_length].argmax())
    return first, last, float(start[first] + end[last])


chosen.wrong_edit(
    "any_length",
    old=".triu().tril(max_length - 1)",
    new=".triu()",
    message="the answer may have at most `max_length` tokens; yours may be a whole passage",
    section="10.4",
)
chosen.wrong_edit(
    "one_too_long",
    old="tril(max_length - 1)",
    new="tril(max_length)",
    message="your spans may be one token too long: first and last both count",
    section="10.4",
)
chosen.wrong_edit(
    "never_one_token",
    old="triu()",
    new="triu(1)",
    message="an answer of a single token is an answer: last = first is allowed",
    section="10.4",
)
chosen.wrong_edit(
    "last_exclusive",
    old="return first, last, float",
    new="return first, last + 1, float",
    message="`last` is the last token itself, not one past it",
    section="10.4",
)
chosen.wrong_edit(
    "rows_for_columns",
    old="sums.masked_fill(~allowed, -torch.inf).argmax())",
    new="sums.T.masked_fill(~allowed, -torch.inf).argmax())",
    message="rows and columns have changed places: the start is read as an end",
    section="10.4",
)


@chosen.alternative
def with_loops(start, end, max_length):
    best = (0, 0, -float("inf"))
    for i, a in enumerate(start.tolist()):
        for j, b in enumerate(end.tolist()[i : i + max_length], start=i):
            if a + b > best[2]:
                best = (i, j, a + b)
    return best


@chosen.alternative
def start_by_start(start, end, max_length):
    places = range(len(start))
    ends = [i + int(end[i : i + max_length].argmax()) for i in places]
    first = max(places, key=lambda i: float(start[i] + end[ends[i]]))
    return first, ends[first], float(start[first] + end[ends[first]])


overlap = coding(
    "10.10",
    title="Half right",
    difficulty=2,
    minutes=6,
    given='two answers as text, "" for *no answer*; `normalised(answer)` gives its words in lower '
    "case, without punctuation and articles",
    reference=pointing.answer_f1,
    task="""How much of an answer was found: F1 over its normalised words.

    F1 = 2·hits / (words said + words there).  A word counts as often as it stands in both.  Where
    one of the two has no words, the score is 1.0 if the other has none either, else 0.0.
    """,
    hints=[
        "`Counter(a) & Counter(b)` keeps of each word the smaller count.",
        "Look at the empty answers first: F1 would divide nothing by something, or by nothing.",
    ],
    why='"no answer" has to be right for questions without one, or a model that stays silent where '
    "it should is scored as one that talks nonsense.",
    then="which score would *the whole passage* get?",
)


@overlap.cases
def overlap_cases(draw):
    yield case("the River Nile", "Nile")
    yield case("Nile!", "the nile")
    yield case("New York, New York", "New York City")
    yield case("in New York", "York New")
    yield case("", "")
    yield case("", "Paris")
    yield case("Paris", "")
    yield case("London", "Paris")
    for _ in range(4):
        words = ["Film", "film,", "night", "The", "star", "war", "wars."]
        yield case(*(" ".join(draw.random.choices(words, k=draw.size(3, 7))) for _ in "ab"))


@overlap.oracle
def by_numpy(guess, answer):
    """NumPy counts each word of both; the words are found by a regular expression."""
    bags = [re.findall(r"\w+", text.lower()) for text in (guess, answer)]
    bags = [[word for word in bag if word not in ("a", "an", "the")] for bag in bags]
    if not all(bags):
        return float(bags[0] == bags[1])
    every = sorted({*bags[0], *bags[1]})
    counts = np.array([[bag.count(word) for word in every] for bag in bags])
    return float(2 * counts.min(0).sum() / counts.sum())


@overlap.wrong("a word that stands twice in both counts once: you compare sets", "10.6")
def as_sets(guess, answer):
    said, there = set(normalised(guess)), set(normalised(answer))
    if not said or not there:
        return float(said == there)
    return 2 * len(said & there) / (len(said) + len(there))


@overlap.wrong("case, punctuation and articles still count: use `normalised`", "10.6")
def not_normalised(guess, answer):
    said, there = guess.split(), answer.split()
    if not said or not there:
        return float(said == there)
    return 2 * (Counter(said) & Counter(there)).total() / (len(said) + len(there))


@overlap.wrong("that is recall: the whole passage would get a full score", "10.6")
def recall_only(guess, answer):
    said, there = normalised(guess), normalised(answer)
    if not said or not there:
        return float(said == there)
    return (Counter(said) & Counter(there)).total() / len(there)


@overlap.wrong("that is precision: a single right word would get a full score", "10.6")
def precision_only(guess, answer):
    said, there = normalised(guess), normalised(answer)
    if not said or not there:
        return float(said == there)
    return (Counter(said) & Counter(there)).total() / len(said)


@overlap.wrong("that is exact match: half an answer is worth something here", "10.6")
def exact_only(guess, answer):
    return float(normalised(guess) == normalised(answer))


@overlap.wrong("no answer where none is due is right, and gets 1.0", "10.6")
def silence_is_wrong(guess, answer):
    return 0.0 if not guess and not answer else pointing.answer_f1(guess, answer)


@overlap.alternative
def with_precision_and_recall(guess, answer):
    said, there = normalised(guess), normalised(answer)
    if not (said and there):
        return 1.0 if said == there else 0.0
    hits = sum(min(said.count(word), there.count(word)) for word in set(said))
    if hits == 0:
        return 0.0
    precision, recall = hits / len(said), hits / len(there)
    return 2 * precision * recall / (precision + recall)


@overlap.alternative
def crossing_out(guess, answer):
    said, there = normalised(guess), normalised(answer)
    if not said or not there:
        return float(not said and not there)
    left, hits = list(there), 0
    for word in said:
        if word in left:
            left.remove(word)
            hits += 1
    return 2 * hits / (len(said) + len(there))
