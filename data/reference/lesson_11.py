"""Make lesson 11's translator, data/reference/course-translator, and lesson_11.json.

    python data/reference/lesson_11.py [tokenizer | live | translator | report]

Without a word, all parts in this order. The translator reads the Tatoeba pairs in both directions
at a constant learning rate; what is kept is the mean of its last checkpoints' weights, which does
what a falling learning rate would do (Izmailov et al. 2018, "Averaging weights leads to wider
optima"). Checkpoints lie in build/reference, and a command that was stopped goes on where it was.
About 15 minutes on two quiet cores with bfloat16.
"""

# ruff: noqa: E501 - the lines of the card are long

import json
import sys
from dataclasses import asdict
from functools import cache

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from course_utils import files
from course_utils.model.decoder_interop import load_translator, save_translator
from course_utils.model.interop import load_tokenizer
from course_utils.text import corpora
from course_utils.text.tokenization import train_tokenizer
from course_utils.training import translation
from course_utils.training.cards import describe_machine
from course_utils.training.loop import TrainConfig, train

OUT = files.data_dir() / "reference" / "lesson_11.json"
HOME = files.data_dir() / "reference" / "course-translator"
WORK = files.build_dir() / "reference" / "lesson_11"
VOCAB, BATCH, SEEDS, EVERY = 5000, 128, (0, 1, 2), 100
READ = TrainConfig(
    steps=3000, lr=4e-3, warmup=100, schedule="constant", weight_decay=0.05, eval_every=200,
    save_every=EVERY,
)  # fmt: skip
AVERAGED = 10  # of the last checkpoints, one every EVERY steps
LIVE = TrainConfig(steps=20, lr=4e-3, warmup=10, schedule="constant")

CARD = """---
language: [en, zh]
---
# course-translator

A small translator between English and Chinese, for lesson 11: made for learning, not for use.

| | |
|---|---|
| architecture | `course_utils.model.decoder.Translator`: {layers} layers to read, {layers} to write, width {width}, {heads} heads, one embedding table for all |
| vocabulary | {vocab:,} pieces of both languages together, byte-level BPE |
| parameters | {parameters:,}, kept as float16 |
| text | the training part of the Tatoeba pairs, {pairs:,} pairs, both directions |
| training | {steps:,} steps of {batch} pairs, Muon and AdamW, learning rate {lr:g}, seed {seed}; the mean of the last {averaged} checkpoints, {every} steps apart |
| cost | {minutes:.0f} minutes on {machine}, which was busy with other things |
| validation | {to_chinese:.2f} nats a piece to Chinese, {to_english:.2f} to English (300 pairs) |

No model of `transformers` is a ModernBERT with two texts, so this folder opens with
`course_utils.model.decoder_interop.load_translator`.

Made by `python data/reference/lesson_11.py`. The pairs are Tatoeba's, CC BY 2.0 FR; see
`data/README.md`. It has read short everyday sentences and nothing else, Chinese in both scripts.
"""


@cache
def tokenizer():
    """One vocabulary for both languages, from the training pairs."""
    folder = WORK / "tokenizer"
    if not folder.exists():
        table = corpora.load("tatoeba")["train"]
        trained = train_tokenizer([*table["en"], *table["zh"]], VOCAB, kind="bpe")
        with files.atomic_folder(folder) as draft:
            trained.save_pretrained(draft)
    return load_tokenizer(folder)


@cache
def pairs(part: str, rows: int | None = None) -> list[translation.Pair]:
    table = corpora.load("tatoeba")[part]
    return translation.both_directions(tokenizer(), table["en"][:rows], table["zh"][:rows])


def live() -> None:
    """The lesson's own short training, with three seeds: a band for its loss."""
    runs = []
    for seed in SEEDS:
        model = translation.new_translator(len(tokenizer()), seed)
        at = translation.pair_batches(pairs("train"), BATCH, seed)
        config = TrainConfig(**(asdict(LIVE) | {"seed": seed}))
        history = train(model, at, translation.translation_loss, config, progress=False)
        runs.append([round(step["loss"], 4) for step in history.steps])
        print(f"live, seed {seed}: {runs[-1][-1]:.3f}", flush=True)
    files.atomic_write(WORK / "live.json", json.dumps({"config": asdict(LIVE), "losses": runs}))


def validate(model: nn.Module) -> dict[str, float]:
    judged = pairs("validation", 300)
    losses = [translation.mean_loss(model, half) for half in (judged[:300], judged[300:])]
    print(f"{losses[0]:.3f} to Chinese, {losses[1]:.3f} to English", flush=True)
    return {"to_chinese": losses[0], "to_english": losses[1]}


def translator() -> None:
    """Train, or go on where an earlier command was stopped; keep a copy at every checkpoint."""
    model = translation.new_translator(len(tokenizer()))
    at = translation.pair_batches(pairs("train"), BATCH, READ.seed)

    def keep(step: int, trained: nn.Module) -> None:
        if step % EVERY == 0:
            (WORK / "kept").mkdir(exist_ok=True)
            save_file(dict(trained.named_parameters()), WORK / "kept" / f"{step:06}.safetensors")

    history = train(
        model, at, translation.translation_loss, READ, validate, WORK / "read", keep, False
    )
    files.atomic_write(WORK / "history.json", json.dumps(asdict(history)))


def report() -> None:
    """Average the last checkpoints, and write the folder, its card and the JSON."""
    model = translation.new_translator(len(tokenizer()))
    kept = sorted((WORK / "kept").glob("*.safetensors"))[-AVERAGED:]
    weights = [load_file(path) for path in kept]
    names = dict(model.named_parameters())
    model.load_state_dict(
        {name: torch.stack([one[name] for one in weights]).mean(0) for name in names}
    )
    save_translator(model, HOME, tokenizer())
    scores = validate(load_translator(HOME))
    history = json.loads((WORK / "history.json").read_text("utf-8"))
    made = {
        "command": "python data/reference/lesson_11.py",
        "machine": describe_machine(),
        "read": asdict(READ),
        "averaged": len(kept),
        "seconds": history["seconds"],
        "validation": scores,
        "evaluations": history["evaluations"],
        "losses": [[step["step"], round(step["loss"], 3)] for step in history["steps"][9::10]],
        "live": json.loads((WORK / "live.json").read_text("utf-8")),
    }
    files.atomic_write(OUT, json.dumps(made) + "\n")
    shape = model.config
    card = CARD.format(
        layers=shape.num_layers, width=shape.hidden_size, heads=shape.num_heads,
        vocab=shape.vocab_size, parameters=sum(w.numel() for w in names.values()),
        pairs=len(pairs("train")) // 2, steps=len(history["steps"]), batch=BATCH, lr=READ.lr,
        seed=READ.seed, averaged=len(kept), every=EVERY, minutes=history["seconds"] / 60,
        machine=made["machine"], **scores,
    )  # fmt: skip
    files.atomic_write(HOME / "README.md", card)


if __name__ == "__main__":
    for part in sys.argv[1:] or ("tokenizer", "live", "translator", "report"):
        globals()[part]()
