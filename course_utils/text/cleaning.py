"""Cleaning: markup, Unicode, white space, personal data, and texts that occur twice.

Cleaning is the least admired part of a language model and the one most often done wrong. We keep
it small and say exactly what it removes; case and punctuation stay, for the tokenizer to judge.
"""

import html.entities
import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

# Bump this when `clean_text` or `duplicate_key` changes what it returns: cached tables rest on it.
CLEANING_VERSION = 1

# Only real HTML tags are markup: reviewers also write <grin> and <SPOILER>, and mean it.
_BLOCK_TAGS = "br|p|hr|div|li|ul|ol|table|tr|td|th|h[1-6]|blockquote|pre"
_INLINE_TAGS = "b|i|u|em|strong|small|sub|sup|span|a|font|strike"
_BLOCK = re.compile(rf"</?(?:{_BLOCK_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_INLINE = re.compile(rf"</?(?:{_INLINE_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_WORD = re.compile(r"\w+")


# Controls, invisible marks of direction and width, and lone surrogates, which UTF-8 cannot write.
# The joiners U+200C and U+200D stay: emoji and several scripts need them.
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069"
    "\ufeff\ufffe\uffff\ud800-\udfff\ue000-\uf8ff]"
)


def _repair(match: re.Match) -> str:
    character = match[0]
    if "\x80" <= character <= "\x9f":  # Windows-1252 read as Latin-1: repair it as browsers do
        return bytes([ord(character)]).decode("cp1252", errors="ignore")
    return " " if "\ue000" <= character <= "\uf8ff" else ""  # private use: bullets of lost fonts


def _unescape(match: re.Match) -> str:
    name = match[1]
    if not name.startswith("#"):
        return html.entities.html5.get(name + ";", match[0])
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return _CONTROL.sub(_repair, chr(code)) if 0 < code <= 0x10FFFF else ""


def clean_text(text: str) -> str:
    """One line of clean text: usual tags, entities and control characters gone, in NFC.

    Line breaks and `<br />` become a space. Bytes of Windows-1252 that were read as Latin-1 (0x96
    for a dash, 0x85 for an ellipsis) are repaired as browsers do. Case and punctuation stay, and
    so do made-up tags such as `<grin>`. Cleaning twice gives the same as cleaning once.

    Raises:
        TypeError: `text` is not a str.

    >>> clean_text("Terrible movie.<br /><br />Caf&eacute; scenes\\x85 &amp; <i>noise</i>  <grin>")
    'Terrible movie. Café scenes… & noise <grin>'
    """
    if not isinstance(text, str):
        raise TypeError(f"clean_text needs a str, not {type(text).__name__}.")
    before = None
    while text != before:  # an entity may hide markup: &lt;br&gt;
        before = text
        text = _CONTROL.sub(_repair, text)
        if "<" in text:
            text = _INLINE.sub("", _BLOCK.sub(" ", text))
        if "&" in text:
            text = _ENTITY.sub(_unescape, text)
        text = " ".join(unicodedata.normalize("NFC", text).split())
    return text


def mask_personal(text: str) -> str:
    """Put [EMAIL], [LINK] and [NUMBER] where a text names an address, a place, a number.

    A link begins with http://, https:// or www., wherever they stand, and goes up to the next
    space. A number has at least five digits, with single spaces or hyphens between them, as
    telephone numbers are written: a year stays, and 1914-1918 goes. Names of people stay too,
    since no pattern finds them.

    Raises:
        TypeError: `text` is not a str.

    >>> mask_personal("Call 0900 123 4567, write to jo@example.org or see www.example.org/jo now")
    'Call [NUMBER], write to [EMAIL] or see [LINK] now'
    """
    if not isinstance(text, str):
        raise TypeError(f"mask_personal needs a str, not {type(text).__name__}.")
    text = re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "[EMAIL]", text)
    text = re.sub(r"(https?://|www\.)\S+", "[LINK]", text, flags=re.IGNORECASE)
    return re.sub(r"\d([ -]?\d){4,}", "[NUMBER]", text)


def duplicate_key(text: str) -> str:
    """What must be equal for two texts to count as the same: their letters and digits, case folded.

    Markup, punctuation, spaces, case and compatibility forms (full width, ligatures) do not count.
    A text without any letter or digit is its own key.

    Raises:
        TypeError: `text` is not a str.

    >>> duplicate_key("A pretentious mess!") == duplicate_key(". . . a pretentious<br />mess . . .")
    True
    """
    cleaned = clean_text(text)
    folded = unicodedata.normalize("NFKC", cleaned).casefold()
    return _NOT_ALPHANUMERIC.sub("", folded) or cleaned


def deduplicate(texts: Sequence[str]) -> list[int]:
    """The indices of the texts to keep: the first of each group with an equal `duplicate_key`.

    Raises:
        TypeError: `texts` is a single str, or holds something else than str.

    >>> deduplicate(["A mess.", "Lovely!", "a mess"])
    [0, 1]
    """
    _check_texts(texts)
    first: dict[str, int] = {}
    for index, text in enumerate(texts):
        first.setdefault(duplicate_key(text), index)
    return list(first.values())


def near_duplicates(
    texts: Sequence[str], run: int = 8, share: float = 0.3, common: int = 20
) -> list[tuple[int, int, float]]:
    """Pairs `(i, j, overlap)`, i < j, of texts that have much of their wording in common.

    We compare runs of `run` words ("shingles"; Broder 1997, "On the resemblance and containment of
    documents"). The overlap is the number of distinct runs that both texts hold, divided by the
    number of distinct runs in the one with fewer; a pair is reported from `share` on. Runs that
    more than `common` texts share are set phrases ("one of the worst movies I have ever") and do
    not count. Texts shorter than `run` words have no run and are never reported.

    Raises:
        TypeError: `texts` is a single str, or holds something else than str.
        ValueError: `run` < 1, `share` outside (0, 1], or `common` < 2.

    >>> near_duplicates(["the plot is thin but the cast is fine", "nothing like the others here",
    ...                  "Update: the plot is thin, but the cast is fine!"], run=4)
    [(0, 2, 1.0)]
    """
    _check_texts(texts)
    if run < 1 or not 0 < share <= 1 or common < 2:
        raise ValueError(
            "near_duplicates needs run >= 1, 0 < share <= 1 and common >= 2, "
            f"not run={run}, share={share}, common={common}."
        )
    hashes, owners = _distinct_runs(texts, run)
    counts = np.bincount(owners, minlength=len(texts))
    edges = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1], [True]]))
    sizes = np.diff(edges)
    shared: Counter[tuple[int, int]] = Counter()
    for place in np.flatnonzero((sizes >= 2) & (sizes <= common)):
        group = owners[edges[place] : edges[place + 1]].tolist()
        shared.update((a, b) for k, a in enumerate(group) for b in group[k + 1 :])
    found = ((a, b, n / min(counts[a], counts[b])) for (a, b), n in shared.items())
    return sorted((a, b, float(overlap)) for a, b, overlap in found if overlap >= share)


def _distinct_runs(texts: Sequence[str], run: int) -> tuple[np.ndarray, np.ndarray]:
    """The 64-bit fingerprint and the owner of each distinct run of each text, in that order."""
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    stream: list[int] = []  # all words of all texts, as numbers
    lengths = []
    for text in texts:
        words = _WORD.findall(text.lower())
        lengths.append(len(words))
        stream.extend(map(numbers.__getitem__, words))
    words, owners = np.array(stream, np.uint64), np.repeat(np.arange(len(texts)), lengths)
    windows = max(0, len(words) - run + 1)
    hashes = np.zeros(windows, np.uint64)
    for offset in range(run):  # a polynomial in a large odd base, modulo 2^64
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + words[offset : offset + windows]
        hashes ^= hashes >> np.uint64(29)
    within = owners[:windows] == owners[len(owners) - windows :]  # not across two texts
    hashes, owners = hashes[within], owners[:windows][within]
    order = np.argsort(hashes, kind="stable")  # owners stay ascending within one run
    hashes, owners = hashes[order], owners[order]
    fresh = np.ones(len(hashes), bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[fresh], owners[fresh]


def _check_texts(texts: Sequence[str]) -> None:
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("Expected a sequence of str, such as a list of documents.")
