"""Lesson 05: predictions, a figure to read, and counting parameters."""

from torch import nn

from course_utils.exercises.exercise import case, coding, guess_question, plot_question

first_loss = guess_question(
    "05.5",
    title="Before the first step",
    difficulty=1,
    minutes=1,
    given="a new model with a vocabulary of 30,522 words: ln 30,522 = 10.3, ln 2 = 0.7",
    ask="It has learned nothing yet. What is its loss on hidden words of real text, in nats?",
    answer=10.3,
    tolerance=0.03,
    wrong={
        0.7: "that is a coin toss between two words; there are 30,522",
        0: "a loss of zero is a model that knows everything",
        30522: "that is how many words it wavers between; the loss is the logarithm of that",
    },
    section="5.5",
    hints=[
        "If it spreads its bets evenly, what probability does each word get?",
        "The loss is −ln of the probability of the right word: −ln(1/V).",
    ],
    why="Small weights give scores near zero, so every word gets about 1/V, and −ln(1/V) = ln V.",
)

passes = plot_question(
    "05.7",
    title="A generous test",
    difficulty=2,
    minutes=2,
    given="Figure 5.2, and a colleague whose test compares with a tolerance of 0.01",
    ask="The colleague's port of MiniLM passes that test. Which of these bugs may still be in it?",
    options={
        "a": "segment vector forgotten",
        "b": "norm with std + eps",
        "c": "eps of 1e-5 instead of 1e-12",
        "d": "no mask on the padding",
    },
    answer="c",
    wrong={
        "a": "its bar ends far to the right of 0.01: the test would fail",
        "b": "look again at where its bar ends: a little above 0.01 is above",
        "d": "padding that is read changes every text that has any: its bar ends far to "
        "the right of 0.01",
    },
    section="5.6",
    hints=["Find 0.01 on the axis; it is logarithmic.", "Which bars end left of it?"],
    why="Its difference lies between 1e-4 and 1e-2: too large for rounding, too small for that "
    "test. A tolerance has to lie just above what rounding explains.",
)

twice_as_wide = guess_question(
    "05.11",
    title="Twice as wide",
    difficulty=1,
    minutes=1,
    given="an encoder of width D whose MLP is 4D wide",
    ask="D is doubled, depth and heads are kept. By what factor do the parameters of the layers "
    "grow, about?",
    answer=4,
    tolerance=0.02,
    wrong={
        2: "that holds for the embeddings, V × D; a layer's matrices are D × D and D × 4D",
        8: "two sides of each matrix double, not three",
        16: "doubling both sides of a matrix gives four times the numbers, not sixteen",
    },
    section="5.8",
    hints=["What shapes have the matrices of a layer?", "All of them have D on both sides."],
    why="12 D² a layer: both sides of every matrix double. The embeddings only double, so in a "
    "wide model they are a small part, and in a narrow one nearly everything.",
)


def layer_parameters(width: int, mlp_size: int, gated: bool = False, bias: bool = True) -> int:
    """How many numbers one encoder layer learns.

    Attention has four width × width matrices.  The MLP has one matrix up and one down; gated,
    its matrix up is twice as wide.  There are two norms.  `bias` says whether matrices and
    norms have a bias; a norm's scale is there in any case.
    """
    up = 2 * mlp_size if gated else mlp_size
    total = 4 * width * width + width * up + mlp_size * width + 2 * width
    if bias:
        total += 4 * width + up + width + 2 * width
    return total


counted = coding(
    "05.12",
    title="Count a layer",
    difficulty=3,
    minutes=8,
    given="the four numbers that decide: width, width of the MLP, gated or not, biases or not",
    reference=layer_parameters,
    hints=[
        "A linear layer from a to b numbers has a·b weights, and b biases if it has any.",
        "Attention: 4 matrices width × width. MLP: width × mlp_size (twice as wide when gated), "
        "and mlp_size × width back.",
        "Two norms: a scale of `width` each, and as many biases where `bias` is True.",
    ],
    why="4D² for the attention and 2DM or 3DM for the MLP are all but everything; the rest are "
    "vectors. The number of heads does not appear.",
    then="for M = 4D, plain: 12D² a layer, as in the table of section 5.8.",
)


@counted.cases
def counted_cases(draw):
    for gated in (False, True):
        for bias in (True, False):
            yield case(2 * draw.size(2, 6), 3 * draw.size(2, 9), gated, bias)
    yield case(4, 8)
    yield case(384, 1536)


@counted.oracle
def modules_of_libraries(width, mlp_size, gated=False, bias=True):
    """Plain: torch.nn.TransformerEncoderLayer. Gated: ModernBERT's layer in `transformers`."""
    if not gated:
        layer = nn.TransformerEncoderLayer(width, 1, mlp_size, bias=bias)
    else:
        from transformers import ModernBertConfig  # slow to import
        from transformers.models.modernbert.modeling_modernbert import ModernBertEncoderLayer

        sizes = {"hidden_size": width, "intermediate_size": mlp_size, "num_attention_heads": 1}
        biases = dict.fromkeys(("attention_bias", "mlp_bias", "norm_bias"), bias)
        config = ModernBertConfig(**sizes, **biases, num_hidden_layers=2)
        config._attn_implementation = "sdpa"
        layer = ModernBertEncoderLayer(config, layer_idx=1)
    return sum(one.numel() for one in layer.parameters())


counted.wrong_edit(
    "forgot_the_last_matrix",
    old="4 * width * width",
    new="3 * width * width",
    message="queries, keys and values are three matrices; the fourth mixes the heads' answers",
    section="5.8",
)
@counted.wrong("one norm is missing, a scale and where there is one a bias: a layer has two", "5.8")
def counted_one_norm(width, mlp_size, gated=False, bias=True):
    return layer_parameters(width, mlp_size, gated, bias) - width * (2 if bias else 1)


@counted.wrong("the norms learn too: each a scale and, where there is one, a bias", "5.8")
def forgot_the_norms(width, mlp_size, gated=False, bias=True):
    return layer_parameters(width, mlp_size, gated, bias) - 2 * width * (2 if bias else 1)


counted.wrong_edit(
    "forgot_the_biases",
    old="if bias:",
    new="if False:",
    message="`bias` is never asked: every matrix and every norm may have one",
    section="5.8",
)
counted.wrong_edit(
    "biases_always",
    old="if bias:",
    new="if True:",
    message="the biases are counted even where there are none",
    section="5.8",
)
counted.wrong_edit(
    "gate_not_counted",
    old="2 * mlp_size if gated else mlp_size",
    new="mlp_size",
    message="a gated MLP's matrix up is twice as wide: the gate needs weights too",
    section="5.8",
)
counted.wrong_edit(
    "gate_not_narrowed",
    old="mlp_size * width +",
    new="up * width +",
    message="two halves come in, one goes down: the matrix down is not twice as wide",
    section="5.8",
)


@counted.alternative
def matrix_by_matrix(width, mlp_size, gated=False, bias=True):
    def linear(a, b):
        return a * b + (b if bias else 0)

    norm = width * (2 if bias else 1)
    attention = linear(width, 3 * width) + linear(width, width)
    return attention + linear(width, mlp_size * (1 + gated)) + linear(mlp_size, width) + 2 * norm


@counted.alternative
def by_building_it(width, mlp_size, gated=False, bias=True):
    parts = [nn.Linear(width, width, bias) for _ in range(4)]
    parts += [nn.Linear(width, mlp_size, bias) for _ in range(2 if gated else 1)]
    parts += [nn.Linear(mlp_size, width, bias)]
    parts += [nn.LayerNorm(width, bias=bias) for _ in range(2)]
    return sum(weight.numel() for part in parts for weight in part.parameters())
