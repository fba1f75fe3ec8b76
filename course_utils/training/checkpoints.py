"""Checkpoints that survive a kill: written whole or not at all, and verified when read.

A run's folder holds ``step-000200/`` with the weights, the optimizers' state (both as
safetensors) and ``state.json``, which carries the checksums of the other two.
"""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import nn

from course_utils.files import atomic_folder, sha256_file

KEEP = 2  # the newest checkpoint and one to fall back on
WEIGHTS, OPTIMIZERS, STATE = "model.safetensors", "optimizers.safetensors", "state.json"


def save(
    run: Path,
    step: int,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    extra: dict[str, Any],
) -> Path:
    """Write ``run/step-NNNNNN`` in one piece and remove all but the newest ``KEEP``.

    ``extra`` is anything that JSON can hold (configuration, history). Returns the new folder.
    """
    folder = Path(run) / f"step-{step:06d}"
    with atomic_folder(folder) as draft:
        save_model(model, str(draft / WEIGHTS))
        save_file(_flatten(optimizers), draft / OPTIMIZERS)
        state = {
            "step": step,
            "sha256": {name: sha256_file(draft / name) for name in (WEIGHTS, OPTIMIZERS)},
            "extra": extra,
        }
        (draft / STATE).write_text(json.dumps(state), encoding="utf-8")
    for old in _folders(run)[:-KEEP]:
        shutil.rmtree(old)
    return folder


def load(
    run: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer]
) -> tuple[int, dict[str, Any]] | None:
    """Bring ``model`` and ``optimizers`` to the newest intact checkpoint of ``run``.

    Returns its step and ``extra``, or None when there is no checkpoint. A damaged checkpoint is
    passed over with a warning; ValueError when none is intact or it belongs to another model.
    """
    folders = _folders(run)
    for folder in reversed(folders):
        try:
            state = _verify(folder)
        except (OSError, ValueError, KeyError) as problem:
            told = f"Passing over the damaged checkpoint {folder.name}: {problem}"
            warnings.warn(told, stacklevel=2)
            continue
        try:
            load_model(model, str(folder / WEIGHTS))
            _restore(optimizers, load_file(folder / OPTIMIZERS))
        except (RuntimeError, KeyError, SafetensorError) as problem:
            raise ValueError(
                f"The checkpoint {folder.name} belongs to another model or optimizer; "
                "give this run a folder of its own."
            ) from problem
        return state["step"], state["extra"]
    if folders:
        raise ValueError(f"No checkpoint in {run} is intact; delete that folder and start again.")
    return None


def _folders(run: Path) -> list[Path]:
    return sorted(Path(run).glob("step-[0-9]*[0-9]"))


def _verify(folder: Path) -> dict[str, Any]:
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    for name, expected in state["sha256"].items():
        if sha256_file(folder / name) != expected:
            raise ValueError(f"{name} does not have its checksum.")
    return state


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _flatten(optimizers: list[torch.optim.Optimizer]) -> dict[str, torch.Tensor]:
    """All state tensors, named ``optimizer.parameter.quantity`` by their places in the lists."""
    return {
        f"{i}.{j}.{name}": tensor.detach().contiguous()
        for i, optimizer in enumerate(optimizers)
        for j, weight in enumerate(_parameters(optimizer))
        for name, tensor in optimizer.state[weight].items()
    }


def _restore(
    optimizers: list[torch.optim.Optimizer], tensors: dict[str, torch.Tensor]
) -> None:
    for key, tensor in tensors.items():
        i, j, name = key.split(".")
        optimizer = optimizers[int(i)] if int(i) < len(optimizers) else None
        if optimizer is None or int(j) >= len(_parameters(optimizer)):
            raise KeyError(f"no parameter {key}")
        weight = _parameters(optimizer)[int(j)]
        if tensor.dim() and tensor.shape != weight.shape:
            raise KeyError(f"parameter {key} has another shape")
        optimizer.state[weight][name] = tensor.to(weight.device)
