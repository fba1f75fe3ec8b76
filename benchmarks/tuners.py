"""Three ways to fine-tune the same folder on the same sentences, and their accuracy and seconds.

"script": the text-classification example of `transformers` as its page runs it (every text padded
to 128, fp32, AdamW, 32 a batch, three epochs). "trainer": `transformers.Trainer` with what it
offers against that (batches of similar length, padding to the longest, bf16). "ours":
`training.finetuning`. All take batches of 32.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification

from benchmarks.limits import square_peaks
from benchmarks.store import code_hash
from benchmarks.timed import Stopwatch
from course_utils.evaluation.tasks import accuracy
from course_utils.machine import autocast_dtype, pick_device, seed_everything
from course_utils.model import interop
from course_utils.training import finetuning
from course_utils.training.cards import describe_machine
from course_utils.training.finetuning import FinetuneConfig, classifier_from, finetune, pad_rows
from course_utils.training.optim import schedule

SIDES = ("script", "trainer", "ours")
LENGTH = 128


@dataclass(frozen=True)
class Task:
    """Sentences to train on and to be judged by, with labels 0 … C-1."""

    texts: list[str]
    labels: list[int]
    judged_texts: list[str]
    judged_labels: list[int]


@dataclass(frozen=True)
class Tuning:
    """One run: which side, from which folder's weights (their hash), on how many labels, how long.

    turn: 0 for a run that is judged; from 1 on for one whose seconds count, as the sides alternate.
    """

    side: str
    start: str
    labels: int
    epochs: int = 3
    seed: int = 1
    lr: float = 2e-5
    batch_size: int = 32
    turn: int = 0
    peak: tuple[int, float] = (2048, 1.0)

    def __post_init__(self):
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {SIDES}, not {self.side!r}.")

    @property
    def key(self) -> str:
        """A file name that is different for different runs."""
        return (
            f"finetune-{self.side}-{self.start[:10]}-n{self.labels}-e{self.epochs}-lr{self.lr:g}"
            f"-b{self.batch_size}-seed{self.seed}-turn{self.turn}-p{self.peak[0]}"
        )

    def to_dict(self) -> dict:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Tuning:
        """The inverse of `to_dict`."""
        return cls(**{**values, "peak": tuple(values["peak"])})


def run(one: Tuning, folder: Path, task: Task) -> dict:
    """Fine-tune and judge: accuracy on the judged texts, seconds without tokenising and judging.

    Raises:
        RuntimeError: the Trainer is asked for, but its package `accelerate` is not installed.
    """
    before = square_peaks(*one.peak)
    seed_everything(one.seed)
    side = {"script": _script, "trainer": _trainer, "ours": _ours}[one.side]
    seconds, guesses = side(one, folder, task)
    return {
        "accuracy": accuracy(task.judged_labels, guesses),
        "seconds": seconds,
        "peaks": {"before": before, "after": square_peaks(*one.peak)},
        "machine": describe_machine(),
        "code": code_hash(),
    }


def _ours(one: Tuning, folder: Path, task: Task) -> tuple[float, list[int]]:
    tokenizer = interop.load_tokenizer(folder)
    model = classifier_from(interop.load_pretrained(folder), _classes(task), seed=one.seed)
    config = FinetuneConfig(one.epochs, one.batch_size, one.lr, seed=one.seed)
    history = finetune(model, tokenizer, task.texts, task.labels, config, progress=False)
    guesses = finetuning.predict(model, tokenizer, task.judged_texts).argmax(-1)
    return history.seconds, guesses.tolist()


def _script(one: Tuning, folder: Path, task: Task) -> tuple[float, list[int]]:
    """A plain loop over rows that are all padded to 128, as the example's default does it.

    Only its seconds need the padding: where accuracy is asked for, a batch's common padding is cut
    off, which changes no result.
    """
    tokenizer, model, device = *_theirs(folder, task), pick_device()
    model.to(device).train()
    rows = tokenizer(task.texts, truncation=True, max_length=LENGTH, padding="max_length")
    ids, mask = (torch.tensor(rows[name]) for name in ("input_ids", "attention_mask"))
    labels = torch.tensor(task.labels)
    optimizer = torch.optim.AdamW(model.parameters(), one.lr, weight_decay=0.0, fused=True)
    per_epoch = math.ceil(len(labels) / one.batch_size)
    dice = torch.Generator().manual_seed(one.seed)
    watch = Stopwatch()
    watch.start()
    for step in range(one.epochs * per_epoch):
        place = step % per_epoch
        if place == 0:
            order = torch.randperm(len(labels), generator=dice)
        chosen = order[place * one.batch_size : (place + 1) * one.batch_size]
        width = LENGTH if one.turn else int(mask[chosen].sum(1).max())
        batch = (part[chosen, :width].to(device) for part in (ids, mask))
        logits = model(*batch).logits
        F.cross_entropy(logits, labels[chosen].to(device)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = one.lr * schedule(step, one.epochs * per_epoch)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return watch.lap(), _guess(model, tokenizer, task.judged_texts)


def _trainer(one: Tuning, folder: Path, task: Task) -> tuple[float, list[int]]:
    if find_spec("accelerate") is None:
        raise RuntimeError("transformers.Trainer needs accelerate: pip install -e '.[race]'.")
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer, model = _theirs(folder, task)
    rows = tokenizer(task.texts, truncation=True, max_length=LENGTH)["input_ids"]
    pairs = zip(rows, task.labels, strict=True)
    examples = [{"input_ids": ids, "labels": label} for ids, label in pairs]
    with tempfile.TemporaryDirectory() as home:
        arguments = TrainingArguments(
            home, per_device_train_batch_size=one.batch_size, num_train_epochs=one.epochs,
            learning_rate=one.lr, seed=one.seed, bf16=autocast_dtype(pick_device()) is not None,
            train_sampling_strategy="group_by_length", save_strategy="no", report_to="none",
            logging_strategy="no", disable_tqdm=True, use_cpu=pick_device().type == "cpu",
            dataloader_pin_memory=False,
        )  # fmt: skip
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(model, arguments, data_collator=collator, train_dataset=examples)
        watch = Stopwatch()
        watch.start()
        trainer.train()
        seconds = watch.lap()
    return seconds, _guess(model, tokenizer, task.judged_texts)


def _classes(task: Task) -> int:
    return max(task.labels) + 1


def _theirs(folder: Path, task: Task):
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=_classes(task), dtype=torch.float32
    )
    return interop.load_tokenizer(folder), model


@torch.inference_mode()
def _guess(model: nn.Module, tokenizer, texts: list[str], batch_size: int = 64) -> list[int]:
    model.eval()
    device, found = next(model.parameters()).device, []
    for start in range(0, len(texts), batch_size):
        part = texts[start : start + batch_size]
        rows = tokenizer(part, truncation=True, max_length=LENGTH)["input_ids"]
        ids, mask = (t.to(device) for t in pad_rows(rows, tokenizer.pad_token_id))
        found += model(ids, attention_mask=mask).logits.argmax(-1).tolist()
    return found
