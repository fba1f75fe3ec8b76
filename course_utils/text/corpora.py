"""Real text as tables: fetched, verified, cleaned, de-duplicated and split without leakage.

>>> from course_utils.text import corpora
>>> reviews = corpora.load("rotten_tomatoes")                       # doctest: +SKIP
>>> reviews["train"][0]                                             # doctest: +SKIP
{'text': '...', 'label': 1}
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from datasets import ClassLabel, DatasetDict, Features, Value

from course_utils import files
from course_utils.text import (
    bias_probes,
    cleaning,
    fetching,
    parallel,
    reading,
    splitting,
    tables,
    twins,
)
from course_utils.text.cleaning import clean_text
from course_utils.text.fetch_errors import DataError, tidy_errors
from course_utils.text.tables import content_hash
from course_utils.text.weights import minilm_folder

__all__ = ["NAMES", "DataError", "content_hash", "fetch", "load", "minilm_folder"]

NAMES = ("film_reviews", "imdb", "rotten_tomatoes", "sms_spam", "boolq")
TABLES_VERSION = 1  # bump it when the code here builds other tables from the same source
_OTHERS = {parallel.NAME: parallel.load_pairs}  # built in rooms of their own; no twins
_OTHERS |= {name: partial(reading.load_reading, name) for name in reading.NAMES}
_OTHERS |= {name: partial(bias_probes.load_probes, name) for name in bias_probes.NAMES}
_FILM = ("film_reviews", "imdb", "rotten_tomatoes")  # built together: they share no text


def load(name: str, source: str = "package") -> DatasetDict:
    """A corpus of the course, as a `DatasetDict` whose splits share no text.

    | name | columns | splits |
    |---|---|---|
    | `film_reviews` | text | train, validation: the text for pretraining |
    | `imdb` | text, label (1 = positive) | train, validation, test |
    | `rotten_tomatoes` | text, label (1 = positive) | train, validation, test |
    | `sms_spam` | text, label (1 = spam) | train, validation, test |
    | `boolq` | title, passage, question, answer | train, validation, test |
    | `tatoeba` | en, zh: a sentence and its translation; no twin | train, validation, test |
    | `tweets` | words, tags: a row of words and a tag for each; no twin | the same three |
    | `disfl_qa`, `quac` | passage, question, answer, start; no twin | the same three |
    | `crows_pairs`, `winobias` | text with a [MASK], two words for it; no twin | test |

    `film_reviews` is made of the training parts of `imdb` and `rotten_tomatoes`, and validated on
    the validation part of `imdb`: a model pretrained on it has read no test text of either. Rows
    stand in the order of their hashes, which is as good as shuffled.

    Args:
        name: one of `NAMES`.
        source: "package" reads what pip fetches; "hub" reads the twin on the Hugging Face Hub. Both
            give the same table.

    Raises:
        ValueError: an unknown name or source.
        DataError: the text cannot be fetched, or is not what the course pins.
    """
    if name not in (*NAMES, *_OTHERS):
        names = ", ".join((*NAMES, *_OTHERS))
        raise ValueError(f"Unknown corpus {name!r}: choose one of {names}.")
    if source not in ("package", "hub"):
        raise ValueError(f"Unknown source {source!r}: choose 'package' or 'hub'.")
    if name in _OTHERS:
        if source == "hub":
            raise ValueError(f"The Hub has no twin of {name}: use source='package'.")
        return _OTHERS[name]()
    folder = _folder(name, source)
    table = tables.load(folder)
    if table is None:
        with fetching.locked(_folder(_family(name)[0], source)):
            table = tables.load(folder)  # another process may have built it while we waited
            if table is None:
                _build(_family(name), source)
                table = tables.load(folder)
    return table


def fetch(names: Iterable[str] | None = None, progress: bool = True) -> None:
    """Fetch and prepare corpora and the MiniLM checkpoint, so that everything later is offline.

    Args:
        names: some of what `load` knows, and "minilm"; None means all of them.
        progress: show a progress bar while downloading.

    Raises:
        TypeError: `names` is a single str.
        ValueError: an unknown name.
        DataError: something cannot be had.
    """
    if isinstance(names, str):
        raise TypeError(f"fetch needs a list of names, such as [{names!r}].")
    known = (*NAMES, *_OTHERS, "minilm")
    wanted = known if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"Unknown name {name!r}: choose from {', '.join(known)}.")
    for name in wanted:
        if name == "minilm":
            minilm_folder(progress=progress)
        elif name in _OTHERS:
            _OTHERS[name](progress=progress)
        else:
            fetching.package_file(fetching.sources()["corpora"][name]["package"], progress)
            load(name)


def _family(name: str) -> tuple[str, ...]:
    """The tables that are built together, because they must not share a text."""
    return _FILM if name in _FILM else (name,)


def _folder(name: str, source: str) -> Path:
    """Where the parsed table is kept; the name changes with everything that the table rests on."""
    pinned = fetching.sources()
    entries = {part: pinned["corpora"][part] for part in _family(name)}
    packages = [pinned["packages"][entry["package"]] for entry in entries.values()]
    recipe = [entries, packages, cleaning.CLEANING_VERSION, TABLES_VERSION]
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    return files.cache_dir() / "tables" / f"{name}-{source}-{key}"


def _build(names: tuple[str, ...], source: str) -> None:
    """Build the tables of a family, check each against its pinned content hash, keep them all."""
    rows = {part: _rows(part, source) for part in names if part != "film_reviews"}
    print(f"preparing {', '.join(names)} (once)", file=sys.stderr, flush=True)
    if names == _FILM:
        splits = _split_film(rows)
    else:
        splits = {name: _split_families(name, rows[name]) for name in names}
    made = {part: tables.make_table(splits[part], _features(part)) for part in names}
    for part, table in made.items():
        expected = fetching.sources()["corpora"][part].get("content_hash")
        if expected and content_hash(table) != expected:
            raise DataError(
                f"The table {part} made from the {source} is not the one that data/sources.toml "
                "pins: use the other source, or restore the course's files from git."
            )
    for part, table in made.items():
        folder = _folder(part, source)
        with tidy_errors(f"writing the table {part}"):
            files.sweep(folder)
            tables.save(table, folder)


def _split_film(rows: dict[str, list[dict]]) -> dict[str, dict[str, list[dict]]]:
    """The splits of the three film tables. Of near-duplicates only the first stays."""
    entries = fetching.sources()["corpora"]
    mixed = [row | {"corpus": corpus} for corpus in rows for row in rows[corpus]]
    placed = splitting.distinct_rows(mixed, lambda row: row["text"])
    heads = splitting.families([row["text"] for _, row in placed])
    splits = {name: {split: [] for split in splitting.SPLITS} for name in _FILM}
    for index, (digest, row) in enumerate(placed):
        if heads[index] == index:
            corpus = row["corpus"]
            split = splitting.split_of(digest, *_shares(entries[corpus]))
            splits[corpus][split].append(row)
            if split == "train" or (corpus, split) == ("imdb", "validation"):
                splits["film_reviews"][split].append(row)
    del splits["film_reviews"]["test"]
    return splits


def _split_families(name: str, rows: list[dict]) -> dict[str, list[dict]]:
    """The splits of a table whose near-duplicates stay, but all of a family on one side.

    Advertisements by one sender are a family, and so are passages of one article.
    """
    entry = fetching.sources()["corpora"][name]
    if name == "boolq":
        placed = splitting.distinct_rows(
            rows, lambda row: f"{row['question']} {row['title']} {row['passage']}", label="answer"
        )
        texts = [row["passage"] for _, row in placed]
        groups = [row["title"] for _, row in placed]
    else:
        placed = splitting.distinct_rows(rows, lambda row: row["text"])
        texts = groups = [row["text"] for _, row in placed]
    heads = splitting.families(texts, groups=groups)
    splits: dict[str, list[dict]] = {split: [] for split in splitting.SPLITS}
    for head, (_, row) in zip(heads, placed, strict=True):
        # The head is the smallest digest of its family: hashed again, or families would crowd
        # into the test split.
        place = hashlib.sha256(placed[head][0].encode()).hexdigest()
        splits[splitting.split_of(place, *_shares(entry))].append(row)
    return splits


def _shares(entry: dict) -> tuple[float, float]:
    return entry["test_share"], entry["validation_share"]


def _features(name: str) -> Features:
    if name == "boolq":
        columns = dict.fromkeys(("title", "passage", "question"), Value("string"))
        return Features(columns | {"answer": Value("bool")})
    if name == "film_reviews":
        return Features({"text": Value("string")})
    labels = fetching.sources()["corpora"][name]["labels"]
    return Features({"text": Value("string"), "label": ClassLabel(names=labels)})


def _rows(name: str, source: str) -> list[dict]:
    """The cleaned rows that both sources hold, before duplicates are dropped."""
    entry = fetching.sources()["corpora"][name]
    rows = twins.hub_rows(entry["hub"]) if source == "hub" else package_rows(name, entry)
    cleaned = []
    for row in rows:
        if name == "boolq":
            title, _, passage = row["passage"].partition(" -- ")
            row = row | {"title": title, "passage": passage, "answer": bool(row["answer"])}
        texts = {key: clean_text(value) for key, value in row.items() if isinstance(value, str)}
        cleaned.append(row | texts)
    if "members" in entry:
        members = set((files.data_dir() / entry["members"]).read_text(encoding="ascii").split())
        cleaned = [row for row in cleaned if member_key(row["text"]) in members]
    return cleaned


def member_key(text: str) -> str:
    """Eight hexadecimal digits by which a clean text is found in a list such as `sms_spam.keys`."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


def package_rows(name: str, entry: dict) -> list[dict]:
    """The rows as the package has them, with our column names."""
    content = fetching.read_member(entry["package"], entry["member"]).decode("utf-8")
    if name == "sms_spam":
        pairs = (line.split("\t", 1) for line in content.split("\n") if line)
        return [{"text": text, "label": int(label == "spam")} for label, text in pairs]
    if name == "boolq":
        found = (json.loads(line) for line in content.split("\n") if line)
        return [
            {"passage": row["passage"], "question": row["question"], "answer": row["label"]}
            for row in found
            if "label" in row
        ]
    csv.field_size_limit(2**31 - 1)
    return [
        {"text": row["text"], "label": int(row["label"])}
        for row in csv.DictReader(io.StringIO(content, newline=""))
        if row["source"] == name
    ]
