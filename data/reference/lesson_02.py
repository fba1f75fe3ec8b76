"""Make lesson_02.json: what stop words and stems are worth to two Transformers, five runs of each.

    python data/reference/lesson_02.py

The code is taken from the lesson's own cells (those with the tag "reference"), so that the
reference cannot drift from it. A run that is done is kept in build/reference and not made again,
so the command may be stopped and repeated. About eight minutes on one core.
"""

import hashlib
import itertools
import json
import time

import numpy as np

from course_utils.files import atomic_write, build_dir, data_dir, repo_root
from course_utils.training import finetuning

RUNS = range(5)
LABELS = 1000  # of the training part, for each run of course-bert


def lesson_cells() -> list[str]:
    """The lesson's cells that the runs need."""
    notebook = json.loads((repo_root() / "notebooks" / "02_text_data.ipynb").read_text("utf-8"))
    cells = [c for c in notebook["cells"] if "reference" in c["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in cells]


def from_scratch(lesson: dict, texts: list[str], run: int) -> float:
    """Trained from random weights on four parts of the sentences, judged on the fifth."""
    train, test = lesson["folds"][run]
    return judged(lesson, "from_scratch", texts, train, test, run)


def from_course_bert(lesson: dict, texts: list[str], run: int) -> float:
    """Fine-tuned on a draw of the training part, judged on what course-bert has never read."""
    known = len(lesson["parts"]["train"])  # the first of the sentences
    train = finetuning.few_labels(lesson["verdicts"][:known].tolist(), LABELS, seed=run)
    return judged(lesson, "from_course_bert", texts, train, range(known, len(texts)), run)


def judged(lesson: dict, reader: str, texts: list[str], train, test, run: int) -> float:
    """The accuracy on the places `test` of a reader that has learned from the places `train`."""
    labels, asked = lesson["verdicts"][list(train)].tolist(), [texts[k] for k in test]
    guesses = lesson[reader]([texts[k] for k in train], labels, asked, seed=run)
    return float((np.array(guesses) == lesson["verdicts"][list(test)]).mean())


THREE = ("as they are", "stop words removed", "as many at random")
PLAN = (  # the most important comparison first
    ("course-bert", from_course_bert, THREE),
    ("course-bert", from_course_bert, ("stemmed", "judging words kept")),
    ("from scratch", from_scratch, THREE),
)


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
    accuracy: dict = {"course-bert": {}, "from scratch": {}}
    for reader, work, names in PLAN:
        for run, name in itertools.product(RUNS, names):
            texts = lesson["versions"][name]
            score = kept(
                f"{reader} {name} {run}", version, lambda w=work, t=texts, r=run: w(lesson, t, r)
            )
            accuracy[reader].setdefault(name, []).append(round(score, 5))
    made = {"command": "python data/reference/lesson_02.py", "labels": LABELS, "accuracy": accuracy}
    atomic_write(data_dir() / "reference" / "lesson_02.json", json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
