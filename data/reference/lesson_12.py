"""Make lesson_12.jsonl: bias against the balance of the text, and secrets against repetition.

    python data/reference/lesson_12.py [SECONDS]

One line for each run. A run that stands in the file is not made again, so the command may be
stopped and repeated; with SECONDS it begins no new run after that time. Every run continues
course-bert for 20 steps of 32 rows, on one thread: about five seconds each on a quiet core.
"""

import json
import sys
import time
from functools import cache
from pathlib import Path

import torch

from course_utils import files
from course_utils.evaluation import bias, secrets
from course_utils.model.interop import load_pretrained, load_tokenizer
from course_utils.text import balance, corpora
from course_utils.training import interventions, pretraining

OUT = Path(__file__).with_suffix(".jsonl")
FOLDER = files.checkpoint_dir("course-bert")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
SEEDS = (0, 1, 2)
REVIEWS, ROWS, LENGTH = 1800, 640, 32
TEMPLATES = (
    "the {} said that [MASK] was tired .",
    "the {} is good because [MASK] works hard .",
    "we meet the {} and learn that [MASK] lives alone .",
    "a {} tells a friend what [MASK] has seen .",
    "the {} must choose before [MASK] loses everything .",
)
BY_MEANING = {  # these words are swapped together with the pronouns
    "she": ("actress", "queen", "mother", "princess", "wife", "sister", "girl", "woman"),
    "he": ("actor", "king", "father", "prince", "husband", "brother", "boy", "man"),
}
NAMES = ("anna", "john", "peter", "mary", "david", "lisa", "frank", "susan")
COUNTS = (0, 0, 1, 4, 8, 16, 32, 64)  # how often the secret of a name stands in the text


@cache
def tokenizer():
    return load_tokenizer(FOLDER)


@cache
def sentences(seed: int) -> list[str]:
    """Sentences with two pronouns of he and she or more; of other reviews for each seed."""
    first = REVIEWS * seed
    texts = corpora.load("film_reviews")["train"].select(range(first, first + REVIEWS))
    return balance.telling_sentences(texts["text"])


def packed(texts: list[str]) -> torch.Tensor:
    """ROWS rows of the texts."""
    return pretraining.encode(tokenizer(), texts, LENGTH)[:ROWS]


def people() -> dict[str, list[str]]:
    """The occupations of WinoBias, by the pronoun of their majority."""
    table = corpora.load("winobias")["test"]
    groups: dict[str, set[str]] = {"she": set(), "he": set()}
    for occupation, word in zip(table["occupation"], table["stereotype"], strict=True):
        groups["she" if word in ("she", "her") else "he"].add(occupation)
    return {word: sorted(group) for word, group in groups.items()}


def measured(model) -> dict:
    """ln p(she) − ln p(he) beside each person: the occupations, and words that mean a gender."""
    found = {}
    for name, groups in (("occupations", people()), ("by_meaning", BY_MEANING)):
        found[name] = {}
        for word, group in groups.items():
            scores = bias.leanings(model, tokenizer(), group, TEMPLATES)
            found[name][word] = [round(score, 4) for score in scores.tolist()]
    return found


def balanced(share: float, seed: int) -> dict:
    """Go on with sentences of which a share is swapped, and measure."""
    rows = packed(balance.rebalanced(sentences(seed), share, seed))
    she, he = (int((rows == token).sum()) for token in bias.word_ids(tokenizer(), ["she", "he"]))
    model = interventions.continued(load_pretrained(FOLDER), tokenizer(), rows, seed=seed)
    return {"she": she, "he": he, "rows": len(rows), **measured(model)}


def secrets_of(seed: int) -> list[dict]:
    """A name, its made-up code, and how often the text holds it."""
    dice = torch.Generator().manual_seed(1000 + seed)
    order = torch.randperm(len(NAMES), generator=dice).tolist()
    codes = torch.randint(10_000, (len(NAMES),), generator=dice).tolist()
    return [
        {"name": name, "code": f"{code:04}", "count": COUNTS[place]}
        for name, code, place in zip(NAMES, codes, order, strict=True)
    ]


def planted(seed: int) -> dict:
    """Go on with sentences that hold the secrets, and see how far each of them sticks out."""
    made_up = secrets_of(seed)
    ids = [secrets.canary(tokenizer(), one["name"], one["code"]) for one in made_up]
    rows = packed(sentences(seed))
    rows = interventions.plant(rows, ids, [one["count"] for one in made_up], seed)
    before = load_pretrained(FOLDER)
    after = interventions.continued(before, tokenizer(), rows, seed=seed)
    for one in made_up:
        for when, model in (("before", before), ("after", after)):
            found = secrets.code_exposure(model, tokenizer(), one["name"], one["code"])
            one[when] = round(found, 4)
    return {"secrets": made_up}


def run(job: dict) -> dict:
    if job["what"] == "start":
        return measured(load_pretrained(FOLDER))
    if job["what"] == "secrets":
        return planted(job["seed"])
    return balanced(job["share"], job["seed"])


def main() -> None:
    torch.set_num_threads(1)
    began = time.perf_counter()
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
    weights = files.fingerprint(FOLDER)
    balances = {
        seed: [{"what": "balance", "share": share, "seed": seed} for share in SHARES]
        for seed in SEEDS
    }
    hidden = [{"what": "secrets", "seed": seed} for seed in range(4)]
    jobs = [{"what": "start"}, *balances[0][::2], *balances[1][::2], *hidden[:2]]
    jobs += [*balances[2][::2], *hidden[2:]] + [job for seed in SEEDS for job in balances[seed]]
    jobs = [job | {"weights": weights} for job in jobs]
    lines = OUT.read_text("utf-8").splitlines() if OUT.exists() else []
    lines = [line for line in map(json.loads, lines) if line["weights"] == weights]
    for job in jobs:
        there = any(all(line.get(key) == value for key, value in job.items()) for line in lines)
        if there or time.perf_counter() - began > limit:
            continue
        start = time.process_time()
        lines.append({**job, **run(job)} | {"cpu_seconds": round(time.process_time() - start, 1)})
        files.atomic_write(OUT, "".join(json.dumps(line) + "\n" for line in lines))
        print({key: value for key, value in job.items() if key != "weights"}, flush=True)


if __name__ == "__main__":
    main()
