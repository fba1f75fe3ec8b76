"""Lesson 05, section 5.4: the text says post-norm, the code is pre-norm."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


def bert_layer(x: Tensor, attention, mlp, attention_norm, mlp_norm) -> Tensor:
    """A layer as in 2018 (post-norm): (B, L, D) → (B, L, D).

    Each sublayer's output is added to what the sublayer read, and the sum is normed.
    """
    x = attention_norm(x + attention(x))
    return mlp_norm(x + mlp(x))


def bert_layer_with_a_bug(x: Tensor, attention, mlp, attention_norm, mlp_norm) -> Tensor:
    """A layer as in 2018 (post-norm): (B, L, D) → (B, L, D).

    Each sublayer's output is added to what the sublayer read, and the sum is normed.
    """
    x = x + attention(attention_norm(x))
    return x + mlp(mlp_norm(x))


post_norm = coding(
    "05.4",
    title="The text says post-norm",
    difficulty=2,
    minutes=5,
    given="a layer that runs and learns, and does not do what its docstring says",
    reference=bert_layer,
    buggy=bert_layer_with_a_bug,
    hints=[
        "Where do the norms stand in the code, before or after the plus sign?",
        "`x = attention_norm(x + attention(x))`; the second line has the same form.",
    ],
    why="Nothing warns of it: shapes, parameter names and even the loss curve look right. Only "
    "weights that were trained with the other order tell: they give rubbish.",
    then="which of the two needs one more norm after its last layer, and why?",
)


@post_norm.cases
def layer_cases(draw):
    for batch, length, width, heads in ((1, 3, 4, 1), (3, draw.size(4, 8), 6, 2), (2, 5, 8, 4)):
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True
        ).to(draw.dtype)
        with torch.no_grad():
            for weight in layer.parameters():
                weight.copy_(draw.normal(*weight.shape))
        yield case(draw.normal(batch, length, width), layer)


@post_norm.observe
def through_the_layer(bert_layer, x, layer):
    def attention(x):
        return layer.self_attn(x, x, x, need_weights=False)[0]

    def mlp(x):
        return layer.linear2(F.gelu(layer.linear1(x)))

    return bert_layer(x, attention, mlp, layer.norm1, layer.norm2)


@post_norm.oracle
def torch_encoder_layer(x, layer):
    return layer(x)


@post_norm.wrong("the attention is mended; the MLP still norms before instead of after", "5.4")
def mended_the_first_only(x, attention, mlp, attention_norm, mlp_norm):
    x = attention_norm(x + attention(x))
    return x + mlp(mlp_norm(x))


@post_norm.wrong("the MLP is mended; the attention still norms before instead of after", "5.4")
def mended_the_second_only(x, attention, mlp, attention_norm, mlp_norm):
    x = x + attention(attention_norm(x))
    return mlp_norm(x + mlp(x))


@post_norm.wrong("you norm the sublayer's output alone; it is the sum that is normed", "5.4")
def normed_the_branch(x, attention, mlp, attention_norm, mlp_norm):
    x = x + attention_norm(attention(x))
    return x + mlp_norm(mlp(x))


@post_norm.wrong("the norms stand right, but nothing is added any more", "5.4")
def lost_the_residual(x, attention, mlp, attention_norm, mlp_norm):
    x = attention_norm(attention(x))
    return mlp_norm(mlp(x))


@post_norm.wrong("now they norm before and after: take away the norms inside", "5.4")
def normed_twice(x, attention, mlp, attention_norm, mlp_norm):
    x = attention_norm(x + attention(attention_norm(x)))
    return mlp_norm(x + mlp(mlp_norm(x)))


@post_norm.wrong("each norm belongs to its own sublayer: yours have changed places", "5.4")
def swapped_the_norms(x, attention, mlp, attention_norm, mlp_norm):
    x = mlp_norm(x + attention(x))
    return attention_norm(x + mlp(x))


@post_norm.alternative
def in_four_lines(x, attention, mlp, attention_norm, mlp_norm):
    heard = attention(x)
    x = attention_norm(heard + x)
    thought = mlp(x)
    return mlp_norm(x.add(thought))


@post_norm.alternative
def in_a_loop(x, attention, mlp, attention_norm, mlp_norm):
    for sublayer, norm in ((attention, attention_norm), (mlp, mlp_norm)):
        x = norm(sublayer(x) + x)
    return x
