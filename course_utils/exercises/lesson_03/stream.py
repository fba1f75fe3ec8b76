"""Lesson 03, section 3.1: a silent bug in showing bytes as they come."""

import codecs

from course_utils.exercises.exercise import case, coding


def shown_as_it_arrives(pieces: list[bytes]) -> list[str]:
    """What a reader sees after each piece of a UTF-8 text; a half character waits for its rest.

    There is one str for each piece, perhaps empty, and together they are the whole text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [decoder.decode(piece) for piece in pieces]


def shown_with_a_bug(pieces: list[bytes]) -> list[str]:
    """What a reader sees after each piece of a UTF-8 text; a half character waits for its rest.

    There is one str for each piece, perhaps empty, and together they are the whole text.
    """
    return [piece.decode("utf-8", errors="replace") for piece in pieces]


stream = coding(
    "03.3",
    title="The chat that stutters",
    difficulty=3,
    minutes=8,
    given="a function that shows a model's text token by token. It never fails, English looks "
    "perfect, and 电影 comes out as ������",
    reference=shown_as_it_arrives,
    buggy=shown_with_a_bug,
    hints=[
        "A token of byte-level BPE may end in the middle of a character. What does "
        '`b"\\xe7\\x94".decode("utf-8", errors="replace")` give?',
        "Keep the bytes that are not yet a whole character, and put the next piece behind them.",
        'The standard library has this ready: `codecs.getincrementaldecoder("utf-8")()`, whose '
        "`decode(piece)` remembers.",
    ],
    why="Half a character is not broken, only unfinished. Something has to remember it from one "
    "piece to the next, and that is what an incremental decoder is for.",
    then="what should happen if the text ends in the middle of a character?",
)


@stream.cases
def streams(draw):
    yield case([b"ok ", b"\xe7\x94", b"\xb5!"])
    yield case([bytes([byte]) for byte in "电影 🎬 fin".encode()])
    for alphabet in ("a é电🎬", "naïve 中文 film "):
        data = "".join(draw.choice(alphabet) for _ in range(draw.size(12, 20))).encode()
        pieces = []
        while data:
            length = draw.size(1, 5)
            pieces.append(data[:length])
            data = data[length:]
        yield case(pieces)
    yield case([b"plain ", b"", b"ASCII"])
    yield case([b"A \xe7", b"\x94\xb5", b"."])


@stream.oracle
def whole_characters_so_far(pieces):
    """Python's codec over everything up to each piece: `ignore` drops the unfinished end."""
    seen = [b"".join(pieces[: i + 1]).decode("utf-8", errors="ignore") for i in range(len(pieces))]
    return [after[len(before) :] for before, after in zip(["", *seen], seen, strict=False)]


@stream.wrong("no more �, but now the characters that were cut are lost altogether", "3.1")
def cut_characters_dropped(pieces):
    return [piece.decode("utf-8", errors="ignore") for piece in pieces]


@stream.wrong("Latin-1 never fails because every byte is a letter in it, the wrong letter", "3.1")
def read_as_latin_1(pieces):
    return [piece.decode("latin-1") for piece in pieces]


@stream.wrong("the text is right, but the reader has to wait for the last piece to see any", "3.1")
def everything_at_the_end(pieces):
    return [""] * (len(pieces) - 1) + [b"".join(pieces).decode("utf-8")]


@stream.wrong("a half character is shown as � first, and that � is never taken back", "3.1")
def never_takes_it_back(pieces):
    shown, told = [], ""
    for place in range(len(pieces)):
        text = b"".join(pieces[: place + 1]).decode("utf-8", errors="replace")
        shown.append(text[len(told) :])
        told = text
    return shown


@stream.wrong("bytes that have been shown have to leave the buffer, or they are shown again", "3.1")
def never_empties_the_buffer(pieces):
    waiting, shown = b"", []
    for piece in pieces:
        waiting += piece
        shown.append(waiting.decode("utf-8", errors="ignore"))
    return shown


@stream.wrong("whole characters wait together with the half one: show at once what is whole", "3.1")
def whole_characters_wait_too(pieces):
    waiting, shown = b"", []
    for piece in pieces:
        waiting += piece
        try:
            shown.append(waiting.decode("utf-8"))
            waiting = b""
        except UnicodeDecodeError:
            shown.append("")
    return shown


@stream.wrong("a piece with half a character is dropped altogether, whole ones and all", "3.1")
def forgets_the_half(pieces):
    shown = []
    for piece in pieces:
        try:
            shown.append(piece.decode("utf-8"))
        except UnicodeDecodeError:
            shown.append("")
    return shown


@stream.alternative
def with_a_buffer(pieces):
    waiting, shown = b"", []
    for piece in pieces:
        waiting += piece
        try:
            shown.append(waiting.decode("utf-8"))
            waiting = b""
        except UnicodeDecodeError as error:
            shown.append(waiting[: error.start].decode("utf-8"))
            waiting = waiting[error.start :]
    return shown


@stream.alternative
def by_prefixes(pieces):
    data, told, shown = b"", 0, []
    for piece in pieces:
        data += piece
        text = data.decode("utf-8", errors="ignore")
        shown.append(text[told:])
        told = len(text)
    return shown
