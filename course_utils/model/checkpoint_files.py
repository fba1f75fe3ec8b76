"""A saved model's folder as it lies on the disk: is it there, what is it, what does it hold?

Nothing here is executed: a configuration in JSON and weights as safetensors, or a clear refusal.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertConfig, ModernBertConfig, PreTrainedConfig

CONFIGS = {"bert": BertConfig, "modernbert": ModernBertConfig}


class CheckpointError(ValueError):
    """A folder that holds no model of the kind asked for, or a model that has no such folder."""


def existing(folder: str | os.PathLike) -> Path:
    """The folder as a path, if there is one."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: expected a saved model")
    return folder


def read_config(folder: Path) -> PreTrainedConfig:
    """`config.json`, as the configuration class of its family."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no checkpoint: config.json is missing")
    try:
        family = json.loads(path.read_text(encoding="utf-8"))["model_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} describes no model: {brief(error)}") from error
    if family not in CONFIGS:
        raise CheckpointError(f"{folder} holds a {family!r}; only {tuple(CONFIGS)} can be read")
    try:
        return CONFIGS[family].from_pretrained(folder, local_files_only=True)
    except Exception as error:  # strict dataclasses of the library raise types of their own
        raise CheckpointError(f"{path} cannot be read: {brief(error)}") from error


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of `model.safetensors` under one spelling of their names."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no model.safetensors; pickled weights (.bin, .pt) are never opened"
        )
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is cut short or no safetensors file: {brief(error)}"
        ) from error
    clean = {}
    for name, value in weights.items():
        # The first BERT checkpoints say gamma and beta; some keep the decoder's bias twice.
        name = name.replace("LayerNorm.gamma", "LayerNorm.weight")
        name = name.replace("LayerNorm.beta", "LayerNorm.bias")
        clean[name.replace("cls.predictions.decoder.bias", "cls.predictions.bias")] = value
    return clean


def brief(error: Exception) -> str:
    """The first line of another library's complaint."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
