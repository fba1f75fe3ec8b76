"""To and from Hugging Face: our models as folders that `transformers` opens, and the reverse.

A folder holds `config.json`, `model.safetensors` and, if given, a tokenizer's files: nothing
that has to be executed.  The 2018 family becomes BERT, the modern one ModernBERT.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedConfig

from course_utils.files import atomic_folder

from .checkpoint_files import CONFIGS, CheckpointError, brief, existing, read_config, read_weights
from .decoder import CausalLanguageModel
from .encoder import Encoder
from .families import ARCHITECTURES, ROOT, family_of, from_transformers, their_names
from .families import to_transformers as translate
from .heads import MaskedLanguageModel, SequenceClassifier, SpanPointer, TokenClassifier

MODELS = {
    "masked_lm": MaskedLanguageModel,
    "encoder": Encoder,
    "classification": SequenceClassifier,
    "question_answering": SpanPointer,
    "token_classification": TokenClassifier,
}


def save_pretrained(
    model: nn.Module,
    folder: str | os.PathLike,
    tokenizer=None,
    dtype: torch.dtype | None = None,
    labels: Sequence[str] | None = None,
) -> Path:
    """Write a model (and its tokenizer) as a folder for `AutoModel….from_pretrained`.

    `model` is an `Encoder` or has one of the heads of `model.heads`.  `dtype`
    torch.float16 halves the file; `config.json` still says float32, so that it is widened
    again on loading.  `labels` are the names of a classifier's classes.  The folder appears whole
    or not at all.

    Raises:
        TypeError: `model` is none of them, or `dtype` is no floating-point type.
        ValueError: `labels` for something else than as many classes.
        CheckpointError: `transformers` has no such model, or a weight does not fit `dtype`.

    >>> import tempfile
    >>> from course_utils.model.encoder import EncoderConfig
    >>> shape = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     folder = save_pretrained(MaskedLanguageModel(shape), Path(home) / "tiny")
    ...     load_pretrained(folder).config == shape, sorted(f.name for f in folder.iterdir())
    (True, ['config.json', 'model.safetensors'])
    """
    task = task_of(model)
    if tokenizer is not None and not hasattr(tokenizer, "save_pretrained"):
        raise TypeError(f"a tokenizer of transformers is needed, not {type(tokenizer).__name__}")
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype must be a floating-point type such as torch.float16, not {dtype}")
    config = describe(model, task, tokenizer)
    if labels is not None:
        if task != "classification" or len(labels) != model.num_labels:
            raise ValueError(f"labels need a classifier of {len(labels)} classes")
        config.id2label = dict(enumerate(labels))
        config.label2id = {name: number for number, name in enumerate(labels)}
    weights = {}
    for ours, value in own_parameters(model).items():
        value = value.detach().to("cpu", dtype or value.dtype)
        if not value.isfinite().all():
            raise CheckpointError(f"{ours} holds numbers that are not finite as {value.dtype}")
        theirs = their_names(config.model_type, task, ours)
        for name, part in zip(theirs, value.chunk(len(theirs)), strict=True):
            weights[name] = part.contiguous()
    with atomic_folder(folder) as temporary:
        config.save_pretrained(temporary)
        save_file(weights, temporary / "model.safetensors", metadata={"format": "pt"})
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary)
    return Path(folder)


def load_pretrained(
    folder: str | os.PathLike, task: str = "masked_lm", dropout: float | None = None
) -> nn.Module:
    """Read a model from a BERT or ModernBERT folder, ours or anybody's, in float32 and eval mode.

    `task` is a key of `MODELS`, such as "masked_lm"; any folder gives an "encoder".
    `dropout` replaces what the folder says, so 0.0 fine-tunes without.

    Raises:
        FileNotFoundError: there is no such folder, or a file is missing from it.
        CheckpointError: it is no checkpoint, of another family, or lacks weights for the task.
    """
    if task not in MODELS:
        raise ValueError(f"task must be one of {tuple(MODELS)}, not {task!r}")
    folder = existing(folder)
    config = read_config(folder)
    weights = read_weights(folder)
    if dropout is not None:
        for name in ("hidden_dropout_prob", "mlp_dropout", "classifier_dropout"):
            if hasattr(config, name):
                setattr(config, name, dropout)
    with torch.random.fork_rng(devices=[]):  # loading must not move the caller's random numbers
        model = build(config, task, folder)
    state = {
        ours: gather(their_names(config.model_type, task, ours), like, weights, folder)
        for ours, like in own_parameters(model).items()
    }
    if task == "masked_lm" and model.config.tie_embeddings:
        state["decoder.weight"] = state["encoder.tokens.weight"]
    model.load_state_dict(state)
    return model.eval()


def load_tokenizer(folder: str | os.PathLike):
    """The `transformers` tokenizer that was saved in a folder, without asking the network.

    Raises:
        FileNotFoundError: there is no such folder, or it holds no tokenizer.
        CheckpointError: the tokenizer's files cannot be read.
    """
    folder = existing(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise FileNotFoundError(f"{folder} holds no tokenizer: tokenizer.json is missing")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the library lets through whatever it met, of many types
        raise CheckpointError(
            f"the tokenizer in {folder} cannot be read: {brief(error)}"
        ) from error


def task_of(model: nn.Module) -> str:
    """Which task a model is for."""
    if isinstance(model, CausalLanguageModel):
        raise TypeError(
            "a model that writes is saved by decoder_interop.save_causal: here it would come back "
            "as one that looks both ways"
        )
    for task, kind in MODELS.items():
        if isinstance(model, kind):
            return task
    raise TypeError(
        "only an Encoder or a model with one of the course's heads can be saved, "
        f"not {type(model).__name__}"
    )


def own_parameters(model: nn.Module) -> dict[str, Tensor]:
    """The parameters by name, a tied table once (under the embeddings' name)."""
    named = dict(model.named_parameters(remove_duplicate=False))
    if isinstance(model, MaskedLanguageModel) and model.config.tie_embeddings:
        del named["decoder.weight"]
    return named


def describe(model: nn.Module, task: str, tokenizer) -> PreTrainedConfig:
    """The `transformers` configuration of one of our models."""
    try:
        family = family_of(model.config)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    values = translate(model.config)
    if family == "modernbert":
        values["classifier_pooling"] = getattr(model, "pooling", "mean")
        if tokenizer is not None:
            first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
            values |= {"cls_token_id": first, "bos_token_id": first}
            values |= {"sep_token_id": last, "eos_token_id": last}
    if task == "classification":
        if family == "bert" and model.pooling != "cls":
            raise CheckpointError(
                "BertForSequenceClassification reads the first token, so a 2018 encoder can only "
                "be saved with pooling='cls'"
            )
        values |= {"num_labels": model.num_labels, "classifier_dropout": model.dropout}
    elif task in ("token_classification", "question_answering"):
        values |= {"num_labels": model.num_labels, "classifier_dropout": model.dropout}
    architecture = ARCHITECTURES[family, task]
    return CONFIGS[family](architectures=[architecture], dtype="float32", **values)


def build(config: PreTrainedConfig, task: str, folder: Path) -> nn.Module:
    """An untrained model of ours with the shape that a `transformers` configuration asks for."""
    try:
        shape = from_transformers(config)
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be read: {error}") from error
    if task in ("masked_lm", "encoder"):
        return MODELS[task](shape)
    dropout = shape.dropout if config.classifier_dropout is None else config.classifier_dropout
    if task == "question_answering":
        return SpanPointer(Encoder(shape), dropout)
    if task == "token_classification":
        return TokenClassifier(Encoder(shape), config.num_labels, dropout)
    pooling = getattr(config, "classifier_pooling", "cls")
    return SequenceClassifier(Encoder(shape), config.num_labels, pooling, dropout)


def gather(names: list[str], like: Tensor, weights: dict, folder: Path) -> Tensor:
    """The tensor for one parameter of ours, from one or more of theirs."""
    parts = []
    for name in names:
        # Models with a head put a prefix before the encoder's names; lone encoders have none.
        bare = name.removeprefix(ROOT["bert"]).removeprefix(ROOT["modernbert"])
        spellings = (name, bare, *(root + bare for root in ROOT.values()))
        found = next((spelling for spelling in spellings if spelling in weights), None)
        if found is None:
            raise CheckpointError(
                f"{folder} lacks {name}: the model was saved for another task "
                "(any folder can be loaded with task='encoder')"
            )
        parts.append(weights[found])
    shape = (sum(part.size(0) for part in parts), *parts[0].shape[1:])
    if shape != tuple(like.shape):
        raise CheckpointError(
            f"{folder} has weights of another configuration: {names[0]} is {shape} where "
            f"config.json asks for {tuple(like.shape)}"
        )
    return torch.cat(parts).float()
