"""Your own folder: what is read, what is refused, and that no wording stands on two sides."""

import itertools
import random
from pathlib import PureWindowsPath

import pytest

from course_utils.text import corpora, folders
from course_utils.text.cleaning import duplicate_key, near_duplicates
from course_utils.text.fetch_errors import DataError


def story(seed, words=40):
    """A paragraph of made-up words that no other seed shares."""
    dice = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(dice.choices(letters, k=7)) for _ in range(words)) + "."


@pytest.fixture
def home(tmp_path):
    """Thirty files of two pages each, in two folders."""
    for number in range(30):
        pages = [story(1000 * number + page) for page in range(40)]
        place = tmp_path / ("notes" if number % 2 else "diary") / f"{number:02d}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text("\n\n".join(pages), "utf-8")
    return tmp_path


def test_every_paragraph_is_there_once_and_a_block_stays_together(home):
    rows = folders.read_folder(home)
    assert len(rows) == 30 * 40
    sides = folders.from_folder(home, validation_share=0.3)
    held_out = set(sides["validation"]["text"])
    assert held_out | set(sides["train"]["text"]) == {row["text"] for row in rows}
    assert not held_out & set(sides["train"]["text"])
    for _, block in itertools.groupby(rows, key=lambda row: row["block"]):
        assert len({row["text"] in held_out for row in block}) == 1
    assert 0.15 < len(held_out) / len(rows) < 0.45


def test_the_split_does_not_depend_on_the_other_files(home):
    before = folders.from_folder(home, validation_share=0.3)
    for number in range(0, 30, 2):
        (home / "diary" / f"{number:02d}.txt").unlink()
    after = folders.from_folder(home, validation_share=0.3)
    for side in ("train", "validation"):
        assert set(after[side]["text"]) < set(before[side]["text"])


def test_near_duplicates_pull_their_blocks_to_one_side(home):
    shared = story("shared")
    for number in range(6):
        (home / f"copy{number}.txt").write_text(f"{story(f'own{number}')}\n\n{shared} {number}.")
    sides = folders.from_folder(home, validation_share=0.3)
    texts = [*sides["train"]["text"], *sides["validation"]["text"]]
    border = len(sides["train"])
    assert not [(a, b) for a, b, _ in near_duplicates(texts) if a < border <= b]
    where = {side for side in sides for file in sides[side]["file"] if file.startswith("copy")}
    assert len(where) == 1


def test_equal_paragraphs_count_once(tmp_path):
    for name in ("a", "b"):
        text = f"The same words HERE!\n\nOnly in file {name}, {story(name)}"
        (tmp_path / f"{name}.txt").write_text(text)
    rows = folders.read_folder(tmp_path)
    assert len(rows) == 3
    assert len({duplicate_key(row["text"]) for row in rows}) == 3


def test_hidden_things_and_other_kinds_are_passed_over(tmp_path):
    for name in (".git/log.txt", "sub/.draft.md", "a.py", "sub/b.MD", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}: {story(name)}")
    assert [row["file"] for row in folders.read_folder(tmp_path)] == ["c.txt", "sub/b.MD"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffOne two three.\r\n\r\nFour five six.\r\n".encode())
    rows = folders.read_folder(tmp_path)
    assert [row["text"] for row in rows] == ["One two three.", "Four five six."]


def test_a_book_of_one_line_a_paragraph_is_cut_at_its_lines():
    lines = [story(number) for number in range(30)]
    assert folders.paragraphs("\n".join(lines)) == lines
    wrapped = " ".join(lines).replace(" ", "\n")  # a line end says nothing here
    assert folders.paragraphs(wrapped) == [" ".join(lines)]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("---\ntitle: x\n---\nHello there you.", "Hello there you."),
        ("## A heading of four", "A heading of four"),
        ("> quoted **bold** and `code` words", "quoted bold and code words"),
        ("- one two three\n- four five six", "one two three four five six"),
        ("![a picture](x.png) words after the picture", "words after the picture"),
        ("[a link](http://example.invalid) in a line", "a link in a line"),
        ("before it all\n\n~~~\n# no\n~~~\n\nafter it all", "before it all after it all"),
        ("a formula $$x\n= 1$$ in it", "a formula in it"),
        ("| a b c | d |\n|---|---|\n| e | f |", "a b c d e f"),
        ("2 * 3 * 4 stays and snake_case too", "2 * 3 * 4 stays and snake_case too"),
        ("1. first of all\n2. then the rest", "first of all then the rest"),
    ],
)
def test_markdown_keeps_its_words(page, words):
    assert " ".join(folders.plain_markdown(page).split()) == words


@pytest.mark.parametrize(
    "middle",
    [
        "## Four five six",
        "- four five six",
        "> four five six",
        "1. four five six",
        "| four | five six |",
        "| four | five six |\n|---|---|",
    ],
)
def test_the_blank_lines_of_markdown_stay(middle):
    page = f"One two three.\n\n{middle}\n\nSeven eight nine."
    found = folders.paragraphs(folders.plain_markdown(page))
    assert [found[0], found[1].lower(), found[2]] == [
        "One two three.", "four five six", "Seven eight nine."
    ]  # fmt: skip


def test_code_goes_and_prose_stays_whatever_the_fence():
    nested = "````md\n```py\nx = 1\n```\n````\n\nSome good prose.\n\n```\ny = 2\n```\nThe end.\n"
    assert folders.plain_markdown(nested).split() == ["Some", "good", "prose.", "The", "end."]
    indented = "1. Install it\n\n   ```bash\n   pip install foo\n   ```\n\n2. Run it\n"
    assert folders.plain_markdown(indented).split() == ["Install", "it", "Run", "it"]


def test_an_address_may_hold_brackets():
    assert folders.plain_markdown("[Jaws](https://x/Jaws_(film)) is.") == "Jaws is."


def test_files_have_one_order_on_every_system():
    windows = map(PureWindowsPath, ("a.txt", "B.txt"))
    assert [path.name for path in sorted(windows, key=folders._place)] == ["B.txt", "a.txt"]


@pytest.mark.parametrize("seed", range(20))
def test_blocks_are_neighbours_and_large_enough(seed):
    dice = random.Random(seed)
    lengths = [dice.randrange(1, 90) for _ in range(dice.randrange(1, 60))]
    numbers = folders.blocks(lengths, words=100)
    assert numbers == sorted(numbers) and set(numbers) == set(range(max(numbers) + 1))
    sizes = [sum(n for n, b in zip(lengths, numbers, strict=True) if b == k) for k in set(numbers)]
    assert len(sizes) == 1 or min(sizes) >= 50
    assert max(sizes) < 100 + 90 + 50


def test_an_empty_file_has_no_blocks():
    assert folders.blocks([]) == []


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(DataError, match=r"no \.txt and no \.md file"):
        folders.from_folder(tmp_path)
    (tmp_path / "a.txt").write_text("...\n\n1\n\n* * *")
    with pytest.raises(DataError, match="hold no text"):
        folders.from_folder(tmp_path)
    (tmp_path / "a.txt").write_text(story(1))
    with pytest.raises(DataError, match="its 1 blocks are too few"):
        folders.from_folder(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_bytes(b"caf\xe9 au lait")
    with pytest.raises(DataError, match=r"sub/b.txt is not UTF-8 \(byte 0xe9 at place 3\)"):
        folders.from_folder(tmp_path)


def test_the_folder_that_comes_with_the_course(tmp_path, monkeypatch):
    passages = [{"title": "The Rain / in Spain", "passage": story(n)} for n in (1, 2, 2)]
    passages.append({"title": "Another", "passage": story(3)})
    monkeypatch.setattr(corpora, "load", lambda name: {"train": passages})
    out = folders.course_folder(tmp_path / "text", lessons=True)
    names = sorted(path.name for path in (out / "encyclopedia").iterdir())
    assert names == ["00000-another.txt", "00001-the-rain-in-spain.txt"]
    assert (out / "encyclopedia" / names[1]).read_text() == f"{story(1)}\n\n{story(2)}\n"
    lessons = [row for row in folders.read_folder(out) if row["file"].startswith("course/")]
    assert len(lessons) > 50
    few = folders.course_folder(tmp_path / "few", articles=1)
    assert [path.parent.name for path in few.rglob("*.*")] == ["encyclopedia"]
