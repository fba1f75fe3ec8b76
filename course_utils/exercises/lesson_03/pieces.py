"""Lesson 03, section 3.5: WordPiece."""

from tokenizers import models

from course_utils.exercises.exercise import case, coding
from course_utils.text import wordpiece

longest = coding(
    "03.9",
    title="The longest piece that fits",
    difficulty=3,
    minutes=10,
    given="a word in lower case, and a vocabulary: the set (or dict) of known pieces",
    reference=wordpiece.longest_match,
    task="""Cut a word as WordPiece does: the longest piece that fits, again and again.

    Pieces after the first are looked up with "##" in front and returned so.  If at some place
    nothing fits, the whole word cannot be spelled, and the result is None.  So it is for a word
    of more than 100 characters, which is not looked at.
    """,
    hints=[
        "Keep a place `start`. Try ends from the end of the word down to start + 1; the first "
        "piece that is in the vocabulary is the longest.",
        'The first piece is looked up bare, the others as `"##" + word[start:end]`.',
        "WordPiece never goes back: if nothing fits at `start`, return None at once.",
    ],
    why="Greedy and without regret: the longest piece is taken even if the rest can then not be "
    "spelled. BERT can afford it: its vocabulary has every letter that it knows with and without "
    "##, so something always fits, and an [UNK] comes from an unknown character or from the "
    "length.",
    then="make up a vocabulary and a word that could be spelled by going back, and is None here.",
)


@longest.cases
def longest_cases(draw):
    yield case("hugs", {"h", "hu", "gs", "##u", "##g", "##s", "##gs"})
    yield case("unwanted", {"un", "##want", "##wanted", "##ed", "want", "u"})
    yield case("abc", {"ab", "a", "##bc"})  # greedy takes ab, and then nothing fits
    yield case("abab", {"ab", "##a", "##b"})  # "ab" is known at the start of a word only
    yield case("bab", {"b", "##ab", "ab", "ba"})
    yield case("z", {"a", "##z"})
    yield case("aaaa", {"a", "##aa"})
    yield case("abcd", {"abcd", "ab", "##cd"})
    yield case("a" * 100, {"a", "##a"})
    yield case("a" * 101, {"a", "##a"})
    for _ in range(5):
        pieces = {_word(draw, draw.size(1, 3)) for _ in range(6)}
        pieces |= {"##" + _word(draw, draw.size(1, 3)) for _ in range(8)}
        yield case(_word(draw, draw.size(5, 9)), pieces)


def _word(draw, length):
    return "".join(draw.choice("ab") for _ in range(length))


@longest.oracle
def tokenizers_model(word, vocab):
    numbers = {piece: i for i, piece in enumerate(["[UNK]", *sorted(vocab)])}
    model = models.WordPiece(vocab=numbers, unk_token="[UNK]", max_input_chars_per_word=100)
    tokens = [token.value for token in model.tokenize(word)]
    return None if tokens == ["[UNK]"] else tokens


longest.wrong_edit(
    "marks_forgotten",
    old='prefix = CONTINUES if start else ""',
    new='prefix = ""',
    message='pieces inside a word are looked up with "##" in front',
    section="3.5",
)
longest.wrong_edit(
    "shortest_piece",
    old="range(len(word), start, -1)",
    new="range(start + 1, len(word) + 1)",
    message="you take the shortest piece that fits; try the long ends first",
    section="3.5",
)
longest.wrong_edit(
    "what_was_spelled_so_far",
    old="        if end is None:\n            return None",
    new="        if end is None:\n            return pieces",
    message="if the rest cannot be spelled, the whole word is None, not its beginning",
    section="3.5",
)
longest.wrong_edit(
    "marks_left_out_of_the_answer",
    old="pieces.append(prefix + word[start:end])",
    new="pieces.append(word[start:end])",
    message='the pieces are right, but those inside the word are returned with "##"',
    section="3.5",
)
longest.wrong_edit(
    "no_limit_of_length",
    old="    if len(word) > MAX_WORD_LENGTH:\n        return None\n",
    new="",
    message="right up to 100 characters; a longer word is None without being looked at",
    section="3.5",
)


@longest.wrong("you go back when the rest does not fit; WordPiece never does, it is None", "3.5")
def goes_back(word, vocab):
    def spell(start):
        if start == len(word):
            return []
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocab and (rest := spell(end)) is not None:
                return [piece, *rest]
        return None

    return None if len(word) > 100 else spell(0)


@longest.alternative
def with_a_shrinking_word(word, vocab):
    if len(word) > 100:
        return None
    pieces, rest = [], word
    while rest:
        piece = rest
        while piece and piece not in vocab:
            piece = piece[:-1]
        if piece in ("", "##"):
            return None
        pieces.append(piece)
        rest = "##" + rest[len(piece) :] if len(piece) < len(rest) else ""
    return pieces


@longest.alternative
def by_all_that_fit(word, vocab):
    if len(word) >= 101:
        return None
    place, pieces = 0, []
    while place < len(word):
        mark = "##" * (place > 0)
        fitting = [n for n in range(1, len(word) - place + 1) if mark + word[place:][:n] in vocab]
        if not fitting:
            return None
        pieces += [mark + word[place : place + max(fitting)]]
        place += max(fitting)
    return pieces
