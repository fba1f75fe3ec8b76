"""The same text with another balance: gendered words swapped in a chosen share of the texts.

Lu et al. (2020), "Gender Bias in Neural Natural Language Processing", section 4, call it
counterfactual data augmentation; here it is an intervention, which shows what a model owes to
its text. Names, plots and pictures of the body stay as they are, and so does everybody who is
neither "he" nor "she": what is swapped is a list of words, not a world.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

PAIRS = (
    ("he", "she"), ("himself", "herself"), ("man", "woman"), ("men", "women"), ("boy", "girl"),
    ("boys", "girls"), ("guy", "lady"), ("guys", "ladies"), ("male", "female"),
    ("actor", "actress"), ("actors", "actresses"), ("hero", "heroine"), ("king", "queen"),
    ("prince", "princess"), ("husband", "wife"), ("boyfriend", "girlfriend"),
    ("father", "mother"), ("dad", "mom"), ("son", "daughter"), ("sons", "daughters"),
    ("brother", "sister"), ("brothers", "sisters"), ("uncle", "aunt"), ("sir", "madam"),
    ("mr", "mrs"),
)  # fmt: skip
SWAP = {**dict(PAIRS), **{b: a for a, b in PAIRS}, "his": "her", "him": "her"}
PRONOUNS = {"he", "she", "his", "her", "him"}
# "her" is two words: "I saw her" becomes "him", "her hat" becomes "his". It owns the word that
# follows, unless that is one of these, or there is none.
AFTER_AN_OBJECT = {
    "a", "an", "the", "and", "or", "but", "to", "in", "on", "at", "of", "for", "from", "with",
    "as", "by", "into", "out", "up", "down", "about", "after", "before", "because", "when",
    "while", "if", "so", "that", "than", "is", "was", "will", "would", "could", "can", "not",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")


def swap_gendered(text: str) -> str:
    """The text with "he" for "she", "actor" for "actress", and so on, both ways at once.

    Small, Capitalised and CAPITAL words stay what they were. "her" becomes "his" before a word
    that it may own and "him" otherwise, which is a rule of thumb: it takes "gave her hope" for
    "gave his hope". So twice swapped is nearly, not quite, the text itself. Raises TypeError for
    anything but a str.

    >>> swap_gendered("She gave him her hat. Mrs. Smith saw her; HE did not.")
    'He gave her his hat. Mr. Smith saw him; SHE did not.'
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}.")

    def other(match: re.Match) -> str:
        word = match[0].lower()
        if word == "her":
            follows = re.match(r" ([A-Za-z]+)", text[match.end() :])
            owns = follows and follows[1].lower() not in AFTER_AN_OBJECT
            found = "his" if owns else "him"
        else:
            found = SWAP.get(word)
        if found is None:
            return match[0]
        if match[0].isupper() and len(word) > 1:
            return found.upper()
        return found.capitalize() if match[0][0].isupper() else found

    return _WORD.sub(other, text)


def count_pronouns(text: str) -> int:
    """How many of he, she, his, her and him the text holds. TypeError for anything but a str.

    >>> count_pronouns("He gave her the hat; she thanked him.")
    4
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}.")
    return sum(word.lower() in PRONOUNS for word in _WORD.findall(text))


def telling_sentences(texts: Sequence[str], least: int = 2) -> list[str]:
    """The sentences of the texts, in their order, that hold at least that many pronouns.

    A sentence ends with ".", "!" or "?" and a space, which takes "Mr. Smith" apart. Raises
    TypeError for a single str.

    >>> telling_sentences(["He came. Did she see him? It rained."])
    ['Did she see him?']
    """
    if isinstance(texts, str):
        raise TypeError("texts must be a list of str.")
    parts = [part for text in texts for part in re.split(r"(?<=[.!?]) +", text)]
    return [part for part in parts if count_pronouns(part) >= least]


def rebalanced(texts: Sequence[str], share: float, seed: int = 0) -> list[str]:
    """The texts in their order, a `share` of them, drawn by `seed`, with gendered words swapped.

    With one seed, whatever is swapped at a smaller share is swapped at a larger one too. Raises
    TypeError for a single str, ValueError for a share outside 0 … 1.

    >>> rebalanced(["he ran", "she ran"], share=1.0)
    ['she ran', 'he ran']
    """
    if isinstance(texts, str):
        raise TypeError("texts must be a list of str.")
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0 … 1, not {share!r}.")
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    chosen = set(order[: round(share * len(texts))])
    return [swap_gendered(text) if i in chosen else text for i, text in enumerate(texts)]
