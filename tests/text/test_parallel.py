"""The English–Chinese pairs: content, cleanliness and no sentence on two sides."""

import pytest

from course_utils.text import cleaning, corpora, fetching, parallel
from course_utils.text.fetch_errors import DataError


@pytest.fixture(scope="module")
def pairs():
    return corpora.load("tatoeba")


def test_counts_columns_and_the_pinned_content(pairs):
    sizes = {split: len(rows) for split, rows in pairs.items()}
    assert sizes == {"train": 53_109, "validation": 1_734, "test": 1_735}
    assert pairs.column_names == dict.fromkeys(sizes, ["en", "zh"])
    pinned = fetching.sources()["corpora"]["tatoeba"]["content_hash"]
    assert corpora.content_hash(pairs) == pinned


def test_pairs_are_translations_in_the_right_order(pairs):
    found = {(row["en"], row["zh"]) for rows in pairs.values() for row in rows}
    assert ("Let's try something.", "我們試試看！") in found
    sample = pairs["train"][:2_000]
    assert sum(text.isascii() for text in sample["en"]) > 1_900
    ideographs = [sum("一" <= c <= "鿿" for c in text) / len(text) for text in sample["zh"]]
    assert sum(ideographs) / len(ideographs) > 0.75


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_sentence_stands_on_two_sides(pairs, language):
    keys = [{cleaning.duplicate_key(text) for text in rows[language]} for rows in pairs.values()]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_text_is_clean(pairs):
    for rows in pairs.values():
        for text in rows["en"][:1_000] + rows["zh"][:1_000]:
            assert text and text == cleaning.clean_text(text)


def test_another_content_is_refused():
    entry = fetching.sources()["corpora"]["tatoeba"]
    with pytest.raises(DataError, match="tatoeba is not the one that .* pins"):
        parallel._build("1\t你好\t2\tHello", entry)


def test_there_is_no_twin():
    with pytest.raises(ValueError, match="no twin of tatoeba"):
        corpora.load("tatoeba", source="hub")
