"""Where things lie, and how to write a file so that nobody ever reads half of it.

A file is first written beside its final place under a temporary name and then renamed: on one
disk a rename either happens or does not. Whoever is killed in the middle leaves a stray temporary
file, never a broken result.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

TEMPORARY_PREFIX = ".partial-"


def repo_root() -> Path | None:
    """The checkout that this package is run from, or None when it was installed without one.

    >>> root = repo_root()
    >>> root is None or (root / "data" / "sources.toml").is_file()
    True
    """
    root = Path(__file__).resolve().parent.parent
    return root if (root / "data" / "sources.toml").is_file() else None


def data_dir() -> Path:
    """The repository's `data` folder: pinned sources, reference curves, checkpoints.

    Raises:
        FileNotFoundError: the package was installed without its repository.
    """
    root = repo_root()
    if root is None:
        raise FileNotFoundError(
            "The course's data folder was not found: work in a checkout of the repository, "
            "installed with `pip install -e .`."
        )
    return root / "data"


def cache_dir() -> Path:
    """Where fetched text and weights are kept: `COURSE_DATA`, else `data/cache`, else the user's.

    The folder is not created here. The last case is for a package installed without a checkout.
    """
    chosen = os.environ.get("COURSE_DATA", "").strip()
    if chosen:
        return Path(chosen).expanduser().resolve()
    root = repo_root()
    if root is not None:
        return root / "data" / "cache"
    return Path(platformdirs.user_cache_dir("course-utils"))


def checkpoint_dir(name: str = "course-bert") -> Path:
    """The folder of a model that comes with the course: "course-bert", or a snapshot of its run.

    Raises:
        FileNotFoundError: there is no such checkpoint; the message names those that there are.
    """
    home = data_dir() / "checkpoints"
    if not (home / name / "config.json").is_file():
        there = ", ".join(sorted(p.parent.name for p in home.glob("*/config.json"))) or "none"
        raise FileNotFoundError(f"There is no checkpoint {name!r} in data/checkpoints: {there}.")
    return home / name


def fingerprint(folder: str | os.PathLike, untrained: bool = False) -> str:
    """Twelve digits that tell which model lies in a folder, so that runs of two are never mixed.

    They stand for the weights; of its `untrained` twin, which has none, for shape and vocabulary.

    >>> fingerprint(checkpoint_dir()) == fingerprint(checkpoint_dir("course-bert-step-500"))
    False
    >>> twins = [fingerprint(checkpoint_dir(name), untrained=True)
    ...          for name in ("course-bert", "course-bert-step-500")]
    >>> twins[0] == twins[1]
    True

    Raises:
        FileNotFoundError: the folder holds no such model.
    """
    digest = hashlib.sha256()
    for name in ("config.json", "tokenizer.json") if untrained else ("model.safetensors",):
        if not (Path(folder) / name).is_file():
            raise FileNotFoundError(f"There is no {name} in {Path(folder)}.")
        digest.update((Path(folder) / name).read_bytes())
    return digest.hexdigest()[:12]


def build_dir() -> Path:
    """Where reports and executed lessons go: `build` in the checkout, else in the working folder.

    >>> build_dir().name
    'build'
    """
    return (repo_root() or Path.cwd()) / "build"


def sha256_file(path: str | os.PathLike) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def atomic_write(path: str | os.PathLike, content: bytes | str) -> Path:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a mixture.

    Text is written as UTF-8 with newlines as they are. Missing parent folders are made.

    Raises:
        TypeError: `content` is neither bytes nor str.
        OSError: the disk is full or the place is not writable; nothing is left behind.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atomic_write(Path(folder) / "a" / "b.txt", "été").read_bytes()
    b'\\xc3\\xa9t\\xc3\\xa9'
    """
    if isinstance(content, str):
        content = content.encode("utf-8")
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"atomic_write needs bytes or str, not {type(content).__name__}.")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Fill a temporary folder; it becomes `path` only when the block ends without an error.

    An existing folder at `path` is replaced as a whole. On any error, Ctrl-C included, the
    temporary folder is removed and the old one stays.

    Raises:
        OSError: the place is not writable, or a file has that name.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with atomic_folder(Path(home) / "model") as folder:
    ...         _ = (folder / "config.json").write_text("{}")
    ...     sorted(p.name for p in Path(home).rglob("*"))
    ['config.json', 'model']
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file: name a folder, or remove the file first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())
        _replace_folder(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _replace_folder(temporary: Path, path: Path) -> None:
    """Put `temporary` at `path`; a folder cannot be renamed over another, so move that one away."""
    if not path.exists():
        os.replace(temporary, path)
        return
    old = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
    try:
        os.replace(path, old / "old")
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C may come between the two
        if not path.exists() and (old / "old").exists():
            os.replace(old / "old", path)
        raise
    finally:
        if path.exists():  # or the only copy lies in there
            shutil.rmtree(old, ignore_errors=True)


def sweep(path: str | os.PathLike) -> None:
    """Remove what killed processes left beside `path` while writing it.

    Call it only when no other process is writing `path`, such as while holding its lock.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     _ = (Path(home) / ".partial-table-x1y2").write_text("half")
    ...     sweep(Path(home) / "table")
    ...     list(Path(home).iterdir())
    []
    """
    path = Path(path)
    for _ in range(20):  # a killed process may have left a child that still writes for a moment
        strays = [p for p in path.parent.glob(".*") if p.name.startswith(_prefix(path))]
        for stray in strays:
            if stray.is_dir():
                shutil.rmtree(stray, ignore_errors=True)
            else:
                stray.unlink(missing_ok=True)
        if not any(stray.exists() for stray in strays):
            return
        time.sleep(0.05)


def _prefix(path: Path) -> str:
    return f"{TEMPORARY_PREFIX}{path.name}-"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
