"""Make lesson_02.json: what stop words and stems are worth to two Transformers, on five folds.

    python data/reference/lesson_02.py

The code is taken from the lesson's own cells (those with the tag "reference"), so that the
reference cannot drift from it. A run that is done is kept in build/reference and not made again.
About ten minutes on two cores.
"""

import hashlib
import json
import time

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_utils import machine
from course_utils.files import atomic_write, build_dir, data_dir, repo_root
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import corpora

TRAINED = ("as they are", "stop words removed", "as many at random")
PROBED = 3000  # sentences that MiniLM reads


def lesson_cells() -> list[str]:
    """The lesson's cells that the runs need."""
    notebook = json.loads((repo_root() / "notebooks" / "02_text_data.ipynb").read_text("utf-8"))
    cells = [c for c in notebook["cells"] if "reference" in c["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in cells]


def trained(lesson: dict, texts: list[str], fold: int) -> list[float]:
    """Accuracy of the small Transformer on one fold."""
    labels, (train, test) = lesson["verdicts"], lesson["folds"][fold]
    parts = ([texts[k] for k in rows] for rows in (train, test))
    known, others = parts
    guesses = lesson["small_transformer"](known, labels[train].tolist(), others, fold)
    return [float((np.array(guesses) == labels[test]).mean())]


def probed(lesson: dict, texts: list[str]) -> list[float]:
    """Accuracy of a logistic regression on MiniLM's frozen vectors, on each fold of 3,000 texts."""
    folder = corpora.minilm_folder()
    encoder, tokenizer = load_pretrained(folder, task="encoder"), load_tokenizer(folder)
    texts, labels = texts[:PROBED], lesson["verdicts"][:PROBED]
    dtype = machine.autocast_dtype("cpu")
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        vectors = lesson["finetuning"].features(encoder, tokenizer, texts).numpy()
    found = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(texts, labels):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        probe.fit(vectors[train], labels[train])
        found.append(float((probe.predict(vectors[test]) == labels[test]).mean()))
    return found


def kept(name: str, version: str, work) -> dict:
    """What `work()` gives, with its seconds; read from the file when it was done before."""
    done = build_dir() / "reference" / f"lesson_02-{version}-{name.replace(' ', '_')}.json"
    if not done.exists():
        began = time.perf_counter()
        accuracy = work()
        seconds = round(time.perf_counter() - began, 1)
        atomic_write(done, json.dumps({"accuracy": accuracy, "seconds": seconds}))
    line = json.loads(done.read_text("utf-8"))
    print(f"{name}: {np.mean(line['accuracy']):.3f} in {line['seconds']} s", flush=True)
    return line


def main() -> None:
    cells = lesson_cells()
    version = hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]
    lesson: dict = {}
    for cell in cells:
        exec(cell, lesson)
    accuracy: dict = {"small Transformer": {}, "MiniLM, frozen": {}}
    for name, texts in lesson["versions"].items():
        line = kept(f"MiniLM {name}", version, lambda t=texts: probed(lesson, t))
        accuracy["MiniLM, frozen"][name] = line["accuracy"]
    for fold in range(5):
        for name in TRAINED:
            texts = lesson["versions"][name]
            line = kept(
                f"small {name} {fold}", version, lambda t=texts, f=fold: trained(lesson, t, f)
            )
            accuracy["small Transformer"].setdefault(name, []).extend(line["accuracy"])
        save(accuracy)


def save(accuracy: dict) -> None:
    device = machine.pick_device()
    made = {
        "command": "python data/reference/lesson_02.py",
        "arithmetic": f"{device.type}, {machine.autocast_dtype(device) or torch.float32}",
        "probed_sentences": PROBED,
        "accuracy": accuracy,
    }
    atomic_write(data_dir() / "reference" / "lesson_02.json", json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
