"""Files are written whole or not at all, and found from anywhere."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_holds_the_bytes_and_nothing_else_is_left(tmp_path):
    path = files.atomic_write(tmp_path / "deep" / "er" / "note.txt", "Zeile\r\nété\n")
    assert path.read_bytes() == "Zeile\r\nété\n".encode()
    assert names(path.parent) == ["note.txt"]
    files.atomic_write(path, bytearray(b"again"))
    assert path.read_bytes() == b"again"


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    atomic = files.atomic_write(tmp_path / "atomic", "")
    assert atomic.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_only_bytes_and_text_are_written(tmp_path):
    with pytest.raises(TypeError, match="needs bytes or str, not dict"):
        files.atomic_write(tmp_path / "x", {})
    assert names(tmp_path) == []


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = files.atomic_write(tmp_path / "x", "old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.atomic_write(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
def test_a_folder_that_was_not_finished_never_appears(tmp_path, error):
    target = tmp_path / "model"
    with pytest.raises(error), files.atomic_folder(target) as folder:
        (folder / "half").write_text("x")
        raise error
    assert names(tmp_path) == []


def test_a_folder_replaces_an_older_one_as_a_whole(tmp_path):
    target = tmp_path / "model"
    for content in ("one", "two"):
        with files.atomic_folder(target) as folder:
            (folder / content).write_text(content)
    assert names(target) == ["two"]
    assert names(tmp_path) == ["model"]
    with pytest.raises(RuntimeError), files.atomic_folder(target) as folder:
        raise RuntimeError
    assert names(target) == ["two"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_exchange_of_folders_loses_neither(tmp_path, monkeypatch, error):
    target = tmp_path / "model"
    with files.atomic_folder(target) as folder:
        (folder / "one").write_text("1")
    real, calls = os.replace, []

    def interrupted(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise error
        real(*paths)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(error), files.atomic_folder(target) as folder:
        (folder / "two").write_text("2")
    assert names(target) == ["one"]
    assert names(tmp_path) == ["model"]


def test_a_folder_does_not_take_the_place_of_a_file(tmp_path):
    (tmp_path / "notes").write_text("mine")
    with (
        pytest.raises(NotADirectoryError, match="is a file"),
        files.atomic_folder(tmp_path / "notes"),
    ):
        pass
    assert (tmp_path / "notes").read_text() == "mine"


def test_what_a_killed_process_left_is_swept_and_its_neighbours_stay(tmp_path):
    program = """
import os, signal, sys
from pathlib import Path
from course_utils import files
with files.atomic_folder(Path(sys.argv[1]) / "table") as folder:
    (folder / "half").write_text("x")
    print("inside", flush=True)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.DEVNULL)
    left = names(tmp_path)
    assert len(left) == 1 and left[0].startswith(".partial-table-")
    (tmp_path / ".partial-other-1").write_text("another's")
    (tmp_path / "table").mkdir()
    files.sweep(tmp_path / "table")
    assert names(tmp_path) == [".partial-other-1", "table"]
    files.sweep(tmp_path / "nowhere" / "table")  # nothing there, nothing to do


def test_hashes_are_those_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert files.sha256_file(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()
    with pytest.raises(FileNotFoundError):
        files.sha256_file(tmp_path / "none")


def test_folders_are_found_from_another_working_directory(tmp_path, monkeypatch):
    before = (files.repo_root(), files.data_dir(), files.build_dir())
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert (files.repo_root(), files.data_dir(), files.build_dir()) == before
    assert files.cache_dir() == files.data_dir() / "cache"
    assert (files.data_dir() / "sources.toml").is_file()


def test_course_data_moves_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    assert files.cache_dir() == (tmp_path / "elsewhere").resolve()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", "relative")
    assert files.cache_dir() == (tmp_path / "relative").resolve()
    monkeypatch.setenv("COURSE_DATA", "~/corpora")
    assert files.cache_dir() == Path("~/corpora").expanduser().resolve()


def test_without_a_checkout_the_cache_is_the_users_and_the_data_folder_is_missed(monkeypatch):
    monkeypatch.setattr(files, "repo_root", lambda: None)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert files.cache_dir().name == "course-utils"
    with pytest.raises(FileNotFoundError, match="work in a checkout"):
        files.data_dir()


def test_a_checkpoint_that_is_not_there_is_told_with_those_that_are(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "data_dir", lambda: tmp_path)
    for name in ("course-bert", "course-bert-early-1"):
        files.atomic_write(tmp_path / "checkpoints" / name / "config.json", "{}")
    assert files.checkpoint_dir().name == "course-bert"
    with pytest.raises(FileNotFoundError, match="'tiny'.*course-bert, course-bert-early-1"):
        files.checkpoint_dir("tiny")


def test_a_model_is_told_by_its_weights_and_its_twin_by_its_shape(tmp_path):
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text(name)
    trained, twin = files.fingerprint(tmp_path), files.fingerprint(tmp_path, untrained=True)
    (tmp_path / "model.safetensors").write_text("other weights")
    assert files.fingerprint(tmp_path) != trained
    assert files.fingerprint(tmp_path, untrained=True) == twin
    (tmp_path / "tokenizer.json").write_text("another vocabulary")
    assert files.fingerprint(tmp_path, untrained=True) != twin
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors in"):
        files.fingerprint(tmp_path / "none")
