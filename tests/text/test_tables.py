"""Tables come back as they were written, and a damaged one does not come back at all."""

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from course_utils.text import tables

FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
ROWS = {
    "train": [{"text": "été 😀", "label": 1}, {"text": "x" * 1000, "label": 0}],
    "test": [{"text": "", "label": 1}],
}


def test_a_table_comes_back_as_it_was(tmp_path):
    table = tables.make_table(ROWS, FEATURES)
    tables.save(table, tmp_path / "t")
    again = tables.load(tmp_path / "t")
    assert isinstance(again, DatasetDict)
    assert {split: list(rows) for split, rows in again.items()} == ROWS
    assert again["train"].features == FEATURES
    assert tables.content_hash(again) == tables.content_hash(table)
    twice = tables.load(tmp_path / "t")
    assert [d._fingerprint for d in again.values()] == [d._fingerprint for d in twice.values()]


@pytest.mark.parametrize("name", ["train.parquet", "test.parquet", "index.json"])
@pytest.mark.parametrize("harm", ["truncated", "changed", "removed"])
def test_a_damaged_table_is_no_table(tmp_path, name, harm):
    tables.save(tables.make_table(ROWS, FEATURES), tmp_path / "t")
    path = tmp_path / "t" / name
    content = bytearray(path.read_bytes())
    if harm == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    assert tables.load(tmp_path / "t") is None


def test_no_table_at_all(tmp_path):
    assert tables.load(tmp_path / "none") is None
    (tmp_path / "t").mkdir()
    for content in ("{}", "[]", "null", '{"train": 1}'):
        (tmp_path / "t" / "index.json").write_text(content)
        assert tables.load(tmp_path / "t") is None


def test_the_content_hash_sees_every_value_and_the_order_of_rows_only():
    table = tables.make_table(ROWS, FEATURES)
    same = DatasetDict(
        test=Dataset.from_dict({"label": [1], "text": [""]}),
        train=Dataset.from_dict({"label": [1, 0], "text": ["été 😀", "x" * 1000]}),
    )
    assert tables.content_hash(same) == tables.content_hash(table)
    others = [
        DatasetDict(train=table["test"], test=table["train"]),
        DatasetDict(train=table["train"]),
        DatasetDict(table | {"train": table["train"].select([1, 0])}),
        DatasetDict(table | {"train": table["train"].rename_column("label", "answer")}),
        DatasetDict(table | {"test": Dataset.from_dict({"text": [""], "label": [0]})}),
        DatasetDict(table | {"test": Dataset.from_dict({"text": ["1"], "label": [1]})}),
    ]
    hashes = {tables.content_hash(other) for other in [table, *others]}
    assert len(hashes) == 7
    assert tables.content_hash(table["train"].select([1])) == tables.content_hash(
        Dataset.from_list(ROWS["train"][1:])
    )


@pytest.mark.parametrize("wrong", [None, [{"text": "x"}], {"train": []}])
def test_only_tables_have_a_content_hash(wrong):
    with pytest.raises(TypeError, match="needs a Dataset or DatasetDict"):
        tables.content_hash(wrong)


@pytest.mark.parametrize(
    "row", [{"text": "x"}, {"text": 3, "label": 1}, {"text": "x", "label": "a"}]
)
def test_rows_that_do_not_fit_are_refused(row):
    with pytest.raises(ValueError, match="The rows of train do not fit"):
        tables.make_table({"train": [row]}, FEATURES)
