"""Cleaning says exactly what it removes, and finds what occurs twice."""

import random
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.text import cleaning
from course_utils.text.cleaning import clean_text, deduplicate, duplicate_key, near_duplicates


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("one<br /><br />two", "one two"),
        ("one<BR>two<br/>three", "one two three"),
        ("<p class='x'>one</p>two", "one two"),
        ("un<i>believ</i>able <em>film</em>", "unbelievable film"),
        ("a <grin> and a </SPOILER>", "a <grin> and a </SPOILER>"),
        ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
        ("&eacute;&#233;&#xE9;", "ééé"),
        ("Tom &amp; Jerry &amp;amp; Spike", "Tom & Jerry & Spike"),
        ("AT&T, R&D; &c &A; &H;", "AT&T, R&D; &c &A; &H;"),
        ("x?a=1&param=2&copy=3", "x?a=1&param=2&copy=3"),
        ("&lt;br&gt;", ""),
        ("&#0;&#1114112;&#99999999;", "&#99999999;"),
        ("&#150;&#x85;", "–…"),
        ("dash \x96 dots\x85 \x91quoted\x92", "dash – dots… ‘quoted’"),
        ("\x8d\x08\x00\x1b", ""),
        ("a\tb\r\nc\x0bd\x0ce\u2028f\u00a0g\u3000h", "a b c d e f g h"),
        ("e\u0301", "é"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
        ("\u202eright to left\u202c", "right to left"),
        ("\uf0b7 item", "item"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("👩\u200d🚀 mi\u200cravam", "👩\u200d🚀 mi\u200cravam"),
        ("  Case, PUNCTUATION!!  stay...  ", "Case, PUNCTUATION!! stay..."),
        ("", ""),
    ],
)
def test_what_is_removed_and_what_stays(dirty, clean):
    assert clean_text(dirty) == clean


pieces = st.lists(
    st.sampled_from(
        ["<br />", "<i>", "</i>", "&amp;", "amp;", "&", "&lt;", "br&gt;", "#150;", "\x85"]
    )
    | st.text(max_size=5)
).map("".join)


@given(pieces)
@settings(max_examples=300, deadline=None)
def test_clean_text_is_clean_and_stays_so(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Co") and c < "\U000f0000" for c in once)
    once.encode("utf-8")


@given(pieces)
@settings(max_examples=200, deadline=None)
def test_the_key_of_a_text_is_that_of_the_cleaned_text(text):
    assert duplicate_key(clean_text(text)) == duplicate_key(text)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["list"]])
def test_only_text_is_cleaned(wrong):
    for function in (clean_text, duplicate_key):
        with pytest.raises(TypeError):
            function(wrong)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A mess!", "a   MESS", True),
        ("A mess<br />indeed", "a mess indeed", True),
        ("ﬁne ｆｉｌｍ", "fine film", True),
        ("Straße", "STRASSE", True),
        ("not good", "good", False),
        ("1 star", "2 stars", False),
        ("😀", "😡", False),
        ("...", "!!!", False),
        ("naïve", "naive", False),
    ],
)
def test_what_counts_as_the_same(one, other, same):
    assert (duplicate_key(one) == duplicate_key(other)) is same


def test_deduplicate_keeps_the_first_of_each():
    assert deduplicate(["b", "a", "B.", "c", "A"]) == [0, 1, 3]
    assert deduplicate([]) == []
    for wrong in ("a single text", ["a", None]):
        with pytest.raises(TypeError):
            deduplicate(wrong)


def overlaps_by_hand(texts, run, share, common):
    """The definition, word for word, with sets."""
    runs = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        runs.append({tuple(words[i : i + run]) for i in range(len(words) - run + 1)})
    count = {}
    for held in runs:
        for one in held:
            count[one] = count.get(one, 0) + 1
    found = []
    for j in range(len(texts)):
        for i in range(j):
            shared = sum(count[one] <= common for one in runs[i] & runs[j])
            if shared and shared / min(len(runs[i]), len(runs[j])) >= share:
                found.append((i, j, shared / min(len(runs[i]), len(runs[j]))))
    return sorted(found)


@pytest.mark.parametrize("seed", range(20))
def test_near_duplicates_agree_with_the_definition(seed):
    chance = random.Random(seed)
    texts = [" ".join(chance.choice("abc") for _ in range(chance.randrange(12))) for _ in range(12)]
    run, share, common = chance.randint(1, 4), chance.choice([0.2, 0.5, 1.0]), chance.randint(2, 12)
    found = near_duplicates(texts, run, share, common)
    assert found == overlaps_by_hand(texts, run, share, common)
    assert found or seed  # the first seed is known to find some


def test_near_duplicates_of_nothing_and_of_too_little():
    assert near_duplicates([]) == []
    assert near_duplicates(["", "too short"]) == []


@pytest.mark.parametrize(
    "wrong", [{"run": 0}, {"share": 0.0}, {"share": 1.5}, {"common": 1}], ids=str
)
def test_near_duplicates_refuse_settings_without_meaning(wrong):
    with pytest.raises(ValueError, match="near_duplicates needs"):
        near_duplicates(["a", "b"], **wrong)


def test_the_version_is_raised_when_cleaning_changes():
    """Cached tables and pinned hashes rest on what these functions return."""
    sample = "A&amp;B\x96<br />C <i>d</i>é e\u0301 \u200b..."
    assert cleaning.CLEANING_VERSION == 1
    assert clean_text(sample) == "A&B– C dé é ..."
    assert duplicate_key(sample) == "abcdéé"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 09061701461 now", "call [NUMBER] now"),
        ("call 0808 145-4742, 24h", "call [NUMBER], 24h"),
        ("in 2003, for 1000 people", "in 2003, for 1000 people"),
        ("12345 and 1234", "[NUMBER] and 1234"),
        ("jo.b+c@mail.example.co.uk, hi", "[EMAIL], hi"),
        ("a@b, @home, 50p.msg@150p", "a@b, @home, 50p.msg@150p"),
        ("HTTPS://X.ORG/123456?a=b@c.de ok", "[LINK] ok"),
        ("see WWW.dbuk.net now", "see [LINK] now"),
    ],
)
def test_personal_data_is_masked(text, masked):
    assert cleaning.mask_personal(text) == masked
    assert cleaning.mask_personal(masked) == masked
