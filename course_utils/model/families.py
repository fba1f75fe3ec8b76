"""How `transformers` calls the parts and the choices of our two families.

Weights differ in their names only, but for one thing: the 2018 BERT keeps the matrices of
queries, keys and values apart, where we (and ModernBERT) stack them into one.
"""

from __future__ import annotations

from .encoder import EncoderConfig

ROOT = {"bert": "bert.", "modernbert": "model."}

# ours: theirs, in BERT and in ModernBERT; more than one name of theirs means stacked rows.
EMBEDDING_PARTS = {
    "tokens": (["embeddings.word_embeddings"], ["embeddings.tok_embeddings"]),
    "positions": (["embeddings.position_embeddings"], []),
    "types": (["embeddings.token_type_embeddings"], []),
    "embedding_norm": (["embeddings.LayerNorm"], ["embeddings.norm"]),
    "final_norm": ([], ["final_norm"]),
}
LAYER_PARTS = {
    "attention_norm": (["attention.output.LayerNorm"], ["attn_norm"]),
    "attention.qkv": (
        ["attention.self.query", "attention.self.key", "attention.self.value"],
        ["attn.Wqkv"],
    ),
    "attention.out": (["attention.output.dense"], ["attn.Wo"]),
    "mlp_norm": (["output.LayerNorm"], ["mlp_norm"]),
    "mlp.up": (["intermediate.dense"], ["mlp.Wi"]),
    "mlp.down": (["output.dense"], ["mlp.Wo"]),
}
LAYERS = {"bert": "encoder.layer", "modernbert": "layers"}
HEAD_PARTS = {
    "masked_lm": {
        "head.dense": (["cls.predictions.transform.dense"], ["head.dense"]),
        "head.norm": (["cls.predictions.transform.LayerNorm"], ["head.norm"]),
        "decoder": (["cls.predictions.decoder"], ["decoder"]),
    },
    "classification": {
        "head.0": (["bert.pooler.dense"], []),
        "head.dense": ([], ["head.dense"]),
        "head.norm": ([], ["head.norm"]),
        "classifier": (["classifier"], ["classifier"]),
    },
    "question_answering": {
        "head.dense": ([], ["head.dense"]),
        "head.norm": ([], ["head.norm"]),
        "classifier": (["qa_outputs"], ["classifier"]),
    },
    "token_classification": {
        "head.dense": ([], ["head.dense"]),
        "head.norm": ([], ["head.norm"]),
        "classifier": (["classifier"], ["classifier"]),
    },
    "encoder": {},
}
ARCHITECTURES = {
    ("bert", "masked_lm"): "BertForMaskedLM",
    ("bert", "encoder"): "BertModel",
    ("bert", "classification"): "BertForSequenceClassification",
    ("bert", "question_answering"): "BertForQuestionAnswering",
    ("bert", "token_classification"): "BertForTokenClassification",
    ("modernbert", "masked_lm"): "ModernBertForMaskedLM",
    ("modernbert", "encoder"): "ModernBertModel",
    ("modernbert", "classification"): "ModernBertForSequenceClassification",
    ("modernbert", "question_answering"): "ModernBertForQuestionAnswering",
    ("modernbert", "token_classification"): "ModernBertForTokenClassification",
}


def family_of(config: EncoderConfig) -> str:
    """`transformers`' model type for a configuration; mixtures have none.

    >>> family_of(EncoderConfig.modern(100)), family_of(EncoderConfig.bert(100))
    ('modernbert', 'bert')
    """
    choices = (config.norm, config.positions, config.mlp)
    if len(set(config.windows) - {0}) > 1:
        raise ValueError(
            f"transformers has one width for all layers with a window, not {config.windows}"
        )
    if (
        choices == ("post", "learned", "gelu")
        and config.bias
        and config.type_vocab_size
        and not config.windows
    ):
        return "bert"
    if choices == ("pre", "rope", "gated") and not config.type_vocab_size:
        return "modernbert"
    raise ValueError(
        "transformers has no model for this mixture of choices: use EncoderConfig.bert (biases and "
        "segment types included) or EncoderConfig.modern"
    )


def their_names(family: str, task: str, ours: str) -> list[str]:
    """Under which names `transformers` keeps one of our parameters (more than one: stacked).

    >>> their_names("modernbert", "masked_lm", "encoder.layers.3.attention.qkv.weight")
    ['model.layers.3.attn.Wqkv.weight']
    >>> their_names("bert", "encoder", "tokens.weight")
    ['embeddings.word_embeddings.weight']
    """
    column = list(ROOT).index(family)
    module, kind = ours.rsplit(".", 1)  # kind: weight or bias
    if task != "encoder" and not module.startswith("encoder."):
        if (family, ours) == ("bert", "decoder.bias"):
            return ["cls.predictions.bias"]
        return [f"{name}.{kind}" for name in HEAD_PARTS[task][module][column]]
    root = "" if task == "encoder" else ROOT[family]
    module = module.removeprefix("encoder.")
    if not module.startswith("layers."):
        return [f"{root}{name}.{kind}" for name in EMBEDDING_PARTS[module][column]]
    _, number, part = module.split(".", 2)
    place = f"{root}{LAYERS[family]}.{number}"
    return [f"{place}.{name}.{kind}" for name in LAYER_PARTS[part][column]]


def to_transformers(config: EncoderConfig) -> dict:
    """The entries of `config.json` that say what our configuration says."""
    common = {
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.mlp_size,
        "max_position_embeddings": config.max_length,
        "tie_word_embeddings": config.tie_embeddings,
        "pad_token_id": config.pad_id,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    if family_of(config) == "bert":
        return common | {
            "hidden_act": "gelu",
            "type_vocab_size": config.type_vocab_size,
            "layer_norm_eps": config.norm_eps,
            "hidden_dropout_prob": config.dropout,
            "attention_probs_dropout_prob": config.dropout,
        }
    rope = {"rope_type": "default", "rope_theta": config.rope_base}
    biases = ("attention_bias", "mlp_bias", "norm_bias", "classifier_bias")
    dropouts = ("embedding_dropout", "mlp_dropout", "attention_dropout")
    return common | {
        "hidden_activation": "gelu",
        "classifier_activation": "gelu",
        "decoder_bias": True,
        "norm_eps": config.norm_eps,
        "layer_types": [
            "sliding_attention" if config.window(layer) else "full_attention"
            for layer in range(config.num_layers)
        ],
        "local_attention": 2 * max(config.windows, default=0) or 128,  # both sides
        "rope_parameters": {"full_attention": rope, "sliding_attention": dict(rope)},
        "cls_token_id": None,
        "sep_token_id": None,
        **dict.fromkeys(biases, config.bias),
        **dict.fromkeys(dropouts, config.dropout),
    }


def from_transformers(theirs) -> EncoderConfig:
    """Our configuration for a BertConfig or ModernBertConfig, or a ValueError that says why not."""
    values = {
        "vocab_size": theirs.vocab_size,
        "hidden_size": theirs.hidden_size,
        "num_layers": theirs.num_hidden_layers,
        "num_heads": theirs.num_attention_heads,
        "mlp_size": theirs.intermediate_size,
        "max_length": theirs.max_position_embeddings,
        "tie_embeddings": theirs.tie_word_embeddings,
        "pad_id": theirs.pad_token_id or 0,
    }
    if theirs.model_type == "bert":
        kind = getattr(theirs, "position_embedding_type", "absolute")
        require(kind == "absolute", f"its positions are {kind!r}, not learned vectors")
        require(theirs.hidden_act == "gelu", f"its activation is {theirs.hidden_act!r}, not gelu")
        require(not theirs.is_decoder, "it is a decoder")
        return EncoderConfig.bert(
            **values,
            type_vocab_size=theirs.type_vocab_size,
            norm_eps=theirs.layer_norm_eps,
            dropout=float(theirs.hidden_dropout_prob),
        )
    rope = theirs.rope_parameters["full_attention"]
    activations = {theirs.hidden_activation, theirs.classifier_activation}
    biases = {theirs.attention_bias, theirs.mlp_bias, theirs.norm_bias, theirs.classifier_bias}
    local = [kind == "sliding_attention" for kind in theirs.layer_types]
    require(
        not any(local) or theirs.rope_parameters["sliding_attention"] == rope,
        "its layers with a sliding window turn queries and keys by other angles than the rest",
    )
    require(rope["rope_type"] == "default", f"its rotary positions are {rope['rope_type']!r}")
    require(activations == {"gelu"}, f"its activations are {activations}, not gelu")
    require(len(biases) == 1, "it has biases in some parts only")
    require(theirs.decoder_bias, "its decoder has no bias")
    return EncoderConfig.modern(
        **values,
        bias=biases.pop(),
        norm_eps=theirs.norm_eps,
        rope_base=float(rope["rope_theta"]),
        windows=tuple(theirs.sliding_window * is_local for is_local in local),
        dropout=float(theirs.mlp_dropout),
    )


def require(holds: bool, otherwise: str) -> None:
    """Raise a ValueError with the reason unless the condition holds."""
    if not holds:
        raise ValueError(otherwise)
