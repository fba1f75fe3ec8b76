"""Lesson 11, section 11.7: several beginnings at once, and whom to believe in the end."""

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding
from course_utils.model.decoding import extend_beams

grow = coding(
    "11.9",
    title="The best ways to go on",
    difficulty=3,
    minutes=8,
    given="the scores of K beams, and what each thinks of every next token",
    reference=extend_beams,
    task="""The best `count` ways to go on: their scores, which beam each continues, and its token.

    scores (K,) are the beams' log-probabilities so far, log_probabilities (K, V) those of the next
    token.  Returns three tensors (count,), the best first; with fewer than `count` ways, all.
    """,
    hints=[
        "A way to go on is a beam and a token: there are K·V of them. What does each cost?",
        "scores[:, None] + log_probabilities, flattened, and topk of that.",
        "A place in the flattened table is beam · V + token: take it apart with // and %.",
    ],
    why="All beams compete in one list. One of them may get two children and another none: that is "
    "how a beam search forgets a beginning that was not so good after all.",
    then="what is a beam search with one beam?",
)


@grow.cases
def beam_cases(draw):
    yield case(torch.tensor([0.5, 0.5]).log(), torch.tensor([[0.6, 0.4], [0.9, 0.1]]).log(), 2)
    for beams, vocab, count in ((3, draw.size(4, 7), 3), (2, 5, 4), (2, 3, 9), (1, 4, 2)):
        table = (2 * draw.normal(beams, vocab)).log_softmax(-1)
        yield case(-2 * draw.uniform(beams) - 0.1, table, count)


@grow.oracle
def sorted_with_numpy(scores, log_probabilities, count):
    ways = [
        (float(scores[k] + log_probabilities[k, v]), k, v)
        for k, v in np.ndindex(*log_probabilities.shape)
    ]
    best = sorted(ways, reverse=True)[:count]
    values, beams, tokens = zip(*best, strict=True)
    return torch.tensor(values, dtype=scores.dtype), torch.tensor(beams), torch.tensor(tokens)


grow.wrong_edit(
    "forgot_the_past",
    old="scores.unsqueeze(-1) + log_probabilities",
    new="0 * scores.unsqueeze(-1) + log_probabilities",
    message="the beams' own scores are left out: a bad beginning is forgiven",
    section="11.7",
)
grow.wrong_edit(
    "multiplied",
    old="scores.unsqueeze(-1) + log_probabilities",
    new="scores.unsqueeze(-1) * log_probabilities",
    message="logarithms are added, not multiplied",
    section="11.7",
)
grow.wrong_edit(
    "beam_and_token_swapped",
    old="places // total.size(-1), places % total.size(-1)",
    new="places % total.size(-1), places // total.size(-1)",
    message="beam and token are swapped: a place is beam · V + token",
    section="11.7",
)


@grow.wrong("each beam keeps its own best token: all ways have to compete in one list", "11.7")
def one_child_each(scores, log_probabilities, count):
    best, tokens = (scores[:, None] + log_probabilities).max(-1)
    order = best.argsort(descending=True)[:count]
    return best[order], order, tokens[order]


@grow.wrong("these are the worst ways", "11.7")
def worst_first(scores, log_probabilities, count):
    total = scores[:, None] + log_probabilities
    best, places = total.flatten().topk(min(count, total.numel()), largest=False)
    return best, places // total.size(-1), places % total.size(-1)


@grow.alternative
def with_sort(scores, log_probabilities, count):
    total = scores[:, None] + log_probabilities
    best, places = total.reshape(-1).sort(descending=True)
    beams, tokens = np.unravel_index(places[:count].numpy(), tuple(total.shape))
    return best[:count], torch.from_numpy(beams), torch.from_numpy(tokens)


@grow.alternative
def with_divmod(scores, log_probabilities, count):
    width = log_probabilities.size(1)
    total = (scores.reshape(-1, 1) + log_probabilities).flatten()
    places = total.argsort(descending=True)[:count]
    return total[places], places.div(width, rounding_mode="floor"), places.remainder(width)


def best_text(texts: list[list[float]]) -> int:
    """Which of several finished texts to believe: the place of the one that is likeliest a token.

    A text is the list of its tokens' log-probabilities, the end included.  Of equally good ones,
    the first.
    """
    means = [sum(text) / len(text) for text in texts]
    return means.index(max(means))


def best_text_with_a_bug(texts: list[list[float]]) -> int:
    """Which of several finished texts to believe: the place of the one that is likeliest a token.

    A text is the list of its tokens' log-probabilities, the end included.  Of equally good ones,
    the first.
    """
    sums = [sum(text) for text in texts]
    return sums.index(max(sums))


choice = coding(
    "11.10",
    title="The beam that loves silence",
    difficulty=2,
    minutes=4,
    given="a choice after which the translations get shorter the wider the beam is",
    reference=best_text,
    buggy=best_text_with_a_bug,
    hints=[
        "A log-probability is never positive. What does one more word do to the sum?",
        "Divide by the number of tokens: that is a mean, and it has no love for length.",
    ],
    why="Every word costs something, so sums favour short texts, and a wide beam is sure "
    "to have found a very short one. Dividing by the length is crude, but it takes the bias away "
    "(Wu et al. 2016, section 7).",
    then="is a mean fair? Think of a long text whose end is easy to guess.",
)


@choice.cases
def choice_cases(draw):
    yield case([[-1.0, -0.25, -0.25], [-1.0]])
    for count in (2, 3, draw.size(4, 6), 5, 6):
        texts = [[-2 * draw.random.random() for _ in range(draw.size(1, 6))] for _ in range(count)]
        texts[-1] = [-0.5, -0.5] if count == 3 else texts[-1]
        yield case(texts)
    yield case([[-0.7, -0.9, -0.9], [-0.25] * 4, [-0.5], [-0.25] * 4, [-0.125, -3.0]])


@choice.oracle
def with_numpy(texts):
    return int(np.argmax([np.mean(text) for text in texts]))


@choice.wrong(
    "the sums are divided now, but the smallest is taken: less negative is better", "11.7"
)
def took_the_worst(texts):
    means = [sum(text) / len(text) for text in texts]
    return means.index(min(means))


@choice.wrong("the longest text is no better by being long", "11.7")
def took_the_longest(texts):
    return max(range(len(texts)), key=lambda place: len(texts[place]))


@choice.wrong("one good token does not make a text: take the mean of all", "11.7")
def best_single_token(texts):
    return max(range(len(texts)), key=lambda place: max(texts[place]))


@choice.wrong("you divide by the length twice: now length itself is rewarded", "11.7")
def divided_twice(texts):
    return max(range(len(texts)), key=lambda place: sum(texts[place]) / len(texts[place]) ** 2)


@choice.wrong("right, but of equally good texts the first is to be taken", "11.7")
def last_of_a_tie(texts):
    return max(range(len(texts)), key=lambda i: (sum(texts[i]) / len(texts[i]), i))


@choice.alternative
def with_max(texts):
    return max(range(len(texts)), key=lambda place: sum(texts[place]) / len(texts[place]))


@choice.alternative
def with_torch(texts):
    return int(torch.stack([torch.tensor(t, dtype=torch.float64).mean() for t in texts]).argmax())
