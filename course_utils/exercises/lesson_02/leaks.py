"""Lesson 02, section 2.5: duplicates removed on both sides of a split, and too late."""

import random

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from course_utils.exercises.exercise import case, coding
from course_utils.text.cleaning import duplicate_key


def split_places(texts: list[str], share: float, seed: int) -> tuple[list, list]:
    """The places of the training texts and of the test texts, each in rising order.

    Of texts with an equal `duplicate_key` the first is used and the others are left out, so that
    every text is in one of the two once. Of the distinct texts, `round(share * their number)` go to
    the test side, drawn by `seed`.
    """
    first = {}
    for place, text in enumerate(texts):
        first.setdefault(duplicate_key(text), place)
    places = list(first.values())
    random.Random(seed).shuffle(places)
    cut = round(share * len(places))
    return sorted(places[cut:]), sorted(places[:cut])


def split_places_with_a_bug(texts: list[str], share: float, seed: int) -> tuple[list, list]:
    """The places of the training texts and of the test texts, each in rising order.

    Of texts with an equal `duplicate_key` the first is used and the others are left out, so that
    every text is in one of the two once. Of the distinct texts, `round(share * their number)` go to
    the test side, drawn by `seed`.
    """
    places = list(range(len(texts)))
    random.Random(seed).shuffle(places)
    cut = round(share * len(places))
    sides = []
    for side in (places[cut:], places[:cut]):
        first = {}
        for place in sorted(side):
            first.setdefault(duplicate_key(texts[place]), place)
        sides.append(list(first.values()))
    return sides[0], sides[1]


leak = coding(
    "02.9",
    title="Cleaned on both sides",
    difficulty=3,
    minutes=8,
    given="a split that removes every duplicate on either side, and whose test scores are too good",
    reference=split_places,
    buggy=split_places_with_a_bug,
    hints=[
        "Each side is free of duplicates. Where else can two equal texts stand?",
        "What has to be done first, the split or the removal of duplicates?",
        "Collect the first place of each key over *all* texts, shuffle those places, cut, and sort "
        "both parts.",
    ],
    why="A pair of equal texts is cut apart before anybody looks for duplicates, and then neither "
    "side has one. Removing duplicates belongs before the split, over everything there is.",
    then="write the assertion that would have found it, one line long.",
)


@leak.cases
def leak_cases(draw):
    names = ["A mess", "Lovely", "so so", "Hm", "dull", "a gem", "fine", "what?", "bravo", "no"]
    start = draw.size(0, 5)
    small = [f"{one} {start}" for one in names]
    yield case([*small, *(one.upper() + "!" for one in small)], 0.3, draw.size(0, 99))
    many = [f"text {draw.size(0, 40)}" + draw.choice(["", "!", " ."]) for _ in range(120)]
    yield case(many, 0.25, draw.size(0, 99))
    yield case([f"film {place}" for place in range(31)], 0.2, draw.size(0, 99))
    yield case(["same"] * 15 + [f"{k}" for k in range(25)] * 2, 0.5, draw.size(0, 99))


@leak.observe
def described(split_places, texts, share, seed):
    """Of ten names there are 120 splits, so one repetition could agree by chance; ten cannot."""

    def split(seed):
        return tuple([int(place) for place in side] for side in split_places(texts, share, seed))

    train, test = split(seed)
    again, others = (
        [split(s) for s in seeds] for seeds in ([seed] * 10, range(seed + 1, seed + 11))
    )
    key = [duplicate_key(text) for text in texts]
    left, right = [key[p] for p in train], [key[p] for p in test]
    return {
        "texts on both sides": len(set(left) & set(right)),
        "twice in train": len(left) - len(set(left)),
        "twice in test": len(right) - len(set(right)),
        "texts lost": len(set(key) - set(left) - set(right)),
        "train": len(train),
        "test": len(test),
        "later copies used": sum(key.index(key[p]) != p for p in train + test),
        "in rising order": train == sorted(train) and test == sorted(test),
        "the same seed again": all(one == (train, test) for one in again),
        "other seeds give other splits": any(one != (train, test) for one in others),
    }


@leak.oracle
def by_pandas_and_scikit_learn(texts, share, seed):
    distinct = pd.Series(texts).str.lower().str.replace(r"[^a-z0-9]", "", regex=True)
    distinct = distinct.drop_duplicates()
    train, test = train_test_split(distinct, test_size=round(share * len(distinct)))
    return {
        "texts on both sides": len(set(train) & set(test)),
        "twice in train": 0,
        "twice in test": 0,
        "texts lost": 0,
        "train": len(train),
        "test": len(test),
        "later copies used": 0,
        "in rising order": True,
        "the same seed again": True,
        "other seeds give other splits": True,
    }


def _parts(texts, share, seed):
    places = list(range(len(texts)))
    random.Random(seed).shuffle(places)
    cut = round(share * len(places))
    return sorted(places[cut:]), sorted(places[:cut])


@leak.wrong("the leak is gone, but so are test texts: exactly those with a copy in train", "2.5")
def test_gives_way(texts, share, seed):
    train, test = split_places_with_a_bug(texts, share, seed)
    seen = {duplicate_key(texts[p]) for p in train}
    return train, [p for p in test if duplicate_key(texts[p]) not in seen]


@leak.wrong("the leak is gone, but the sizes are off: the split came before the removal", "2.5")
def train_gives_way(texts, share, seed):
    train, test = split_places_with_a_bug(texts, share, seed)
    seen = {duplicate_key(texts[p]) for p in test}
    return [p for p in train if duplicate_key(texts[p]) not in seen], test


@leak.wrong("only texts that are equal to the letter are removed; use `duplicate_key`", "2.4")
def exact_copies_only(texts, share, seed):
    places = sorted({text: p for p, text in reversed(list(enumerate(texts)))}.values())
    train, test = _parts(places, share, seed)
    return [places[p] for p in train], [places[p] for p in test]


@leak.wrong("no duplicate is removed at all, and equal texts stand on both sides", "2.5")
def no_removal(texts, share, seed):
    return _parts(texts, share, seed)


@leak.wrong("of equal texts the last one is used; the task says the first", "2.5")
def last_copies(texts, share, seed):
    places = sorted({duplicate_key(text): p for p, text in enumerate(texts)}.values())
    train, test = _parts(places, share, seed)
    return [places[p] for p in train], [places[p] for p in test]


@leak.wrong("a text that has a copy is thrown away altogether; its first copy should stay", "2.5")
def all_copies_go(texts, share, seed):
    keys = [duplicate_key(text) for text in texts]
    places = [p for p, key in enumerate(keys) if keys.count(key) == 1]
    train, test = _parts(places, share, seed)
    return [places[p] for p in train], [places[p] for p in test]


leak.wrong_edit(
    "sides_exchanged",
    old="sorted(places[cut:]), sorted(places[:cut])",
    new="sorted(places[:cut]), sorted(places[cut:])",
    message="train and test have changed places",
    section="2.5",
)
leak.wrong_edit(
    "never_shuffled",
    old="random.Random(seed).shuffle(places)",
    new="pass",
    message="nothing is drawn: the first texts are always the test, and files are often sorted",
    section="2.5",
)
leak.wrong_edit(
    "forgot_the_seed",
    old="random.Random(seed)",
    new="random.Random()",
    message="the seed is never used: nobody gets this split again",
    section="2.5",
)


@leak.alternative
def with_numpy(texts, share, seed):
    keys = np.array([duplicate_key(text) for text in texts])
    _, places = np.unique(keys, return_index=True)
    places = np.random.default_rng(seed).permutation(places)
    cut = round(share * len(places))
    return sorted(places[cut:].tolist()), sorted(places[:cut].tolist())


@leak.alternative
def with_a_list_of_seen(texts, share, seed):
    seen, places = set(), []
    for place, text in enumerate(texts):
        if duplicate_key(text) not in seen:
            seen.add(duplicate_key(text))
            places.append(place)
    test = set(random.Random(seed).sample(places, round(share * len(places))))
    return [p for p in places if p not in test], [p for p in places if p in test]
