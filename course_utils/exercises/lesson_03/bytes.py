"""Lesson 03, section 3.1: characters and their bytes."""

from course_utils.exercises.exercise import case, coding, guess_question

count = guess_question(
    "03.1",
    title="How many bytes?",
    difficulty=1,
    minutes=1,
    given="the text `déjà vu 🎬`: nine characters, counting the two spaces",
    ask="How many bytes does it take in UTF-8?",
    answer=14,
    wrong={
        9: "only ASCII characters take one byte each; é, à and 🎬 take more",
        10: "that is the count of UTF-16 units, in which the clapperboard counts as two",
        18: "not every character takes two bytes: UTF-8 gives one, two, three or four",
        36: "four bytes for each character is UTF-32; UTF-8 spends them only where it must",
    },
    section="3.1",
    hints=[
        "ASCII takes one byte, accented Latin letters two, most Chinese characters three, emoji "
        "four.",
        "Six ASCII characters, two with an accent, one clapperboard.",
    ],
    why="6 × 1 + 2 × 2 + 1 × 4 = 14.",
)


def utf8_bytes(code_point: int) -> bytes:
    """The bytes of one character in UTF-8, given its number in Unicode (no surrogate)."""
    if code_point < 0x80:
        return bytes([code_point])
    if code_point < 0x800:
        head, following = 0b11000000, 1
    elif code_point < 0x10000:
        head, following = 0b11100000, 2
    else:
        head, following = 0b11110000, 3
    tail = []
    for _ in range(following):
        tail.append(0b10000000 | code_point & 0b111111)
        code_point >>= 6
    return bytes([head | code_point, *reversed(tail)])


utf8 = coding(
    "03.2",
    title="UTF-8 by hand",
    difficulty=3,
    minutes=10,
    given="the number of a character, such as 0xE9 for é; the table of section 3.1",
    reference=utf8_bytes,
    task="""The bytes of one character in UTF-8, given its number in Unicode (no surrogate).

    Below 0x80: the number itself, one byte.  Below 0x800: two bytes.  Below 0x10000: three.
    Otherwise: four.  Write the bits yourself: no `encode`.
    """,
    hints=[
        "Take six bits at a time off the right end: `code_point & 0b111111`, then "
        "`code_point >>= 6`. Each six become a following byte, with 10 in front.",
        "What is left over goes into the first byte, behind 110, 1110 or 11110.",
        "The six bits that you take off first are the last byte: turn the list round, then "
        "`bytes([head | code_point, *reversed(tail)])`.",
    ],
    why="The first byte says by its leading ones how many bytes there are, and every following "
    "byte begins with 10. So a reader who comes in the middle sees where a character begins.",
    then="which bytes from 0 to 255 never occur in UTF-8? There are thirteen.",
)


@utf8.cases
def code_points(draw):
    yield case(ord("é"))
    for number in (0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF, 0, ord("电")):
        yield case(number)
    yield case(draw.size(0x80, 0x7FF))
    yield case(draw.size(0x800, 0xD7FF))
    yield case(draw.size(0x10000, 0x10FFFF))


@utf8.oracle
def python_codec(code_point):
    return chr(code_point).encode("utf-8")


@utf8.wrong(
    "that is the plain number, in as many bytes as it needs; where are 110… and 10…?", "3.1"
)
def plain_big_endian(code_point):
    return code_point.to_bytes(max(1, (code_point.bit_length() + 7) // 8), "big")


@utf8.wrong("this is UTF-16: two bytes for most characters, four for the rest", "3.1")
def utf_16(code_point):
    return chr(code_point).encode("utf-16-be")


@utf8.wrong("Latin-1 has one byte a character and no room for anything above 255", "3.1")
def latin_1(code_point):
    return bytes([code_point & 0xFF])


utf8.wrong_edit(
    "bytes_in_reverse",
    old="*reversed(tail)",
    new="*tail",
    message="the following bytes are in reverse: the bits you took off first belong last",
    section="3.1",
)
utf8.wrong_edit(
    "following_bytes_unmarked",
    old="0b10000000 | code_point & 0b111111",
    new="code_point & 0b111111",
    message="a following byte begins with the bits 10, or nobody can tell it from ASCII",
    section="3.1",
)
utf8.wrong_edit(
    "seven_bits_at_a_time",
    old="code_point >>= 6",
    new="code_point >>= 7",
    message="a following byte carries six bits, because two of its eight are the mark 10",
    section="3.1",
)
utf8.wrong_edit(
    "no_character_of_four_bytes",
    old="head, following = 0b11110000, 3",
    new="head, following = 0b11101111, 2",
    message="right up to 0xFFFF; an emoji has a larger number and needs four bytes",
    section="3.1",
)


@utf8.alternative
def by_shifts(code_point):
    six = [code_point >> shift & 0x3F | 0x80 for shift in (0, 6, 12)]
    if code_point <= 0x7F:
        return bytes((code_point,))
    if code_point <= 0x7FF:
        return bytes((0xC0 + (code_point >> 6), six[0]))
    if code_point <= 0xFFFF:
        return bytes((0xE0 + (code_point >> 12), six[1], six[0]))
    return bytes((0xF0 + (code_point >> 18), six[2], six[1], six[0]))


@utf8.alternative
def as_text_of_bits(code_point):
    if code_point < 128:
        return code_point.to_bytes(1, "big")
    length = 2 + (code_point >= 0x800) + (code_point >= 0x10000)
    bits = f"{code_point:0{6 * (length - 1) + 7 - length}b}"
    first, rest = bits[: 7 - length], bits[7 - length :]
    parts = ["1" * length + "0" + first]
    parts += ["10" + rest[i : i + 6] for i in range(0, len(rest), 6)]
    return bytes(int(part, 2) for part in parts)
