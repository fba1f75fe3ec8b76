"""Lesson 09, section 9.6: the test part that was resampled, and what its precision means."""

import random
from itertools import cycle, islice

import numpy as np
from sklearn import metrics
from sklearn.model_selection import train_test_split

from course_utils.evaluation import imbalance
from course_utils.exercises.exercise import case, coding


def split_and_balance(labels: list[int], seed: int) -> tuple[list[int], list[int]]:
    """Places of the texts to train on and to test on: (train, test), drawn anew for each seed.

    A fifth of the texts, rounded down, is tested on, in the proportions of the world.  In
    training the ones, which are rare, are repeated until there are as many as zeros, and no
    text is lost.
    """
    places = list(range(len(labels)))
    random.Random(seed).shuffle(places)
    cut = len(places) // 5
    test, train = places[:cut], places[cut:]
    zeros = [place for place in train if labels[place] == 0]
    ones = [place for place in train if labels[place] == 1]
    return zeros + list(islice(cycle(ones), len(zeros))), test


def split_and_balance_with_a_bug(labels: list[int], seed: int) -> tuple[list[int], list[int]]:
    """Places of the texts to train on and to test on: (train, test), drawn anew for each seed.

    A fifth of the texts, rounded down, is tested on, in the proportions of the world.  In
    training the ones, which are rare, are repeated until there are as many as zeros, and no
    text is lost.
    """
    zeros = [place for place, label in enumerate(labels) if label == 0]
    ones = [place for place, label in enumerate(labels) if label == 1]
    places = zeros + list(islice(cycle(ones), len(zeros)))
    random.Random(seed).shuffle(places)
    cut = len(places) // 5
    return places[cut:], places[:cut]


balance = coding(
    "09.8",
    title="Balanced too early",
    difficulty=3,
    minutes=7,
    given="a split that gives splendid scores; it does the right things in the wrong order",
    reference=split_and_balance,
    buggy=split_and_balance_with_a_bug,
    hints=[
        "Follow one rare text that is repeated twenty times. On which sides of the split does it "
        "end up?",
        "First split, while every text is there once; then repeat the ones in the training part "
        "alone.",
    ],
    why="Copies that are made before the split land on both sides: the test asks what training has "
    "told. And a balanced test part is no sample of the world, so its precision is of no world.",
    then="how would you balance when a family of near-equal messages must stay on one side?",
)


@balance.cases
def balance_cases(draw):
    yield case([0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0], draw.size(0, 99))
    for share in (0.2, 0.1):
        count = draw.size(120, 160)
        labels = (draw.mask(count, share=share)).long()
        labels[:5] = 1
        yield case(labels.tolist(), draw.size(0, 99))


def _facts(splits, labels):
    """What is true of a split, drawn under several seeds."""
    rare = np.mean([np.mean([labels[p] for p in test]) for _, test in splits])
    return {
        "texts in the test part": {len(test) for _, test in splits} == {len(labels) // 5},
        "no text is tested twice": all(len(set(test)) == len(test) for _, test in splits),
        "no text stands on both sides": not any(set(a) & set(b) for a, b in splits),
        "no text is lost": all(set(a) | set(b) == set(range(len(labels))) for a, b in splits),
        "training is balanced": all(
            2 * sum(labels[p] for p in train) == len(train) for train, _ in splits
        ),
        "each zero is trained on once": all(
            len({p for p in train if not labels[p]}) == sum(not labels[p] for p in train)
            for train, _ in splits
        ),
        "the test part is as the world is": bool(abs(rare - np.mean(labels)) < 0.12),
        "another seed gives another split": len({frozenset(test) for _, test in splits}) > 1,
    }


@balance.observe
def described(split_and_balance, labels, seed):
    draws, again = (
        [tuple(map(list, split_and_balance(labels, s))) for s in range(seed, seed + 40)]
        for _ in range(2)
    )
    return {**_facts(draws, labels), "the same seed again": draws == again}


@balance.oracle
def by_scikit_learn(labels, seed):
    """The same facts of scikit-learn's split, its training part then balanced."""
    splits = []
    for number in range(40):
        train, test = train_test_split(
            range(len(labels)), test_size=len(labels) // 5, random_state=number
        )
        ones = [p for p in train if labels[p]]
        zeros = [p for p in train if not labels[p]]
        splits.append((zeros + np.resize(ones, len(zeros)).tolist(), test))
    return {**_facts(splits, labels), "the same seed again": True}


@balance.wrong("the test part is balanced, too: its precision is of no world", "9.6")
def balanced_the_test_too(labels, seed):
    train, test = split_and_balance(labels, seed)
    zeros, ones = ([p for p in test if labels[p] == label] for label in (0, 1))
    return train, zeros + list(islice(cycle(ones), len(zeros))) if ones else zeros


@balance.wrong("zeros are thrown away before the split: the test part is of no world", "9.6")
def thinned_before_the_split(labels, seed):
    ones = [place for place, label in enumerate(labels) if label == 1]
    zeros = [place for place, label in enumerate(labels) if label == 0][: len(ones)]
    places = zeros + ones
    random.Random(seed).shuffle(places)
    cut = len(places) // 5
    return places[cut:], places[:cut]


@balance.wrong("the test texts are trained on, too", "9.6")
def trained_on_everything(labels, seed):
    _, test = split_and_balance(labels, seed)
    zeros, ones = ([p for p, x in enumerate(labels) if x == label] for label in (0, 1))
    return zeros + list(islice(cycle(ones), len(zeros))), test


@balance.wrong("the split is right, but zeros are thrown away in training", "9.6")
def thinned_the_training(labels, seed):
    train, test = split_and_balance(labels, seed)
    ones = sorted({p for p in train if labels[p] == 1})
    zeros = [p for p in train if labels[p] == 0][: len(ones)]
    return zeros + ones, test


@balance.wrong("the split is right, but training is not balanced any more", "9.6")
def forgot_to_balance(labels, seed):
    train, test = split_and_balance(labels, seed)
    return sorted(set(train)), test


@balance.alternative
def with_numpy(labels, seed):
    dice, labels = np.random.default_rng(seed), np.asarray(labels)
    places = dice.permutation(len(labels))
    test, train = places[: len(labels) // 5], places[len(labels) // 5 :]
    zeros, ones = train[labels[train] == 0], train[labels[train] == 1]
    return [*zeros, *np.resize(ones, len(zeros))], list(test)


@balance.alternative
def with_scikit_learn(labels, seed):
    train, test = train_test_split(
        list(range(len(labels))), test_size=len(labels) // 5, random_state=seed
    )
    ones, zeros = ([p for p in train if labels[p] == label] for label in (1, 0))
    while len(ones) < len(zeros):
        ones = (ones + ones)[: len(zeros)]
    return ones + zeros, test


translate = coding(
    "09.9",
    title="Precision in another world",
    difficulty=2,
    minutes=6,
    given="what a filter does to spam and to other messages, and how much spam there is",
    reference=imbalance.precision_at,
    task="""What share of the alarms is true, where the rare class makes up `share` of all texts.

    `recall` is the share of the rare class that is found, `alarms` the share of the other class
    that is taken for it; all three lie between 0 and 1.  Return a float.
    """,
    hints=[
        "Imagine 1,000 messages. How many are spam, how many of these are found? How many are "
        "not, and how many of these raise an alarm?",
        "True alarms: share · recall. False ones: (1 - share) · alarms.",
    ],
    why="It is Bayes' rule. Recall and false alarms belong to the filter, precision belongs to the "
    "filter and the world: whoever balances a test set changes the world and keeps the word.",
    then="a filter finds 90 % and errs on 1 %. How rare must spam be for every second alarm to be "
    "false?",
)


@translate.cases
def translate_cases(draw):
    yield case(0.9, 0.01, 0.5)
    for share in (0.02, 0.139, draw.size(3, 60) / 100):
        yield case(0.5 + draw.size(0, 49) / 100, draw.size(1, 30) / 100, share)
    yield case(0.8, 0.0, 0.1)
    yield case(0.0, 0.3, 0.2)


@translate.oracle
def by_weights(recall, alarms, share):
    """scikit-learn on four weighted texts: spam found and missed, others alarmed and not."""
    weights = [
        share * recall,
        share * (1 - recall),
        (1 - share) * alarms,
        (1 - share) * (1 - alarms),
    ]
    return float(
        metrics.precision_score([1, 1, 0, 0], [1, 0, 1, 0], sample_weight=weights, zero_division=0)
    )


@translate.wrong("that is the precision in a balanced world: the share is never used", "9.6")
def in_a_balanced_world(recall, alarms, share):
    return recall / (recall + alarms)


@translate.wrong("the others make up 1 - share of the world: weigh their alarms with it", "9.6")
def forgot_the_others_share(recall, alarms, share):
    return share * recall / (share * recall + alarms)


@translate.wrong("that is the share of true alarms among all messages, not among alarms", "9.6")
def among_all_texts(recall, alarms, share):
    return share * recall


@translate.wrong("the share belongs to the rare class, and you give it to the other", "9.6")
def worlds_exchanged(recall, alarms, share):
    return imbalance.precision_at(recall, alarms, 1 - share)


@translate.wrong("that is accuracy: it counts those that are rightly left in peace", "9.6")
def accuracy_instead(recall, alarms, share):
    return share * recall + (1 - share) * (1 - alarms)


@translate.alternative
def by_odds(recall, alarms, share):
    odds_against = (1 - share) / share * alarms
    return recall / (recall + odds_against)


@translate.alternative
def by_counting(recall, alarms, share):
    spam, others = 1e6 * share, 1e6 * (1 - share)
    found, fooled = spam * recall, others * alarms
    return found / (found + fooled)
