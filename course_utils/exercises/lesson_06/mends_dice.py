"""Lesson 06, section 6.9: two exhibits of the museum that are about dice."""

import numpy as np
import torch
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_06 import pieces
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel

same = coding(
    "06.16",
    title="The same batch for ever",
    difficulty=3,
    minutes=5,
    given="exhibit E; somebody wanted every run to be repeatable, and seeded the dice where they "
    "are thrown",
    reference=pieces.batch_at,
    buggy=pieces.batch_at_with_a_bug,
    tolerance=0.08,
    hints=[
        "Call it for step 0 and for step 1. What differs?",
        "The seed of the dice has to depend on the run's seed *and* on the step.",
        "seed + step will not do: run 0 at step 1 would be run 1 at step 0. Multiply one of them "
        "by a large number first.",
    ],
    why="A batch that is a function of (seed, step) can be repeated and resumed. If it is a "
    "function of the seed alone, there is only one. `next(iter(loader))` inside a loop does the "
    "same where the loader does not shuffle.",
    then="look at the first ids of two successive batches before every long run.",
)


@same.cases
def same_cases(draw):
    for pad_id, size in ((99, 16), (3, draw.size(20, 30))):
        ids = draw.integers(100, 10**6, 500, 9)
        ids[:, 6:] = torch.where(draw.mask(500, 3), pad_id, ids[:, 6:])
        yield case(ids, size, pad_id)


@same.observe
def what_is_drawn(batch_at, rows, size, pad_id):
    def drawn(step, seed):
        ids, chosen = batch_at(rows, size, pad_id, step, seed)
        return ids, chosen

    def differ(one, other):
        """Do the rows differ, and do the places, where there is never padding?"""
        places = (one[1][:, :6], other[1][:, :6])
        return [not torch.equal(one[0], other[0]), not torch.equal(*places)]

    first, known = drawn(0, 0), {tuple(row) for row in rows.tolist()}
    many = [drawn(step, 5) for step in range(40)]
    asked = torch.cat([chosen[ids != pad_id] for ids, chosen in many]).double().mean()
    return {
        "shapes": [list(first[0].shape), list(first[1].shape)],
        "rows are of the text": all(tuple(row) in known for row in first[0].tolist()),
        "the same step again differs": differ(first, drawn(0, 0)),
        "another step differs": differ(first, drawn(1, 0)),
        "another seed differs": differ(first, drawn(0, 1)),
        "step 1 of seed 0 and step 0 of seed 1 differ": differ(drawn(1, 0), drawn(0, 1)),
        "share of the words that is hidden": float(asked),
        "padding is hidden": any(bool(chosen[ids == pad_id].any()) for ids, chosen in many),
        "different rows in 40 steps, at least 300": len(
            {tuple(row) for ids, _ in many for row in ids.tolist()}
        )
        >= 300,
    }


@same.oracle
def by_definition(rows, size, pad_id):
    """What independent draws of rows and of Bernoulli places do."""
    shape = [size, rows.shape[1]]
    return {
        "shapes": [shape, shape],
        "rows are of the text": True,
        "the same step again differs": [False, False],
        "another step differs": [True, True],
        "another seed differs": [True, True],
        "step 1 of seed 0 and step 0 of seed 1 differ": [True, True],
        "share of the words that is hidden": 0.25,
        "padding is hidden": False,
        "different rows in 40 steps, at least 300": True,
    }


def _batch_with(dice_of_rows, dice_of_places, rate=0.25, padding=False):
    """A variant of the piece, with other seeds for its dice."""

    def batch(rows, size, pad_id, step, seed):
        dice = torch.Generator().manual_seed(dice_of_rows(step, seed))
        ids = rows[torch.randint(len(rows), (size,), generator=dice)]
        dice.manual_seed(dice_of_places(step, seed) + 17)
        chosen = torch.rand(ids.shape, generator=dice) < rate
        return ids, chosen if padding else chosen & (ids != pad_id)

    return batch


def _both(step, seed):
    return 1_000_003 * seed + step


@same.wrong("every run has the same batches: the seed is not used any more", "6.7")
def seed_forgotten(rows, size, pad_id, step, seed):
    return _batch_with(lambda t, s: t, lambda t, s: t)(rows, size, pad_id, step, seed)


@same.wrong("seed + step: step 1 of run 0 is step 0 of run 1, so two seeds are hardly two", "6.7")
def seed_plus_step(rows, size, pad_id, step, seed):
    return _batch_with(lambda t, s: t + s, lambda t, s: t + s)(rows, size, pad_id, step, seed)


@same.wrong("other rows at every step, but always the same places hidden", "6.7")
def same_places(rows, size, pad_id, step, seed):
    ids, _ = pieces.batch_at(rows, size, pad_id, step, seed)
    dice = torch.Generator().manual_seed(7)
    return ids, (torch.rand(ids.shape, generator=dice) < 0.25) & (ids != pad_id)


@same.wrong("other places at every step, but always the same rows", "6.7")
def same_rows(rows, size, pad_id, step, seed):
    return _batch_with(lambda t, s: s, _both)(rows, size, pad_id, step, seed)


@same.wrong("the dice are not seeded: a run cannot be repeated or resumed", "6.7")
def unseeded(rows, size, pad_id, step, seed):
    ids = rows[torch.randint(len(rows), (size,))]
    return ids, (torch.rand(ids.shape) < 0.25) & (ids != pad_id)


@same.alternative
def other_numbers(rows, size, pad_id, step, seed):
    return _batch_with(lambda t, s: 7919 * t + s, _both)(rows, size, pad_id, step, seed)


@same.alternative
def as_a_pair(rows, size, pad_id, step, seed):
    dice = np.random.default_rng([seed, step])
    ids = rows[torch.from_numpy(dice.integers(len(rows), size=size))]
    chosen = torch.from_numpy(dice.random(tuple(ids.shape)) < 0.25)
    return ids, chosen & (ids != pad_id)


loud = coding(
    "06.17",
    title="A loud beginning",
    difficulty=2,
    minutes=4,
    given="exhibit F; `nn.init.normal_` and `nn.Embedding` draw with deviation 1 unless told",
    reference=pieces.start,
    buggy=pieces.start_with_a_bug,
    mutates=True,
    tolerance=0.1,
    hints=[
        "Which deviation does the docstring ask for, and where does the call say so?",
        "It has an argument `std`.",
    ],
    why="The decoder multiplies a vector of length about √D by the embeddings. With deviation 1 "
    "the logits have a deviation of √D, and a model that knows nothing is sure of everything.",
    then="compute the loss at step 0 for deviations from 0.02 to 1. Where does it leave ln V?",
)


@loud.cases
def loud_cases(draw):
    yield case(200, 32)
    yield case(draw.size(300, 500), 48)


@loud.observe
def embeddings(start, words, width):
    config = EncoderConfig.modern(words, hidden_size=width, num_layers=1, num_heads=2)
    model = MaskedLanguageModel(config)
    with torch.no_grad():
        model.encoder.tokens.weight.fill_(3.0)
    start(model)
    weight = model.encoder.tokens.weight.detach()
    return {
        "words, width": list(weight.shape),
        "mean and deviation": torch.stack([weight.mean(), weight.std()]).float(),
        "largest above 3 deviations": bool(weight.abs().max() > 0.06),
        "still the decoder": model.decoder.weight is model.encoder.tokens.weight,
    }


@loud.oracle
def as_the_task_says(words, width):
    return {
        "words, width": [words, width],
        "mean and deviation": torch.tensor([0.0, 0.02]),
        "largest above 3 deviations": True,
        "still the decoder": True,
    }


@loud.wrong("a new parameter is no longer the decoder's: the two are untied", "6.1")
def untied(model):
    weight = 0.02 * torch.randn_like(model.encoder.tokens.weight)
    model.encoder.tokens.weight = nn.Parameter(weight)


@loud.wrong("0.02 is the deviation; you took it for the variance", "6.1")
def variance(model):
    nn.init.normal_(model.encoder.tokens.weight, std=0.02**0.5)


@loud.wrong("a uniform law between −0.02 and 0.02 is not a normal law of deviation 0.02", "6.1")
def uniform(model):
    nn.init.uniform_(model.encoder.tokens.weight, -0.02, 0.02)


@loud.wrong("all words begin alike: with zeros nothing tells them apart", "6.1")
def zeros(model):
    nn.init.zeros_(model.encoder.tokens.weight)


@loud.wrong("the second argument is the mean: the deviation is still 1", "6.1")
def as_the_mean(model):
    nn.init.normal_(model.encoder.tokens.weight, 0.02)


@loud.alternative
def scaled(model):
    with torch.no_grad():
        model.encoder.tokens.weight.copy_(0.02 * torch.randn_like(model.encoder.tokens.weight))


@loud.alternative
def in_place(model):
    model.decoder.weight.data.normal_(0, 0.02)
