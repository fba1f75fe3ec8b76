"""A causal model of ours as `transformers`' ModernBertDecoderForCausalLM, and back.

It is the same architecture, only with queries, keys and values in three matrices instead of one.
The translator has no counterpart there: no model of the library is a ModernBERT with two texts.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from transformers import ModernBertDecoderConfig, ModernBertDecoderForCausalLM

from .decoder import CausalLanguageModel
from .families import to_transformers


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
    """Write a folder that `AutoModelForCausalLM.from_pretrained` opens."""
    to_causal_transformers(model).save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return Path(folder)
