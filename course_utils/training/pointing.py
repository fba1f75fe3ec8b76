"""Fine-tuning an encoder to point: a tag for each word, or the place of an answer.

Sources: Devlin et al. (2018), "BERT", sections 4.2 and 5.3; for questions without an answer
section 4.3: [CLS] stands for "nowhere", and a threshold decides.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.machine import seed_everything
from course_utils.model.encoder import Encoder
from course_utils.model.heads import MaskedLanguageModel, SpanPointer, TokenClassifier
from course_utils.text.masking import IGNORE
from course_utils.text.spans import Window, align_labels, best_span, question_windows, token_span
from course_utils.training.finetuning import (
    MAX_LENGTH,
    FinetuneConfig,
    LabelledBatch,
    batches,
    pad_rows,
)
from course_utils.training.loop import History, TrainConfig, train

ANSWER_TOKENS = 30  # longer answers are not looked for


def pointer_from(
    pretrained: MaskedLanguageModel | Encoder, num_labels: int | None = None, seed: int = 0
) -> TokenClassifier:
    """A `TokenClassifier` on a copy of a pretrained encoder, or, without labels, a `SpanPointer`.

    A modern masked-LM head starts with the dense layer that these heads need, too, so that is taken
    along; the last layer is new. The pretrained model itself stays as it is.

    Raises:
        TypeError: `pretrained` is no pretrained encoder.
    """
    if not isinstance(pretrained, MaskedLanguageModel | Encoder):
        raise TypeError(f"Expected a pretrained encoder, not {type(pretrained).__name__}.")
    seed_everything(seed)
    lone = isinstance(pretrained, Encoder)
    encoder = copy.deepcopy(pretrained if lone else pretrained.encoder)
    model = SpanPointer(encoder) if num_labels is None else TokenClassifier(encoder, num_labels)
    if not lone and pretrained.config.norm == "pre":
        model.head.load_state_dict(pretrained.head.state_dict())
    return model


def encode_words(tokenizer, rows: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[list]]:
    """Rows of words as rows of token ids, and for each token the word that it is a piece of.

    Raises:
        TypeError: the rows hold anything but words.
        ValueError: there are no rows.
    """
    if not len(rows):
        raise ValueError("There are no rows of words.")
    if any(isinstance(row, str) or not all(isinstance(w, str) for w in row) for row in rows):
        raise TypeError("rows must be a list of lists of words.")
    split = [list(row) for row in rows]
    found = tokenizer(split, is_split_into_words=True, truncation=True, max_length=MAX_LENGTH)
    return found["input_ids"], [found.word_ids(i) for i in range(len(split))]


def finetune_tagger(
    model: TokenClassifier,
    tokenizer,
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    names: Sequence[str],
    config: FinetuneConfig | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    progress: bool = True,
) -> History:
    """Train `model` in place on rows of words and their tags; `names` are the tags in order.

    Raises:
        ValueError: rows that do not fit each other, the model or `names`.
        TypeError: rows of anything but words.
    """
    if [len(row) for row in words] != [len(row) for row in tags]:
        raise ValueError("words and tags must be rows of equal lengths.")
    unknown = {tag for row in tags for tag in row} - set(names)
    if unknown or len(names) != model.num_labels:
        raise ValueError(f"names must be the {model.num_labels} tags; unknown: {sorted(unknown)}.")
    ids, word_ids = encode_words(tokenizer, words)
    number = {tag: place for place, tag in enumerate(names)}
    labels = [
        torch.tensor(align_labels(places, [number[tag] for tag in row]))
        for places, row in zip(word_ids, tags, strict=True)
    ]
    padded = nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORE)
    return _train(model, tokenizer, ids, padded, tag_loss, config, evaluate, progress)


def predict_tags(
    model: TokenClassifier, tokenizer, words: Sequence[Sequence[str]], names: Sequence[str]
) -> list[list[str]]:
    """A tag for each word: what the model says at the word's first piece.

    Words behind the end of the row get "O". Errors as in `encode_words`.
    """
    ids, word_ids = encode_words(tokenizer, words)
    tags = []
    for logits, places, row in zip(_logits(model, tokenizer, ids), word_ids, words, strict=True):
        said = ["O"] * len(row)
        for token, word in enumerate(align_labels(places, range(len(row)))):
            if word != IGNORE:
                said[word] = names[int(logits[token].argmax())]
        tags.append(said)
    return tags


def tag_loss(model: nn.Module, batch: LabelledBatch) -> Tensor:
    """Summed cross-entropy in nats over the tokens that have a label; a scalar tensor."""
    logits = model(batch.input_ids, attention_mask=batch.attention_mask)  # (B, L, C)
    labels = batch.labels[:, : logits.size(1)]  # (B, L)
    return F.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )


def span_loss(model: nn.Module, batch: LabelledBatch) -> Tensor:
    """Summed cross-entropy in nats of the two choices, first and last place; a scalar tensor."""
    logits = model(batch.input_ids, attention_mask=batch.attention_mask).float()  # (B, L, 2)
    logits = logits.masked_fill(batch.attention_mask.unsqueeze(-1) == 0, -torch.inf)
    return F.cross_entropy(logits, batch.labels, reduction="sum")  # over L places, twice


def finetune_pointer(
    model: SpanPointer,
    tokenizer,
    rows: Sequence[dict],
    config: FinetuneConfig | None = None,
    size: int = MAX_LENGTH,
    overlap: int = 32,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    progress: bool = True,
) -> History:
    """Train `model` in place on questions (dicts with passage, question, answer, start).

    A passage is cut into windows. Those that hold the answer learn its place, the others to point
    at [CLS]; of those only one for each question is kept, the first, or there would be little else.

    Raises:
        ValueError: no questions, or sizes that would not get on.
    """
    if not rows:
        raise ValueError("There are no questions.")
    cut = _cut(tokenizer, rows, size, overlap)
    ids, places, empty = [], [], set()
    for window in cut:
        row = rows[window.row]
        end = row["start"] + len(row["answer"])
        span = token_span(window.offsets, row["start"], end) if row["start"] >= 0 else None
        if span is not None or window.row not in empty:
            ids.append(window.input_ids)
            places.append(span or (0, 0))
        if span is None:
            empty.add(window.row)
    labels = torch.tensor(places)  # (N, 2)
    return _train(model, tokenizer, ids, labels, span_loss, config, evaluate, progress)


@dataclass(frozen=True)
class Answer:
    """The best place in a passage: its text, and how much better it scores than *nowhere*."""

    text: str
    margin: float


def find_answers(
    model: SpanPointer, tokenizer, rows: Sequence[dict], size: int = MAX_LENGTH, overlap: int = 32
) -> list[Answer]:
    """For each question the best span of all windows of its passage, and its margin.

    The margin is the score of the span less that of [CLS], in the window where it is largest: a
    question counts as unanswerable where it lies below a threshold. Errors as in
    `finetune_pointer`.
    """
    if not rows:
        raise ValueError("There are no questions.")
    cut = _cut(tokenizer, rows, size, overlap)
    best = [Answer("", -math.inf)] * len(rows)
    logits = _logits(model, tokenizer, [window.input_ids for window in cut])
    for window, scores in zip(cut, logits, strict=True):
        passage = torch.tensor([high > low for low, high in window.offsets])
        start, end = scores.masked_fill(~passage[:, None], -torch.inf).unbind(1)  # (L,) each
        first, last, score = best_span(start, end, ANSWER_TOKENS)
        margin = score - float(scores[0].sum())
        if margin > best[window.row].margin:
            low, high = window.offsets[first][0], window.offsets[last][1]
            best[window.row] = Answer(rows[window.row]["passage"][low:high], margin)
    return best


def _cut(tokenizer, rows: Sequence[dict], size: int, overlap: int) -> list[Window]:
    questions, passages = ([row[key] for row in rows] for key in ("question", "passage"))
    return question_windows(tokenizer, questions, passages, size, overlap)


def _train(model, tokenizer, ids, labels, loss, config, evaluate, progress) -> History:
    config = config or FinetuneConfig()
    per_epoch = math.ceil(len(ids) / config.batch_size)
    steps = per_epoch * config.epochs
    training = TrainConfig(
        steps=steps, lr=config.lr, warmup=steps // 10, optimizer="adamw", eval_every=per_epoch,
        weight_decay=config.weight_decay, seed=config.seed,
    )  # fmt: skip
    at = batches(ids, labels, config, tokenizer.pad_token_id)
    return train(model, at, loss, training, evaluate, progress=progress)


@torch.inference_mode()
def _logits(model: nn.Module, tokenizer, ids: list[list[int]], batch_size: int = 64) -> list:
    """The logits (L, C) of each row, without its padding, in the order of the rows."""
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    found: list = [None] * len(ids)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        padded, mask = pad_rows([ids[i] for i in chosen], tokenizer.pad_token_id)
        logits = model(padded.to(device), mask.to(device)).float().cpu()  # (B, L, C)
        for i, one in zip(chosen, logits, strict=True):
            found[i] = one[: len(ids[i])].clone()
    model.train(was_training)
    return found
