"""Vectors of tokens by counting alone: who stands beside whom, and a singular value decomposition.

Levy & Goldberg (2014), "Neural Word Embedding as Implicit Matrix Factorization", sections 4 and 5.
"""

import torch
from torch import Tensor

SMOOTHED = 0.75  # contexts that are rare count for more (Levy, Goldberg & Dagan 2015, section 3.2)
SPREAD = 0.1  # standard deviation of what comes out: enough that training does not forget it soon


def neighbour_information(rows: Tensor, vocab_size: int) -> Tensor:
    """How much more often than by chance a token has a neighbour: (V, 2V) float32.

    rows: (N, L) token ids. Column c is "c follows", column V + c is "c stands before". Entries are
    the positive pointwise mutual information, log p(token, context) / p(token) p(context) in nats
    where that is above 0, with p(context) smoothed. The table is dense: 134 MB for V = 4,096.

    >>> rows = torch.tensor([[1, 2, 1, 2, 1, 2, 0, 3]])
    >>> found = neighbour_information(rows, 4)
    >>> found.shape, bool(found[1, 2] > 0), bool(found[1, 3] == 0)
    (torch.Size([4, 8]), True, True)
    """
    if rows.dim() != 2 or rows.size(1) < 2 or rows.is_floating_point():
        raise ValueError(
            f"rows must be (N, L ≥ 2) whole numbers, not {tuple(rows.shape)} {rows.dtype}."
        )
    if rows.min() < 0 or rows.max() >= vocab_size:
        raise ValueError(f"rows hold ids outside a vocabulary of {vocab_size}.")
    first, second = rows[:, :-1].flatten(), rows[:, 1:].flatten()
    token = torch.cat([first, second])
    context = torch.cat([second, vocab_size + first])
    pairs, times = torch.unique(token * (2 * vocab_size) + context, return_counts=True)
    token, context = pairs // (2 * vocab_size), pairs % (2 * vocab_size)
    times = times.float()
    of_token = torch.zeros(vocab_size).index_add_(0, token, times)
    of_context = torch.zeros(2 * vocab_size).index_add_(0, context, times) ** SMOOTHED
    chance = of_token[token] * of_context[context] / of_context.sum()
    information = (times / chance).log()
    kept = information > 0
    table = torch.zeros(vocab_size, 2 * vocab_size)
    table[token[kept], context[kept]] = information[kept]
    return table


def word_vectors(rows: Tensor, vocab_size: int, size: int) -> Tensor:
    """A vector for each token, (V, size) float32: tokens with the same neighbours lie together.

    The first `size` singular vectors of `neighbour_information`, each times the root of its
    singular value, with mean 0 and standard deviation 0.1. Depends on PyTorch's random state.

    >>> rows = torch.randint(5, 60, (40, 16))
    >>> word_vectors(rows, 60, 8).shape
    torch.Size([60, 8])
    """
    if not 1 <= size <= vocab_size:
        raise ValueError(f"size must lie in 1 … {vocab_size}, the vocabulary, not {size}.")
    vectors, values, _ = torch.svd_lowrank(neighbour_information(rows, vocab_size), size)
    vectors = vectors * values.sqrt()
    vectors = vectors - vectors.mean(0)
    return vectors * (SPREAD / vectors.std())
