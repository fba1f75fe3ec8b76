"""Make lesson_02.json: what stop words are worth to course-bert when it is fine-tuned, five draws.

    python data/reference/lesson_02.py

The code is taken from the lesson's own cells (those with the tag "reference"), so that the
reference cannot drift from it. A run that is done is kept in build/reference and not made again,
so the command may be stopped and repeated. About four minutes on one core.
"""

import functools
import hashlib
import itertools
import json
import time

import numpy as np

from course_utils.files import atomic_write, build_dir, data_dir, repo_root
from course_utils.training import finetuning

RUNS = range(5)
VERSIONS = ("as they are", "stop words removed", "as many at random")
LABELS = 1000  # of the training part, for each run of course-bert


def lesson_cells() -> list[str]:
    """The lesson's cells that the runs need."""
    notebook = json.loads((repo_root() / "notebooks" / "02_text_data.ipynb").read_text("utf-8"))
    cells = [c for c in notebook["cells"] if "reference" in c["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in cells]


def accuracy_of(lesson: dict, texts: list[str], run: int) -> float:
    """Fine-tuned on a draw of the training part, judged on what course-bert has never read."""
    known = len(lesson["parts"]["train"])  # the first of the sentences
    drawn = finetuning.few_labels(lesson["verdicts"][:known].tolist(), LABELS, seed=run)
    labels = lesson["verdicts"][drawn].tolist()
    guesses = lesson["fine_tuned"]([texts[k] for k in drawn], labels, texts[known:], seed=run)
    return float((np.array(guesses) == lesson["verdicts"][known:]).mean())


def kept(name: str, version: str, work) -> float:
    """What `work()` gives; read from the file when it was done before."""
    done = build_dir() / "reference" / f"lesson_02-{version}-{name.replace(' ', '_')}.json"
    if not done.exists():
        began = time.process_time()
        line = {"accuracy": work(), "seconds": round(time.process_time() - began, 1)}
        atomic_write(done, json.dumps(line))
        print(f"{name}: {line['accuracy']:.3f} in {line['seconds']} s", flush=True)
    return json.loads(done.read_text("utf-8"))["accuracy"]


def main() -> None:
    cells = lesson_cells()
    version = hashlib.sha256(json.dumps(cells[1:]).encode()).hexdigest()[:12]  # without imports
    lesson: dict = {}
    for cell in cells:
        exec(cell, lesson)
    accuracy: dict = {name: [] for name in VERSIONS}
    for run, name in itertools.product(RUNS, VERSIONS):
        texts = lesson["versions"][name]
        work = functools.partial(accuracy_of, lesson, texts, run)
        accuracy[name].append(round(kept(f"{name} {run}", version, work), 5))
    made = {"command": "python data/reference/lesson_02.py", "labels": LABELS, "accuracy": accuracy}
    atomic_write(data_dir() / "reference" / "lesson_02.json", json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
