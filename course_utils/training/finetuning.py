"""Fine-tuning an encoder for text classification, and looking at what it already knows.

Source: Devlin et al. 2018, "BERT", section 4.1; batches of similar length as in Vaswani et al.
2017, section 5.1.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.machine import seed_everything
from course_utils.model.encoder import Encoder
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier
from course_utils.text.masking import IGNORE
from course_utils.training.loop import History, Loss, TrainConfig, train

MAX_LENGTH = 128  # longer texts are cut; a sentence of the film corpora has about 30 tokens
POOL = 16  # batches that are filled together from texts sorted by length


@dataclass(frozen=True)
class LabelledBatch:
    """input_ids and attention_mask (B, L) int64; labels (B,) int64, or (B, …) with IGNORE."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows) -> "LabelledBatch":
        return LabelledBatch(self.input_ids[rows], self.attention_mask[rows], self.labels[rows])

    def count(self) -> int:
        """How many decisions are judged."""
        return int((self.labels != IGNORE).sum())

    def to(self, device) -> "LabelledBatch":
        """The same batch on another device."""
        parts = (self.input_ids, self.attention_mask, self.labels)
        return LabelledBatch(*(part.to(device) for part in parts))


@dataclass(frozen=True)
class FinetuneConfig:
    """How to fine-tune: `epochs` passes over the labels, `lr` at the peak after a tenth of them."""

    epochs: int = 4
    batch_size: int = 16
    lr: float = 3e-4
    weight_decay: float = 0.01
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")

    @classmethod
    def for_labels(cls, count: int, **choices) -> "FinetuneConfig":
        """As many epochs as `count` labels need: few labels are looked at more often.

        140/√count epochs, at least 2 and at most 20. With few labels it is the number of steps
        that is missing (Mosbach et al. 2021, "On the stability of fine-tuning BERT"). Batches of
        16, and of 32 from 1,000 labels on.

        >>> [FinetuneConfig.for_labels(count).epochs for count in (8, 100, 1000, 7000)]
        [20, 14, 4, 2]
        """
        if count < 1:
            raise ValueError(f"There must be at least 1 label, not {count}.")
        epochs = min(20, max(2, round(140 / math.sqrt(count))))
        return cls(epochs=epochs, batch_size=16 if count < 1000 else 32, **choices)


def classifier_from(
    pretrained: MaskedLanguageModel | Encoder,
    num_labels: int,
    pooling: str = "mean",
    seed: int = 0,
    words: Sequence[Sequence[int]] | None = None,
) -> SequenceClassifier:
    """A classifier on a copy of a pretrained encoder; only its last layer is new.

    A modern masked-LM head starts with the dense layer that the classifier needs, too, so that is
    taken along. With `words`, the ids of a few words for each class, the last layer is not drawn
    at random either: a class begins as the mean of its words in the decoder, so that the classifier
    sorts texts before it has seen a label (after Schick & Schütze 2021, "Exploiting cloze
    questions", section 3). The pretrained model itself stays as it is.

    Raises:
        TypeError: `pretrained` is no pretrained encoder.
        ValueError: `words` for another number of classes, or for a model without a modern decoder.
    """
    if not isinstance(pretrained, MaskedLanguageModel | Encoder):
        raise TypeError(f"Expected a pretrained encoder, not {type(pretrained).__name__}.")
    seed_everything(seed)
    lone = isinstance(pretrained, Encoder)
    encoder = copy.deepcopy(pretrained if lone else pretrained.encoder)
    model = SequenceClassifier(encoder, num_labels, pooling)
    modern = not lone and pretrained.config.norm == "pre"
    if modern:
        model.head.load_state_dict(pretrained.head.state_dict())
    if words is not None:
        if not modern or len(words) != num_labels or not all(words):
            raise ValueError(f"words need a modern masked model and {num_labels} lists of ids.")
        decoder = pretrained.decoder.weight.detach()
        rows = torch.stack([decoder[list(ids)].mean(0) for ids in words])  # (C, D)
        model.classifier.load_state_dict({"weight": rows, "bias": torch.zeros(num_labels)})
    return model


def finetune(
    model: SequenceClassifier,
    tokenizer,
    texts: Sequence[str],
    labels: Sequence[int],
    config: FinetuneConfig | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    progress: bool = True,
    loss: Loss | None = None,
) -> History:
    """Train `model` in place on labelled texts; `evaluate` runs after each epoch.

    `loss(model, batch)` is the sum of the batch's losses, `classification_loss` unless told.

    Raises:
        ValueError: no texts, labels that do not fit the texts or the model.
        TypeError: something other than texts.
    """
    config = config or FinetuneConfig()
    rows = _encode(tokenizer, texts)
    if len(rows) != len(labels):
        raise ValueError(f"There are {len(rows)} texts but {len(labels)} labels.")
    wanted = torch.as_tensor(list(labels))
    if wanted.is_floating_point() or wanted.min() < 0 or wanted.max() >= model.num_labels:
        raise ValueError(f"Labels must be whole numbers in 0 … {model.num_labels - 1}.")
    per_epoch = math.ceil(len(rows) / config.batch_size)
    steps = per_epoch * config.epochs
    training = TrainConfig(
        steps=steps, lr=config.lr, warmup=steps // 10, optimizer="adamw", eval_every=per_epoch,
        weight_decay=config.weight_decay, seed=config.seed,
    )  # fmt: skip
    at = batches(rows, wanted.long(), config, tokenizer.pad_token_id)
    return train(model, at, loss or classification_loss, training, evaluate, progress=progress)


def classification_loss(model: nn.Module, batch: LabelledBatch) -> Tensor:
    """Summed cross-entropy in nats over the batch; a scalar tensor."""
    logits = model(batch.input_ids, attention_mask=batch.attention_mask)  # (B, C)
    return F.cross_entropy(logits.float(), batch.labels, reduction="sum")


def predict(
    model: SequenceClassifier, tokenizer, texts: Sequence[str], batch_size: int = 64
) -> Tensor:
    """Probabilities (N, C) float32 for texts, in their order."""
    return _apply(model, tokenizer, texts, batch_size, lambda x, mask: model(x, mask).softmax(-1))


def features(encoder: Encoder, tokenizer, texts: Sequence[str], batch_size: int = 64) -> Tensor:
    """The mean of each text's hidden states, (N, D) float32: what a linear probe looks at."""

    def mean(x: Tensor, mask: Tensor) -> Tensor:
        return masked_mean(encoder(x, mask), mask)

    return _apply(encoder, tokenizer, texts, batch_size, mean)


def masked_mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of each text's hidden states: (B, L, D) → (B, D); padding counts for nothing.

    >>> masked_mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[2.]])
    """
    keep = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (B, L, 1)
    return (hidden * keep).sum(1) / keep.sum(1)


def few_labels(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Draw `count` texts, as many of each class: their places in `labels`.

    One seed gives one draw, and a smaller draw is part of a larger one of the same seed.

    Raises:
        ValueError: the classes cannot share `count` evenly, or one has too few texts.

    >>> few_labels([0, 0, 0, 1, 1, 1], 4, seed=0)
    [2, 0, 5, 4]
    """
    classes = sorted(set(labels))
    if not classes or count < 1 or count % len(classes):
        raise ValueError(f"{len(classes)} classes cannot share {count} texts evenly.")
    dice = torch.Generator().manual_seed(seed)
    chosen = []
    for label in classes:
        places = [place for place, one in enumerate(labels) if one == label]
        if len(places) < count // len(classes):
            raise ValueError(f"Class {label} has only {len(places)} texts.")
        order = torch.randperm(len(places), generator=dice).tolist()
        chosen += [places[i] for i in order[: count // len(classes)]]
    return chosen


def _encode(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("texts must be a list of str.")
    if not len(texts):
        raise ValueError("There are no texts.")
    return tokenizer(list(texts), truncation=True, max_length=MAX_LENGTH)["input_ids"]


def pad_rows(rows: list[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Rows of several lengths as ids and attention mask, both int64 (B, longest).

    >>> pad_rows([[2, 9, 3], [2, 3]], pad_id=0)[1].tolist()
    [[1, 1, 1], [1, 1, 0]]
    """
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def batches(
    rows: list[list[int]], labels: Tensor, config: FinetuneConfig, pad_id: int
) -> Callable[[int], LabelledBatch]:
    """The batch of each step. Texts of similar length go together, so that little is padding."""
    plans: dict[int, list[list[int]]] = {}

    def plan(epoch: int) -> list[list[int]]:
        dice = torch.Generator().manual_seed(config.seed * 7919 + epoch)
        order = torch.randperm(len(rows), generator=dice).tolist()
        size, found = config.batch_size, []
        for start in range(0, len(order), POOL * size):
            pool = sorted(order[start : start + POOL * size], key=lambda i: len(rows[i]))
            found += [pool[i : i + size] for i in range(0, len(pool), size)]
        return [found[i] for i in torch.randperm(len(found), generator=dice).tolist()]

    def at(step: int) -> LabelledBatch:
        epoch, place = divmod(step, math.ceil(len(rows) / config.batch_size))
        if epoch not in plans:
            plans.clear()
            plans[epoch] = plan(epoch)
        chosen = plans[epoch][place]
        return LabelledBatch(*pad_rows([rows[i] for i in chosen], pad_id), labels[chosen])

    return at


@torch.inference_mode()
def _apply(model: nn.Module, tokenizer, texts, batch_size: int, function) -> Tensor:
    """`function(ids, mask)` over all texts, computed by length and returned in their order."""
    rows = _encode(tokenizer, texts)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    parts = []
    for start in range(0, len(order), batch_size):
        chosen = [rows[i] for i in order[start : start + batch_size]]
        ids, mask = pad_rows(chosen, tokenizer.pad_token_id)
        parts.append(function(ids.to(device), mask.to(device)).float().cpu())
    model.train(was_training)
    result = torch.cat(parts)
    return result[torch.tensor(order).argsort()]
