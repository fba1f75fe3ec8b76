"""Make lesson_09.jsonl: learning by heart, and remedies for a class that is rare.

    python data/reference/lesson_09.py

One line for each run. A run that stands in the file is not made again, so the command may be
stopped and repeated. Two experiments, five seeds each:

overfitting: a very small encoder from a random start on 512 sentences of Rotten Tomatoes, and one
thing changed at a time. Losses and accuracies after every epoch, on sentences trained on, on the
validation part and on the test part.

spam: course-bert (and its random twin) on 500 messages of which 10 are spam, with the usual
remedies, and on the whole training part as it is. What is kept is the log-odds of spam for every
message of the validation and test part, as the bytes of float16 numbers.

About ten minutes on one core.
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from course_utils import files, machine
from course_utils.evaluation.imbalance import class_weights, focal_loss
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora
from course_utils.text.augmentation import drop_words
from course_utils.training import finetuning

OUT = Path(__file__).with_suffix(".jsonl")
SEEDS = range(5)
FOLDER = files.checkpoint_dir("course-bert")

OVERFITTING = {  # what is changed against the first: sentences, epochs, width, layers …
    "as it is": {},
    "smaller model": {"width": 8},
    "larger model": {"width": 128, "layers": 2},
    "2,048 sentences": {"count": 2048, "epochs": 4},
    "all 7,011 sentences": {"count": None, "epochs": 1},
    "words dropped": {"copies": 4, "epochs": 4},
    "weight decay": {"weight_decay": 20.0},
    "dropout": {"dropout": 0.5},
}
SPAM = ("plain", "class weights", "focal loss", "oversampled", "undersampled", "augmented")


@cache
def part(corpus: str, name: str) -> tuple[list[str], list[int]]:
    table = corpora.load(corpus)[name]
    return list(table["text"]), list(table["label"])


@cache
def tokenizer():
    return load_tokenizer(FOLDER)


def augmented(texts, labels, copies, seed, rate=0.2):
    """Every text as it is, and `copies` - 1 times with some of its words left out."""
    more = list(texts), list(labels)
    for copy in range(1, copies):
        for place, (text, label) in enumerate(zip(texts, labels, strict=True)):
            more[0].append(drop_words(text, rate, seed=(seed * 100 + copy) * 10_000 + place))
            more[1].append(label)
    return more


def judged(model, texts, labels) -> list[float]:
    """Mean cross-entropy in nats, and accuracy."""
    chances, truth = finetuning.predict(model, tokenizer(), texts), torch.tensor(labels)
    loss = F.nll_loss(chances.clamp(min=1e-12).log(), truth).item()
    return [round(loss, 4), round((chances.argmax(1) == truth).float().mean().item(), 4)]


def by_heart(seed, count=512, epochs=16, width=32, layers=1, copies=1, weight_decay=0.01,
             dropout=0.0):  # fmt: skip
    """Train one small encoder; after each epoch the loss and accuracy on three parts."""
    texts, labels = part("rotten_tomatoes", "train")
    if count is not None:
        rows = finetuning.few_labels(labels, count, seed)
        texts, labels = [texts[i] for i in rows], [labels[i] for i in rows]
    dice = np.random.default_rng(seed).permutation(len(texts))[:512]
    known = [texts[i] for i in dice], [labels[i] for i in dice]
    texts, labels = augmented(texts, labels, copies, seed)
    machine.seed_everything(seed)
    shape = EncoderConfig.modern(
        len(tokenizer()), hidden_size=width, num_layers=layers, num_heads=max(1, width // 32),
        dropout=dropout,
    )  # fmt: skip
    model = finetuning.classifier_from(Encoder(shape), 2, seed=seed)
    model.dropout = dropout
    parts = {"train": known, "validation": part("rotten_tomatoes", "validation"),
             "test": part("rotten_tomatoes", "test")}  # fmt: skip
    after = {name: [] for name in parts}

    def look(model):
        for name, (some, truth) in parts.items():
            after[name].append(judged(model, some, truth))
        return {}

    config = finetuning.FinetuneConfig(epochs, 32, 1e-3, weight_decay, seed)
    finetuning.finetune(model, tokenizer(), texts, labels, config, look, progress=False)
    return {**after, "parameters": sum(weight.numel() for weight in model.parameters())}


def messages(seed: int, spam: int = 10, ham: int = 490) -> tuple[list[str], list[int]]:
    """The training messages of one run: the spam first."""
    texts, labels = part("sms_spam", "train")
    dice = np.random.default_rng(seed)
    rows = [dice.permutation(np.flatnonzero(np.array(labels) == label)) for label in (1, 0)]
    rows = [*rows[0][:spam], *rows[1][:ham]]
    return [texts[i] for i in rows], [labels[i] for i in rows]


def sorted_out(seed, start, way):
    """Tune a spam filter; the log-odds of spam for every validation and test message."""
    texts, labels = part("sms_spam", "train") if way == "whole corpus" else messages(seed)
    epochs, loss = (1 if way == "whole corpus" else 3), None
    if way == "class weights":
        weights = class_weights(labels)

        def loss(model, batch):
            logits = model(batch.input_ids, batch.attention_mask)
            return F.cross_entropy(logits, batch.labels, weights, reduction="sum")
    elif way == "focal loss":

        def loss(model, batch):
            logits = model(batch.input_ids, batch.attention_mask)
            return focal_loss(logits, batch.labels) * len(batch)
    elif way == "oversampled":
        texts, labels = texts + 9 * texts[:10], labels + 9 * labels[:10]
    elif way == "augmented":
        more = augmented(texts[:10], labels[:10], 10, seed)
        texts, labels = texts[10:] + more[0], labels[10:] + more[1]
    elif way == "undersampled":
        texts, labels, epochs = texts[:20], labels[:20], 20
    model = load_pretrained(FOLDER)
    if start == "twin":
        machine.seed_everything(seed)
        model = MaskedLanguageModel(model.config)
    model = finetuning.classifier_from(model, 2, seed=seed)
    size = 32 if way == "whole corpus" else 16
    config = finetuning.FinetuneConfig(epochs=epochs, batch_size=size, lr=3e-4, seed=seed)
    finetuning.finetune(model, tokenizer(), texts, labels, config, progress=False, loss=loss)
    odds = {}
    for name in ("validation", "test"):
        chances = finetuning.predict(model, tokenizer(), part("sms_spam", name)[0]).double()
        found = torch.logit(chances[:, 1], eps=1e-7).numpy()
        odds[name] = found.astype("<f2").tobytes().hex()
    return odds


def main() -> None:
    weights = sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()[:12]
    jobs = []
    for seed in SEEDS:
        jobs += [("spam", "course-bert", way, seed) for way in SPAM]
        jobs += [("spam", "twin", "plain", seed)]
        jobs += [("overfitting", "small", way, seed) for way in OVERFITTING]
        jobs += [("spam", "course-bert", "whole corpus", seed)] if seed < 3 else []
    lines = OUT.read_text("utf-8").splitlines(keepends=True) if OUT.exists() else []
    runs = [json.loads(line) for line in lines if line.endswith("\n")]
    runs = [run for run in runs if run["weights"] == weights]
    files.atomic_write(OUT, "".join(json.dumps(run) + "\n" for run in runs))
    keys = ("experiment", "model", "way", "seed")
    there = {tuple(run[key] for key in keys) for run in runs}
    with OUT.open("a", encoding="utf-8") as stream:
        for job in jobs:
            if job in there:
                continue
            experiment, model, way, seed = job
            if experiment == "spam":
                found = sorted_out(seed, model, way)
            else:
                found = by_heart(seed, **OVERFITTING[way])
            line = {**dict(zip(keys, job, strict=True)), "weights": weights, **found}
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            print(*job, flush=True)


if __name__ == "__main__":
    main()
