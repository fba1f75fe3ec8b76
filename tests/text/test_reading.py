"""Texts in which a human has pointed: content, places that fit, nothing on two sides."""

import re

import pytest

from course_utils.text import cleaning, corpora, fetching, reading
from course_utils.text.fetch_errors import DataError

SIZES = {
    "tweets": (1_508, 230, 564),
    "disfl_qa": (662, 108, 229),
    "quac": (2_085, 300, 615),
}


@pytest.fixture(scope="module")
def tables():
    return {name: corpora.load(name) for name in reading.NAMES}


@pytest.mark.parametrize("name", reading.NAMES)
def test_counts_and_the_pinned_content(tables, name):
    assert tuple(len(rows) for rows in tables[name].values()) == SIZES[name]
    pinned = fetching.sources()["corpora"][name]["content_hash"]
    assert corpora.content_hash(tables[name]) == pinned


def test_a_tag_for_each_word_and_every_name_begins(tables):
    for rows in tables["tweets"].values():
        for words, tags in zip(rows["words"], rows["tags"], strict=True):
            assert len(words) == len(tags) and all(words)
            before = "O"
            for tag in tags:
                assert re.fullmatch(r"O|[BI]-[a-z-]+", tag)
                assert tag[0] != "I" or before[2:] == tag[2:]
                before = tag


def test_tweets_name_no_account(tables):
    for rows in tables["tweets"].values():
        for words, tags in zip(rows["words"], rows["tags"], strict=True):
            named = [w for w, t in zip(words, tags, strict=True) if t == "O" and w[0] == "@"]
            assert not [w for w in named if re.fullmatch(r"@\w+", w) and w != "@user"]


@pytest.mark.parametrize("name", ["disfl_qa", "quac"])
def test_an_answer_stands_where_the_table_says(tables, name):
    for rows in tables[name].values():
        for row in rows:
            if row["start"] < 0:
                assert row["answer"] == ""
            else:
                there = row["passage"][row["start"] :]
                assert row["answer"].strip() and there.startswith(row["answer"])


@pytest.mark.parametrize("name", reading.NAMES)
def test_no_text_stands_on_two_sides(tables, name):
    keys = [
        {
            cleaning.duplicate_key(" ".join(row["words"]) if name == "tweets" else row["passage"])
            for row in rows
        }
        for rows in tables[name].values()
    ]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_where_the_first_answer_ends():
    passage = "He met (Senior). Graham returned to the ring in May. It was 1985."
    joined = "met (Senior). Graham returned to the ring Graham returned"
    assert reading.first_answer(joined, passage) == "met (Senior). Graham returned to the ring"
    assert reading.first_answer("1985 1985 It was 1985.", passage) == "1985"
    assert reading.first_answer("met (Senior).", passage) == "met (Senior)."


def test_an_answer_is_found_whatever_the_spaces_but_not_inside_a_word():
    assert reading.find_loosely("9, 000 BP", "from 9,000 BP on") == (5, 13)
    assert reading.find_loosely("art", "a party of art") == (11, 14)
    assert reading.find_loosely("nowhere", "a party") is None
    assert reading.find_loosely("  ", "a party") is None


def test_another_content_is_refused():
    entry = fetching.sources()["corpora"]["tweets"]
    with pytest.raises(DataError, match="tweets is not the one that .* pins"):
        reading._build("tweets", [{"words": ["hello"], "tags": ["O"]}], entry)


@pytest.mark.parametrize("name", reading.NAMES)
def test_there_is_no_twin(name):
    with pytest.raises(ValueError, match=f"no twin of {name}"):
        corpora.load(name, source="hub")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="Unknown name"):
        reading.load_reading("squad")
    with pytest.raises(ValueError, match="Unknown name"):
        reading.delivered("squad")
