"""Lesson 13, section 13.9: a matrix in whole numbers."""

import torch

from course_utils.exercises.exercise import case, coding
from course_utils.model import quantization

rounding = coding(
    "13.10",
    title="A matrix in whole numbers",
    difficulty=3,
    minutes=8,
    given="a float matrix, and how many bits a code may have",
    reference=quantization.quantize_rows,
    task="""Round each row of `weight` (rows, columns): (codes int8, scales float32 (rows,)).

    The largest absolute value of a row becomes 2^(bits-1) - 1, which is 127 for 8 bits, and
    `codes * scales[:, None]` is what is left of the row: round to the nearest code, and a
    half to the even one, as `round` does.  A row of zeros gets the scale 1.  Codes of fewer than 8
    bits are kept in int8, too.
    """,
    hints=[
        "Begin with one row of 8 bits: 1, -0.5, 0.25. By what must it be divided so that the "
        "largest becomes 127?",
        "`weight.abs().amax(1)` has the largest of each row; a scale is that over the top code.",
        "`torch.where(largest > 0, largest / top, 1.0)`, then divide, `.round()`, `.to(int8)`.",
    ],
    why="A quarter of the bytes, and all that is lost is where between two of 255 steps a weight "
    "lay. Each row has its own step, so that one long row does not make all others coarse.",
    then="try it on a matrix with one weight of 1000. How many of the other codes are left?",
)


@rounding.cases
def rounding_cases(draw):
    yield case(torch.tensor([[1.0, -0.5, 0.25], [3.0, 0.7, -6.0]]))
    yield case(torch.tensor([[0.5, -0.3], [0.0, 0.0]]))
    weight = draw.normal(draw.size(3, 6), 7)
    weight[0] *= 50
    yield case(weight)
    yield case(draw.normal(5, 9), draw.size(3, 6))
    yield case(draw.normal(4, 8).t(), bits=8)  # not contiguous
    yield case(draw.normal(3, 40, dtype=torch.float64), 2)


@rounding.observe
def codes_and_weights(quantize_rows, weight, bits=8):
    codes, scales = quantize_rows(weight, bits)
    kinds = f"{codes.dtype}, {scales.dtype}"
    return {"codes": codes, "scales": scales, "dtypes": kinds}


@rounding.oracle
def by_torch(weight, bits=8):
    """torch.fake_quantize_per_channel_affine gives the rounded weights; codes follow from them."""
    weight, top = weight.float().contiguous(), 2 ** (bits - 1) - 1
    largest = weight.abs().max(dim=1).values
    scales = torch.where(largest > 0, largest / top, 1.0)
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    left = torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -top, top)
    codes = torch.round(left / scales[:, None]).to(torch.int8)
    return {"codes": codes, "scales": scales, "dtypes": "torch.int8, torch.float32"}


@rounding.wrong("one scale for the whole matrix; each row needs its own", "13.9")
def one_scale_for_all(weight, bits=8):
    top = 2 ** (bits - 1) - 1
    scale = weight.float().abs().max() / top
    return (weight / scale).round().to(torch.int8), scale.repeat(len(weight))


@rounding.wrong("you cut the decimals off; rounding to the nearest halves the error", "13.9")
def cut_off(weight, bits=8):
    _, scales = quantization.quantize_rows(weight, bits)
    return (weight.float() / scales[:, None]).trunc().to(torch.int8), scales


@rounding.wrong("a scale for each column; the rows are what a linear layer adds up", "13.9")
def column_by_column(weight, bits=8):
    top = 2 ** (bits - 1) - 1
    largest = weight.float().abs().amax(0)
    scales = torch.where(largest > 0, largest / top, 1.0)
    return (weight / scales).round().to(torch.int8), scales


@rounding.wrong("the sign has gone: take the absolute value for the scale only", "13.9")
def lost_the_sign(weight, bits=8):
    codes, scales = quantization.quantize_rows(weight, bits)
    return codes.abs(), scales


@rounding.wrong("the scale is the largest value, not the absolute one: negative rows overflow",
                "13.9")  # fmt: skip
def largest_without_absolute(weight, bits=8):
    top = 2 ** (bits - 1) - 1
    largest = weight.float().amax(1)
    scales = torch.where(largest > 0, largest / top, 1.0)
    return (weight.float() / scales[:, None]).round().clamp(-top, top).to(torch.int8), scales


@rounding.wrong("the scale is upside down: codes times scales has to give the weights", "13.9")
def scale_upside_down(weight, bits=8):
    codes, scales = quantization.quantize_rows(weight, bits)
    return codes, 1 / scales


@rounding.wrong("the top code is 2^(bits-1) - 1, so that it exists on both sides of zero", "13.9")
def top_code_too_large(weight, bits=8):
    top = 2 ** (bits - 1)
    largest = weight.float().abs().amax(1)
    scales = torch.where(largest > 0, largest / top, 1.0)
    return (weight.float() / scales[:, None]).round().clamp(-top, top - 1).to(torch.int8), scales


@rounding.wrong("always 8 bits: `bits` says how many there are", "13.9")
def always_eight_bits(weight, bits=8):
    return quantization.quantize_rows(weight, 8)


@rounding.alternative
def row_by_row(weight, bits=8):
    codes, scales = [], []
    for row in weight.float():
        scale = row.abs().max() / (2 ** (bits - 1) - 1)
        scale = scale if scale > 0 else torch.tensor(1.0)
        codes.append((row / scale).round())
        scales.append(scale)
    return torch.stack(codes).to(torch.int8), torch.stack(scales)


@rounding.alternative
def with_clamp(weight, bits=8):
    weight, top = weight.float(), 2 ** (bits - 1) - 1
    scales = torch.linalg.vector_norm(weight, ord=float("inf"), dim=1) / top
    scales = scales + (scales == 0)
    return torch.round(weight / scales.unsqueeze(1)).char(), scales
