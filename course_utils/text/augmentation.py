"""New sentences from old ones, for when there are too few."""

from __future__ import annotations

import random


def drop_words(text: str, rate: float = 0.1, seed: int = 0) -> str:
    """The text without some of its words, each left out with probability `rate`.

    Words are what stands between spaces; at least one stays. One of the four ways of Wei and Zou
    (2019), "EDA: Easy data augmentation", and the one that needs no dictionary. The label is
    assumed to stay as it was, which is a hope: "not bad" may become "bad". Raises TypeError for
    anything but a text, ValueError for a rate outside [0, 1) or a text without a word.

    >>> drop_words("call this number now to claim your prize", rate=0.3, seed=1)
    'this number to claim your prize'
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}.")
    if not 0 <= rate < 1:
        raise ValueError(f"rate must lie in [0, 1), not {rate!r}.")
    words, dice = text.split(), random.Random(seed)
    if not words:
        raise ValueError("There is no word in the text.")
    kept = [word for word in words if dice.random() >= rate]
    return " ".join(kept or [dice.choice(words)])
