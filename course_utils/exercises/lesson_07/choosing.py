"""Lesson 07, section 7.2: which tokens are hidden, and what is asked about them."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_07.material import library_masks, text_like
from course_utils.text.masking import IGNORE


def choose_places(
    input_ids: Tensor, special_ids: tuple[int, ...], rate: float, generator: torch.Generator
) -> Tensor:
    """Choose the tokens to hide: (B, L) booleans, True at the chosen places.

    Every ordinary token is chosen with probability `rate`, independently of all others; a token
    whose id is one of `special_ids` never is.  Draw from `generator`.
    """
    chosen = torch.rand(input_ids.shape, generator=generator) < rate
    return chosen & ~torch.isin(input_ids, torch.tensor(special_ids))


choosing = coding(
    "07.2",
    title="Choose, but never a special token",
    difficulty=2,
    minutes=6,
    given="rows of token ids with special ones anywhere among them, a rate, and a generator",
    reference=choose_places,
    tolerance=0.1,
    hints=[
        "One uniform number for each token (`torch.rand(..., generator=generator)`): how often is "
        "it below the rate?",
        "`torch.isin(input_ids, torch.tensor(special_ids))` is True at the special tokens; `~` "
        "turns it round, `&` combines.",
    ],
    why="A uniform number lies below 0.15 in 15 % of all draws, and each token has its own. There "
    "is nothing to learn from guessing a [SEP], and a [PAD] is not even text.",
    then="how many tokens of a row of 128 does that hide? Is it always the same number?",
)


@choosing.cases
def choosing_cases(draw):
    for rate, special in ((0.3, (0, 1, 2, 3, 4)), (0.2, (7, 40)), (0.5, (1,))):
        ids = text_like(draw, 300 + 2 * draw.size(0, 20), 101, special, 60)
        yield case(ids, special, rate, torch.Generator().manual_seed(draw.seed))


@choosing.observe
def shares(choose_places, input_ids, special_ids, rate, generator):
    chosen = choose_places(input_ids, special_ids, rate, generator)
    ordinary = ~torch.isin(input_ids, torch.tensor(special_ids))
    chosen = torch.as_tensor(chosen)
    return described(chosen, ordinary) | {"shape": list(chosen.shape), "type": str(chosen.dtype)}


def described(chosen, ordinary):
    both = ordinary[1:] & ordinary[:-1]
    beside = ordinary[:, 1:] & ordinary[:, :-1]
    shares = [
        chosen[ordinary].double().mean(),
        (chosen[1:] & chosen[:-1])[both].double().mean(),  # the same place in two rows
        (chosen[:, 1:] & chosen[:, :-1])[beside].double().mean(),  # two neighbours
    ]
    return {
        "special tokens chosen": int((chosen & ~ordinary).sum()),
        "share of the ordinary tokens, of pairs below and beside each other": torch.stack(shares),
    }


@choosing.oracle
def chosen_by_transformers(input_ids, special_ids, rate, generator):
    _, labels = library_masks(input_ids, special_ids, rate)
    ordinary = ~torch.isin(input_ids, torch.tensor(special_ids))
    return described(labels != IGNORE, ordinary) | {
        "shape": list(input_ids.shape),
        "type": "torch.bool",
    }


@choosing.holds("the same generator chooses the same places again")
def choosing_repeats(answer, input_ids, special_ids, rate, generator):
    twin = torch.Generator().set_state(generator.get_state())
    again = answer(input_ids, special_ids, rate, twin)
    return torch.equal(answer(input_ids, special_ids, rate, generator), again)


@choosing.wrong("special tokens are chosen too: nobody learns anything from guessing [SEP]", "7.2")
def special_tokens_too(input_ids, special_ids, rate, generator):
    return torch.rand(input_ids.shape, generator=generator) < rate


@choosing.wrong("one draw serves all rows: each row hides the same places", "7.2")
def one_draw_for_all_rows(input_ids, special_ids, rate, generator):
    chosen = torch.rand(input_ids.shape[1], generator=generator) < rate
    return chosen & ~torch.isin(input_ids, torch.tensor(special_ids))


@choosing.wrong("you choose what should be left alone: a share of 1 − rate", "7.2")
def the_other_way_round(input_ids, special_ids, rate, generator):
    chosen = torch.rand(input_ids.shape, generator=generator) > rate
    return chosen & ~torch.isin(input_ids, torch.tensor(special_ids))


@choosing.wrong("`torch.randn` draws normal numbers; a uniform one is below rate that often", "7.2")
def normal_numbers(input_ids, special_ids, rate, generator):
    chosen = torch.randn(input_ids.shape, generator=generator) < rate
    return chosen & ~torch.isin(input_ids, torch.tensor(special_ids))


@choosing.wrong(
    "you spare the ids below 5; which ids are special is what `special_ids` says",
    "7.2",
)
def the_first_five_ids(input_ids, special_ids, rate, generator):
    return (torch.rand(input_ids.shape, generator=generator) < rate) & (input_ids >= 5)


@choosing.wrong("only special tokens are chosen: the mask is the wrong way round (`~`)", "7.2")
def special_tokens_only(input_ids, special_ids, rate, generator):
    chosen = torch.rand(input_ids.shape, generator=generator) < rate
    return chosen & torch.isin(input_ids, torch.tensor(special_ids))


@choosing.alternative
def with_bernoulli(ids, special, rate, generator):
    chance = torch.full(ids.shape, rate)
    for one in special:
        chance[ids == one] = 0.0
    return torch.bernoulli(chance, generator=generator).bool()


@choosing.alternative
def with_a_list(input_ids, special_ids, rate, generator):
    ordinary = torch.ones_like(input_ids, dtype=torch.bool)
    for one in special_ids:
        ordinary &= input_ids != one
    chosen = torch.zeros_like(ordinary)
    dice = torch.rand(int(ordinary.sum()), generator=generator)
    chosen[ordinary] = dice >= 1 - rate
    return chosen


def masked_labels(input_ids: Tensor, chosen: Tensor) -> Tensor:
    """The answer key, (B, L): the original id at chosen places, −100 everywhere else.

    input_ids is (B, L) int64 and chosen (B, L) bool.
    """
    return torch.where(chosen, input_ids, IGNORE)


labels = coding(
    "07.3",
    title="The answer key",
    difficulty=1,
    minutes=3,
    given="the rows before anything was written over, and the chosen places",
    reference=masked_labels,
    hints=[
        "−100 is the label that PyTorch's cross-entropy skips; it is no token id.",
        "`torch.where(condition, this, that)` takes `this` where the condition is true.",
    ],
    why="Only the chosen tokens are asked for. The key has to be taken from the text as it was; "
    "whoever copies it after masking asks the model to answer [MASK].",
    then="what would the loss be if the key were simply `input_ids`?",
)


@labels.cases
def label_cases(draw):
    yield case(draw.integers(5, 30, 1, 5), torch.tensor([[False, True, False, True, False]]))
    yield case(draw.integers(0, 90, 3, 7), draw.mask(3, 7))
    yield case(draw.integers(0, 9, 9, 4).T, draw.mask(4, 9, share=0.2))  # not contiguous


@labels.oracle
def labels_in_numpy(input_ids, chosen):
    return np.where(chosen.numpy(), input_ids.numpy(), -100)


@labels.wrong("every token is asked for, the visible ones too: copying would be rewarded", "7.2")
def everything_is_asked(input_ids, chosen):
    return input_ids.clone()


@labels.wrong("the wrong way round: you ask for what can be seen", "7.2")
def asks_for_the_visible(input_ids, chosen):
    return torch.where(chosen, IGNORE, input_ids)


@labels.wrong("0 is a token, [PAD]; with it as a label the model learns to write [PAD]", "7.2")
def zero_for_ignore(input_ids, chosen):
    return input_ids * chosen


@labels.wrong("the loss skips −100; any other negative number is an error there", "7.2")
def minus_one(input_ids, chosen):
    return torch.where(chosen, input_ids, -1)


@labels.wrong("these are the answers in a row; the key has a place for every token", "7.2")
def only_the_answers(input_ids, chosen):
    return input_ids[chosen]


@labels.wrong("the key is right, but you wrote it over the text: work on a copy", "7.2")
def written_over_the_text(input_ids, chosen):
    input_ids[~chosen] = IGNORE
    return input_ids


@labels.alternative
def with_masked_fill(input_ids, chosen):
    return input_ids.masked_fill(~chosen, -100)


@labels.alternative
def with_a_full_key(ids, chosen):
    key = torch.full_like(ids, -100)
    key[chosen] = ids[chosen]
    return key
