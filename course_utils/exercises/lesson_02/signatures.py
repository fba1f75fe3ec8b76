"""Lesson 02, section 2.4: MinHash."""

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import MultiLabelBinarizer

from course_utils.exercises.exercise import case, coding, guess_question, plot_question
from course_utils.exercises.sandbox import global_dice
from course_utils.text import minhash
from course_utils.text.minhash import PRIME, fingerprint

smallest = guess_question(
    "02.5",
    title="The smallest of all",
    difficulty=1,
    minutes=1,
    given="two sets that share 2 items and have 6 items between them; every item is given a random "
    "number",
    ask="Each set names its smallest number. With what chance do they name the same one?",
    options={"a": "1/6", "b": "1/3", "c": "1/2", "d": "1/15"},
    answer="b",
    wrong={
        "a": "that would be one particular item; any of the two shared ones will do",
        "c": "count: of the six items two are shared",
        "d": "that is the chance that two items drawn at random are the shared two",
    },
    section="2.4",
    hints=[
        "Which of the six items has the smallest number of all? Each is equally likely.",
        "The two sets agree exactly when that item lies in both.",
    ],
    why="The smallest of all six is equally likely to be any of them, and both sets name it "
    "exactly when both have it: 2 of 6, which is the Jaccard index.",
)

signature = coding(
    "02.6",
    title="MinHash",
    difficulty=5,
    minutes=25,
    given="sets of runs of words, none of them empty; `fingerprint(shingle)`, a number below "
    "`PRIME`, and NumPy as `np`",
    reference=minhash.signatures,
    tolerance=0.1,
    task="""One row of `size` integers for each set, (N, size); rows agree as often as sets do.

    The share of places in which two rows are equal estimates the Jaccard index of their sets.

    Place k of a row is the smallest number that the set's items get from hash function k.  The
    hash functions are drawn by `seed`, the same for all sets, and are independent of each other:
    (aₖ·x + bₖ) mod PRIME for the fingerprint x of an item will do, with aₖ from 1 on.  One seed
    gives the same rows every time, another seed others, and the global random numbers are left
    alone.
    """,
    hints=[
        "Draw all aₖ and bₖ once, before the loop over the sets: "
        "`generator = np.random.default_rng(seed)`, then `generator.integers(1, PRIME, size)` for "
        "each of the two.",
        "For one set: an array of its fingerprints, (n,), against aₖ as a column, (size, 1), gives "
        "all hashes at once, (size, n). Which axis is the minimum taken over?",
        "`((a[:, None] * x + b[:, None]) % PRIME).min(axis=1)`, in uint64 or int64: a product of "
        "two numbers below 2³¹ fits.",
    ],
    why="Under a random numbering, the smallest number of the union is equally likely to be any "
    "item's, and it is the smallest of both sets exactly when both have that item. Each place of "
    "the row is one throw of that coin, and the share of equal places counts them.",
    then="cut the rows into bands and find the pairs without comparing all: 02.7 asks how.",
)


@signature.cases
def signature_cases(draw):
    word = f"w{draw.size(0, 999)}"
    names = [f"{word} {i}" for i in range(60)]
    yield case([set(names[:4]), set(names[2:6]), set(names[:5])], 1200, draw.size(0, 99))
    groups = [set(draw.random.sample(names, draw.size(5, 40))) for _ in range(4)]
    yield case([*groups, groups[0], set(names[:30]), set(names)], 1024, draw.size(0, 99))
    yield case([{names[0]}, {names[1]}, {names[0], names[1]}], 1100, draw.size(0, 99))
    yield case([set(names[3:7])], 300, draw.size(0, 99))


@signature.observe
def judged(signatures, sets, size, seed):
    """Without the seed, the share is left out: two unseeded draws must look alike, always."""
    before = global_dice()
    rows, again, other = (np.asarray(signatures(sets, size, s)) for s in (seed, seed, seed + 1))
    untouched = before == global_dice()
    alone = np.asarray(signatures([sets[-1]], size, seed))
    right, repeated = rows.shape == (len(sets), size), np.array_equal(rows, again)
    return {
        "shape is (N, size)": right,
        "the same seed again": repeated,
        "share of equal places": (
            (rows[:, None] == rows[None]).mean(-1) if right and repeated else None
        ),
        "whole numbers": rows.dtype.kind in "iu",
        "another seed gives other numbers": np.mean(rows[:1] != other[:1]) > 0.9,
        "a set alone gets the same row": np.array_equal(alone[0], rows[-1]),
        "global random numbers left alone": untouched,
    }


@signature.oracle
def scikit_learns_index(sets, size, seed):
    """Where rows are equal must be what scikit-learn says of the sets themselves."""
    table = MultiLabelBinarizer().fit_transform([sorted(one) for one in sets]).astype(bool)
    return {
        "shape is (N, size)": True,
        "the same seed again": True,
        "share of equal places": 1 - pairwise_distances(table, metric="jaccard"),
        "whole numbers": True,
        "another seed gives other numbers": True,
        "a set alone gets the same row": True,
        "global random numbers left alone": True,
    }


signature.wrong_edit(
    "forgot_the_modulus",
    old=" % PRIME",
    new="",
    message="without the modulus a·x + b keeps the order of x: every place names the same item, so "
    "two sets agree everywhere or nowhere",
    section="2.4",
)
signature.wrong_edit(
    "smallest_over_the_functions",
    old="for place, one in enumerate(sets):",
    new="for place, one in enumerate([set(sorted(one)[:1]) for one in sets]):",
    message="only one item of each set is looked at; the minimum runs over all of its items",
    section="2.4",
)
signature.wrong_edit(
    "mean_instead_of_minimum",
    old=".min(axis=1)",
    new=".mean(axis=1)",
    message="a mean changes with every item that is added; the minimum stays unless it is beaten",
    section="2.4",
)
signature.wrong_edit(
    "forgot_the_seed",
    old="default_rng(seed)",
    new="default_rng()",
    message="the seed is never used: two calls give rows that cannot be compared",
    section="2.4",
)
signature.wrong_edit(
    "always_one_seed",
    old="default_rng(seed)",
    new="default_rng(0)",
    message="the hash functions are the same for every seed",
    section="2.4",
)


@signature.wrong(
    "each set draws hash functions of its own: their numbers cannot be compared", "2.4"
)
def fresh_functions_for_each_set(sets, size=128, seed=0):
    rows = [minhash.signatures([one], size, seed + 7919 * place) for place, one in enumerate(sets)]
    return np.concatenate(rows)


@signature.wrong(
    "one hash function and its `size` smallest numbers: places do not correspond", "2.4"
)
def smallest_few_of_one_function(sets, size=128, seed=0):
    generator = np.random.default_rng(seed)
    a, b = (int(n) for n in generator.integers(1, PRIME, 2))
    rows = np.full((len(sets), size), PRIME, np.int64)
    for place, one in enumerate(sets):
        found = sorted((a * fingerprint(shingle) + b) % PRIME for shingle in one)[:size]
        rows[place, : len(found)] = found
    return rows


@signature.wrong("one hash function, written down `size` times; each place needs its own", "2.4")
def one_function_repeated(sets, size=128, seed=0):
    return np.repeat(minhash.signatures(sets, 1, seed), size, axis=1)


@signature.wrong("you hash the places, not the items: sets of one size look alike", "2.4")
def hashed_the_places(sets, size=128, seed=0):
    return minhash.signatures([set(map(str, range(len(one)))) for one in sets], size, seed)


@signature.wrong("one axis too few or exchanged: a row for each set, (N, size)", "2.4")
def functions_in_the_rows(sets, size=128, seed=0):
    return minhash.signatures(sets, size, seed).T


@signature.wrong(
    "you seed NumPy's global generator, and everybody's random numbers begin anew", "2.4"
)
def seeded_globally(sets, size=128, seed=0):
    np.random.seed(seed)  # noqa: NPY002
    return minhash.signatures(sets, size, seed)


@signature.alternative
def largest_instead(sets, size=128, seed=0):
    generator = np.random.default_rng(seed)
    a, b = generator.integers(1, PRIME, (2, size))  # int64
    rows = []
    for one in sets:
        x = np.array(sorted(fingerprint(shingle) for shingle in one))
        rows.append(((np.outer(x, a) + b) % PRIME).max(axis=0))
    return np.array(rows)


@signature.alternative
def random_numbers_by_table(sets, size=128, seed=0):
    """A random number for each item and place, drawn from the item's fingerprint and the seed."""

    def numbers(shingle):
        generator = np.random.default_rng([seed, fingerprint(shingle)])
        return generator.integers(0, 2**62, size)

    return np.stack([np.min([numbers(shingle) for shingle in one], axis=0) for one in sets])


bands = plot_question(
    "02.7",
    title="How many bands",
    difficulty=2,
    minutes=3,
    given="Figure 2.3: the chance that a pair becomes a candidate, for three ways to cut a row of "
    "128 numbers into bands",
    ask="Copies in our texts have J = 0.5 or more, strangers 0.1 or less, and we want to compare "
    "as few strangers as possible without losing a copy. Which cut?",
    options={
        "a": "128 bands of 1 number",
        "b": "42 bands of 3 numbers",
        "c": "16 bands of 8 numbers",
    },
    answer="b",
    wrong={
        "a": "at J = 0.1 nearly every pair of strangers becomes a candidate: nothing is saved",
        "c": "look at J = 0.5: nearly all of those copies are lost",
    },
    section="2.4",
    hints=[
        "Read each curve at J = 0.1 and at J = 0.5.",
        "The curve should be low at the first and high at the second.",
    ],
    why="With 3 numbers a band a pair at 0.5 is caught in all but 4 of 1,000 cases and a pair at "
    "0.1 in 4 of 100; with 8 numbers the step of the curve lies near 0.7, with 1 near 0.",
)
