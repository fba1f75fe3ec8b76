"""The log and the model card that lie beside a pretrained model (Mitchell et al. 2019)."""
# ruff: noqa: E501 - the lines of the tables are long

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from course_utils.evaluation.language import bits_per_byte
from course_utils.files import atomic_write
from course_utils.machine import pick_device

EVERY = 10  # of the training steps, one in so many is kept in the log

CARD = """---
language: {language}
library_name: transformers
pipeline_tag: fill-mask
---
# {name}

A small masked language model, trained {start} on {text}. It is made for
learning and for experiments on a laptop, not for use on people.

| | |
|---|---|
| architecture | ModernBERT: {layers} layers × {width}, {heads} heads, gated MLP of {mlp}, rotary positions{windows} |
| vocabulary | {vocab:,} pieces, {vocabulary} |
| parameters | {parameters:,} |
| text | {rows:,} rows of {length} tokens, each seen {epochs:.1f} times ({tokens:.1f} million tokens in all) |
| objective | {rate:.0%} of the tokens hidden; of these {mask:.0%} as `[MASK]`, {random:.0%} at random |
| training | step {steps:,} of {planned:,}, {batch} rows a step, Muon and AdamW, peak learning rate {lr:g}{counted} |
| seed | {seed} |
| cost | {cost} on {machine} |

## Evaluation

Mean nats per hidden token on frozen masks of {held_out}, all hidden as `[MASK]`:

| uniform | unigram | bigram | **this model** | below the unigram line |
|---|---|---|---|---|
| {uniform:.2f} | {unigram:.2f} | {bigram:.2f} | **{loss:.3f}** | {below:.2f} |

Its first guess is right for {top1:.1%} of them.{per_byte} `log.json` holds the whole curve.

## Made by

```
{command}
```

{limits}
"""

# What a card says about the text when the log does not say otherwise.
FILM_REVIEWS = {
    "language": "en",
    "start": "from scratch",
    "text": "the course's film reviews",
    "vocabulary": "learned from the training text",
    "held_out": "held-out reviews",
    "limits": (
        "The text, its licence and its limits: `data/README.md`. The model has read film reviews and nothing\n"
        "else: it repeats their opinions, their slang and their prejudices, and it knows no facts."
    ),
}


def own_text(name: str, language: str = "en", **entries) -> dict:
    """What a card says about a model of your own folder; fill in what only you can know.

    Raises ValueError for an empty name.

    >>> own_text("diary")["text"]
    'the folder `diary`'
    """
    if not name.strip():
        raise ValueError("A card needs the name of the text that the model has read.")
    return {
        "language": language,
        "text": f"the folder `{name}`",
        "held_out": "held-out blocks of that folder",
        "limits": (
            f"The model has read `{name}` and nothing else: it repeats what stands there, errors, "
            "names and\nprejudices included. Whoever can ask it can get at what it has read: share "
            "it with nobody who may\nnot read the text, and say here under which licence the text "
            "stands."
        ),
    } | entries


def describe_machine() -> str:
    """The processor and what it computed with, in a few words.

    >>> "torch" in describe_machine()
    True
    """
    kind = pick_device()
    threads = torch.get_num_threads()
    device = f"{threads} CPU thread{'s' * (threads != 1)}" if kind.type == "cpu" else str(kind)
    return f"{device} ({platform.machine()}, torch {torch.__version__.split('+')[0]})"


def make_log(
    recipe: Any, ladder: dict, history: Any, rows: int, command: str, about: dict | None = None
) -> dict:
    """What happened, ready for JSON: the recipe, the ladder, every tenth step, each evaluation.

    about: what the card says about another text than the film reviews; entries as in
    ``FILM_REVIEWS``, and "bytes_per_token" of the held-out text, by which the card gives the loss
    per byte too. Raises ValueError for an entry that the card has no place for.
    """
    unknown = sorted(set(about or {}) - {*FILM_REVIEWS, "bytes_per_token"})
    if unknown:
        raise ValueError(f"A card has no place for {unknown}: its entries are {[*FILM_REVIEWS]}.")
    told = {} if about is None else {"about": about}
    return told | {
        "command": command,
        "machine": describe_machine(),
        "recipe": asdict(recipe),
        "rows": rows,
        "ladder": ladder,
        "seconds": history.seconds,
        "evaluations": history.evaluations,
        "steps": [record for record in history.steps if record["step"] % EVERY == 0],
    }


def write(folder: Path, log: dict, parameters: int, step: int | None = None) -> None:
    """Put `log.json` and the card `README.md` into a model's folder.

    step: the step of an earlier snapshot; its card tells what was reached until then, and the
    time is its share of the whole run's.
    Raises ValueError when the log has no evaluation at that step.
    """
    recipe, ladder, train = log["recipe"], log["ladder"], log["recipe"]["train"]
    reached = [e for e in log["evaluations"] if step is None or e["step"] == step]
    if not reached:
        raise ValueError(f"The log holds no evaluation at step {step}.")
    final = reached[-1]
    seconds = log["seconds"] * final["step"] / train["steps"]
    seen = final["step"] * recipe["batch_size"]
    about = FILM_REVIEWS | log.get("about", {})
    width, per_byte = about.pop("bytes_per_token", None), ""
    if width:
        per_byte = f" Its loss is {bits_per_byte(final['loss'], 1, width):.2f} bits per byte of that text."
    reach = ", ".join(str(window or "all") for window in recipe.get("windows", ()))
    windows = f"; windows to either side: {reach}" if reach else ""
    counted = "; the embeddings began as counts of neighbours" if recipe.get("counted") else ""
    card = CARD.format(
        name=folder.name, layers=recipe["num_layers"], width=recipe["hidden_size"],
        heads=recipe["num_heads"], mlp=recipe["mlp_size"], vocab=recipe["vocab_size"],
        windows=windows, parameters=parameters, rows=log["rows"], length=recipe["length"],
        epochs=seen / log["rows"], tokens=seen * recipe["length"] / 1e6, rate=recipe["rate"],
        mask=recipe["mask_share"], random=recipe["random_share"], steps=final["step"],
        planned=train["steps"], batch=recipe["batch_size"], lr=train["lr"], seed=train["seed"],
        counted=counted,
        cost=f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes",
        machine=log["machine"], **ladder,
        loss=final["loss"], below=ladder["unigram"] - final["loss"], top1=final["top1"],
        command=log["command"], per_byte=per_byte, **about,
    )  # fmt: skip
    atomic_write(folder / "log.json", json.dumps(log, separators=(",", ":")) + "\n")
    atomic_write(folder / "README.md", card)
