"""Building the contestants' models, and the losses that they train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    JinaEmbeddingsV3Config,
    JinaEmbeddingsV3ForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
)

from benchmarks.racefile import RaceFile
from benchmarks.settings import Settings
from benchmarks.shapes import Shape, non_embedding
from course_utils.machine import seed_everything
from course_utils.model.encoder import EncoderConfig
from course_utils.model.families import to_transformers
from course_utils.model.heads import MaskedLanguageModel, pick
from course_utils.text import masking
from course_utils.training.pretraining import batches


def config_of(settings: Settings, shape: Shape) -> EncoderConfig:
    """Our description of a contestant's encoder, theirs included."""
    choices = {"dropout": settings.dropout, "windows": settings.windows}
    if settings.layers:
        choices["num_layers"] = settings.layers
    if settings.model in ("modernbert", "modern"):
        return shape.modern(**choices)
    positions = "learned" if settings.model == "bert" else "rope"
    return shape.bert(positions=positions, **choices)


def build(settings: Settings, shape: Shape, race: RaceFile, seed: int) -> nn.Module:
    """A contestant's model, freshly initialised by its own library's rules."""
    seed_everything(seed)
    config = config_of(settings, shape)
    if settings.ours:
        model = MaskedLanguageModel(config)
        start_well(model, race, settings)
        return model
    if settings.model == "modernbert":
        values = to_transformers(config) | {"sparse_prediction": settings.sparse}
        values["attn_implementation"] = settings.attention
        return ModernBertForMaskedLM(ModernBertConfig(**values))
    values = to_transformers(replace(config, positions="learned"))  # both call the rest alike
    values["attn_implementation"] = settings.attention
    if settings.model == "bert":
        return BertForMaskedLM(BertConfig(**values))
    rope = {"rope_type": "default", "rope_theta": config.rope_base}
    return JinaEmbeddingsV3ForMaskedLM(JinaEmbeddingsV3Config(**values, rope_parameters=rope))


def sizes(model: nn.Module) -> dict[str, int]:
    """How many numbers the model learns, and how many of them outside the embeddings."""
    every = sum(weight.numel() for weight in model.parameters())
    return {"all": every, "non_embedding": non_embedding(model)}


@torch.no_grad()
def start_well(model: MaskedLanguageModel, race: RaceFile, settings: Settings) -> None:
    """Start from what is known before training.

    unigram_bias: the decoder's bias is the log-frequency of each token, so that the model begins
    on the unigram line. zero_outputs: the matrices that write into the residual stream are 0, so
    that every layer begins as the identity.
    """
    if settings.unigram_bias:
        counts = race.counts() + 1
        model.decoder.bias.copy_((counts / counts.sum()).log())
    if settings.zero_outputs:
        for layer in model.encoder.layers:
            layer.attention.out.weight.zero_()
            layer.mlp.down.weight.zero_()


class Theirs(nn.Module):
    """A masked LM of `transformers` behind our models' call, for the one evaluator.

    Logits at `positions` (B, M) only, (B, M, V). With `sparse`, the head computes no others; else
    the model is called as it is and the others are thrown away. Both give the same numbers.
    """

    def __init__(self, model: nn.Module, sparse: bool = False):
        super().__init__()
        self.model, self.sparse = model, sparse

    def forward(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        if not self.sparse:
            return pick(self.model(input_ids=input_ids).logits, positions)
        head = getattr(self.model, "cls", None) or self.model.lm_head
        return head(pick(self.model.base_model(input_ids)[0], positions))


def judged(model: nn.Module) -> nn.Module:
    """The model as the evaluator calls it."""
    return model if isinstance(model, MaskedLanguageModel) else Theirs(model)


def labels_of(batch: masking.MaskedBatch) -> Tensor:
    """The (B, L) labels that `transformers` wants: the token's id where one is hidden, else -100.

    >>> ids = torch.tensor([[2, 4, 6, 3]])
    >>> labels_of(masking.MaskedBatch(ids, torch.tensor([[1]]), torch.tensor([[5]])))
    tensor([[-100,    5, -100, -100]])
    """
    blank = torch.full_like(batch.input_ids, masking.IGNORE)
    return blank.scatter(1, batch.positions, batch.targets)


def batch_maker(settings: Settings, race: RaceFile, seed: int) -> Callable[[int], tuple]:
    """What the plain loop reads at each step: a `MaskedBatch`, or for coins (inputs, labels)."""
    corruption = race.corruption(settings.rate, settings.mask_share, settings.random_share)
    at = batches(race.rows, settings.batch_size, corruption, seed)
    if not settings.coin:
        return at
    # The same rows in the same order: at shares of 0, nothing is written over.
    order = batches(race.rows, settings.batch_size, race.corruption(settings.rate, 0.0, 0.0), seed)

    def coins(step: int) -> tuple[Tensor, Tensor]:
        untouched = order(step).input_ids
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return masking.mask_tokens(untouched, corruption, dice)

    return coins


def plain_forward(model: nn.Module, settings: Settings) -> tuple[nn.Module, Callable]:
    """The module to run (or compile) and `loss(module, batch)`, a mean in nats."""
    if settings.ours or settings.sparse and settings.model != "modernbert":
        module = model if settings.ours else Theirs(model, sparse=True)
        return module, _loss_at_positions
    return model, _loss_from_labels


def _loss_at_positions(module: nn.Module, batch: masking.MaskedBatch) -> Tensor:
    logits = module(batch.input_ids, positions=batch.positions)  # (B, M, V)
    return F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten())


def _loss_from_labels(module: nn.Module, batch) -> Tensor:
    if isinstance(batch, masking.MaskedBatch):
        batch = batch.input_ids, labels_of(batch)
    inputs, labels = batch
    return module(input_ids=inputs, labels=labels).loss
