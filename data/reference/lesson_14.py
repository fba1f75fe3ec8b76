"""Make lesson_14.jsonl: a new kind of text, from scratch or from course-bert, in the same minute.

    python data/reference/lesson_14.py

One line for each run, three seeds for each way; first the learning rate of going on is chosen,
with a seed and frozen masks that are not used again. A run that stands in the file is not made
again, so the command may be stopped and repeated. Lines of weights that are no longer there are
dropped. About twenty minutes on one core with bfloat16.

| way | begins as | vocabulary |
|---|---|---|
| scratch | as lesson 07's recipe: small, windows, counts | 2,048 pieces of the new text |
| continued | course-bert | that of course-bert |
| twin | random, the shape of course-bert | that of course-bert |
| untouched | course-bert, no step | that of course-bert |
"""

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from course_utils import files
from course_utils.evaluation.language import bits_per_byte, masked_loss, masked_top1
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora, folders
from course_utils.training import pretraining
from course_utils.training.loop import TrainConfig

OUT = Path(__file__).with_suffix(".jsonl")
ARTICLES = 6000
SEEDS = range(3)
CHOOSING = 100  # a seed that is used for nothing else
RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
LESSON, COURSE = pretraining.RECIPES["lesson"], pretraining.RECIPES["course-bert"]
SCRATCH = replace(LESSON, train=replace(LESSON.train, steps=200, eval_every=40))
CONTINUED = replace(
    COURSE,
    train=TrainConfig(steps=100, lr=2e-3, weight_decay=0.1, warmup=10, eval_every=25),
    length=64,
    counted=False,  # the twin begins at random
    snapshots=(),
)


@cache
def fingerprint(way: str) -> str:
    """What a way begins with; an empty string where that is no checkpoint and no twin of one."""
    if way == "scratch":
        return ""
    return files.fingerprint(files.checkpoint_dir(), untrained=way == "twin")


@cache
def text():
    """The default folder of the lesson, split into blocks."""
    with tempfile.TemporaryDirectory() as home:
        return folders.from_folder(folders.course_folder(Path(home) / "text", ARTICLES))


@cache
def prepared(way: str) -> pretraining.Corpus:
    """Rows, frozen masks and ladder in the vocabulary of a way."""
    if way == "scratch":
        return pretraining.prepare(SCRATCH, text())
    return pretraining.prepare(CONTINUED, text(), load_tokenizer(files.checkpoint_dir()))


@cache
def films():
    """Frozen masks on film reviews: what does course-bert forget?"""
    tokenizer = load_tokenizer(files.checkpoint_dir())
    reviews = list(corpora.load("film_reviews")["validation"]["text"][:300])
    return pretraining.freeze(tokenizer, pretraining.encode(tokenizer, reviews, CONTINUED.length))


def bytes_per_token(tokenizer) -> float:
    """UTF-8 bytes for a token of the held-out text."""
    held_out = list(text()["validation"]["text"])
    pieces = tokenizer(held_out, add_special_tokens=False, verbose=False)["input_ids"]
    return sum(len(one.encode()) for one in held_out) / sum(map(len, pieces))


def run(way: str, seed: int, lr: float) -> dict:
    """One run; its figures."""
    recipe, corpus = SCRATCH if way == "scratch" else CONTINUED, prepared(way)
    frozen = corpus.frozen
    if seed == CHOOSING:  # other places of the same text, so that nothing is chosen on the masks
        rows = pretraining.encode(corpus.tokenizer, text()["validation"]["text"], recipe.length)
        frozen = pretraining.freeze(corpus.tokenizer, rows, seed=CHOOSING)
    recipe = replace(recipe, train=replace(recipe.train, seed=seed, lr=lr))
    loaded = way in ("continued", "untouched")
    model = load_pretrained(files.checkpoint_dir()) if loaded else recipe.model(corpus.rows)
    seconds, curve = 0.0, []
    if way != "untouched":
        history = pretraining.pretrain(
            model, corpus.rows, frozen, corpus.tokenizer, recipe, progress=False
        )
        seconds, curve = history.seconds, history.evaluations
    loss, width = masked_loss(model, frozen), bytes_per_token(corpus.tokenizer)
    return {
        "way": way,
        "weights": fingerprint(way),
        "seed": seed,
        "lr": lr,
        "loss": loss,
        "top1": masked_top1(model, frozen),
        "bits_per_byte": bits_per_byte(loss, 1, width),
        "bytes_per_token": width,
        "ladder": corpus.ladder,
        "film_loss": None if way == "scratch" else masked_loss(model, films()),
        "seconds": round(seconds, 1),
        "evaluations": curve,
    }


def chosen(way: str, known: list[dict]) -> float:
    """The learning rate with the lowest loss among the choosing runs of a way."""
    tried = [one for one in known if one["way"] == way and one["seed"] == CHOOSING]
    return min(tried, key=lambda one: one["loss"])["lr"]


def main() -> None:
    """Make what is missing, the choice of learning rates first."""
    known = []
    if OUT.is_file():
        known = [json.loads(line) for line in OUT.read_text("utf-8").splitlines()]
        known = [line for line in known if line["weights"] == fingerprint(line["way"])]

    def make(way: str, seed: int, lr: float) -> None:
        if (way, seed, lr) not in {(one["way"], one["seed"], one["lr"]) for one in known}:
            known.append(run(way, seed, lr))
            files.atomic_write(OUT, "".join(json.dumps(one) + "\n" for one in known))
            print(f"{way:<10} seed {seed:>3} lr {lr:g}: {known[-1]['loss']:.3f} nats", flush=True)

    for way in ("continued", "twin"):
        for lr in RATES:
            make(way, CHOOSING, lr)
    for seed in SEEDS:
        make("scratch", seed, SCRATCH.train.lr)
        for way in ("continued", "twin"):
            make(way, seed, chosen(way, known))
    make("untouched", 0, 0.0)


if __name__ == "__main__":
    main()
