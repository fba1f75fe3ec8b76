"""Which tokens a decision rests on: four stories about it, and a test that judges the stories.

The stories are attention, rollout, gradients along a path and leaving one out. The judge is the
deletion test: take the tokens away in the order of a story, and see how fast the score falls. A
good order makes it fall fast, and an order that is no better than a random one has told nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def attention_rollout(maps: Sequence[Tensor]) -> Tensor:
    """How much of each input token has flowed into each output: (B, L, L), its rows sum to 1.

    `maps` are the attention weights of every layer, first to last, (B, H, L, L) each. A layer's
    heads are averaged, half of the identity stands for the residual path, and the layers are
    multiplied, the last one on the left (Abnar and Zuidema 2020, "Quantifying Attention Flow in
    Transformers", section 3). Values, output matrices and MLPs do not occur in it. Raises
    ValueError when there are no maps or their shapes differ.

    >>> looks_left = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    >>> attention_rollout([looks_left, looks_left])
    tensor([[[1.0000, 0.0000],
             [0.7500, 0.2500]]])
    """
    if not len(maps) or maps[0].dim() != 4 or any(m.shape != maps[0].shape for m in maps):
        raise ValueError("maps must be one tensor (B, H, L, L) for each layer, all of one shape.")
    rollout = eye = torch.eye(maps[0].size(-1)).to(maps[0])
    for weights in maps:
        rollout = (weights.mean(1) + eye) / 2 @ rollout  # (B, L, L)
    return rollout


def integrated_gradients(
    score: Callable[[Tensor], Tensor], inputs: Tensor, baseline: Tensor, steps: int = 32
) -> Tensor:
    """How much each number of the input has contributed to the score: the shape of `inputs`.

    (input − baseline) · mean of the gradient along the straight line between them, taken at the
    middle of `steps` equal pieces (Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for
    Deep Networks", section 3). `score` maps a batch (B, …) to (B,); `inputs` is one point (…),
    and so is `baseline`. What comes out sums up to score(inputs) − score(baseline), the better
    the more steps. Raises ValueError for other shapes or fewer than one step.

    >>> square = lambda x: x.square().sum(-1)
    >>> integrated_gradients(square, torch.tensor([1.0, 2.0]), torch.zeros(2))
    tensor([1., 4.])
    """
    if inputs.shape != baseline.shape:
        raise ValueError(
            f"inputs {tuple(inputs.shape)} and baseline {tuple(baseline.shape)} must have the "
            "same shape."
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}.")
    shares = (torch.arange(steps, dtype=inputs.dtype, device=inputs.device) + 0.5) / steps
    shares = shares.view(-1, *[1] * inputs.dim())  # (steps, 1, …)
    path = (baseline + shares * (inputs - baseline)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(path).sum(), path)
    return (inputs - baseline) * gradient.mean(0)


def embedding_score(model: nn.Module, ids: Tensor, label: int) -> Callable[[Tensor], Tensor]:
    """The logit of `label` as a function of the embedded tokens (B, L, D) instead of the ids (L,).

    `model` is a `SequenceClassifier`. While it computes, what `Encoder.embed` makes of the ids is
    replaced by what is handed in: that is where a gradient can be taken. It lies behind the first
    norm. Before that a gradient times the vector would be next to nothing for every token, since
    a norm does not notice how long a vector is. Raises ValueError when the ids are not (L,) or
    there is no such label.

    >>> from course_utils.model.encoder import Encoder, EncoderConfig
    >>> from course_utils.model.heads import SequenceClassifier
    >>> shape = EncoderConfig.modern(20, hidden_size=16, num_layers=1, num_heads=2)
    >>> model, ids = SequenceClassifier(Encoder(shape), 2).eval(), torch.tensor([5, 6, 7])
    >>> vectors = model.encoder.embed(ids[None])[0]
    >>> torch.allclose(embedding_score(model, ids, 1)(vectors), model(ids[None])[:, 1])
    True
    """
    if ids.dim() != 1:
        raise ValueError(f"ids must be one text (L,), not {tuple(ids.shape)}.")
    if not 0 <= label < model.num_labels:
        raise ValueError(f"label must lie in 0 … {model.num_labels - 1}, not {label}.")

    def score(vectors: Tensor) -> Tensor:
        hook = model.encoder.embedding_norm.register_forward_hook(lambda *_: vectors)
        try:
            return model(ids.expand(len(vectors), -1))[:, label]
        finally:
            hook.remove()

    return score


def leave_one_out(score: Callable[[Tensor], Tensor], ids: Tensor, mask_id: int) -> Tensor:
    """What the score loses when one token is replaced by [MASK], for each of them: (L,).

    `score` maps ids (B, L) to (B,); `ids` is one text (L,). Raises ValueError for other shapes.

    >>> leave_one_out(lambda ids: (ids == 7).sum(1).float(), torch.tensor([7, 5, 7]), mask_id=4)
    tensor([1., 0., 1.])
    """
    _one_text(ids)
    copies = ids.repeat(len(ids), 1).fill_diagonal_(mask_id)  # (L, L)
    scores = score(torch.cat([ids[None], copies]))
    return scores[0] - scores[1:]


def deletion_curve(
    score: Callable[[Tensor], Tensor], ids: Tensor, importance: Tensor, mask_id: int
) -> Tensor:
    """The score with the 0, 1, … L most important tokens replaced by [MASK]: (L + 1,).

    The judge of an attribution (Samek et al. 2017, "Evaluating the Visualization of What a Deep
    Neural Network Has Learned"). `score` maps ids (B, L) to (B,), `ids` and `importance` are
    (L,). Of equally important tokens the one further left goes first. Raises ValueError for
    other shapes.

    >>> count = lambda ids: (ids == 7).sum(1).float()
    >>> deletion_curve(count, torch.tensor([5, 7, 7]), torch.tensor([0.1, 0.9, 0.5]), mask_id=4)
    tensor([2., 1., 0., 0.])
    """
    _one_text(ids)
    if importance.shape != ids.shape:
        raise ValueError(
            f"importance {tuple(importance.shape)} must have one number for each of the "
            f"{len(ids)} tokens."
        )
    order = importance.argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(ids), device=order.device))
    gone = rank < torch.arange(len(ids) + 1, device=order.device)[:, None]  # (L + 1, L)
    return score(ids.expand(len(ids) + 1, -1).masked_fill(gone, mask_id))


def _one_text(ids: Tensor) -> None:
    if not isinstance(ids, Tensor) or ids.dim() != 1 or not len(ids):
        raise ValueError("ids must be the tokens of one text, (L,), at least one of them.")
