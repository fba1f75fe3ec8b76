"""Lesson 03, section 3.3: a whole trainer."""

import json
from collections import Counter
from itertools import pairwise

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from course_utils.exercises.exercise import case, coding
from course_utils.text.subwords import merge_pair


def train_bpe(text: str, num_merges: int) -> list[tuple[str, str]]:
    """Learn merges from a text whose words stand between white space."""
    counts = Counter(text.split())
    words = {word: list(word) for word in counts}
    age = {character: place for place, character in enumerate(sorted(set("".join(counts))))}
    merges = []
    while len(merges) < num_merges:
        seen = Counter()
        for word, tokens in words.items():
            for pair in pairwise(tokens):
                seen[pair] += counts[word]
        if not seen:
            break
        best = min(seen, key=lambda pair: (-seen[pair], age[pair[0]], age[pair[1]]))
        new = best[0] + best[1]
        age.setdefault(new, len(age))
        merges.append(best)
        words = {word: merge_pair(tokens, best, new) for word, tokens in words.items()}
    return merges


trainer = coding(
    "03.7",
    title="A trainer, whole",
    difficulty=5,
    minutes=25,
    given="`Counter` and `pairwise`; what you wrote in 03.5 and 03.6",
    reference=train_bpe,
    task="""Learn `num_merges` merges from a text, or fewer if no pair is left.

    Words are what stands between white space; each begins as a list of its characters, and no
    pair crosses its border.  Each merge is the most frequent pair of neighbours at that time,
    as (left, right), and is glued everywhere before the next is counted.  Of equally frequent
    pairs, the one whose left token is older wins, then the one whose right token is older: the
    characters in sorted order are the oldest, then come tokens in the order they were made.
    """,
    hints=[
        "Count words once, `Counter(text.split())`, and keep for each its list of tokens. Then "
        "repeat: count pairs, choose, remember, glue.",
        "Ties need a dictionary from token to age: sorted characters get 0, 1, 2 …, each new token "
        "`len(age)`. If the token exists already, it keeps its age (`setdefault`).",
        "`min(seen, key=lambda pair: (-seen[pair], age[pair[0]], age[pair[1]]))`; stop when "
        "`seen` is empty.",
    ],
    why="Count, choose, glue: three lines repeated. A real trainer differs in one thing only: it "
    "does not count everything again, because only words that held the pair have changed.",
    then="give it a megabyte. How would you avoid counting everything again after each merge?",
    seconds=5.0,
)


@trainer.cases
def trainer_cases(draw):
    yield case("low low low lower lower", 3)
    yield case("film films filming filmed film", 30)
    yield case("ba ba ab ab cb cb", 4)  # three ties at once
    yield case("aaaaaaa aaaa aaa aabaab abab ababa bbbb", 12)
    yield case("xa\nxa  xb\txb xa", 2)
    for letters, merges in (("ab", 8), ("abc", 15), ("zyxw", 12)):
        words = ["".join(draw.choice(letters) for _ in range(draw.size(2, 7))) for _ in range(25)]
        yield case(" ".join(draw.choice(words) for _ in range(60)), merges)


@trainer.oracle
def tokenizers_trainer(text, num_merges):
    characters = len(set("".join(text.split())))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    # Two merges may make one token, so there may be more merges than new tokens: ask for enough.
    library = trainers.BpeTrainer(vocab_size=characters + num_merges, show_progress=False)
    tokenizer.train_from_iterator([text], library)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) for pair in merges][:num_merges]


trainer.wrong_edit(
    "words_counted_once",
    old="seen[pair] += counts[word]",
    new="seen[pair] += 1",
    message="a word that stands there three times adds three to each of its pairs",
    section="3.3",
)
trainer.wrong_edit(
    "ties_by_who_came_first",
    old="(-seen[pair], age[pair[0]], age[pair[1]])",
    new="-seen[pair]",
    message="of equally frequent pairs you take the one met first; the older tokens should win",
    section="3.3",
)
trainer.wrong_edit(
    "ties_by_alphabet",
    old="(-seen[pair], age[pair[0]], age[pair[1]])",
    new="(-seen[pair], pair)",
    message="ties go by age, not by the alphabet: a merged token is younger than any character",
    section="3.3",
)
trainer.wrong_edit(
    "youngest_tokens_win",
    old="(-seen[pair], age[pair[0]], age[pair[1]])",
    new="(-seen[pair], -age[pair[0]], -age[pair[1]])",
    message="of equally frequent pairs you take the youngest tokens; the oldest should win",
    section="3.3",
)
trainer.wrong_edit(
    "merged_tokens_dropped",
    old="words = {word: merge_pair(tokens, best, new) for word, tokens in words.items()}",
    new="words = {word: [t for t in tokens if t not in best] for word, tokens in words.items()}",
    message="the merged tokens are gone from the words; a new token should stand in their place",
    section="3.3",
)
trainer.wrong_edit(
    "one_word_for_all",
    old="counts = Counter(text.split())",
    new='counts = Counter(["".join(text.split())])',
    message="pairs reach across the border of words; count inside each word",
    section="3.3",
)


@trainer.wrong("the most frequent pairs of the start: count again after each merge", "3.3")
def never_counted_again(text, num_merges):
    seen = Counter(pair for word in text.split() for pair in pairwise(word))
    return sorted(seen, key=lambda pair: (-seen[pair], pair))[:num_merges]


@trainer.alternative
def with_numbers(text, num_merges):
    names = sorted({c for c in text if not c.isspace()})
    rows = [[names.index(c) for c in word] for word in text.split()]
    merges = []
    for _ in range(num_merges):
        seen = {}
        for row in rows:
            for pair in zip(row, row[1:], strict=False):
                seen[pair] = seen.get(pair, 0) + 1
        if not seen:
            return merges
        left, right = sorted(seen.items(), key=lambda item: (-item[1], item[0]))[0][0]
        merges.append((names[left], names[right]))
        if names[left] + names[right] not in names:
            names.append(names[left] + names[right])
        new = names.index(names[left] + names[right])
        for row in rows:
            i = 0
            while i + 1 < len(row):
                if row[i : i + 2] == [left, right]:
                    row[i : i + 2] = [new]
                i += 1
    return merges


@trainer.alternative
def stopping_early(text, num_merges):
    return train_bpe(" ".join(sorted(text.split())), num_merges)
