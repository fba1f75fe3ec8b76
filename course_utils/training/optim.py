"""Optimizers and schedules: AdamW and Muon, written out, and who gets which parameter."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from course_utils.machine import autocast_dtype

# Newton–Schulz coefficients of Jordan et al. 2024, "Muon" (kellerjordan.github.io/posts/muon).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class AdamW(torch.optim.Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    Two running means for each weight, of the gradient (which way?) and of its square (how
    large, usually?); a step goes along the first divided by the root of the second. This is the
    one to read. It gives the numbers of ``torch.optim.AdamW``, which `build_optimizers` takes,
    since its fused kernel goes over the memory once where these lines go eight times.

    >>> weight = nn.Parameter(torch.tensor([1.0]))
    >>> weight.grad = torch.tensor([0.5])
    >>> AdamW([weight], lr=0.1, weight_decay=0.0).step()
    >>> round(weight.item(), 4)
    0.9
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.98),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        _check(lr, weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must lie in [0, 1), not {betas}.")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["step"] = torch.zeros(())
                    state["mean"] = torch.zeros_like(weight)
                    state["square"] = torch.zeros_like(weight)
                state["step"] += 1
                t = state["step"].item()
                state["mean"].lerp_(weight.grad, 1 - beta1)
                state["square"].mul_(beta2).addcmul_(weight.grad, weight.grad, value=1 - beta2)
                # Both means start at 0; dividing by 1 - βᵗ removes the pull towards that start.
                scale = (state["square"] / (1 - beta2**t)).sqrt_().add_(group["eps"])
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.addcdiv_(state["mean"], scale, value=-group["lr"] / (1 - beta1**t))


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push all singular values of a (rows, columns) matrix towards 1, by matrix products alone.

    Five Newton–Schulz steps leave them between about 0.7 and 1.2, which is all that Muon needs.
    (N, rows, columns) are N matrices, each treated by itself: one call for many small ones is
    faster than many calls.

    >>> values = torch.linalg.svdvals(orthogonalize(torch.diag(torch.tensor([9.0, 1.0, 0.2]))))
    >>> bool(values.min() > 0.6 and values.max() < 1.3)
    True
    """
    if matrices.dim() not in (2, 3):
        raise ValueError(
            f"orthogonalize needs a matrix or a stack of them, not shape {tuple(matrices.shape)}."
        )
    a, b, c = NEWTON_SCHULZ
    x = matrices if matrices.dim() == 3 else matrices.unsqueeze(0)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        inner = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # b·gram + c·gram²
        x = torch.baddbmm(x, inner, x, beta=a)  # a·x + inner·x
    return (x.mT if tall else x).reshape(matrices.shape)


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, for the weight matrices inside a network.

    Jordan et al. 2024; the factor 0.2·√max(rows, columns) of Liu et al. 2025 ("Muon is scalable
    for LLM training", eq. 4) gives the update the size of an Adam step, so that one learning
    rate serves both.

    >>> weight = nn.Parameter(torch.eye(2))
    >>> weight.grad = torch.eye(2)
    >>> Muon([weight], lr=0.1).step()
    >>> bool(weight.diagonal().max() < 1)
    True
    """

    def __init__(
        self, params: Iterable, lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ):
        _check(lr, weight_decay)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {momentum}.")
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.dim() != 2:
                    raise ValueError(
                        f"Muon takes matrices only, not shape {tuple(weight.shape)}; "
                        "give vectors to AdamW."
                    )

    @torch.no_grad()
    def step(self, closure=None):
        """One update of every matrix that has a gradient; those of one shape go together."""
        for group in self.param_groups:
            alike: dict[tuple, list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    kind = (weight.shape, weight.dtype, weight.device)
                    alike.setdefault(kind, []).append(weight)
            for (shape, dtype, device), weights in alike.items():
                ahead = torch.stack([self._ahead(weight, group["momentum"]) for weight in weights])
                # "About 1" is all we ask of the singular values: bfloat16 is precise enough.
                updates = orthogonalize(ahead.to(autocast_dtype(device) or dtype))
                size = 0.2 * math.sqrt(max(shape))
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-group["lr"] * size)

    def _ahead(self, weight: Tensor, momentum: float) -> Tensor:
        """The gradient's running mean, looked at one step ahead (Nesterov)."""
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(state["momentum"], momentum)


def _check(lr: float, weight_decay: float) -> None:
    if not lr >= 0:
        raise ValueError(f"lr must be 0 or more, not {lr}.")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay must be 0 or more, not {weight_decay}.")


def schedule(step: int, total: int, warmup: int = 0, kind: str = "linear") -> float:
    """The factor on the learning rate at ``step`` = 0 … total - 1.

    Rises in a straight line over ``warmup`` steps, then stays ("constant") or falls to zero at
    ``total`` ("linear" or "cosine").

    >>> [round(schedule(s, 10, warmup=2), 3) for s in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.125]
    """
    if not 0 <= step < total:
        raise ValueError(f"step must lie in 0 … {total - 1}, not {step}.")
    if not 0 <= warmup <= total:
        raise ValueError(f"warmup must lie in 0 … {total}, not {warmup}.")
    if kind not in ("constant", "linear", "cosine"):
        raise ValueError(f"kind must be 'constant', 'linear' or 'cosine', not {kind!r}.")
    if step < warmup:
        return (step + 1) / warmup
    if kind == "constant":
        return 1.0
    done = (step - warmup) / (total - warmup)
    return 1 - done if kind == "linear" else (1 + math.cos(math.pi * done)) / 2


def build_optimizers(
    model: nn.Module,
    lr: float,
    weight_decay: float = 0.01,
    kind: str = "muon",
    momentum: float = 0.95,
    beta1: float = 0.9,
) -> list[torch.optim.Optimizer]:
    """The optimizers for a model: ``"adamw"`` for all, or ``"muon"`` for its inner matrices.

    Muon takes the weights of ``nn.Linear`` layers that are not tied to an embedding; AdamW
    takes the rest. Weight decay is for matrices: biases, norms and embeddings have none.
    ``momentum`` and ``beta1`` say how much of its mean gradient Muon, or AdamW, keeps at a step.
    """
    _check(lr, weight_decay)
    if kind not in ("adamw", "muon"):
        raise ValueError(f"kind must be 'adamw' or 'muon', not {kind!r}.")
    modules = list(model.modules())
    embedded = {id(m.weight) for m in modules if isinstance(m, nn.Embedding)}
    inner = [
        m.weight
        for m in modules
        if isinstance(m, nn.Linear) and id(m.weight) not in embedded and m.weight.requires_grad
    ]
    chosen = {id(weight) for weight in inner}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    fused = {"lr": lr, "betas": (beta1, 0.98), "fused": True}
    if kind == "muon" and inner:
        rest = torch.optim.AdamW(rest, weight_decay=0.0, **fused)
        return [Muon(inner, lr, momentum, weight_decay), rest]
    groups = [
        {"params": inner, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return [torch.optim.AdamW([group for group in groups if group["params"]], **fused)]
