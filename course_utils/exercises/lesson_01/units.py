"""Lesson 01, section 1.6: perplexity of several texts, and bits per byte."""

import numpy as np
import torch
from scipy.stats import gmean
from torch import Tensor

from course_utils.evaluation import language
from course_utils.exercises.exercise import case, coding


def perplexity(texts: list[Tensor]) -> Tensor:
    """Perplexity of several texts together, a scalar: the exponential of the mean surprise.

    Each text is what a model gave to its tokens, one probability for each token, (L,); the texts
    differ in length, and every token counts the same.
    """
    return torch.cat(texts).log().mean().neg().exp()


def perplexity_with_a_bug(texts: list[Tensor]) -> Tensor:
    """Perplexity of several texts together, a scalar: the exponential of the mean surprise.

    Each text is what a model gave to its tokens, one probability for each token, (L,); the texts
    differ in length, and every token counts the same.
    """
    each = [text.log().mean().neg().exp() for text in texts]
    return torch.stack(each).mean()


several = coding(
    "01.9",
    title="Mean of what?",
    difficulty=3,
    minutes=6,
    given="a function from an evaluation script. On one text it is right, on several it gives "
    "another number than it should, and the number looks plausible",
    reference=perplexity,
    buggy=perplexity_with_a_bug,
    hints=[
        "Take two texts, one of one token and one of three. How much does the first token of each "
        "weigh in the result?",
        "Mean first, exponential afterwards: the exponential stands once, at the very end.",
        "`torch.cat(texts)` puts all tokens of all texts into one row.",
    ],
    why="Perplexity is e to the mean surprise of a token. A mean of perplexities lets one odd "
    "short text outvote a long one, and the mean of exponentials is larger than the exponential "
    "of the mean.",
    then="which of its two mistakes always gives too much, and which may go either way?",
)


@several.cases
def perplexity_cases(draw):
    yield case([torch.tensor([0.5]), torch.tensor([0.125, 0.125, 0.125])])
    yield case([0.02 + 0.9 * draw.uniform(draw.size(1, 3))] + [0.02 + 0.9 * draw.uniform(7)])
    lengths = (1, 3, draw.size(8, 15), 901)  # long enough for a product to become 0
    yield case([0.01 + 0.9 * draw.uniform(length) for length in lengths])


@several.oracle
def inverse_geometric_mean_in_scipy(texts):
    return 1 / gmean(np.concatenate([text.numpy() for text in texts]))


@several.wrong(
    "the exponential comes last now, but a short text still weighs like a long one", "1.6"
)
def mean_of_means(texts):
    return torch.stack([text.log().mean() for text in texts]).mean().neg().exp()


@several.wrong(
    "each token weighs the same now, but the exponential has to come after the mean", "1.6"
)
def weighted_mean_of_perplexities(texts):
    each = [len(text) * text.log().mean().neg().exp() for text in texts]
    return torch.stack(each).sum() / sum(map(len, texts))


@several.wrong("2 to the power of nats: the base has to be that of the logarithm", "1.6")
def wrong_base(texts):
    return 2 ** torch.cat(texts).log().mean().neg()


@several.wrong(
    "one over the mean probability is not it: the logarithm comes before the mean", "1.6"
)
def inverse_of_the_mean(texts):
    return 1 / torch.cat(texts).mean()


@several.wrong("the mean over texts of their sums: divide by the number of tokens", "1.6")
def divided_by_texts(texts):
    return (torch.cat(texts).log().sum() / len(texts)).neg().exp()


@several.wrong("that is the mean surprise in nats; perplexity is its exponential", "1.6")
def forgot_the_exponential(texts):
    return torch.cat(texts).log().mean().neg()


@several.alternative
def sums_over_tokens(texts):
    nats = sum(-text.log().sum() for text in texts)
    return torch.exp(nats / sum(len(text) for text in texts))


@several.alternative
def in_bits(texts):
    return 2 ** -torch.cat(texts).log2().mean()


bits = coding(
    "01.10",
    title="The common currency",
    difficulty=2,
    minutes=4,
    given="a loss in nats for each token, and the size of the text in tokens and in bytes",
    reference=language.bits_per_byte,
    task="""Bits per byte of a text that took `nats` for each of its tokens, on average.

    The text has `tokens` tokens and `bytes` bytes.  One bit is ln 2 nats.
    """,
    hints=[
        "How many nats did the whole text take?",
        "Nats to bits: divide by ln 2. Then share them out among the bytes.",
    ],
    why="The whole text costs nats · tokens, whatever the tokens are; a byte is a byte for "
    "everybody, so per byte two models can be compared that cut the text differently.",
    then="a token holds about four bytes in many tokenizers: what are 3 nats for each of them?",
)


@bits.cases
def bits_cases(draw):
    yield case(float(np.log(8)), 10, 20)
    yield case(draw.uniform(1).item() * 5 + 0.5, draw.size(50, 90), draw.size(200, 400))
    yield case(draw.uniform(1).item() + 7, draw.size(500, 900), draw.size(901, 2000))


@bits.oracle
def bits_in_numpy(nats, tokens, bytes):
    return np.full(tokens, np.log2(np.exp(nats))).sum() / np.ones(bytes).sum()


@bits.wrong("nats for each byte; one bit is ln 2 nats, so divide by that as well", "1.6")
def nats_per_byte(nats, tokens, bytes):
    return nats * tokens / bytes


@bits.wrong("bits for each token; the text has fewer tokens than bytes", "1.6")
def bits_per_token(nats, tokens, bytes):
    return nats / np.log(2)


@bits.wrong("you multiply by ln 2; a bit is *smaller* than a nat, so there are more of them", "1.6")
def multiplied_by_ln_2(nats, tokens, bytes):
    return nats * tokens / bytes * np.log(2)


@bits.wrong("tokens and bytes are swapped: the whole text costs nats times tokens", "1.6")
def tokens_and_bytes_swapped(nats, tokens, bytes):
    return nats * bytes / (tokens * np.log(2))


@bits.wrong("that shares the cost of one token among all bytes of the text", "1.6")
def forgot_the_tokens(nats, tokens, bytes):
    return nats / (bytes * np.log(2))


@bits.alternative
def change_of_base(nats, tokens, bytes):
    return nats * np.log2(np.e) * (tokens / bytes)


@bits.alternative
def whole_text_first(nats, tokens, bytes):
    whole = torch.tensor(nats * tokens, dtype=torch.float64) / torch.tensor(2.0).double().log()
    return (whole / bytes).item()
