"""Lesson 14, section 14.5: the likeliest words at one place, and two holes side by side."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from torch import Tensor

from course_utils.evaluation import explorer
from course_utils.exercises.exercise import case, coding

best = coding(
    "14.6",
    title="What the pipeline says",
    difficulty=2,
    minutes=5,
    given="the logits of one hidden place, and the names of the tokens",
    reference=explorer.guesses,
    hints=[
        "Turn the logits into probabilities first, over the whole vocabulary; then take the best.",
        "`topk` gives values and indices; `.tolist()` makes plain numbers of them.",
    ],
    why="Five guesses with 30 % together leave 70 % to words that are not shown. Whoever "
    "normalises over the five makes every model look sure.",
    then="compare with `pipeline('fill-mask', …)` on the same sentence.",
)


@best.cases
def best_cases(draw):
    names = ["the", "film", "plot", "##s", "[UNK]", "a", "rain"]
    logits = draw.normal(7).mul(2)
    yield case(logits, names, 3)
    yield case(draw.normal(7).mul(3) + 40, names, 2)
    yield case(draw.normal(7), names)
    yield case(draw.normal(5), names[2:], 5)
    many = [f"w{number}" for number in range(draw.size(31, 60))]
    yield case(draw.normal(len(many)), many, 1)


@best.observe
def names_and_chances(guesses, logits, *rest):
    found = list(guesses(logits, *rest))
    chances = torch.tensor([chance for _, chance in found], dtype=logits.dtype)
    return {"names": [name for name, _ in found], "probabilities": chances}


@best.oracle
def with_scipy(logits, names, top=5):
    chances = softmax(logits.double().numpy())
    order = np.argsort(-chances)[:top]
    found = torch.tensor(chances[order], dtype=logits.dtype)
    return {"names": [names[index] for index in order], "probabilities": found}


@best.wrong("the probabilities are those of the shown words alone; the others have a share", "14.5")
def among_the_shown(logits, names, top=5):
    found = logits.topk(top)
    chances = found.values.softmax(-1).tolist()
    return [(names[i], p) for i, p in zip(found.indices.tolist(), chances, strict=True)]


@best.wrong("those are logits; a probability lies between 0 and 1", "14.5")
def left_them_logits(logits, names, top=5):
    found = logits.topk(top)
    return [(names[i], p) for i, p in zip(*map(torch.Tensor.tolist, found[::-1]), strict=True)]


@best.wrong("those are the least likely tokens", "14.5")
def the_least_likely(logits, names, top=5):
    found = logits.softmax(-1).topk(top, largest=False)
    return [(names[i], p) for i, p in zip(*map(torch.Tensor.tolist, found[::-1]), strict=True)]


@best.wrong("the names do not belong to these probabilities: use the indices of `topk`", "14.5")
def names_in_order(logits, names, top=5):
    return list(zip(names, logits.softmax(-1).topk(top).values.tolist(), strict=False))


@best.wrong("the sigmoid asks each word by itself; only one word can stand there: softmax", "14.5")
def with_a_sigmoid(logits, names, top=5):
    found = logits.sigmoid().topk(top)
    return [(names[i], p) for i, p in zip(*map(torch.Tensor.tolist, found[::-1]), strict=True)]


@best.wrong("those are log-probabilities: take the exponential", "14.5")
def left_them_logarithms(logits, names, top=5):
    found = logits.log_softmax(-1).topk(top)
    return [(names[i], p) for i, p in zip(*map(torch.Tensor.tolist, found[::-1]), strict=True)]


@best.alternative
def by_sorting(logits, names, top=5):
    chances = logits.softmax(0).tolist()
    return sorted(zip(names, chances, strict=True), key=lambda pair: -pair[1])[:top]


@best.alternative
def by_hand(logits, names, top=5):
    weights = (logits - logits.max()).exp()
    order = weights.argsort(descending=True)[:top].tolist()
    return [(names[i], (weights[i] / weights.sum()).item()) for i in order]


def fill_two(
    ids: Tensor, mask_id: int, scores: Callable[[Tensor], Tensor], top: int
) -> tuple[int, int]:
    """The best pair of tokens for the two places of `ids` (L,) that hold `mask_id`; ids stays.

    scores(ids) gives log-probabilities, (L, V). Try the `top` best tokens at the first hole: write
    each in, ask again, and take the best token at the second. The pair with the largest sum of
    the two log-probabilities wins.
    """
    first, second = (ids == mask_id).nonzero().flatten().tolist()
    alone = scores(ids)[first]
    found = []
    for token in alone.topk(top).indices.tolist():
        filled = ids.clone()
        filled[first] = token
        then = scores(filled)[second]
        found.append(((alone[token] + then.max()).item(), token, then.argmax().item()))
    return max(found)[1:]


two = coding(
    "14.7",
    title="Two holes",
    difficulty=4,
    minutes=15,
    given="a sentence with two masks, and a function that gives log-probabilities for every place",
    reference=fill_two,
    hints=[
        "A masked model fills each hole as if the other stayed empty. So the second hole has to be "
        "asked again, after the first is filled.",
        "The model is asked 1 + top times: once for the candidates, once for each of them.",
        "`filled = ids.clone(); filled[first] = token`, then `scores(filled)[second].max()`; keep "
        "the pair whose two log-probabilities add up to most.",
    ],
    why="p(a, b) = p(a) · p(b | a). A model that was trained to guess hidden tokens one by one "
    "gives p(a) and p(b), and p(b | a) only when a has been written in. That is why a BERT is no "
    "writer, and why lesson 11 changed the mask.",
    then="try it on `course-bert` with “a [MASK] [MASK] of a film”.",
)


def toy(table: Tensor):
    """A model of neighbours: what stands on the left pulls, what stands on the right pulls less."""

    def scores(ids: Tensor) -> Tensor:
        left = table[0][torch.cat([ids[:1], ids[:-1]])]  # (L, V)
        right = table[1][torch.cat([ids[1:], ids[-1:]])]
        return (left + right / 2).log_softmax(-1)

    return scores


@two.cases
def two_cases(draw):
    mask = 0
    pull = torch.zeros(2, 5, 5, dtype=torch.float64)  # 1 san, 2 los, 3 in, 4 angeles
    pull[:, :, 0] = -30.0
    pull[0, 3, 1], pull[0, 3, 2] = 2.0, 1.5  # after "in", san is likelier than los
    pull[0, 0, 4], pull[0, 0, 3] = 0.2, 0.4  # behind a hole, nobody knows
    pull[0, 2, 4] = 7.0  # but los wants angeles, and after san anything may come
    yield case(torch.tensor([3, 0, 0, 3]), mask, pull, 2)
    for number in range(10):
        words = draw.size(7, 12)
        table = draw.normal(2, words, words).mul(2.5)
        table[:, :, mask] -= 30  # nobody guesses the mask itself
        ids = draw.integers(1, words, 7)
        start = draw.size(1, 4)
        ids[start] = ids[start + 1 + number // 9] = mask  # the holes need not be neighbours
        yield case(ids, mask, table, (2, 3, 4)[number % 3])


@two.observe
def pair(fill_two, ids, mask_id, table, top):
    return [int(token) for token in fill_two(ids, mask_id, toy(table), top)]


@two.oracle
def by_brute_force(ids, mask_id, table, top):
    """NumPy, every candidate with every word."""
    rows, pull = ids.numpy().copy(), table.double().numpy()

    def scores(row, place):
        left, right = row[max(place - 1, 0)], row[min(place + 1, len(row) - 1)]
        return log_softmax(pull[0][left] + pull[1][right] / 2)

    first, second = np.flatnonzero(rows == mask_id)
    alone = scores(rows, first)
    pairs = {}
    for a in np.argsort(-alone)[:top]:
        row = rows.copy()
        row[first] = a
        for b, score in enumerate(scores(row, second)):
            pairs[int(a), b] = alone[a] + score
    return list(max(pairs, key=pairs.get))


@two.wrong("each hole is filled as if the other stayed empty: ask again after the first", "14.5")
def independently(ids, mask_id, scores, top):
    first, second = (ids == mask_id).nonzero().flatten().tolist()
    found = scores(ids).argmax(-1)
    return found[first].item(), found[second].item()


@two.wrong("only the best token is tried at the first hole; try the `top` best", "14.5")
def greedily(ids, mask_id, scores, top):
    return fill_two(ids, mask_id, scores, 1)


two.wrong_edit(
    "forgot_the_first_score",
    old="alone[token] + then.max()",
    new="then.max()",
    message="the pair is judged by its second token alone: add the log-probability of the first",
    section="14.5",
)
two.wrong_edit(
    "the_worst_pair",
    old="max(found)",
    new="min(found)",
    message="that is the pair with the smallest sum; log-probabilities are negative, and more "
    "is better",
    section="14.5",
)


@two.wrong("the pair is the wrong way round: first the token of the first hole", "14.5")
def the_wrong_way_round(ids, mask_id, scores, top):
    return fill_two(ids, mask_id, scores, top)[::-1]


@two.wrong("you fill the second hole first; the candidates are those of the first", "14.5")
def from_the_right(ids, mask_id, scores, top):
    first, second = (ids == mask_id).nonzero().flatten().tolist()
    candidates = scores(ids)[second].topk(top)
    found = []
    for score, token in zip(*map(Tensor.tolist, candidates), strict=True):
        filled = ids.clone()
        filled[second] = token
        then = scores(filled)[first].max(0)
        found.append((score + then.values.item(), then.indices.item(), token))
    return max(found)[1:]


@two.alternative
def in_a_batch(ids, mask_id, scores, top):
    first, second = torch.where(ids == mask_id)[0]
    chances = scores(ids)[first]
    tokens = chances.argsort(descending=True)[:top]
    copies = ids.repeat(top, 1)
    copies[:, first] = tokens
    seconds = torch.stack([scores(copy)[second] for copy in copies])
    sums = chances[tokens][:, None] + seconds
    row, column = divmod(int(sums.argmax()), sums.size(1))
    return int(tokens[row]), column


@two.alternative
def with_a_dictionary(ids, mask_id, scores, top):
    first, second = [place for place, token in enumerate(ids.tolist()) if token == mask_id]
    alone, pairs = scores(ids)[first], {}
    for token in alone.topk(top).indices.tolist():
        filled = [token if place == first else one for place, one in enumerate(ids.tolist())]
        row = scores(torch.tensor(filled))[second].tolist()
        for other, score in enumerate(row):
            pairs[token, other] = alone[token].item() + score
    return max(pairs, key=pairs.get)
