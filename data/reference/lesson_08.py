"""Make lesson_08.jsonl: what pretraining is worth, on 8 … 7,011 labels of Rotten Tomatoes.

    python data/reference/lesson_08.py

One line for each run. A run that stands in the file is not made again, so the command may be
stopped and repeated; the most important runs come first. First the learning rates are chosen, on
the validation part and with seeds that are not used again; then the test part is asked, once for
each run. The runs are spread over the processor's cores, one thread each. Lines of weights that
are no longer there are dropped. About an hour on two cores.
"""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils import files, machine
from course_utils.evaluation import tasks
from course_utils.evaluation.baselines import tfidf_classifier
from course_utils.model.encoder import Encoder
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora
from course_utils.training import finetuning, pretraining

OUT = Path(__file__).with_suffix(".jsonl")
SEEDS = range(5)
CHOOSING = (100, 101)  # seeds that are used for nothing else
COUNTS = (8, 32, 100, 256, 1000, 4096, None)  # None: all there are
RATES = dict.fromkeys(("course-bert", "twin"), (1e-4, 3e-4, 1e-3, 3e-3))
RATES["minilm"] = (5e-5, 2e-4)
WORDS = (  # they name class 0, negative, and class 1, positive
    [
        "bad",
        "terrible",
        "awful",
        "worst",
        "boring",
        "poor",
        "horrible",
        "waste",
    ],  # class 0, negative
    ["good", "great", "excellent", "wonderful", "best", "fun", "perfect", "amazing"],
)
SNAPSHOTS = ("course-bert-step-500", "course-bert-step-2500")  # of the same run, not chosen for
UNTRAINED = ("twin", "counts")  # course-bert before any step: all random, or with its embeddings


def folder_of(model: str) -> Path:
    """Where a model's weights are; what is untrained has course-bert's configuration alone."""
    if model == "minilm":
        return corpora.minilm_folder()
    return files.checkpoint_dir("course-bert" if model in UNTRAINED else model)


@cache
def fingerprint(model: str) -> str:
    """What a run began with; an empty string where that is no network."""
    if model == "tfidf":
        return ""
    return files.fingerprint(folder_of(model), untrained=model in UNTRAINED)


@cache
def part(name: str) -> tuple[list[str], list[int]]:
    table = corpora.load("rotten_tomatoes")[name]
    return list(table["text"]), list(table["label"])


def labelled(count: int | None, seed: int) -> tuple[list[str], list[int]]:
    """The training sentences of one run: the same for every model."""
    texts, labels = part("train")
    if count is None:
        return texts, labels
    chosen = finetuning.few_labels(labels, count, seed)
    return [texts[i] for i in chosen], [labels[i] for i in chosen]


@cache
def counted_rows() -> torch.Tensor:
    """The rows in which course-bert's neighbours were counted before its first step."""
    texts = list(corpora.load("film_reviews")["train"]["text"])
    length = pretraining.RECIPES["course-bert"].length
    return pretraining.encode(load_tokenizer(folder_of("counts")), texts, length)


def pretrained(model: str, seed: int) -> MaskedLanguageModel | Encoder:
    """A fresh copy of a model's encoder; an untrained one begins anew with each seed."""
    if model == "minilm":
        return load_pretrained(folder_of(model), task="encoder")
    loaded = load_pretrained(folder_of(model))
    if model not in UNTRAINED:
        return loaded
    machine.seed_everything(seed)
    fresh = MaskedLanguageModel(loaded.config)
    if model == "counts":
        pretraining.start_from_counts(fresh, counted_rows())
    return fresh


def judge(name: str, guesses) -> dict:
    """Scores on a part, and which sentences were right, as the bits of a number."""
    truth = part(name)[1]
    right = np.asarray(guesses) == np.asarray(truth)
    scores = {"accuracy": tasks.accuracy(truth, guesses), "f1": tasks.macro_f1(truth, guesses)}
    return scores | {"right": np.packbits(right).tobytes().hex()}


def tuned(
    model: str, count: int | None, seed: int, rate: float, on: str, named: bool
) -> list[dict]:
    """Fine-tune one model on one draw of labels; `named` classes begin as the mean of WORDS."""
    texts, labels = labelled(count, seed)
    config = finetuning.FinetuneConfig.for_labels(len(texts), lr=rate, seed=seed)
    tokenizer = load_tokenizer(folder_of(model))
    words = [tokenizer.convert_tokens_to_ids(names) for names in WORDS] if named else None
    classifier = finetuning.classifier_from(pretrained(model, seed), 2, seed=seed, words=words)
    history = finetuning.finetune(classifier, tokenizer, texts, labels, config, progress=False)
    guesses = finetuning.predict(classifier, tokenizer, part(on)[0]).argmax(1).tolist()
    seconds = round(history.seconds, 1)
    return [{"epochs": config.epochs, "seconds": seconds, **judge(on, guesses)}]


def probed(model: str, counts, seeds, on: str) -> list[dict]:
    """Logistic regressions on frozen features, for every draw of labels."""
    encoder = pretrained(model, 0)
    encoder = encoder.encoder if isinstance(encoder, MaskedLanguageModel) else encoder
    tokenizer = load_tokenizer(folder_of(model))
    known, asked = (finetuning.features(encoder, tokenizer, part(p)[0]) for p in ("train", on))
    labels, found = part("train")[1], []
    for count, seed in product(counts, seeds):
        everything = range(len(labels))
        rows = everything if count is None else finetuning.few_labels(labels, count, seed)
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        probe.fit(known[list(rows)], [labels[i] for i in rows])
        place = {"labels": count, "seed": seed}
        found.append(place | judge(on, probe.predict(asked)))
    return found


def counted(counts, seeds, on: str) -> list[dict]:
    """TF-IDF and logistic regression, for every draw of labels."""
    found = []
    for count, seed in product(counts, seeds):
        guesses = tfidf_classifier(*labelled(count, seed)).predict(part(on)[0])
        found.append({"labels": count, "seed": seed, **judge(on, guesses)})
    return found


def work(job: dict) -> list[dict]:
    """Do one job in a process of its own; the lines for the file."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    if job["way"] in ("tuned", "named"):
        named = job["way"] == "named"
        lines = tuned(job["model"], job["labels"], job["seed"], job["lr"], job["on"], named)
    elif job["way"] == "probed":
        lines = probed(job["model"], COUNTS, SEEDS, job["on"])
    else:
        lines = counted(COUNTS, SEEDS, job["on"])
    took = round(time.perf_counter() - began, 1)
    return [{**job, **line, "job_seconds": took} for line in lines]


def name_of(line: dict) -> tuple:
    """What makes a job this job."""
    keys = ["model", "weights", "way", "on"]
    keys += ["lr", "labels", "seed"] if line["way"] in ("tuned", "named") else []
    return tuple(line[key] for key in keys)


def read() -> list[dict]:
    """The runs that are in the file; a last line that was cut short is as good as none."""
    lines = OUT.read_text("utf-8").splitlines(keepends=True) if OUT.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def run(jobs: list[dict]) -> None:
    """Do the jobs that are not in the file, in their order."""
    jobs = [job | {"weights": fingerprint(job["model"])} for job in jobs]
    done = [line for line in read() if line["weights"] == fingerprint(line["model"])]
    files.atomic_write(OUT, "".join(json.dumps(line) + "\n" for line in done))
    there = {name_of(line) for line in done}
    jobs = [job for job in jobs if name_of(job) not in there]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool, OUT.open("a") as stream:
        for number, lines in enumerate(pool.map(work, jobs), 1):
            stream.write("".join(json.dumps(line) + "\n" for line in lines))
            stream.flush()
            job, score = jobs[number - 1], np.mean([line["accuracy"] for line in lines])
            about = " ".join(str(job.get(key, "")) for key in ("model", "way", "labels", "lr"))
            print(f"{number}/{len(jobs)} {about}: {score:.3f} in {lines[0]['job_seconds']} s")


def fine_tuning(model, counts, way="tuned", seeds=SEEDS, rates=None, on="test") -> list[dict]:
    """The jobs of one model. Without `rates`, each with the rate that was chosen."""
    job = {"model": model, "way": way, "on": on}
    whose = "course-bert" if model in (*SNAPSHOTS, "counts") else model
    return [
        {**job, "labels": count, "seed": seed, "lr": rate}
        for count, seed in product(counts, seeds)
        for rate in rates or [chosen_rate(whose, way, count)]
    ]


def chosen_rate(model: str, way: str, count: int | None) -> float:
    """The best rate on the validation part: of 100 labels for few, of 1,000 for many."""
    near = 100 if model == "minilm" or (count and count < 500) else 1000
    way = "named" if model == "course-bert" else way  # with and without names: the same rate
    wanted = (model, way, fingerprint(model), "validation", near)
    scores: dict[float, list[float]] = {}
    for line in read():
        if tuple(line[k] for k in ("model", "way", "weights", "on", "labels")) == wanted:
            scores.setdefault(line["lr"], []).append(line["accuracy"])
    return max(scores, key=lambda rate: np.mean(scores[rate]))


def main() -> None:
    contestants = (("course-bert", "named"), ("twin", "tuned"))
    choosing = [{"model": "tfidf", "way": "counted", "on": "test"}]
    for model, way in contestants:
        choosing += fine_tuning(model, [100], way, CHOOSING, RATES[model], "validation")
    for model, way in contestants:
        choosing += fine_tuning(model, [1000], way, CHOOSING[:1], RATES[model], "validation")
    choosing += fine_tuning("minilm", [100], "tuned", CHOOSING[:1], RATES["minilm"], "validation")
    run(choosing)
    frozen = ("course-bert", "twin", "counts", *SNAPSHOTS, "minilm")
    jobs = [{"model": model, "way": "probed", "on": "test"} for model in frozen]
    for count in (100, 1000, None):
        jobs += [job for model, way in contestants for job in fine_tuning(model, [count], way)]
    jobs += fine_tuning("course-bert", [8, 100])  # the classes without names
    for count in (8, 32, 256):
        jobs += [job for model, way in contestants for job in fine_tuning(model, [count], way)]
    jobs += [job for name in (*SNAPSHOTS, "counts") for job in fine_tuning(name, [1000], "named")]
    jobs += fine_tuning("minilm", [1000])
    jobs += [job for model, way in contestants for job in fine_tuning(model, [4096], way)]
    jobs += fine_tuning("minilm", [8, 32, 100, 256, 4096])
    run(jobs)


if __name__ == "__main__":
    main()
