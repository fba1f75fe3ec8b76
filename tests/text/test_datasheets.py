"""Every source has a datasheet, it says what is pinned, and its numbers are those of the tables."""

import re

import pytest

from course_utils import files
from course_utils.text import datasheets, fetching

README = files.data_dir() / "README.md"
PINNED = fetching.sources()
ENTRIES = PINNED["corpora"] | PINNED["models"]
QUESTIONS = ("Motivation", "Composition", "Collection", "leakage", "Recommended", "Discouraged",
             "Offensive content", "Licence", "itation", "Hub twin")  # fmt: skip


def sections() -> dict[str, str]:
    parts = re.split(r"^## ", README.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].strip(): part for part in parts}


def test_every_source_has_a_datasheet_and_no_other_stands_there():
    assert sections().keys() == ENTRIES.keys()


@pytest.mark.parametrize("name", ENTRIES)
def test_a_datasheet_answers_the_questions_and_agrees_with_what_is_pinned(name):
    section, entry = " ".join(sections()[name].split()), ENTRIES[name]
    asked = QUESTIONS if name not in PINNED["models"] else [q for q in QUESTIONS if q != "leakage"]
    missing = [question for question in asked if question.lower() not in section.lower()]
    assert not missing
    if "citation" in entry:
        assert entry["citation"] in section
        licence = entry["licence"].partition(";")[0]
        assert licence.lower() in section.lower()
    hub = entry.get("hub")
    if hub:
        assert (hub if isinstance(hub, str) else hub["path"]) in section


@pytest.mark.parametrize("name", PINNED["corpora"])
def test_the_numbers_are_those_of_the_tables(name):
    assert datasheets.counts(name) in sections()[name]
