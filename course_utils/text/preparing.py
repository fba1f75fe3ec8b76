"""Corpora without a Hub twin: built once from their package, then loaded from the cache."""

import hashlib
import json
import sys
from collections.abc import Callable

from datasets import DatasetDict

from course_utils import files
from course_utils.text import cleaning, fetching, tables
from course_utils.text.fetch_errors import tidy_errors


def prepared(name: str, version: int, build: Callable[[dict], DatasetDict]) -> DatasetDict:
    """The table of a corpus: from the cache, or made by `build` and kept there.

    `build` gets the corpus's entry in `data/sources.toml`. The table is made anew when the entry,
    its package, the cleaning or `version` changes, and by one process at a time.

    Raises:
        DataError: the package cannot be fetched, or the table cannot be written.
    """
    pinned = fetching.sources()
    entry = pinned["corpora"][name]
    recipe = [entry, pinned["packages"][entry["package"]], cleaning.CLEANING_VERSION, version]
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    folder = files.cache_dir() / "tables" / f"{name}-package-{key}"
    table = tables.load(folder)
    if table is None:
        with fetching.locked(folder):
            table = tables.load(folder)  # another process may have built it while we waited
            if table is None:
                print(f"preparing {name} (once)", file=sys.stderr, flush=True)
                table = build(entry)
                with tidy_errors(f"writing the table {name}"):
                    files.sweep(folder)
                    tables.save(table, folder)
    return table
