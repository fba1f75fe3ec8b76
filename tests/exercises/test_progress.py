"""Progress: kept, shared by two notebooks, never lost silently."""

import json
import multiprocessing
import os

import filelock
import pytest

from course_utils import check, guess, hint
from course_utils.exercises import commands, progress


def right(q, k):
    return q @ k.transpose(-2, -1) / q.size(-1) ** 0.5


def test_nothing_is_written_for_what_was_not_attempted(own_progress):
    check("00.2", None)
    guess("00.3", ...)
    assert not own_progress.exists()


def test_attempts_are_counted_and_correct_stays_correct(own_progress):
    check("00.2", lambda q, k: q @ k.mT)
    check("00.2", right)
    check("00.2", lambda q, k: q[99])
    content = json.loads(own_progress.read_text())
    assert content == {
        "version": 1,
        "exercises": {"00.2": {"attempts": 3, "status": "correct"}},
    }


def _record_many(path, own, times):
    os.environ["COURSE_PROGRESS"] = path
    for _ in range(times):
        assert progress.record(own, "wrong") == ""
        assert progress.record("00.3", "wrong") == ""


def test_two_notebooks_at_once_lose_nothing(own_progress):
    start = multiprocessing.get_context("spawn").Process
    both = [start(target=_record_many, args=(str(own_progress), id, 25)) for id in ("00.1", "00.2")]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
        assert one.exitcode == 0
    entries, message = progress.load()
    assert {id: entry["attempts"] for id, entry in entries.items()} == {
        "00.1": 25,
        "00.2": 25,
        "00.3": 50,
    }
    assert message == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"{}", b'{"version": "1", "exercises": {}}', b"null"]
    + [b'{"version": 1, "exercises": []}', b'{"version": 1, "exercises": {"00.2": 3}}'],
)
def test_a_corrupt_file_is_set_aside_with_a_message(own_progress, content):
    own_progress.write_bytes(content)
    outcome = check("00.2", right)
    assert outcome.correct
    aside = own_progress.with_name("progress.unreadable-1.json")
    assert aside.read_bytes() == content
    assert dict(outcome.details)["progress"] == (
        f"the progress file could not be read: it is kept as {aside}, and a new one was begun"
    )
    assert progress.load() == ({"00.2": {"attempts": 1, "status": "correct"}}, "")


def test_a_look_at_a_guess_leaves_a_corrupt_file_to_the_next_record(own_progress):
    own_progress.write_bytes(b"{")
    assert progress.recorded_guess("00.3") is None
    assert own_progress.read_bytes() == b"{"
    assert "progress" in dict(check("00.2", right).details)


def test_a_lesson_may_be_named_without_its_nought_and_has_to_exist(own_progress):
    progress.record("04.2", "wrong")
    assert commands.reset("4") == "Forgotten: progress in 04."
    assert progress.load()[0] == {}
    with pytest.raises(ValueError, match='There is no "99"'):
        commands.reset("99")


def test_a_second_corrupt_file_does_not_replace_the_first(own_progress):
    for content in ("first", "second"):
        own_progress.write_text(content)
        progress.record("00.2", "wrong")
    assert own_progress.with_name("progress.unreadable-1.json").read_text() == "first"
    assert own_progress.with_name("progress.unreadable-2.json").read_text() == "second"


def test_a_file_of_a_newer_version_is_left_alone(own_progress):
    content = '{"version": 99, "exercises": {"00.2": {"stars": 5}}}'
    own_progress.write_text(content)
    outcome = check("00.2", right)
    assert outcome.correct
    assert "newer version of the course" in dict(outcome.details)["progress"]
    assert own_progress.read_text() == content


def test_a_place_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    outcome = check("00.2", right)
    assert outcome.correct
    assert "cannot be written" in dict(outcome.details)["progress"]
    assert "hint 1 of 3" in str(hint("00.2"))


def test_a_lock_that_is_never_released_is_said(own_progress, monkeypatch):
    monkeypatch.setattr(progress, "WAIT", 0.1)
    with filelock.FileLock(f"{own_progress}.lock"):
        outcome = check("00.2", right)
    assert "another program" in dict(outcome.details)["progress"]


def test_reset_forgets_an_exercise_a_lesson_or_all():
    for id in ("00.2", "00.3", "01.2"):
        progress.record(id, "wrong")
    progress.reset("00.3")
    assert set(progress.load()[0]) == {"00.2", "01.2"}
    progress.reset("00")
    assert set(progress.load()[0]) == {"01.2"}
    assert commands.reset() == "Forgotten: all progress."
    assert progress.load()[0] == {}


def test_the_table_and_its_json():
    check("00.2", right)
    check("00.4", "a")
    hint("00.4")
    rows = {row["id"]: row for row in json.loads(commands.progress_table(True))["exercises"]}
    assert rows["00.2"]["status"] == "correct"
    assert rows["00.3"]["status"] == "not attempted"
    assert (rows["00.4"]["status"], rows["00.4"]["attempts"], rows["00.4"]["hints"]) == (
        "wrong",
        1,
        1,
    )
    assert "lesson 00: 1 of 6 correct" in commands.progress_table()


def test_the_table_tells_of_a_corrupt_file(own_progress):
    own_progress.write_text("nonsense")
    assert commands.progress_table().startswith("the progress file could not be read")
