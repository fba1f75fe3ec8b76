"""Lesson 03, sections 3.2 and 3.3: words and pairs, and how often they are seen."""

import json
from collections import Counter
from itertools import pairwise

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from course_utils.exercises.exercise import case, coding, guess_question

SIGNS = 0x4E00  # number n is written as the character SIGNS + n: code points keep the order

heaps = guess_question(
    "03.4",
    title="The second million",
    difficulty=1,
    minutes=1,
    given="film reviews in lower case, without punctuation; the first million words hold 36,000 "
    "different ones",
    ask="We read a second million. How many words are new, never seen in the first?",
    options={"a": "fewer than 1,000", "b": "about 12,000", "c": "about 36,000"},
    answer="b",
    wrong={
        "a": "the common words are all known by then, but rare ones never stop coming",
        "c": "that would be a second vocabulary as large as the first; common words come back",
    },
    section="3.2",
    hints=[
        "Nearly four in ten of the known words had been seen only once. What does that say of "
        "those not yet seen?",
        "The number of different words grows like a power of the words read, with an exponent "
        "of about one half: twice the text, roughly 1.4 times the words.",
    ],
    why="48,000 after two million words, 36,000 after one: the curve bends, but never flattens.",
)


def most_frequent_pair(words: list[list[int]], counts: list[int]) -> tuple[int, int]:
    """The pair of neighbours that is seen most often; of equals, the one with smaller numbers."""
    seen = Counter()
    for word, count in zip(words, counts, strict=True):
        for pair in pairwise(word):
            seen[pair] += count
    return min(seen, key=lambda pair: (-seen[pair], pair))


pair = coding(
    "03.5",
    title="The most frequent pair",
    difficulty=2,
    minutes=6,
    given="words as rows of token numbers, and how often each word was seen; some word has two "
    "tokens",
    reference=most_frequent_pair,
    task="""The pair of neighbours that is seen most often.

    `words[i]` was seen `counts[i]` times.  Neighbours stand in one word, side by side and in
    this order; (7, 7, 7) holds the pair (7, 7) twice.  Of pairs that are seen equally often, the
    one with the smaller left number wins, then the one with the smaller right number.
    """,
    hints=[
        "A `Counter` over pairs; `itertools.pairwise(word)` or `zip(word, word[1:])` gives them.",
        "A word that was seen 50 times adds 50 to each of its pairs.",
        "For the ties, `min` with a key: `(-seen[pair], pair)` sorts by falling count, then by "
        "number.",
    ],
    why="`Counter.most_common` and `max` settle ties by who came first, so the vocabulary would "
    "depend on the order of the texts. A rule on the numbers makes it depend on the counts alone.",
    then="shuffle the words: does your answer stay?",
)


@pair.cases
def pair_cases(draw):
    yield case([[2, 0, 1], [0, 1, 3]], [1, 5])
    yield case([[3, 4], [1, 2], [1, 0]], [4, 4, 4])  # a tie: smallest left, then smallest right
    yield case([[3, 4], [5, 6], [1, 2]], [2, 2, 2])
    yield case([[1, 2], [2, 1], [3, 4]], [4, 4, 5])  # order matters
    yield case([[7, 7, 7], [1, 2]], [2, 3])  # an overlap counts
    yield case([[5], [1], [5], [1], [2, 6]], [9, 9, 9, 9, 1])  # words have borders
    yield case([[1, 2], [1, 2], [1, 2], [3, 4]], [1, 1, 1, 7])  # counts, not words
    for _ in range(4):
        words = [[draw.size(0, 4) for _ in range(draw.size(2, 6))] for _ in range(8)]
        yield case(words, [draw.size(1, 4) for _ in words])


def first_merge(words, counts):
    """`tokenizers` learns one merge; each number is a character, in the same order."""
    names = ["".join(chr(SIGNS + number) for number in word) for word in words]
    alphabet = {chr(SIGNS + number) for word in words for number in word}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + 1, show_progress=False)
    text = (" ".join([name] * count) for name, count in zip(names, counts, strict=True))
    tokenizer.train_from_iterator(text, trainer)
    left, right = json.loads(tokenizer.to_str())["model"]["merges"][0]
    return ord(left) - SIGNS, ord(right) - SIGNS


@pair.oracle
def tokenizers_first_merge(words, counts):
    return first_merge(words, counts)


@pair.wrong("a word that was seen five times adds five to its pairs: use the counts", "3.3")
def forgot_the_counts(words, counts):
    return most_frequent_pair(words, [1] * len(words))


@pair.wrong("of equals you take the one met first, so the order of the words decides", "3.3")
def first_met_wins(words, counts):
    seen = Counter()
    for word, count in zip(words, counts, strict=True):
        for pair in pairwise(word):
            seen[pair] += count
    return seen.most_common(1)[0][0]


@pair.wrong("of equals you take the larger numbers; `max` on (count, pair) does that", "3.3")
def larger_numbers_win(words, counts):
    seen = Counter()
    for word, count in zip(words, counts, strict=True):
        for pair in pairwise(word):
            seen[pair] += count
    return max(seen, key=lambda pair: (seen[pair], pair))


@pair.wrong("(1, 2) and (2, 1) are different pairs: the order of neighbours matters", "3.3")
def order_forgotten(words, counts):
    return most_frequent_pair(
        [sorted(p) for word in words for p in pairwise(word)],
        [count for word, count in zip(words, counts, strict=True) for _ in pairwise(word)],
    )


@pair.wrong("the last token of a word and the first of the next are no neighbours", "3.3")
def across_the_border(words, counts):
    row = [n for word, count in zip(words, counts, strict=True) for n in word * count]
    return most_frequent_pair([row], [1])


@pair.wrong("7 7 7 holds the pair (7, 7) twice; overlaps count here", "3.3")
def overlaps_counted_once(words, counts):
    seen = Counter()
    for word, count in zip(words, counts, strict=True):
        last = None
        for place, pair in enumerate(pairwise(word)):
            if pair == (pair[1], pair[0]) and last == (place - 1, pair):
                last = None
                continue
            seen[pair] += count
            last = (place, pair)
    return min(seen, key=lambda pair: (-seen[pair], pair))


@pair.alternative
def sorted_pairs(words, counts):
    seen = {}
    for i in range(len(words)):
        for left, right in zip(words[i], words[i][1:], strict=False):
            seen[left, right] = seen.get((left, right), 0) + counts[i]
    highest = max(seen.values())
    return sorted(pair for pair in seen if seen[pair] == highest)[0]


@pair.alternative
def largest_of_negated_numbers(words, counts):
    seen = Counter()
    for word, count in zip(words, counts, strict=True):
        seen.update(dict.fromkeys(pairwise(word), 0))
        for place in range(1, len(word)):
            seen[word[place - 1], word[place]] += count
    return max(seen.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))[0]
