"""The course's texts: whole, clean, without leaks, and the same wherever they come from.

These tests read the fetched data (`course data`); they fetch it when it is not there.
"""

import functools
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import datasets
import pytest

from course_utils import files
from course_utils.text import cleaning, corpora, fetching
from course_utils.text.corpora import DataError

COUNTS = {
    "film_reviews": (29_034, 1_371),
    "imdb": (22_023, 1_371, 1_469),
    "rotten_tomatoes": (7_011, 732, 782),
    "sms_spam": (2_906, 663, 937),
    "boolq": (10_136, 1_283, 1_271),
}
COLUMNS = {
    "film_reviews": ["text"],
    "boolq": ["title", "passage", "question", "answer"],
} | dict.fromkeys(("imdb", "rotten_tomatoes", "sms_spam"), ["text", "label"])


duplicate_key = functools.cache(cleaning.duplicate_key)


@pytest.fixture(scope="module")
def tables():
    return {name: corpora.load(name) for name in corpora.NAMES}


@pytest.mark.parametrize("name", corpora.NAMES)
def test_counts_columns_and_the_pinned_content(tables, name):
    table = tables[name]
    splits = ("train", "validation", "test")[: len(COUNTS[name])]
    assert {split: len(rows) for split, rows in table.items()} == dict(
        zip(splits, COUNTS[name], strict=True)
    )
    assert table.column_names == dict.fromkeys(splits, COLUMNS[name])
    assert corpora.content_hash(table) == fetching.sources()["corpora"][name]["content_hash"]


def test_labels_are_what_they_say(tables):
    assert tables["imdb"]["train"].features["label"].names == ["negative", "positive"]
    for name, share in (("imdb", 0.5), ("rotten_tomatoes", 0.5), ("sms_spam", 0.122)):
        for split, rows in tables[name].items():
            assert sum(rows["label"]) / len(rows) == pytest.approx(share, abs=0.03), (name, split)
    known = {
        ("rotten_tomatoes", "the rock is destined to be the 21st century's new"): 1,
        ("imdb", "I rented I AM CURIOUS-YELLOW from my video store"): 0,
        ("sms_spam", "Free entry in 2 a wkly comp to win FA Cup"): 1,
        ("sms_spam", "Nah I don't think he goes to usf"): 0,
    }
    for (name, start), label in known.items():
        rows = [row for split in tables[name].values() for row in split]
        assert [row["label"] for row in rows if row["text"].startswith(start)] == [label]
    answers = [answer for rows in tables["boolq"].values() for answer in rows["answer"]]
    assert sum(answers) / len(answers) == pytest.approx(0.62, abs=0.01)


def test_labels_are_not_sorted(tables):
    """The package holds all negative reviews first: a head of the table must hold both."""
    for name in ("imdb", "rotten_tomatoes"):
        for rows in tables[name].values():
            assert 0.4 < sum(rows["label"][:200]) / 200 < 0.6


def test_all_text_is_clean(tables):
    for name, table in tables.items():
        for rows in table.values():
            for column in set(COLUMNS[name]) - {"label", "answer"}:
                for text in rows[column][:2000]:
                    assert text and text == cleaning.clean_text(text)


def test_rotten_tomatoes_stays_as_it_was_published(tables):
    texts = tables["rotten_tomatoes"]["train"]["text"]
    assert all(text == text.lower() or not text.isascii() for text in texts)
    assert sum(text.endswith((" .", " !", " ?", " '", ' "')) for text in texts) > 0.8 * len(texts)


@pytest.mark.parametrize("name", corpora.NAMES)
def test_no_text_stands_on_two_sides(tables, name):
    column = "passage" if name == "boolq" else "text"
    keys = {
        split: {duplicate_key(text) for text in rows[column]}
        for split, rows in tables[name].items()
    }
    for one in keys:
        for other in keys:
            assert one == other or not keys[one] & keys[other]


def test_articles_stay_together(tables):
    titles = {split: set(rows["title"]) for split, rows in tables["boolq"].items()}
    assert not titles["train"] & titles["test"]
    assert not titles["train"] & titles["validation"]
    assert not titles["validation"] & titles["test"]


@pytest.mark.slow
def test_what_is_pretrained_on_holds_nothing_that_is_tested_on(tables):
    """Not even in other words: no held-out film text shares much wording with any other."""
    held = [
        text
        for name in ("imdb", "rotten_tomatoes")
        for split in ("validation", "test")
        for text in tables[name][split]["text"]
    ]
    read = tables["film_reviews"]["train"]["text"]
    keys = set(map(duplicate_key, read))
    assert not [text for text in held if duplicate_key(text) in keys]
    near = cleaning.near_duplicates([*held, *read])
    assert [pair for pair in near if pair[0] < len(held)] == []
    both = [*tables["imdb"]["train"]["text"], *tables["rotten_tomatoes"]["train"]["text"]]
    assert Counter(both) == Counter(read)
    assert tables["film_reviews"]["validation"]["text"] == tables["imdb"]["validation"]["text"]


def test_advertisements_by_one_sender_stay_together(tables):
    splits = [split for split, rows in tables["sms_spam"].items() for _ in rows]
    texts = [text for rows in tables["sms_spam"].values() for text in rows["text"]]
    near = cleaning.near_duplicates(texts)
    assert len(near) > 100
    assert all(splits[a] == splits[b] for a, b, _ in near)


def test_the_second_load_is_quick(tables):
    def seconds():
        before = time.perf_counter()
        corpora.load("film_reviews")
        return time.perf_counter() - before

    assert min(seconds() for _ in range(3)) < 1


@pytest.mark.parametrize("wrong", ["IMDB", "", None, "train"])
def test_unknown_corpora(wrong):
    with pytest.raises(ValueError, match="Unknown corpus .*: choose one of film_reviews"):
        corpora.load(wrong)
    with pytest.raises(ValueError, match="Unknown name .*: choose from film_reviews.*minilm"):
        corpora.fetch([wrong])


def test_unknown_sources_and_a_bare_name():
    with pytest.raises(ValueError, match="Unknown source 'web': choose 'package' or 'hub'"):
        corpora.load("imdb", source="web")
    with pytest.raises(TypeError, match=r"fetch needs a list of names, such as \['imdb'\]"):
        corpora.fetch("imdb")


# The twins on the Hub. They are played by the same rows in the Hub's own shape.


class FakeHub:
    """`datasets.load_dataset` for the four twins: other column names, order and extra rows."""

    def __init__(self):
        self.calls = []
        self.rows = {
            name: corpora.package_rows(name, fetching.sources()["corpora"][name])
            for name in ("imdb", "rotten_tomatoes", "sms_spam", "boolq")
        }
        for name, rows in self.rows.items():
            random.Random(name).shuffle(rows)

    def load_dataset(self, path, config=None, split=None):
        self.calls.append((path, config, split))
        if path in ("stanfordnlp/imdb", "cornell-movie-review-data/rotten_tomatoes"):
            assert split == "train"  # the other splits are not in the package
            rows = self.rows["imdb" if "imdb" in path else "rotten_tomatoes"]
            return datasets.Dataset.from_list(
                [{"label": r["label"], "text": r["text"]} for r in rows]
            )
        if path == "ucirvine/sms_spam":
            assert split == "train"
            rows = [
                {"sms": row["text"] + "\n", "label": row["label"]} for row in self.rows["sms_spam"]
            ]
            extra = [
                {"sms": f"a message that the package lacks, no. {i}\n", "label": i % 2}
                for i in range(700)
            ]
            near = [{"sms": rows[i]["sms"].strip() + "!!\n", "label": 0} for i in range(50)]
            return datasets.Dataset.from_list(extra + rows + near)
        assert (path, config) == ("aps/super_glue", "boolq")
        half = slice(0, 9_427) if split == "train" else slice(9_427, None)
        return datasets.Dataset.from_list(
            [
                {
                    "question": r["question"],
                    "passage": r["passage"],
                    "idx": i,
                    "label": int(r["answer"]),
                }
                for i, r in enumerate(self.rows["boolq"][half])
            ]
        )


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory):
    """One fake and one cache for the tests that leave them as they are."""
    return FakeHub(), tmp_path_factory.mktemp("hub")


@pytest.fixture
def hub(shared_hub, monkeypatch):
    fake, folder = shared_hub
    monkeypatch.setattr(datasets, "load_dataset", fake.load_dataset)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    return fake


@pytest.mark.slow
@pytest.mark.parametrize("name", corpora.NAMES)
def test_the_hub_gives_the_same_table(hub, tables, name):
    table = corpora.load(name, source="hub")
    assert corpora.content_hash(table) == corpora.content_hash(tables[name])
    assert table["train"].features == tables[name]["train"].features
    hub.calls.clear()
    assert corpora.content_hash(corpora.load(name, source="hub")) == corpora.content_hash(table)
    assert not hub.calls  # the second time it comes from the cache


def test_a_hub_that_has_changed_is_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    rows = [{"text": "what was something else before", "label": 0}, *hub.rows["sms_spam"][1:]]
    monkeypatch.setitem(hub.rows, "sms_spam", rows)
    with pytest.raises(DataError, match="sms_spam made from the hub is not the one that .* pins"):
        corpora.load("sms_spam", source="hub")
    assert list((tmp_path / "cache" / "tables").glob("sms*")) == []


def test_a_hub_with_other_columns_and_a_hub_out_of_reach(hub, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    other = datasets.Dataset.from_dict({"message": ["x"], "label": [0]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: other)
    with pytest.raises(DataError, match="has no column sms any more: use source='package'"):
        corpora.load("sms_spam", source="hub")

    def offline(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(DataError, match="did not serve ucirvine/sms_spam .ConnectionError.: check"):
        corpora.load("sms_spam", source="hub")


# A fresh cache, filled from the wheelhouse that the real cache is.


@pytest.fixture
def fresh(tables, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(files.cache_dir() / "packages"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "fresh"))
    return tmp_path / "fresh"


def test_a_fresh_cache_is_filled_from_a_wheelhouse(fresh, tables, capfd):
    corpora.fetch(["sms_spam"], progress=False)
    assert "preparing sms_spam (once)" in capfd.readouterr().err
    table = corpora.load("sms_spam")
    assert capfd.readouterr().err == ""
    assert corpora.content_hash(table) == corpora.content_hash(tables["sms_spam"])
    assert {path.name for path in fresh.iterdir()} == {"packages", "tables"}


def test_a_damaged_table_is_made_again(fresh, tables):
    corpora.load("sms_spam")
    path = next((fresh / "tables").glob("sms_spam-*/train.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    assert corpora.content_hash(corpora.load("sms_spam")) == corpora.content_hash(
        tables["sms_spam"]
    )
    assert len(path.read_bytes()) > 1000


def test_a_full_disk_while_the_table_is_written(fresh, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    write_table = corpora.tables.pq.write_table
    monkeypatch.setattr(corpora.tables.pq, "write_table", full)
    with pytest.raises(DataError, match="The disk is full while writing the table sms_spam: free"):
        corpora.load("sms_spam")
    assert list((fresh / "tables").glob("*sms_spam*-*[!k]")) == []
    monkeypatch.setattr(corpora.tables.pq, "write_table", write_table)
    assert len(corpora.load("sms_spam")["train"]) == COUNTS["sms_spam"][0]


PROGRAM = """
import json, os, signal, sys
from course_utils.text import corpora
if sys.argv[1] == "die":
    write = corpora.tables.pq.write_table
    def die(*args, **options):
        write(*args, **options)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    corpora.tables.pq.write_table = die
print(json.dumps(corpora.content_hash(corpora.load("sms_spam"))))
"""


def start(how: str, folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(Path(files.__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        text=True,
    )


def test_a_process_killed_while_it_writes_does_no_harm(fresh, tmp_path):
    process = start("die", tmp_path)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert len(list((fresh / "tables").glob(".partial-sms_spam-*"))) == 1  # it was in the middle
    assert len(corpora.load("sms_spam")["train"]) == COUNTS["sms_spam"][0]
    assert list((fresh / "tables").glob(".partial-*")) == []


def test_two_processes_at_once_from_another_working_directory(fresh, tables, tmp_path):
    racers = [start("live", tmp_path) for _ in range(2)]
    results = [racer.communicate(timeout=180) for racer in racers]
    expected = corpora.content_hash(tables["sms_spam"])
    assert [json.loads(out or "null") for out, _ in results] == [expected, expected], results
    assert sum("preparing" in said for _, said in results) == 1


def test_a_doctored_content_hash_is_noticed(fresh, monkeypatch, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    text = (files.data_dir() / "sources.toml").read_text(encoding="utf-8")
    pinned = fetching.sources()["corpora"]["sms_spam"]["content_hash"]
    (data / "sources.toml").write_text(text.replace(pinned, "0" * 64), encoding="utf-8")
    (data / "sms_spam.keys").write_bytes((files.data_dir() / "sms_spam.keys").read_bytes())
    monkeypatch.setattr(files, "data_dir", lambda: data)
    with pytest.raises(DataError, match="is not the one that data/sources.toml pins"):
        corpora.load("sms_spam")
    assert list((fresh / "tables").glob("sms*")) == []
