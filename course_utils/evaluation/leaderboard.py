"""A leaderboard with a referee: loss reached in a fixed time, on the same masks or not at all.

A loss can be compared with another only when both were measured on the same hidden tokens, and a
time only within the same budget. Everything else is thrown out before anything is sorted.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from course_utils import files
from course_utils.text.masking import MaskedBatch


@dataclass(frozen=True)
class Entry:
    """One run: who, nats per hidden token, seconds of training, and which masks judged it."""

    name: str
    loss: float
    seconds: float
    masks: str

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"An entry needs a name, not {self.name!r}.")
        for what in ("loss", "seconds"):
            if not isinstance(getattr(self, what), int | float):
                raise TypeError(f"{what} must be a number, not {getattr(self, what)!r}.")


def fingerprint(frozen: MaskedBatch) -> str:
    """Twelve hexadecimal digits that name frozen masks: what is shown, where, and what is asked.

    Raises:
        TypeError: `frozen` is no MaskedBatch.

    >>> import torch
    >>> ids = torch.tensor([[2, 4, 3]])
    >>> one = MaskedBatch(ids, ids * 0 + 1, ids * 0 + 7)
    >>> fingerprint(one) == fingerprint(MaskedBatch(ids, ids * 0 + 1, ids * 0 + 8))
    False
    """
    if not isinstance(frozen, MaskedBatch):
        raise TypeError(f"frozen must be a MaskedBatch, not {type(frozen).__name__}.")
    known = hashlib.sha256()
    for part in (frozen.input_ids, frozen.positions, frozen.targets):
        known.update(str(tuple(part.shape)).encode())
        known.update(part.cpu().contiguous().numpy().tobytes())
    return known.hexdigest()[:12]


def rank(entries: Iterable[Entry], masks: str, budget: float) -> list[Entry]:
    """The valid entries, best first: the lowest loss, among equal losses the shorter time.

    Valid is what was judged on `masks`, within `budget` seconds, with a finite loss. Of each name
    the best entry stays.

    Raises:
        ValueError: `budget` is not positive.

    >>> board = [Entry("a", 4.0, 50, "m"), Entry("b", 3.5, 70, "m"), Entry("c", 2.0, 50, "other")]
    >>> [entry.name for entry in rank(board, "m", budget=60)]
    ['a']
    """
    if not budget > 0:
        raise ValueError(f"budget must be a number of seconds above 0, not {budget}.")
    valid = [
        entry
        for entry in entries
        if entry.masks == masks and entry.seconds <= budget and math.isfinite(entry.loss)
    ]
    best: dict[str, Entry] = {}
    for entry in sorted(valid, key=lambda entry: (entry.loss, entry.seconds)):
        best.setdefault(entry.name, entry)
    return list(best.values())


def read(path: Path | None = None) -> list[Entry]:
    """The entries that were made on this machine: `build/leaderboard.json`, if there is one.

    Raises:
        ValueError: the file is damaged.
    """
    path = _home(path)
    if not path.is_file():
        return []
    try:
        return [Entry(**entry) for entry in json.loads(path.read_text("utf-8"))]
    except (ValueError, TypeError) as problem:
        raise ValueError(f"{path} is no leaderboard any more: delete it.") from problem


def enter(entry: Entry, path: Path | None = None) -> list[Entry]:
    """Add an entry to the leaderboard on this machine; returns all of them.

    Raises:
        TypeError: `entry` is no Entry.
        ValueError: the file is damaged.
    """
    if not isinstance(entry, Entry):
        raise TypeError(f"A leaderboard holds entries, not {type(entry).__name__}.")
    entries = [*read(path), entry]
    text = json.dumps([asdict(one) for one in entries], indent=1)
    files.atomic_write(_home(path), text + "\n")
    return entries


def _home(path: Path | None) -> Path:
    return files.build_dir() / "leaderboard.json" if path is None else Path(path)


def race_report(path: Path | None = None) -> list[str]:
    """What the race against Hugging Face has found, a sentence a line; one that says so if none.

    The race is run by `course race`; what was published lies in `benchmarks/results/race.json`.
    In the open class our model need not have the size of the opponent's. A figure that breaks a
    rule of the race is not told, but the rule is.

    Raises:
        ValueError: the file is damaged.
    """
    told = _published("race.json", path, lambda found: [
        line for name, one in found.items() if isinstance(one, dict) and "time_ratio" in one
        for line in _sentences(name, one)
    ])  # fmt: skip
    if told is None:
        return ["The race has not been published yet: `course race` runs it, in some hours."]
    return told


def race_plateau(shape: str = "S1", path: Path | None = None) -> list[dict]:
    """Who left the unigram plateau of the race, and when: a row for each model that was tried.

    Each row has its `name`, the `loss` with which it ended after so many `tokens` and `seconds`,
    and `left`: None for a model that never left, otherwise the tokens and seconds after which it
    was 1 nat below the unigram line. Empty when nothing was published.

    Raises:
        ValueError: the file is damaged.
    """
    names = ("name", "loss", "tokens", "seconds")

    def plain(row: dict) -> dict:
        left = row["left"] and {name: row["left"][name] for name in ("tokens", "seconds")}
        return {name: row[name] for name in names} | {"left": left}

    return _published(f"plateau-{shape}.json", path, lambda found: [*map(plain, found)]) or []


def race_ladder(shape: str = "S1", path: Path | None = None) -> list[dict]:
    """The race's attribution ladder: from the tuned opponent to this course, a switch a row.

    Each row has its `name` and whether it `reached` the opponent's loss. One that did has the
    `seconds` and `tokens` that it took and its `tokens_per_second`; all but the first also have
    ratios against the last row above that reached it, of which a large one is good: `time_ratio`,
    `throughput_ratio` (tokens a second) and `tokens_ratio` (tokens needed). A switch that only
    computes the same step otherwise was given `tokens_ratio` 1; its `control` holds the losses of
    one paired run, `ours` and `theirs`. The others say by how many nats their loss `falls` while
    the tokens grow e-fold. The first row has the `losses` of the opponent's seeds. Empty when
    nothing was published, or when the result breaks a rule of the race.

    Raises:
        ValueError: the file is damaged.
    """
    spent = ("seconds", "tokens", "tokens_per_second")
    ratios = ("time_ratio", "throughput_ratio", "tokens_ratio")

    def plain(number: int, row: dict) -> dict:
        names = (*spent, *(ratios if number else ())) if row["reached"] else ()
        own = {name: row[name] for name in ("losses", "control", "falls") if name in row}
        return {name: row[name] for name in ("name", "reached", *names)} | own

    def rows(found: dict) -> list[dict]:
        one = found.get(shape, {"faults": [], "ladder": []})
        return [] if one["faults"] else [plain(i, row) for i, row in enumerate(one["ladder"])]

    return _published("race.json", path, rows) or []


def _published(name: str, path: Path | None, pick):
    """What `pick` takes from a result that the repository holds; None where there is none."""
    path = Path(path or files.data_dir().parent / "benchmarks" / "results" / name)
    if not path.is_file():
        return None
    try:
        return pick(json.loads(path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{path} is no result of the race: run the race again.") from problem


def _sentences(name: str, shape: dict) -> list[str]:
    """One shape's result, and those that were raced beside it."""
    beside = {"open": "open class", "b2": "against ModernBERT"}
    raced = {text: shape[one] for one, text in beside.items() if shape.get(one)}
    return [_sentence(name, shape), *(_sentence(f"{name}, {t}", r) for t, r in raced.items())]


def _sentence(name: str, shape: dict) -> str:
    """One class's result, or the reason why there is none to be told."""
    if shape["faults"]:
        return f"{name}: not to be quoted. {shape['faults'][0]}"
    ratio = shape["time_ratio"]
    if not ratio:
        return f"{name}: we did not reach the opponent's {shape['target']:.3f} nats."
    return (
        f"{name}: tuned Hugging Face ended at {shape['target']:.3f} nats; we were there "
        f"{ratio['value']:.1f} times sooner ({ratio['low']:.1f} … {ratio['high']:.1f})."
    )
