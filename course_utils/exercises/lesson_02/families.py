"""Lesson 02, section 2.5: friends of friends."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from course_utils.exercises.exercise import case, coding
from course_utils.text import splitting

families = coding(
    "02.8",
    title="Friends of friends",
    difficulty=3,
    minutes=12,
    given="how many texts there are, and the pairs that resemble each other, as places in the list",
    reference=splitting.joined,
    task="""For each of `count` texts, the smallest place in its family.

    A pair joins two texts, in either order; a text may be paired with itself.  A family is what is
    joined over any number of pairs: with (3, 4) and (1, 3), the texts 1, 3 and 4 are one family,
    and each of them gets 1.  A text without a pair is its own family.
    """,
    hints=[
        "Begin with `heads = list(range(count))`: everybody alone. What does one pair change?",
        "For a pair, everybody who has the larger head of the two gets the smaller one. That is "
        "slow for many texts, and right.",
        "Faster: let each text point at another one, `parent`, and follow the pointers up to a "
        "text that points at itself. A pair makes the larger root point at the smaller.",
    ],
    why="If a is like b and b like c, then a and c may not look alike at all, and still all three "
    "have to stand on one side: b could give either of them away.",
    then="how large is the largest family of text messages, and what does it say?",
)


@families.cases
def family_cases(draw):
    yield case(5, [(3, 4), (1, 3)])
    yield case(6, [(0, 1), (2, 3), (1, 2), (4, 5)])
    yield case(4, [(3, 2), (2, 1), (1, 0)])
    yield case(7, [(5, 6), (4, 5), (6, 2), (2, 2), (0, 3), (3, 0)])
    yield case(3, [])
    yield case(9, [(6, 7), (7, 8), (0, 8), (1, 2), (3, 4), (4, 1)])
    for _ in range(4):
        count = draw.size(12, 20)
        pairs = [(draw.size(0, count - 1), draw.size(0, count - 1)) for _ in range(count * 2 // 3)]
        yield case(count, pairs)


@families.oracle
def by_scipy(count, pairs):
    """Connected components of a graph; each is called by its smallest member."""
    a, b = np.array(pairs, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(pairs)), (a, b)), (count, count))
    _, names = connected_components(graph, directed=False)
    first = {}
    for place, name in enumerate(names.tolist()):
        first.setdefault(name, place)
    return [first[name] for name in names.tolist()]


@families.wrong("friends of friends are forgotten: each text looks at its own pairs only", "2.5")
def direct_friends_only(count, pairs):
    heads = list(range(count))
    for a, b in pairs:
        heads[a], heads[b] = min(heads[a], b), min(heads[b], a)
    return heads


@families.wrong("right for pairs in a lucky order: a later pair has to move a whole family", "2.5")
def one_pass(count, pairs):
    heads = list(range(count))
    for a, b in pairs:
        heads[a] = heads[b] = min(heads[a], heads[b])
    return heads


@families.wrong("the name of a family is its smallest member, not its largest", "2.5")
def named_by_the_largest(count, pairs):
    heads = splitting.joined(count, pairs)
    last = {head: place for place, head in enumerate(heads)}
    return [last[head] for head in heads]


@families.wrong("you number the families 0, 1, 2 …; each is called by its smallest member", "2.5")
def numbered(count, pairs):
    heads = splitting.joined(count, pairs)
    return [sorted(set(heads)).index(head) for head in heads]


@families.wrong("a pair joins in either order: (4, 1) is as good as (1, 4)", "2.5")
def rising_pairs_only(count, pairs):
    return splitting.joined(count, [(a, b) for a, b in pairs if a < b])


@families.wrong("the larger head moves to the *text* in the pair, not to that text's head", "2.5")
def pointed_at_the_friend(count, pairs):
    heads = list(range(count))
    for a, b in pairs:
        a, b = sorted((a, b))
        old = heads[b]
        heads = [a if head == old else head for head in heads]
    return heads


@families.wrong(
    "these are the members of each family; one number for each text is asked for", "2.5"
)
def lists_of_members(count, pairs):
    heads = splitting.joined(count, pairs)
    return [[p for p in range(count) if heads[p] == head] for head in sorted(set(heads))]


@families.alternative
def everybody_moves(count, pairs):
    heads = list(range(count))
    for a, b in pairs:
        low, high = sorted((heads[a], heads[b]))
        heads = [low if head == high else head for head in heads]
    return heads


@families.alternative
def until_nothing_moves(count, pairs):
    heads, before = list(range(count)), None
    while heads != before:
        before = list(heads)
        for a, b in pairs:
            heads[a] = heads[b] = min(heads[a], heads[b])
    return heads


@families.alternative
def walk_through_the_graph(count, pairs):
    friends = {place: set() for place in range(count)}
    for a, b in pairs:
        friends[a].add(b)
        friends[b].add(a)
    heads = [None] * count
    for start in range(count):
        waiting = [start] if heads[start] is None else []
        while waiting:
            place = waiting.pop()
            if heads[place] is None:
                heads[place] = start
                waiting.extend(friends[place])
    return heads
