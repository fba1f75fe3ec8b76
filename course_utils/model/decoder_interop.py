"""A causal model of ours as `transformers`' ModernBertDecoderForCausalLM, and back.

It is the same architecture, only with queries, keys and values in three matrices instead of one.
The translator has no counterpart there (no model of the library is a ModernBERT with two texts), so
its folder holds our own configuration beside the weights.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import ModernBertDecoderConfig, ModernBertDecoderForCausalLM

from course_utils.files import atomic_folder

from .checkpoint_files import CheckpointError, existing
from .decoder import CausalLanguageModel, Translator
from .encoder import EncoderConfig
from .families import to_transformers

TRANSLATOR = "course-translator"


def to_causal_transformers(model: CausalLanguageModel) -> ModernBertDecoderForCausalLM:
    """The same model in `transformers`, for its `generate` and its `save_pretrained`.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> shape = EncoderConfig.modern(60, hidden_size=32, num_layers=1, num_heads=2)
    >>> ours = CausalLanguageModel(shape).eval()
    >>> ids = torch.tensor([[2, 9, 17]])
    >>> theirs = to_causal_transformers(ours)
    >>> torch.allclose(theirs(ids).logits, ours(ids), atol=1e-5)
    True
    """
    if not isinstance(model, CausalLanguageModel):
        raise TypeError(f"Expected a CausalLanguageModel, not {type(model).__name__}.")
    values = to_transformers(model.config)
    if model.config.windows:  # theirs looks back only, and counts the token itself
        values["local_attention"] = 2 * (max(model.config.windows) + 1)
    values |= {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
    with torch.random.fork_rng(devices=[]):
        theirs = ModernBertDecoderForCausalLM(ModernBertDecoderConfig(**values))
    theirs.load_state_dict(_their_weights(model), strict=False)
    return theirs.eval()


def _their_weights(model: CausalLanguageModel) -> dict[str, torch.Tensor]:
    weights = {}
    for name, value in model.state_dict().items():
        if name in ("encoder.cos", "encoder.sin"):
            continue
        for ours, theirs in (
            ("encoder.tokens", "model.embeddings.tok_embeddings"),
            ("encoder.embedding_norm", "model.embeddings.norm"),
            ("encoder.", "model."),
            ("head.", "lm_head."),
            (".attention_norm.", ".attn_norm."),
            (".attention.out.", ".attn.Wo."),
            (".mlp.up.", ".mlp.Wi."),
            (".mlp.down.", ".mlp.Wo."),
        ):
            name = name.replace(ours, theirs)
        if ".attention.qkv." in name:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                weights[name.replace(".attention.qkv.", f".attn.{letter}_proj.")] = part
        else:
            weights[name] = value
    return weights


def save_causal(model: CausalLanguageModel, folder: str | os.PathLike, tokenizer=None) -> Path:
    """Write a folder that `AutoModelForCausalLM.from_pretrained` opens, whole or not at all."""
    theirs = to_causal_transformers(model)
    with atomic_folder(folder) as draft:
        theirs.save_pretrained(draft)
        if tokenizer is not None:
            tokenizer.save_pretrained(draft)
    return Path(folder)


def save_translator(model: Translator, folder: str | os.PathLike, tokenizer=None) -> Path:
    """Write a translator as config.json and float16 weights, whole or not at all."""
    if not isinstance(model, Translator):
        raise TypeError(f"Expected a Translator, not {type(model).__name__}.")
    told = {"model_type": TRANSLATOR, **model.config.to_dict()}
    weights = {name: value.half().contiguous() for name, value in model.named_parameters()}
    with atomic_folder(folder) as draft:
        (draft / "config.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        save_file(weights, draft / "model.safetensors", metadata={"format": "pt"})
        if tokenizer is not None:
            tokenizer.save_pretrained(draft)
    return Path(folder)


def load_translator(folder: str | os.PathLike) -> Translator:
    """Read what `save_translator` has written, in float32 and evaluation mode.

    Raises:
        FileNotFoundError: there is no such folder.
        CheckpointError: it holds no translator.
    """
    folder = existing(folder)
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if told.pop("model_type") != TRANSLATOR:
            raise ValueError("it is a model of another kind")
        weights = load_file(folder / "model.safetensors")
        with torch.random.fork_rng(devices=[]):
            model = Translator(EncoderConfig.from_dict(told))
        model.load_state_dict({name: value.float() for name, value in weights.items()})
    except Exception as error:  # whatever is missing or broken, it is no translator
        raise CheckpointError(f"{folder} holds no translator: {type(error).__name__}") from error
    return model.eval()
