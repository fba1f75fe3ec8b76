"""Lesson 02, section 2.4: when two texts are the same, or nearly."""

import re
import unicodedata
from html.parser import HTMLParser

from sklearn.metrics import jaccard_score
from sklearn.preprocessing import MultiLabelBinarizer
from tokenizers import normalizers

from course_utils.exercises.exercise import case, coding
from course_utils.text import cleaning, minhash
from course_utils.text.cleaning import clean_text

same = coding(
    "02.3",
    title="The same, for our purposes",
    difficulty=2,
    minutes=6,
    given="a text as it came, and `clean_text`, which takes out markup and mends Unicode",
    reference=cleaning.duplicate_key,
    task="""What must be equal for two texts to count as the same: their letters and digits.

    Clean the text.  Bring it to the compatibility form NFKC, fold its case (`str.casefold`), and
    keep the characters that are letters or digits of any script.  When none is left, as in "?!",
    the cleaned text itself is the key.
    """,
    hints=[
        '`unicodedata.normalize("NFKC", …)`, then `.casefold()`; `str.isalnum` is true for letters '
        "and digits of any script.",
        "`'…' or other` gives `other` when the string before it is empty.",
    ],
    why="Case, punctuation, spaces and markup change when a text is copied from page to page; its "
    "letters rarely do. `casefold` knows that ß and SS are one, which `lower` does not.",
    then='find two texts of different meaning with one key: "therapist" is a start.',
)


@same.cases
def same_cases(draw):
    number = str(draw.size(10, 99))
    yield case(f"A Mess, {number}!")
    yield case("  . . . a pretentious<br />mess . . .")
    yield case("STRASSE und Straße")
    yield case("ﬁne ＦＩＬＭ ①")
    yield case("cafe\u0301 CAFÉ &eacute;")
    yield case("?!")
    yield case(" :-)  <br/> ;-)")
    yield case(f"这部电影很好看！{number}")
    yield case(f"snake_case & R&amp;D {number} __x__")
    yield case("")
    yield case("İstanbul ΣΊΣΥΦΟΣ don't")


class _Text(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts = []

    def handle_data(self, data):
        self.parts.append(data)

    def handle_starttag(self, tag, attrs):
        self.parts.append(" ")

    handle_startendtag = handle_starttag


@same.oracle
def by_the_standard_library(text):
    """Python's own HTML parser and character table; NFKC by `tokenizers`."""
    parser = _Text()
    parser.feed(text)
    parser.close()
    plain = "".join(parser.parts)
    folded = normalizers.NFKC().normalize_str(normalizers.NFC().normalize_str(plain)).casefold()
    return "".join(filter(str.isalnum, folded)) or " ".join(plain.split())


same.wrong_edit(
    "lower_case_only",
    old=".casefold()",
    new=".lower()",
    message="ß and SS are the same letter twice; `lower` does not know that, `casefold` does",
    section="2.4",
)
same.wrong_edit(
    "composed_but_not_compatible",
    old='"NFKC"',
    new='"NFC"',
    message="full width letters and ① still count as others: that takes NFKC",
    section="2.2",
)
same.wrong_edit(
    "forgot_the_case",
    old=".casefold()",
    new="",
    message="A and a still differ: fold the case",
    section="2.4",
)
same.wrong_edit(
    "nothing_is_left",
    old=" or cleaned",
    new="",
    message="?! and :-) both become the empty string, so all such texts count as one",
    section="2.4",
)
same.wrong_edit(
    "markup_counts",
    old="clean_text(text)",
    new="text",
    message="the letters of <br /> count as letters of the text: clean it first",
    section="2.4",
)


@same.wrong("only a to z are kept: Chinese and accented letters are letters too", "2.4")
def ascii_only(text):
    folded = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return re.sub("[^a-z0-9]", "", folded) or clean_text(text)


@same.wrong("spaces still count; two copies may differ in them", "2.4")
def spaces_stay(text):
    folded = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return re.sub(r"[^\w\s]|_", "", folded) or clean_text(text)


@same.wrong(r"`\w` counts the underscore as a letter: take it out as well", "2.4")
def underscores_stay(text):
    folded = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return re.sub(r"\W", "", folded) or clean_text(text)


@same.wrong("digits count too: part 1 and part 2 are not the same text", "2.4")
def letters_only(text):
    folded = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return "".join(filter(str.isalpha, folded)) or clean_text(text)


@same.alternative
def filtered(text):
    plain = clean_text(text)
    key = "".join(c for c in unicodedata.normalize("NFKC", plain).casefold() if c.isalnum())
    return key if key else plain


@same.alternative
def folded_words(text):
    plain = clean_text(text)
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", plain).casefold())
    return "".join(words) if words else plain


index = coding(
    "02.4",
    title="How much is shared",
    difficulty=1,
    minutes=3,
    given="two sets, such as the runs of words of two texts",
    reference=minhash.jaccard,
    task="""The Jaccard index: what two sets share, as a share of all that is in either.

    Two empty sets share nothing: 0.
    """,
    hints=[
        "`&` is what both have, `|` is what is in either; `len` counts.",
        "Nothing divided by nothing is an error; `max(1, …)` avoids it.",
    ],
    why="The index is 1 for equal sets, 0 for sets without anything in common, and a text that is "
    "quoted in a long one has a small index although all of it is there.",
    then="which index would find a short text inside a long one?",
)


@index.cases
def index_cases(draw):
    yield case({"a", "b", "c"}, {"b", "c", "d"})
    for _ in range(4):
        one, other = (
            {str(draw.size(0, 12)) for _ in range(draw.size(2, 9))} | {"x", str(99 + k)}
            for k in range(2)
        )
        yield case(one, other)
    yield case(set("abcdefg"), set("ab"))
    yield case(set("pq"), set("pqrstu"))
    yield case({1, 2, 3}, {1, 2, 3})
    yield case({"a"}, {"a"})
    yield case({"a"}, {"b", "c"})
    yield case({"a"}, set())
    yield case(set(), set())


@index.oracle
def scikit_learns(one, other):
    rows = [sorted(map(str, one)), sorted(map(str, other))]
    table = MultiLabelBinarizer().fit_transform(rows)
    return float(jaccard_score(*table, zero_division=0)) if table.size else 0.0


@index.wrong("that is containment: you divide by one set; divide by all that is in either", "2.4")
def share_of_the_first(one, other):
    return len(one & other) / max(1, len(one))


@index.wrong("you divide by the smaller set, so a quotation in a long text counts as equal", "2.4")
def share_of_the_smaller(one, other):
    return len(one & other) / max(1, min(len(one), len(other)))


@index.wrong("what is shared is counted twice below: the union has it once", "2.4")
def sum_of_the_sizes(one, other):
    return len(one & other) / max(1, len(one) + len(other))


@index.wrong("that is Dice's index, twice the shared part by the sum of the sizes", "2.4")
def dice(one, other):
    return 2 * len(one & other) / max(1, len(one) + len(other))


@index.wrong("you count what is in exactly one of the sets; that is a distance", "2.4")
def distance(one, other):
    return len(one ^ other) / max(1, len(one | other))


@index.wrong("below stands what only one of them has; the union holds the shared part too", "2.4")
def shared_against_unshared(one, other):
    return len(one & other) / max(1, len(one ^ other))


@index.wrong("two empty sets give 0/0; the task says 0", "2.4")
def nothing_by_nothing(one, other):
    return len(one & other) / len(one | other)


@index.wrong("two empty sets are equal, but they share nothing: the task says 0", "2.4")
def empty_sets_are_equal(one, other):
    return len(one & other) / len(one | other) if one | other else 1.0


@index.alternative
def by_inclusion_and_exclusion(a, b):
    both = sum(item in b for item in a)
    either = len(a) + len(b) - both
    return both / either if either else 0.0


@index.alternative
def with_methods(a, b):
    union = a.union(b)
    return len(a.intersection(b)) / len(union) if union else 0
