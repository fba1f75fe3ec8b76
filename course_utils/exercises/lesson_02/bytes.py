"""Lesson 02, sections 2.2 and 2.3: what a text is made of, and what should not be in it."""

import re

from tokenizers import Regex, normalizers

from course_utils.exercises.exercise import case, coding, guess_question
from course_utils.text import cleaning

cafe = guess_question(
    "02.1",
    title="Two cafés",
    difficulty=1,
    minutes=1,
    given='the word "café", once with é as one character, once as an e and a combining accent',
    ask="Both look the same. In UTF-8 the first takes 5 bytes. How many does the second take?",
    answer=6,
    wrong={
        5: "they look the same, but a screen shows characters, not bytes",
        4: "that is the number of letters that we see; é alone takes two bytes",
        7: "the e takes one byte, as every ASCII letter, and the accent two",
    },
    section="2.2",
    hints=[
        "ASCII letters take one byte each. The accent, U+0301, is number 769.",
        "c, a, f and e are four bytes; U+0301 is written with two.",
    ],
    why="Four ASCII letters and a two-byte accent make 6. The two words are different strings, and "
    "a model, a search and a table of duplicates all see two words.",
)

personal = coding(
    "02.2",
    title="Nobody's number",
    difficulty=2,
    minutes=8,
    given="a text, and Python's `re`",
    reference=cleaning.mask_personal,
    task="""Put [EMAIL], [LINK] and [NUMBER] where a text names an address, a place, a number.

    First addresses of e-mail: a name of letters, digits and . _ + -, an @, and a domain with at
    least one dot in it, as jo.b@mail.example.org; a dot after it is no part of it.  Then links:
    they begin with http://, https:// or www., in either case, and go up to the next space.  Then
    numbers of at least five digits, between which single spaces or hyphens may stand, as in
    0900 123-4567.  Everything else stays.
    """,
    hints=[
        r"Three calls of `re.sub`, in the order of the task. `\S+` is everything up to a space.",
        r"For the domain: `[\w-]+(\.[\w-]+)+`, letters and then one dot with letters or more.",
        r"For the number: a digit, and then at least four times a digit with or without a space or "
        r"hyphen before it, `\d([ -]?\d){4,}`.",
    ],
    why="The order matters: an address may begin with digits and end in something that looks like "
    "a link. Names of people have no pattern; finding those takes a model, and it will miss some.",
    then="run it over your own mailbox: what does it miss?",
)


@personal.cases
def personal_cases(draw):
    number = "".join(draw.choice("0123456789") for _ in range(draw.size(5, 9)))
    name = draw.choice(["jo", "a.b", "x_1", "m+k", "l-l"])
    yield case(f"call {number} now")
    yield case("from 2003, 1234 words, 12 a day")
    yield case(f"first.last+tag-x@example{number}.org and a-b@c.de")
    yield case(f"mail {name}@mail.example.org. Or {name}@home, 50p@150p")
    yield case(f"WWW.Example.org/{number} and http://a.b/?q={name}@c.de end")
    yield case(f"write to {name}@www.example.org, or {number}@example.org")
    yield case("0900 123-4567, 12 34 5, 1 2  3 4 5, 1--2345")
    yield case("https://a.b http://c.d www.e.f ww.g.h http:/i")
    yield case(f"{name}1@x-y.co.uk, 12345@x.org, {number}{number}")
    yield case("90210 or 9021 or 12-34-56 or 1234-")
    yield case(f"[{number}] ({name}@a.b) <http://x.y> \nwww.new.line {number}")


@personal.oracle
def by_tokenizers(text):
    """The same rules in the regular expressions of `tokenizers`, which are Oniguruma's."""
    rules = {
        r"[[:word:].+\-]+@[[:word:]\-]+(?:\.[[:word:]\-]+)+": "[EMAIL]",
        r"(?i:http://|https://|www\.)[^\s]+": "[LINK]",
        r"[0-9](?:(?: |-|)[0-9]){4,}": "[NUMBER]",
    }
    steps = [normalizers.Replace(Regex(rule), mark) for rule, mark in rules.items()]
    return normalizers.Sequence(steps).normalize_str(text)


personal.wrong_edit(
    "small_letters_only",
    old=", flags=re.IGNORECASE",
    new="",
    message="WWW. begins a link as well: compare without regard to case",
    section="2.3",
)
personal.wrong_edit(
    "numbers_too_short",
    old="{4,}",
    new="{3,}",
    message="2003 is a year: a number to hide has at least five digits",
    section="2.3",
)
personal.wrong_edit(
    "no_spaces_in_numbers",
    old="([ -]?\\d){4,}",
    new="{5,}",
    message="people write 0900 123-4567: single spaces and hyphens may stand between the digits",
    section="2.3",
)
personal.wrong_edit(
    "gaps_of_any_width",
    old="[ -]?",
    new="[ -]*",
    message="you allow any number of spaces or hyphens between two digits; one at most",
    section="2.3",
)
personal.wrong_edit(
    "domain_without_a_dot",
    old="(\\.[\\w-]+)+",
    new="(\\.[\\w-]+)*",
    message="50p@150p is a price in a text message; a domain has a dot in it",
    section="2.3",
)
personal.wrong_edit(
    "one_dot_only",
    old="(\\.[\\w-]+)+",
    new="\\.[\\w-]+",
    message="mail.example.org has two dots; from the second one on it is left standing",
    section="2.3",
)
personal.wrong_edit(
    "greedy_domain",
    old="@[\\w-]+(\\.[\\w-]+)+",
    new="@\\S+\\.\\S*",
    message="the address swallows the full stop or the bracket behind it",
    section="2.3",
)
personal.wrong_edit(
    "plain_names_only",
    old="[\\w.+-]+@",
    new="\\w+@",
    message="a name may hold dots, plus signs and hyphens: half of it is left standing",
    section="2.3",
)
personal.wrong_edit(
    "forgot_www",
    old="(https?://|www\\.)",
    new="https?://",
    message="a link may begin with www. alone",
    section="2.3",
)
personal.wrong_edit(
    "forgot_https",
    old="https?://",
    new="http://",
    message="most links begin with https:// today",
    section="2.3",
)


@personal.wrong("numbers first: 12345@example.org loses its name; begin with addresses", "2.3")
def numbers_first(text):
    text = re.sub(r"\d([ -]?\d){4,}", "[NUMBER]", text)
    return cleaning.mask_personal(text)


@personal.wrong("links first: of jo@www.example.org the name is left standing", "2.3")
def links_first(text):
    text = re.sub(r"(https?://|www\.)\S+", "[LINK]", text, flags=re.IGNORECASE)
    return cleaning.mask_personal(text)


@personal.wrong("one mark for each digit; five digits or more become one mark, fewer stay", "2.3")
def digit_by_digit(text):
    text = re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "[EMAIL]", text)
    text = re.sub(r"(https?://|www\.)\S+", "[LINK]", text, flags=re.IGNORECASE)
    return re.sub(r"\d", "[NUMBER]", text)


@personal.alternative
def spelled_out(text):
    text = re.sub(r"[\w.+\-]+@(?:[\w\-]+\.)+[\w\-]+", "[EMAIL]", text)
    text = re.sub(r"(?i:http|https)://[^\s]+|[Ww]{3}\.\S+", "[LINK]", text)
    return re.sub(r"\d(?:[ \-]?\d){3}(?:[ \-]?\d)+", "[NUMBER]", text)


@personal.alternative
def one_pattern_after_another(text):
    for pattern, mark in (
        (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[EMAIL]"),
        (re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE), "[LINK]"),
        (re.compile(r"(?:\d[ -]?){4,}\d"), "[NUMBER]"),
    ):
        text = pattern.sub(mark, text)
    return text
