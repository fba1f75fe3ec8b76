"""Make lesson_09.jsonl: learning by heart, and what helps against it.

    python data/reference/lesson_09.py

One line for each run: a very small encoder from a random start on 512 sentences of Rotten
Tomatoes, and one thing changed at a time, five seeds each. Kept are loss and accuracy on the
validation part after every epoch, and on the test part after the last epoch and after the one
that early stopping keeps. A run that stands in the file is not made again, so the command may be
stopped and repeated. About three minutes on one core.
"""

import copy
import json
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F

from course_utils import files, machine
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.interop import load_tokenizer
from course_utils.text import corpora
from course_utils.text.augmentation import drop_words
from course_utils.training import finetuning

OUT = Path(__file__).with_suffix(".jsonl")
SEEDS = range(5)
PATIENCE = 2
WAYS = {  # what is changed: sentences, copies, epochs, width, layers …
    "as it is": {},
    "smaller model": {"width": 8},
    "larger model": {"width": 128, "layers": 2},
    "2,048 sentences": {"count": 2048, "epochs": 4},
    "all 7,011 sentences": {"count": None, "epochs": 1},
    "words dropped": {"copies": 4, "epochs": 4},
    "weight decay": {"weight_decay": 20.0},
    "dropout": {"dropout": 0.5},
}


@cache
def part(name: str) -> tuple[list[str], list[int]]:
    table = corpora.load("rotten_tomatoes")[name]
    return list(table["text"]), list(table["label"])


@cache
def tokenizer():
    return load_tokenizer(files.checkpoint_dir("course-bert"))


def augmented(texts, labels, copies, seed, rate=0.2):
    """Every text as it is, and `copies` - 1 times with some of its words left out."""
    more = list(texts), list(labels)
    for copy_number in range(1, copies):
        for place, (text, label) in enumerate(zip(texts, labels, strict=True)):
            dice = (seed * 100 + copy_number) * 10_000 + place
            more[0].append(drop_words(text, rate, seed=dice))
            more[1].append(label)
    return more


def judged(model, texts, labels) -> list[float]:
    """Mean cross-entropy in nats, and accuracy."""
    chances, truth = finetuning.predict(model, tokenizer(), texts), torch.tensor(labels)
    loss = F.nll_loss(chances.clamp(min=1e-12).log(), truth).item()
    return [round(loss, 4), round((chances.argmax(1) == truth).float().mean().item(), 4)]


def by_heart(seed, count=512, epochs=16, width=32, layers=1, copies=1, weight_decay=0.01,
             dropout=0.0):  # fmt: skip
    """Train one small encoder; scores after each epoch, at the end and at the epoch kept."""
    texts, labels = part("train")
    if count is not None:
        rows = finetuning.few_labels(labels, count, seed)
        texts, labels = [texts[i] for i in rows], [labels[i] for i in rows]
    texts, labels = augmented(texts, labels, copies, seed)
    machine.seed_everything(seed)
    shape = EncoderConfig.modern(
        len(tokenizer()), hidden_size=width, num_layers=layers, num_heads=max(1, width // 32),
        dropout=dropout,
    )  # fmt: skip
    model = finetuning.classifier_from(Encoder(shape), 2, seed=seed)
    model.dropout = dropout
    validation, kept, stopped = [], {}, False

    def look(model):
        nonlocal stopped
        validation.append(judged(model, *part("validation")))
        losses = [loss for loss, _ in validation]
        best = losses.index(min(losses))
        if best == len(losses) - 1 and not stopped:
            kept["weights"] = copy.deepcopy(model.state_dict())
        stopped = stopped or len(losses) - 1 - best >= PATIENCE
        return {}

    config = finetuning.FinetuneConfig(epochs, 32, 1e-3, weight_decay, seed)
    finetuning.finetune(model, tokenizer(), texts, labels, config, look, progress=False)
    scores = {"validation": validation, "test": judged(model, *part("test"))}
    model.load_state_dict(kept["weights"])
    numbers = sum(weight.numel() for weight in model.parameters())
    return {**scores, "test_kept": judged(model, *part("test")), "parameters": numbers}


def main() -> None:
    lines = OUT.read_text("utf-8").splitlines(keepends=True) if OUT.exists() else []
    runs = [json.loads(line) for line in lines if line.endswith("\n")]
    files.atomic_write(OUT, "".join(json.dumps(run) + "\n" for run in runs))
    there = {(run["way"], run["seed"]) for run in runs}
    with OUT.open("a", encoding="utf-8") as stream:
        for seed in SEEDS:
            for way, choices in WAYS.items():
                if (way, seed) not in there:
                    line = {"way": way, "seed": seed, **by_heart(seed, **choices)}
                    stream.write(json.dumps(line) + "\n")
                    stream.flush()
                    print(seed, way, line["test"], flush=True)


if __name__ == "__main__":
    main()
