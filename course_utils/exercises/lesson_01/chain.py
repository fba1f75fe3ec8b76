"""Lesson 01, section 1.1: the probability of a text."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical

from course_utils.exercises.exercise import case, coding


def text_log_probability(ids: Tensor, start: Tensor, table: Tensor) -> Tensor:
    """ln P(text), a scalar: the first symbol from nothing, each other from the last one.

    ids is the text, (L,) int64 with L ≥ 1.  start, (V,), holds the probability of each symbol at
    the beginning; row a of table, (V, V), holds that of each symbol after the symbol a.
    """
    return start[ids[0]].log() + table[ids[:-1], ids[1:]].log().sum()


chain = coding(
    "01.2",
    title="The probability of a text",
    difficulty=2,
    minutes=6,
    given="a text as numbers, and a player whose guesses stand in two tables",
    reference=text_log_probability,
    hints=[
        "Which row of the table is asked at each place, and which column? Write down both for a "
        "text of three symbols.",
        "The rows are `ids[:-1]` and the columns `ids[1:]`: `table[rows, columns]` takes one entry "
        "for each pair.",
        "Take logarithms before you add, and do not forget the first symbol: it comes from "
        "`start`.",
    ],
    why="The chain rule multiplies the guesses, and the logarithm of a product is a sum of "
    "logarithms. The sum stays an ordinary number where the product would underflow to zero.",
    then="what is the probability of the empty text?",
)


@chain.cases
def chain_cases(draw):
    yield case(
        torch.tensor([0, 2, 1]),
        torch.tensor([0.5, 0.25, 0.25]),
        torch.tensor([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]),
    )
    v = draw.size(4, 7)
    start, table = draw.normal(v).softmax(-1), draw.normal(v, v).softmax(-1)
    yield case(draw.integers(0, v, 2 * draw.size(3, 9) + 1), start, table)
    yield case(draw.integers(0, v, 1), start, table)  # one symbol, no pair
    yield case(draw.integers(0, v, 1501), start, table)  # the product of all is no float any more


@chain.oracle
def chain_in_torch_distributions(ids, start, table):
    first = Categorical(probs=start).log_prob(ids[0])
    return first + Categorical(probs=table[ids[:-1]]).log_prob(ids[1:]).sum()


@chain.wrong("a product of many small numbers is 0 in a computer; add up logarithms", "1.1")
def logarithm_of_the_product(ids, start, table):
    return (start[ids[0]] * table[ids[:-1], ids[1:]].prod()).log()


@chain.wrong("the first symbol has to be guessed, too: its probability stands in `start`", "1.1")
def forgot_the_first_symbol(ids, start, table):
    return table[ids[:-1], ids[1:]].log().sum()


@chain.wrong("row and column are swapped: the row is the symbol that came before", "1.1")
def rows_and_columns_swapped(ids, start, table):
    return start[ids[0]].log() + table[ids[1:], ids[:-1]].log().sum()


@chain.wrong("every symbol comes from `start` here, as if nothing stood before it", "1.1")
def nobody_looks_back(ids, start, table):
    return start[ids].log().sum()


@chain.wrong("that is the mean over the symbols; the text as a whole takes the sum", "1.1")
def the_mean(ids, start, table):
    return (start[ids[0]].log() + table[ids[:-1], ids[1:]].log().sum()) / len(ids)


@chain.wrong("that is the logarithm to base 2; ln, the natural logarithm, is `log`", "1.1")
def in_bits(ids, start, table):
    return start[ids[0]].log2() + table[ids[:-1], ids[1:]].log2().sum()


@chain.wrong("the sign: the logarithm of a probability is never above 0", "1.1")
def surprise_instead(ids, start, table):
    return -start[ids[0]].log() - table[ids[:-1], ids[1:]].log().sum()


@chain.alternative
def one_after_another(ids, start, table):
    total = start[ids[0]].log()
    for before, symbol in zip(ids.tolist(), ids[1:].tolist(), strict=False):
        total = total + table[before, symbol].log()
    return total


@chain.alternative
def as_a_loss(ids, start, table):
    guesses = torch.cat([start[None], table[ids[:-1]]])  # (L, V)
    return -F.nll_loss(guesses.log(), ids, reduction="sum")
