"""Lesson 04, sections 4.6 and 4.7: the order of words, and what looking everywhere costs."""

import numpy as np
import torch

from course_utils.exercises.exercise import case, coding, guess_question
from course_utils.model import attention

rotary = coding(
    "04.10",
    title="Turn by position",
    difficulty=4,
    minutes=12,
    given="queries or keys, and the cosines and sines of the angle of every pair at every position",
    reference=attention.apply_rotary,
    task="""Turn every pair (xᵢ, xᵢ₊d/₂) of queries or keys by its position's angle.

    x is (..., L, d) with an even d; cos and sin are (L, d), and their second half repeats the
    first.  A pair (a, b) becomes (a cos − b sin, b cos + a sin).
    """,
    hints=[
        "The partner of number i stands half the width further on: cut x into two halves.",
        "`first, second = x.chunk(2, dim=-1)`, and the same for cos and sin.",
        "`torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)`.",
    ],
    why="Turning a query by its angle and a key by its own leaves, in their dot product, only the "
    "difference of the two angles: the distance between the words.",
    then="show that turning keeps the length of every vector.",
)


@rotary.cases
def rotary_cases(draw):
    for shape in ((2, 2), (3, 2, draw.size(4, 9), 6), (2, 5, 8)):
        frequencies = 0.5 + draw.uniform(shape[-1] // 2)
        angles = torch.arange(shape[-2]).to(draw.dtype)[:, None] * frequencies
        angles = angles.repeat(1, 2)
        yield case(draw.normal(*shape), angles.cos(), angles.sin())


@rotary.oracle
def complex_numbers(x, cos, sin):
    """NumPy: a turn is a product with a number on the unit circle."""
    half = x.size(-1) // 2
    pairs = x[..., :half].numpy() + 1j * x[..., half:].numpy()
    turned = pairs * (cos[:, :half].numpy() + 1j * sin[:, :half].numpy())
    return np.concatenate([turned.real, turned.imag], axis=-1)


@rotary.wrong("you turn neighbours (x₀, x₁); in this course a pair lies half a width apart", "4.6")
def turned_neighbours(x, cos, sin):
    half = x.size(-1) // 2
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = cos[..., :half], sin[..., :half]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2)


@rotary.wrong("the sign of the sine is the wrong way round: you turn backwards", "4.6")
def turned_backwards(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos - torch.cat([-second, first], -1) * sin


@rotary.wrong("halves swapped, but no minus: a turn has one, or lengths change", "4.6")
def forgot_the_minus(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([second, first], -1) * sin


@rotary.wrong("positions are added here; rotary positions turn the vector", "4.6")
def added_instead_of_turned(x, cos, sin):
    half = x.size(-1) // 2
    return x + torch.cat([sin[..., :half], cos[..., half:]], -1)


@rotary.wrong("sine and cosine have changed places: position 0 must leave x as it is", "4.6")
def swapped_sine_and_cosine(x, cos, sin):
    return attention.apply_rotary(x, sin, cos)


@rotary.wrong("only one half is turned; the partner has to turn with it", "4.6")
def turned_one_half(x, cos, sin):
    return torch.cat([attention.apply_rotary(x, cos, sin).chunk(2, -1)[0], x.chunk(2, -1)[1]], -1)


@rotary.wrong(
    "the second half reads the first one after it has been turned: keep the old one", "4.6"
)
def used_the_turned_half(x, cos, sin):
    half, x = x.size(-1) // 2, x.clone()
    x[..., :half] = x[..., :half] * cos[..., :half] - x[..., half:] * sin[..., :half]
    x[..., half:] = x[..., half:] * cos[..., half:] + x[..., :half] * sin[..., half:]
    return x


@rotary.wrong("you pair neighbours, and the tables pair halves: both must do the same", "4.6")
def neighbours_with_tables_for_halves(x, cos, sin):
    return x * cos + torch.stack([-x[..., 1::2], x[..., 0::2]], -1).flatten(-2) * sin


@rotary.wrong("a minus too many: the second half is b cos + a sin", "4.6")
def minus_in_both_halves(x, cos, sin):
    return x * cos - x.roll(x.size(-1) // 2, -1) * sin


@rotary.wrong("the halves came back in the wrong order: a′ first, then b′", "4.6")
def halves_exchanged(x, cos, sin):
    return attention.apply_rotary(x, cos, sin).roll(x.size(-1) // 2, -1)


@rotary.wrong("right numbers, dealt like cards: put the halves one behind the other, `cat`", "4.6")
def halves_interleaved(x, cos, sin):
    return torch.stack(attention.apply_rotary(x, cos, sin).chunk(2, -1), -1).flatten(-2)


@rotary.wrong("one axis too many: put the halves one behind the other, `cat`, not `stack`", "4.6")
def halves_stacked(x, cos, sin):
    return torch.stack(attention.apply_rotary(x, cos, sin).chunk(2, -1), -1)


@rotary.wrong("only the cosine: each number also gets some of its partner, by the sine", "4.6")
def forgot_the_partner(x, cos, sin):
    return x * cos


@rotary.wrong("the sine belongs to the *partner*, half the width away, not to x itself", "4.6")
def its_own_partner(x, cos, sin):
    return x * cos + x * sin


@rotary.wrong("the halves of x are d/2 wide and the tables d: cut the tables as well", "4.6")
def whole_tables_for_half_vectors(x, cos, sin):
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


@rotary.wrong("the caller's x is changed: write into a copy, or build the result with `cat`", "4.6")
def turned_in_place(x, cos, sin):
    return x.copy_(attention.apply_rotary(x, cos, sin))


@rotary.alternative
def as_complex_numbers(x, cos, sin):
    first, second = x.chunk(2, -1)
    half = first.size(-1)
    turned = torch.complex(first, second) * torch.complex(cos[..., :half], sin[..., :half])
    return torch.cat([turned.real, turned.imag], -1)


@rotary.alternative
def halves(x, cos, sin):
    (a, b), (c, _), (s, _) = x.chunk(2, -1), cos.chunk(2, -1), sin.chunk(2, -1)
    return torch.cat([a * c - b * s, b * c + a * s], dim=-1)


twice = guess_question(
    "04.11",
    title="Twice the text",
    difficulty=1,
    minutes=1,
    given="an attention layer that writes down its weights, (B, H, L, L)",
    ask="The text gets twice as long. How many times as much memory do the weights need?",
    answer=4,
    wrong={
        2: "both sides of the table grow: every token looks at every token",
        8: "two sides grow, not three",
    },
    section="4.7",
    hints=["How many numbers are there for L tokens?", "L² of them for every head."],
    why="The table has a row and a column for every token: twice the text, four times the table.",
)
