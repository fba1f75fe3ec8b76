"""Make lesson 11's translator and its writer, and lesson_11.json beside this file.

    python data/reference/lesson_11.py [tokenizer | live | translator | writer | report]

Without a word, all parts in this order. The translator reads both directions of the Tatoeba pairs:
a long stretch at a constant learning rate, then a short one that lowers it to zero. The writer is
course-bert behind a causal mask, fine-tuned on film reviews; its embeddings and its first layer
stay as they are, so that only the rest is kept. Checkpoints lie in build/reference, and a command
that was stopped goes on where it was. About 25 minutes on two quiet cores with bfloat16.
"""

import json
import sys
from dataclasses import asdict
from functools import cache

import torch
from safetensors.torch import load_file, load_model, save_model

from course_utils import files
from course_utils.model.decoder import Translator
from course_utils.text import corpora
from course_utils.text.tokenization import train_tokenizer
from course_utils.training import translation
from course_utils.training.cards import describe_machine
from course_utils.training.loop import TrainConfig, train

OUT = files.data_dir() / "reference" / "lesson_11.json"
WORK = files.build_dir() / "reference" / "lesson_11"
VOCAB, BATCH, SEEDS = 5000, 128, (0, 1, 2)
SHARED = {"lr": 4e-3, "weight_decay": 0.05, "eval_every": 200, "save_every": 100}
READ = TrainConfig(steps=9000, warmup=100, schedule="constant", **SHARED)
SETTLE = TrainConfig(steps=1000, schedule="linear", **(SHARED | {"lr": 3e-3}))
LIVE = TrainConfig(steps=30, lr=4e-3, warmup=10, schedule="constant")


@cache
def tokenizer():
    """One vocabulary for both languages, from the training pairs."""
    folder = WORK / "tokenizer"
    if not folder.exists():
        table = corpora.load("tatoeba")["train"]
        trained = train_tokenizer([*table["en"], *table["zh"]], VOCAB, kind="bpe")
        with files.atomic_folder(folder) as draft:
            trained.save_pretrained(draft)
    from course_utils.model.interop import load_tokenizer

    return load_tokenizer(folder)


@cache
def pairs(part: str, rows: int | None = None) -> list[translation.Pair]:
    table = corpora.load("tatoeba")[part]
    return translation.both_directions(tokenizer(), table["en"][:rows], table["zh"][:rows])


def live() -> dict:
    """The lesson's own short training, with three seeds: a band for its loss."""
    runs = []
    for seed in SEEDS:
        model = translation.new_translator(len(tokenizer()), seed)
        at = translation.pair_batches(pairs("train"), BATCH, seed)
        config = TrainConfig(**(asdict(LIVE) | {"seed": seed}))
        history = train(model, at, translation.translation_loss, config, progress=False)
        runs.append([round(step["loss"], 4) for step in history.steps])
        print(f"live, seed {seed}: {runs[-1][-1]:.3f}", flush=True)
    return {"config": asdict(LIVE), "losses": runs}


def stage(model: Translator, name: str, config: TrainConfig, seed: int) -> dict:
    """Train one stage, or take up what an earlier command has left; what happened."""
    done, told = WORK / f"{name}.safetensors", WORK / f"{name}.json"
    if done.exists():
        load_model(model, str(done))
        return json.loads(told.read_text("utf-8"))
    at = translation.pair_batches(pairs("train"), BATCH, seed)
    judged = pairs("validation", 300)

    def evaluate(trained) -> dict:
        losses = [translation.mean_loss(trained, half) for half in (judged[:300], judged[300:])]
        print(f"{name} {losses[0]:.3f} to Chinese, {losses[1]:.3f} to English", flush=True)
        return {"to_chinese": losses[0], "to_english": losses[1]}

    history = train(
        model, at, translation.translation_loss, config, evaluate, WORK / name, progress=False
    )
    files.atomic_write(told, json.dumps(asdict(history)))
    save_model(model, str(done))
    return asdict(history)


def translator() -> None:
    model = translation.new_translator(len(tokenizer()))
    stage(model, "read", READ, 0)
    stage(model, "settle", SETTLE, 1)


def main(wanted: list[str]) -> None:
    torch.set_num_threads(torch.get_num_threads())
    for name in wanted or ["tokenizer", "live", "translator"]:
        print(name, flush=True)
        if name == "live":
            files.atomic_write(WORK / "live.json", json.dumps(live()))
        else:
            globals()[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
