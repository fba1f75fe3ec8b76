"""What lies open in a model's vectors, and what its heads are needed for.

A probe is a small model that reads a property out of frozen hidden states (Alain and Bengio 2016).
That it succeeds says little by itself: it may have learned the property, and an untrained network
shows a good deal too. So a probe comes with control labels (Hewitt and Liang 2019) and an untrained
twin. And what can be read need not be used: for that, a part is silenced and the loss looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def control_labels(words: Tensor, num_classes: int, seed: int = 0) -> Tensor:
    """Labels that mean nothing: each kind of word gets one class at random, wherever it stands.

    `words` is int64 of any shape, ids of words; the labels are int64 of the same shape, each of
    the classes equally likely. Who predicts them has learned words by heart, since there is
    nothing else to learn (Hewitt and Liang 2019, "Designing and Interpreting Probes with Control
    Tasks", section 2). A word's class depends on the word and the seed alone, not on what else
    is in `words`. Raises TypeError for words that are no int64 tensor, ValueError for negative
    ids or fewer than two classes.

    >>> control_labels(torch.tensor([7, 3, 7, 7]), 2)
    tensor([0, 1, 0, 0])
    """
    if not isinstance(words, Tensor) or words.dtype != torch.int64:
        raise TypeError("words must be an int64 tensor of word ids.")
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, not {num_classes}.")
    if words.numel() and int(words.min()) < 0:
        raise ValueError("words must be ids from 0 upwards.")
    dice = torch.Generator().manual_seed(seed)
    last = int(words.max()) if words.numel() else 0
    # Drawn one number at a time, so that a larger vocabulary continues a smaller one.
    table = (torch.rand(last + 1, generator=dice, dtype=torch.float64) * num_classes).long()
    return table[words]


def linear_probe(known: Tensor, targets: Tensor, asked: Tensor, ridge: float = 1e-3) -> Tensor:
    """Fit targets ≈ known W + b by least squares and read the targets of `asked` off: (M, K).

    known (N, D) are hidden states and targets (N, K) what is to be read from them; asked (M, D)
    are other states. The penalty is `ridge` · N · ‖W‖², with the offset b free; everything is
    computed in float64 and returned in the dtype of `asked`. Probabilities are read as numbers:
    what comes out need not lie in 0 … 1. Raises ValueError for shapes that do not fit.

    >>> states = torch.tensor([[0.0], [1.0], [2.0]])
    >>> linear_probe(states, 3 * states + 1, torch.tensor([[5.0]]), ridge=0)
    tensor([[16.]])
    """
    if not known.dim() == targets.dim() == asked.dim() == 2 or len(known) != len(targets):
        raise ValueError(
            f"known, targets and asked must be (N, D), (N, K) and (M, D), not "
            f"{tuple(known.shape)}, {tuple(targets.shape)} and {tuple(asked.shape)}."
        )
    if known.size(1) != asked.size(1):
        raise ValueError(f"known is {known.size(1)} wide and asked {asked.size(1)}.")
    if ridge < 0:
        raise ValueError(f"ridge must not be negative, but it is {ridge}.")
    x, y = known.double(), targets.double()
    centre, level = x.mean(0), y.mean(0)
    x, y = x - centre, y - level
    penalty = ridge * len(x) * torch.eye(x.size(1), dtype=torch.float64, device=x.device)
    weights = torch.linalg.lstsq(x.T @ x + penalty, x.T @ y, driver="gelsd").solution
    return ((asked.double() - centre) @ weights + level).to(asked.dtype)


def explained(truth: Tensor, guesses: Tensor) -> float:
    """The share of the variance of `truth` (N, K) that `guesses` account for: 1 is all of it.

    R² over all K columns together. The mean of the truth, guessed everywhere, gets 0, and worse
    guesses get less. Raises ValueError for shapes that differ or a truth without variance.

    >>> explained(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.5], [1.5]]))
    0.75
    """
    if truth.shape != guesses.shape or truth.dim() != 2:
        raise ValueError(
            f"truth and guesses must both be (N, K), not {tuple(truth.shape)} and "
            f"{tuple(guesses.shape)}."
        )
    truth, guesses = truth.double(), guesses.double()
    total = (truth - truth.mean(0)).square().sum().item()
    if (truth == truth[:1]).all():
        raise ValueError("The truth is the same everywhere: there is no variance to explain.")
    return 1 - (truth - guesses).square().sum().item() / total


@contextmanager
def silenced(model: nn.Module, heads: Mapping[int, Sequence[int]]) -> Iterator[None]:
    """Within the block, the named heads add nothing: layer → numbers of its heads, from 0.

    Their part of what goes into the layer's output matrix is set to zero (Michel, Levy and
    Neubig 2019, "Are Sixteen Heads Really Better than One?", section 2.3). `model` is an encoder
    or has one as `encoder`; afterwards it is as it was. Raises ValueError for a layer or head
    that is not there.

    >>> from course_utils.model.encoder import Encoder, EncoderConfig
    >>> encoder = Encoder(EncoderConfig.modern(20, hidden_size=16, num_layers=1, num_heads=2))
    >>> ids = torch.tensor([[5, 6, 7]])
    >>> before = encoder(ids)
    >>> with silenced(encoder, {0: [1]}):
    ...     changed = not torch.equal(encoder(ids), before)
    >>> changed, torch.equal(encoder(ids), before)
    (True, True)
    """
    encoder = getattr(model, "encoder", model)
    layers, hooks = encoder.layers, []
    for layer, numbers in heads.items():
        if not 0 <= layer < len(layers):
            raise ValueError(f"There is no layer {layer}: they are numbered 0 … {len(layers) - 1}.")
        attention = layers[layer].attention
        if not all(0 <= number < attention.num_heads for number in numbers):
            raise ValueError(
                f"The heads of layer {layer} are numbered 0 … {attention.num_heads - 1}, and "
                f"{list(numbers)} are not all among them."
            )
    try:
        for layer, numbers in heads.items():
            attention = layers[layer].attention
            hooks.append(attention.out.register_forward_pre_hook(_zero(attention, numbers)))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _zero(attention: nn.Module, numbers: Sequence[int]):
    """A hook that silences these heads in the input (B, L, H·d) of the output matrix."""

    def hook(_, inputs):
        mixed = inputs[0].unflatten(-1, (attention.num_heads, -1)).clone()  # (B, L, H, d)
        mixed[..., list(numbers), :] = 0
        return (mixed.flatten(-2),)

    return hook
