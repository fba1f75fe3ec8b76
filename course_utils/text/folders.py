"""A corpus of your own: a folder of .txt and .md files, split without leakage.

What stands near each other in a file belongs together: the same names, the same story, sometimes
the same sentence twice. So a file is cut into blocks of neighbouring paragraphs, and a block falls
as a whole into train or validation, together with every block that shares wording with it.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from datasets import Dataset, DatasetDict

from course_utils import files
from course_utils.text import corpora, splitting
from course_utils.text.cleaning import clean_text, deduplicate
from course_utils.text.fetch_errors import DataError

KINDS = (".txt", ".md")
BLOCK_WORDS = 500  # about a page and a half
FEWEST_WORDS = 3  # a paragraph with fewer is a heading, a page number, a line of dashes

# What Markdown writes around words. The order counts: code first, it may hold all the others.
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_FENCED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ \t]*(?P=fence)[`~]*[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DISPLAYED = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_TARGET = r"\((?:[^()]|\([^()]*\))*\)"  # an address may hold one pair of brackets
_IMAGE = re.compile(r"!\[[^\]]*\]" + _TARGET)
_LINK = re.compile(r"\[([^\]]*)\]" + _TARGET)
_TABLE_RULE = re.compile(r"^(?=[^\n]*\|)[ \t:|-]*-[ \t:|-]*(?:\n|\Z)", re.MULTILINE)
_LINE = re.compile(r"^[ \t:-]*-[ \t:-]*$", re.MULTILINE)
_LINE_START = re.compile(
    r"^[ \t]{0,3}(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|\d+[.)][ \t]+)+", re.MULTILINE
)
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1")


def plain_markdown(text: str) -> str:
    """The words of a Markdown page: no front matter, code blocks, images, formulas, link targets.

    Headings, list items and quotes keep their words and lose their marks; of a link its text
    stays. Blank lines stay: they separate the paragraphs.

    Raises:
        TypeError: `text` is not a str.

    >>> plain_markdown("# A *fine* day\\n\\nSee [the map](map.md).\\n\\n```\\nx = 1\\n```\\n")
    'A fine day\\n\\nSee the map.\\n\\n\\n'
    """
    if not isinstance(text, str):
        raise TypeError(f"plain_markdown needs a str, not {type(text).__name__}.")
    text = _FRONT_MATTER.sub("", text.replace("\r\n", "\n"))
    for pattern in (_FENCED, _COMMENT, _DISPLAYED, _IMAGE, _TABLE_RULE, _LINE):
        text = pattern.sub("", text)
    text = _LINE_START.sub("", _LINK.sub(r"\1", text))
    text = _EMPHASIS.sub(r"\2", text)
    return re.sub(r"(?m)^[ \t]*\||\|[ \t]*$", "", text).replace(" | ", " ")


def paragraphs(text: str) -> list[str]:
    """The clean paragraphs of a text: what stands between blank lines, at least three words long.

    Where a piece without a blank line is longer than a block, and its lines end as sentences do,
    each line is a paragraph.

    Raises:
        TypeError: `text` is not a str.

    >>> paragraphs("Chapter 1\\n\\nIt was a dark\\nand stormy night.\\n\\n* * *\\n")
    ['It was a dark and stormy night.']
    """
    if not isinstance(text, str):
        raise TypeError(f"paragraphs needs a str, not {type(text).__name__}.")
    pieces = []
    for piece in re.split(r"\n[ \t\r]*\n", text.replace("\r\n", "\n")):
        long = len(piece.split()) > BLOCK_WORDS
        pieces += piece.split("\n") if long and not _is_wrapped(piece) else [piece]
    cleaned = map(clean_text, pieces)
    return [piece for piece in cleaned if len(re.findall(r"\w+", piece)) >= FEWEST_WORDS]


def _is_wrapped(piece: str) -> bool:
    """Whether line ends fall in the middle of sentences, as in a file of lines of equal width."""
    lines = [line.rstrip() for line in piece.split("\n")[:-1] if line.strip()]
    return sum(line.endswith((".", "!", "?", '"', "”", ":")) for line in lines) < len(lines) / 2


def blocks(lengths: Sequence[int], words: int = BLOCK_WORDS) -> list[int]:
    """The number of the block that each paragraph of a file belongs to, from 0 upwards.

    `lengths` are the paragraphs' words, in order. A block is closed as soon as it holds at least
    `words` of them; what is left at the end joins the block before when it has less than half.

    Raises:
        ValueError: `words` < 1, or a negative length.

    >>> blocks([30, 40, 50, 60, 10], words=60)
    [0, 0, 1, 1, 1]
    """
    if words < 1 or any(length < 0 for length in lengths):
        raise ValueError(f"Blocks need words >= 1 and lengths that are not negative, not {words}.")
    found, number, filled = [], 0, 0
    for length in lengths:
        if filled >= words:
            number, filled = number + 1, 0
        found.append(number)
        filled += length
    if number and 2 * filled < words:  # a small rest joins the block before
        found = [min(one, number - 1) for one in found]
    return found


def read_folder(path: str | os.PathLike) -> list[dict]:
    """The distinct clean paragraphs below a folder: `text`, `file` (relative) and `block`.

    Files and folders whose name begins with a dot are passed over, links to folders are not
    followed. Of paragraphs that count as the same, the first stays.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it is a file and no folder.
        DataError: it holds no .txt or .md file, or one that is not UTF-8, or no text.
    """
    folder = Path(path)
    if folder.is_file():
        raise ValueError(f"{folder} is a file: name the folder that holds your .txt and .md files.")
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}: put your .txt and .md files there.")
    found = []
    for file in _text_files(folder):
        name = file.relative_to(folder).as_posix()
        pieces = paragraphs(_read(file, name))
        numbers = blocks([len(piece.split()) for piece in pieces])
        found += [
            {"text": piece, "file": name, "block": f"{name}:{number}"}
            for piece, number in zip(pieces, numbers, strict=True)
        ]
    if not found:
        raise DataError(f"The files in {folder} hold no text: not one paragraph of three words.")
    return [found[index] for index in deduplicate([row["text"] for row in found])]


def _place(path: PurePath) -> tuple[str, ...]:
    """What files are sorted by: unlike paths, the same on every system, capitals first."""
    return path.parts


def _text_files(folder: Path) -> list[Path]:
    kept = []
    for file in sorted(folder.rglob("*"), key=lambda one: _place(one.relative_to(folder))):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in KINDS and not hidden and file.is_file():
            kept.append(file)
    if not kept:
        raise DataError(f"{folder} holds no .txt and no .md file: those two kinds are read.")
    return kept


def _read(file: Path, name: str) -> str:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(
            f"{name} is not UTF-8 (byte {problem.object[problem.start]:#04x} at place "
            f"{problem.start}): open it in an editor and save it as UTF-8."
        ) from None
    return plain_markdown(text) if file.suffix.lower() == ".md" else text


def from_folder(path: str | os.PathLike, validation_share: float = 0.1) -> DatasetDict:
    """Your own folder as a corpus: `text` and `file`, in the splits train and validation.

    The side of a block is read from a hash of its first paragraph (`splitting.split_of`), so it
    depends neither on the machine nor on other files, unless they repeat some of its text: blocks
    that share a near-duplicate move as one. Rows stand in the order of the files.

    Args:
        path: a folder; .txt and .md files below it are read, as UTF-8.
        validation_share: about which part of the blocks is held out, between 0 and 1.

    Raises:
        FileNotFoundError, ValueError, DataError: as `read_folder`; ValueError also for a share
            outside (0, 1), DataError also when one of the sides would stay empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     for name in ("apple", "pear", "plum", "fig", "quince", "cherry", "lemon", "lime"):
    ...         _ = (Path(home) / f"{name}.txt").write_text(f"All I know about the {name}.")
    ...     mine = from_folder(home, validation_share=0.5)
    >>> len(mine["train"]) + len(mine["validation"])
    8
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, not {validation_share}.")
    rows = read_folder(path)
    texts, groups = [row["text"] for row in rows], [row["block"] for row in rows]
    heads = splitting.families(texts, groups)
    sides: dict[str, list[dict]] = {"train": [], "validation": []}
    for head, row in zip(heads, rows, strict=True):
        # Hashed again: the digest of a short text may be what another table was sorted by.
        place = hashlib.sha256(splitting.digest(rows[head]["text"]).encode()).hexdigest()
        side = splitting.split_of(place, 0.0, validation_share)
        sides[side].append({"text": row["text"], "file": row["file"]})
    for side, kept in sides.items():
        if not kept:
            raise DataError(
                f"No text of {path} fell into {side}: its {len(set(heads))} blocks are too few "
                "for this share; add text or choose another validation_share."
            )
    return DatasetDict({side: Dataset.from_list(kept) for side, kept in sides.items()})


def course_folder(
    out: str | os.PathLike | None = None, articles: int | None = None, lessons: bool = False
) -> Path:
    """Write a folder of text that comes with the course, for those who bring none of their own.

    `encyclopedia/` holds passages of Wikipedia, one file for each article (the training part of
    BoolQ; CC BY-SA 3.0): prose of another kind than the film reviews that course-bert has read.
    An existing folder is replaced.

    Args:
        out: where to write it; None means `build/course-text`.
        articles: at most so many articles; None means all.
        lessons: add `course/`, the prose of the lessons (CC BY 4.0); it changes when they do.

    Raises:
        ValueError: `articles` is negative.
        DataError: the passages cannot be had.
    """
    if articles is not None and articles < 0:
        raise ValueError(f"articles must be 0 or more, not {articles}.")
    out = files.build_dir() / "course-text" if out is None else Path(out)
    passages: dict[str, dict[str, None]] = {}
    for row in corpora.load("boolq")["train"]:
        passages.setdefault(row["title"], {})[row["passage"]] = None
    with files.atomic_folder(out) as draft:
        (draft / "encyclopedia").mkdir()
        for number, title in enumerate(sorted(passages)[:articles]):
            name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40]
            text = "\n\n".join(passages[title]) + "\n"
            (draft / "encyclopedia" / f"{number:05d}-{name}.txt").write_text(text, "utf-8")
        if lessons:
            _write_lessons(draft / "course")
    return out


def _write_lessons(folder: Path) -> None:
    """The Markdown of each lesson as a file of its own."""
    folder.mkdir()
    for path in sorted((files.data_dir().parent / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        prose = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
        (folder / f"{path.stem}.md").write_text("\n\n".join(prose), "utf-8")
