"""Tables on disk: what was parsed once is read again in a fraction of a second.

A table is a folder with one Parquet file a split and an index with their hashes. It is written as a
whole or not at all; a file that was damaged later is noticed and the table is built anew.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict, Features
from datasets.table import InMemoryTable

from course_utils import files

INDEX = "index.json"


def content_hash(table: Dataset | DatasetDict) -> str:
    """The SHA-256 of what a table says: splits, column names and values, whatever the file format.

    The order of rows counts, the order of columns and splits does not. Two tables with equal
    hashes are the same table.

    Raises:
        TypeError: `table` is neither a Dataset nor a DatasetDict.

    >>> one = Dataset.from_dict({"text": ["a mess"], "label": [0]})
    >>> other = Dataset.from_dict({"label": [0], "text": ["a mess"]})
    >>> content_hash(one) == content_hash(other)
    True
    """
    if isinstance(table, Dataset):
        table = {"": table}
    elif not isinstance(table, DatasetDict):
        raise TypeError(f"content_hash needs a Dataset or DatasetDict, not {type(table).__name__}.")
    state = hashlib.sha256()
    for split in sorted(table):
        rows = table[split].with_format("arrow")[:]  # as selected and ordered, unlike .data
        for name in sorted(rows.column_names):
            state.update(json.dumps([split, name, rows.column(name).to_pylist()]).encode())
    return state.hexdigest()


def make_table(splits: Mapping[str, list[dict]], features: Features) -> DatasetDict:
    """A DatasetDict from lists of rows.

    Raises:
        ValueError: a row lacks a column or holds a value of another type.
    """
    made = DatasetDict()
    for split, rows in splits.items():
        try:
            columns = {name: [row[name] for row in rows] for name in features}
            table = pa.table(columns, schema=features.arrow_schema)
        except (KeyError, pa.ArrowException) as error:
            raise ValueError(
                f"The rows of {split} do not fit {list(features)}: {error}."
            ) from error
        made[split] = Dataset(InMemoryTable(table))
    return made


def save(table: DatasetDict, folder: Path) -> None:
    """Write a table as a whole; an older one at that place is replaced.

    Raises:
        OSError: the disk is full or the place not writable; nothing is left behind.
    """
    with files.atomic_folder(folder) as temporary:
        hashes = {}
        for split, dataset in table.items():
            path = temporary / f"{split}.parquet"
            pq.write_table(dataset.data.table, path, compression="zstd")
            hashes[split] = files.sha256_file(path)
        files.atomic_write(temporary / INDEX, json.dumps(hashes, indent=1))


def load(folder: Path) -> DatasetDict | None:
    """The table in `folder`, or None when there is none or any file of it was damaged.

    It is read into memory: no file stays open, and replacing the table disturbs nobody.
    """
    try:
        hashes = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        table = DatasetDict()
        for split, expected in hashes.items():
            content = (folder / f"{split}.parquet").read_bytes()
            if hashlib.sha256(content).hexdigest() != expected:
                return None
            rows = InMemoryTable(pq.read_table(pa.BufferReader(content)))
            table[split] = Dataset(rows, fingerprint=expected[:16])
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return None
    return table or None
