"""The frozen race file: text, vocabulary and evaluation masks, the same for everybody, hashed.

A folder ``S1/`` holds ``rows.safetensors`` (packed training rows), ``frozen.safetensors`` (the
evaluation: corrupted rows, stored positions, targets), the tokenizer, and ``facts.json`` with the
loss ladder and the hashes of both. `PINS` pins the evaluation's hash in the repository.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.shapes import Shape
from course_utils.evaluation.language import bits_per_byte, masked_scores
from course_utils.files import atomic_folder, atomic_write
from course_utils.text import corpora, masking
from course_utils.training.loop import TrainConfig
from course_utils.training.pretraining import Corpus, Recipe
from course_utils.training.pretraining import prepare as prepare_corpus

PINS = Path(__file__).parent / "results" / "frozen.json"
FACTS = "facts.json"


class RaceFileError(ValueError):
    """A race file that is missing, damaged, or not the one that the repository pins."""


@dataclass(frozen=True)
class RaceFile:
    """What everybody trains on and is judged by. `facts` is the content of ``facts.json``."""

    rows: Tensor  # (N, L) int64
    frozen: masking.MaskedBatch
    facts: dict

    def corruption(self, rate: float, mask_share: float, random_share: float):
        """The masking machine for this vocabulary."""
        special = tuple(self.facts["special_ids"])
        return masking.Corruption(
            self.facts["mask_id"], self.facts["vocab_size"], special,
            rate=rate, mask_share=mask_share, random_share=random_share,
        )  # fmt: skip

    def counts(self) -> Tensor:
        """(V,) float: how often each token stands in the training rows; 0 for special ones."""
        found = torch.bincount(self.rows.flatten(), minlength=self.facts["vocab_size"]).float()
        found[self.facts["special_ids"]] = 0
        return found

    def judge(self, model: nn.Module) -> dict[str, float]:
        """The one evaluator: `model(input_ids, positions=...)`, fp32, eval mode, frozen masks.

        Mean nats and bits per UTF-8 byte of the hidden tokens, and the share guessed at once.
        """
        scores = masked_scores(model, self.frozen)
        bits = bits_per_byte(scores["loss"], self.facts["tokens"], self.facts["bytes"])
        return scores | {"bits_per_byte": bits}


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """The SHA-256 of named whole-number tensors: names, shapes and values.

    >>> a = {"x": torch.tensor([[1, 2]])}
    >>> fingerprint(a) == fingerprint({"x": torch.tensor([[1, 2]], dtype=torch.int16)})
    True
    >>> fingerprint(a) == fingerprint({"x": torch.tensor([[1], [2]])})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].to(torch.int64).contiguous().numpy().tobytes())
    return digest.hexdigest()


def write(folder: Path, corpus: Corpus, texts: list[str]) -> RaceFile:
    """Put a corpus into `folder` as a race file. `texts` are its validation texts: they tell how
    many bytes a token stands for."""
    tokenizer = corpus.tokenizer
    tokens = sum(map(len, tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]))
    frozen = {
        "input_ids": corpus.frozen.input_ids,
        "positions": corpus.frozen.positions,
        "targets": corpus.frozen.targets,
    }
    rows = {"rows": corpus.rows}
    facts = {
        "vocab_size": len(tokenizer),
        "mask_id": tokenizer.mask_token_id,
        "special_ids": sorted(tokenizer.all_special_ids),
        "rows": len(corpus.rows),
        "length": corpus.rows.size(1),
        "tokens": tokens,
        "bytes": sum(len(text.encode()) for text in texts),
        "hidden": corpus.frozen.count(),
        "ladder": corpus.ladder,
        "frozen_sha256": fingerprint(frozen),
        "rows_sha256": fingerprint(rows),
    }
    with atomic_folder(folder) as draft:
        save_file({k: v.short() for k, v in rows.items()}, draft / "rows.safetensors")
        save_file({k: v.contiguous() for k, v in frozen.items()}, draft / "frozen.safetensors")
        tokenizer.save_pretrained(draft / "tokenizer")
        (draft / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return RaceFile(corpus.rows, corpus.frozen, facts)


def load(folder: Path, pin: str | None = None) -> RaceFile:
    """Read a race file and verify it: against its own hashes, and against `pin` if there is one.

    Raises:
        RaceFileError: it is missing, damaged or doctored.
    """
    folder = Path(folder)
    if not (folder / FACTS).is_file():
        raise RaceFileError(f"There is no race file in {folder}: run `python -m benchmarks file`.")
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        rows = load_file(folder / "rows.safetensors")
        frozen = load_file(folder / "frozen.safetensors")
    except (SafetensorError, OSError, ValueError) as problem:
        raise RaceFileError(f"The race file in {folder} is damaged: delete it.") from problem
    if fingerprint(frozen) != facts["frozen_sha256"]:
        raise RaceFileError(f"The evaluation masks in {folder} are not those that were frozen.")
    if fingerprint(rows) != facts["rows_sha256"]:
        raise RaceFileError(f"The training rows in {folder} are not those that were packed.")
    if pin and facts["frozen_sha256"] != pin:
        raise RaceFileError(
            f"The evaluation masks in {folder} are not those that the repository pins: delete the "
            "folder, it will be made again."
        )
    return RaceFile(rows["rows"].long(), masking.MaskedBatch(**frozen), facts)


def pinned(shape: Shape, pins: Path = PINS) -> str | None:
    """The hash that the repository keeps for the evaluation of a shape, if it keeps one."""
    if not pins.is_file():
        return None
    return json.loads(pins.read_text(encoding="utf-8")).get(shape.name)


def pin(shape: Shape, sha256: str, pins: Path = PINS) -> None:
    """Keep the hash of a shape's evaluation in the repository."""
    known = json.loads(pins.read_text(encoding="utf-8")) if pins.is_file() else {}
    text = json.dumps({**known, shape.name: sha256}, indent=1, sort_keys=True)
    atomic_write(pins, text + "\n")


def prepare(shape: Shape, folder: Path, pins: Path = PINS) -> RaceFile:
    """The race file of a shape: read if it is there, else made from the film reviews."""
    pin = pinned(shape, pins)
    if not (folder / FACTS).is_file():
        print(f"making the race file of {shape.name} (once)", file=sys.stderr, flush=True)
        recipe = Recipe(TrainConfig(steps=1), vocab_size=shape.vocab_size, length=shape.length)
        texts = list(corpora.load("film_reviews")["validation"]["text"])
        write(folder, prepare_corpus(recipe), texts)
    return load(folder, pin)
