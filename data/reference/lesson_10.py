"""Make lesson_10.jsonl: names in tweets, answers in passages, yes or no.

    python data/reference/lesson_10.py [tweets] [disfl_qa] [boolq]

One line for each run. A run that stands in the file is not made again, so the command may be
stopped and repeated; the most important runs come first. A model's learning rate is the one that
finds more names in the tweets of the validation part, with a seed that is not used again; it then
serves for all three tasks. The threshold of *no answer* comes from the validation part, too. Lines
of weights that are no longer there are dropped. About an hour on one core.
"""

import json
import math
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np

from course_utils import files, machine
from course_utils.evaluation import pointing as scores
from course_utils.evaluation import tasks
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora
from course_utils.training import finetuning, pointing

OUT = Path(__file__).with_suffix(".jsonl")
RATES = {"course-bert": (3e-4, 1e-3), "twin": (3e-4, 1e-3), "minilm": (1e-4, 3e-4)}
CHOOSING = 100  # a seed that is used for nothing else
TAGS = ["O", "B-name", "I-name"]
EPOCHS = {"tweets": 3, "disfl_qa": 2, "boolq": 2}
LONG = 8  # epochs, where four times as many are tried
BOOLQ_LABELS = 1000


@cache
def folder_of(model: str) -> Path:
    """Where a model lies; the twin has the configuration of course-bert, and no weights."""
    return corpora.minilm_folder() if model == "minilm" else files.checkpoint_dir("course-bert")


@cache
def fingerprint(model: str) -> str:
    """What a run began with."""
    return files.fingerprint(folder_of(model), untrained=model == "twin")


def start_of(model: str, seed: int):
    """A fresh copy of a model's encoder; a twin begins at random, with another start each seed."""
    if model == "minilm":
        return load_pretrained(folder_of(model), task="encoder", dropout=0.0)
    loaded = load_pretrained(folder_of(model))
    if model == "twin":
        machine.seed_everything(seed)
        return MaskedLanguageModel(loaded.config)
    return loaded


def config_of(epochs: int, rate: float, seed: int) -> finetuning.FinetuneConfig:
    return finetuning.FinetuneConfig(epochs, 16, rate, seed=seed)


def untyped(rows: list[list[str]]) -> list[list[str]]:
    """Tags that say *a name*, whatever its kind."""
    return [["O" if tag == "O" else f"{tag[0]}-name" for tag in row] for row in rows]


def tweets(model: str, seed: int, rate: float, epochs: int, on: str = "test") -> dict:
    """A tagger of names: token accuracy, precision, recall and F1 on a part."""
    table = corpora.load("tweets")
    tokenizer = load_tokenizer(folder_of(model))
    tagger = pointing.pointer_from(start_of(model, seed), len(TAGS), seed)
    words, tags = list(table["train"]["words"]), untyped(table["train"]["tags"])
    config = config_of(epochs, rate, seed)
    pointing.finetune_tagger(tagger, tokenizer, words, tags, TAGS, config, progress=False)
    guesses = pointing.predict_tags(tagger, tokenizer, list(table[on]["words"]), TAGS)
    truth = untyped(table[on]["tags"])
    found = scores.entity_scores(truth, guesses)
    return {"accuracy": scores.token_accuracy(truth, guesses)} | found._asdict()


def threshold_of(answers: list[pointing.Answer], rows: list[dict]) -> float:
    """The margin below which *no answer* is said that gives the best mean F1 on these rows."""
    margins = sorted(answer.margin for answer in answers)
    return max([-math.inf, *margins, math.inf], key=lambda t: judged(answers, rows, t)["f1"])


def judged(answers: list[pointing.Answer], rows: list[dict], threshold: float) -> dict:
    """Exact match and F1 over all questions, and the share of questions that are answered."""
    said = [answer.text if answer.margin >= threshold else "" for answer in answers]
    pairs = [(text, row["answer"]) for text, row in zip(said, rows, strict=True)]
    return {
        "exact": float(np.mean([scores.exact_match(*pair) for pair in pairs])),
        "f1": float(np.mean([scores.answer_f1(*pair) for pair in pairs])),
        "answered": float(np.mean([bool(text) for text in said])),
    }


def disfl_qa(model: str, seed: int, rate: float, epochs: int) -> dict:
    """A reader: scores with a threshold from the validation part, and forced to answer."""
    table = {part: list(rows) for part, rows in corpora.load("disfl_qa").items()}
    tokenizer = load_tokenizer(folder_of(model))
    reader = pointing.pointer_from(start_of(model, seed), seed=seed)
    config = config_of(epochs, rate, seed)
    pointing.finetune_pointer(reader, tokenizer, table["train"], config, progress=False)
    known = pointing.find_answers(reader, tokenizer, table["validation"])
    asked = pointing.find_answers(reader, tokenizer, table["test"])
    threshold = threshold_of(known, table["validation"])
    there = [i for i, row in enumerate(table["test"]) if row["answer"]]
    forced = judged([asked[i] for i in there], [table["test"][i] for i in there], -math.inf)
    found = judged(asked, table["test"], threshold)
    return found | {"forced_exact": forced["exact"], "forced_f1": forced["f1"]}


def boolq(model: str, seed: int, rate: float, epochs: int) -> dict:
    """Yes or no, from question and passage: accuracy on the test part."""
    table = corpora.load("boolq")
    tokenizer = load_tokenizer(folder_of(model))
    chosen = np.random.default_rng(seed).permutation(len(table["train"]))[:BOOLQ_LABELS]
    train, test = table["train"].select(chosen), table["test"]
    classifier = finetuning.classifier_from(start_of(model, seed), 2, seed=seed)
    texts = [f"{q} [SEP] {p}" for q, p in zip(train["question"], train["passage"], strict=True)]
    asked = [f"{q} [SEP] {p}" for q, p in zip(test["question"], test["passage"], strict=True)]
    labels = [int(answer) for answer in train["answer"]]
    config = config_of(epochs, rate, seed)
    finetuning.finetune(classifier, tokenizer, texts, labels, config, progress=False)
    guesses = finetuning.predict(classifier, tokenizer, asked).argmax(1).tolist()
    truth = [int(answer) for answer in test["answer"]]
    return {"accuracy": tasks.accuracy(truth, guesses), "yes": float(np.mean(guesses))}


TASKS = {"tweets": tweets, "disfl_qa": disfl_qa, "boolq": boolq}
MODELS = ("course-bert", "twin", "minilm")
ORDER = [("tweets", 0), ("disfl_qa", 0), ("tweets", 1), ("boolq", 0), ("tweets", 2)]
ORDER += [("disfl_qa", 1), ("boolq", 1)]
JOBS = [(task, model, seed, EPOCHS[task]) for task, seed in ORDER for model in MODELS]
# Is it only that the readers have not read long enough?
JOBS += [("disfl_qa", model, seed, LONG) for seed in (0, 1) for model in MODELS]


class Runs:
    """The lines of the file; `run` adds one unless it is there."""

    def __init__(self):
        lines = OUT.read_text(encoding="utf-8").splitlines() if OUT.exists() else []
        kept = [json.loads(line) for line in lines]
        self.kept = [line for line in kept if line["weights"] == fingerprint(line["model"])]

    def run(self, task: str, model: str, seed: int, epochs: int, rate: float, on: str) -> dict:
        place = {"task": task, "model": model, "seed": seed, "lr": rate, "on": on}
        place |= {"epochs": epochs, "weights": fingerprint(model)}
        for line in self.kept:
            if place.items() <= line.items():
                return line
        begin = time.process_time()
        choosing = {} if on == "test" else {"on": on}
        found = TASKS[task](model, seed, rate, epochs, **choosing)
        found = {name: round(value, 5) for name, value in found.items()}
        self.kept.append(place | found | {"cpu_seconds": round(time.process_time() - begin)})
        files.atomic_write(OUT, "".join(json.dumps(line) + "\n" for line in self.kept))
        print(self.kept[-1], flush=True)
        return self.kept[-1]

    def rate(self, model: str) -> float:
        """The learning rate with the best F1 on the validation tweets."""
        epochs = EPOCHS["tweets"]
        tried = [
            self.run("tweets", model, CHOOSING, epochs, rate, "validation") for rate in RATES[model]
        ]
        return max(tried, key=lambda line: line["f1"])["lr"]


def main() -> None:
    wanted, runs = sys.argv[1:] or list(TASKS), Runs()
    for task, model, seed, epochs in JOBS:
        if task in wanted:
            runs.run(task, model, seed, epochs, runs.rate(model), "test")


if __name__ == "__main__":
    main()
