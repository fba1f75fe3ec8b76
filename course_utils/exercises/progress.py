"""What a learner has done so far, in one small file, so that it survives a restart.

    {"version": 1, "exercises": {"04.2": {"status": "correct", "attempts": 3, "hints": 1}}}

The file lies in the user's data folder (`COURSE_PROGRESS` names another). It is written as a whole,
under a lock, so that two notebooks may be open at once. A file that cannot be read is set aside
under another name and said so; a file from a newer version of the course is left alone.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from course_utils.files import atomic_write

VERSION = 1
WAIT = 2.0  # seconds to wait for another notebook that is just writing
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a damaged file gives

Entries = dict[str, dict[str, Any]]


def progress_path() -> Path:
    """Where progress is kept."""
    chosen = os.environ.get("COURSE_PROGRESS", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_data_dir("course-utils")) / "progress.json"


def load() -> tuple[Entries, str]:
    """All entries, and a message ("" when all is well)."""
    path = progress_path()
    try:
        return _read(path), ""
    except FileNotFoundError:
        return {}, ""
    except UNREADABLE:
        return {}, _set_aside(path)


def _read(path: Path) -> Entries:
    """The entries of a file; one of UNREADABLE where it is none of ours."""
    content = json.loads(path.read_text(encoding="utf-8"))
    version, entries = content["version"], content["exercises"]
    if not isinstance(version, int) or not all(isinstance(e, dict) for e in entries.values()):
        raise ValueError("not the layout of a progress file")
    if version > VERSION:
        raise NewerProgress(
            f"{path} was written by a newer version of the course: it is left as it is, and "
            "nothing is recorded; update the course, or set COURSE_PROGRESS to another file."
        )
    return entries


class NewerProgress(RuntimeError):
    """The progress file has a later layout than this version of the course knows."""


def update(change: Callable[[Entries], Any]) -> str:
    """Apply `change` to the entries under a lock; a message when that did not go smoothly."""
    path = progress_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock", timeout=WAIT):
            entries, message = load()
            change(entries)
            text = json.dumps({"version": VERSION, "exercises": entries}, indent=1, sort_keys=True)
            atomic_write(path, text + "\n")
        return message
    except filelock.Timeout:
        return f"your progress was not saved: another program has been writing {path} for long"
    except NewerProgress as newer:
        return str(newer)
    except OSError as error:
        return f"your progress was not saved: {path} cannot be written ({error.strerror or error})"


def record(id: str, status: str) -> str:
    """Count one attempt. Once correct, an exercise stays correct."""

    def change(entries: Entries):
        entry = entries.setdefault(id, {})
        entry["attempts"] = entry.get("attempts", 0) + 1
        if entry.get("status") != "correct":
            entry["status"] = status

    return update(change)


def next_hint(id: str, how_many: int) -> tuple[int, str]:
    """The place of the hint to show now; after the last one it stays at the last."""
    place = 0

    def change(entries: Entries):
        nonlocal place
        entry = entries.setdefault(id, {})
        place = min(entry.get("hints", 0), how_many - 1)
        entry["hints"] = place + 1

    message = update(change)
    return place, message


def record_guess(id: str, value) -> str:
    """Write a prediction down."""
    value = value if isinstance(value, str | int | float | bool) else str(value)
    return update(lambda entries: entries.setdefault(id, {}).update(guess=value))


def recorded_guess(id: str):
    """The prediction that was written down, or None."""
    try:
        return _read(progress_path()).get(id, {}).get("guess")
    except (NewerProgress, OSError, *UNREADABLE):  # `update` sets it aside, and says so
        return None


def reset(prefix: str = "") -> str:
    """Forget everything, one lesson ("04") or one exercise ("04.2")."""

    def change(entries: Entries):
        for id in list(entries):
            if prefix in ("", id, id.split(".")[0]):
                del entries[id]

    return update(change)


def _set_aside(path: Path) -> str:
    """Rename an unreadable file; say where it is."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.unreadable-{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, aside)
    return f"the progress file could not be read: it is kept as {aside}, and a new one was begun"
