"""Fetching: right or not at all, one sentence when it fails, and the next run recovers.

Everything here happens between pip, a tiny wheel made on the spot and a package index on this
machine: no network is touched.
"""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from course_utils import files
from course_utils.text import fetch_errors, fetching
from course_utils.text.fetch_errors import DataError

WHEEL = "tiny_texts-1.0-py3-none-any.whl"


def make_wheel(folder: Path, text: bytes = b"once upon a time\n" * 100_000) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    info = "tiny_texts-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tiny_texts/text.txt", text)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-texts\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return folder / WHEEL


class Index(http.server.ThreadingHTTPServer):
    """A package index with one package, which can be told to misbehave."""

    def __init__(self, wheel: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = wheel.read_bytes()
        self.cut = self.stall = False
        self.downloads = 0
        self.url = f"http://127.0.0.1:{self.server_port}/simple/"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.endswith(".whl"):
            self.server.downloads += 1
            body, kind = self.server.content, "application/octet-stream"
        elif self.path == "/simple/tiny-texts/":
            body, kind = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode(), "text/html"
        else:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path.endswith(".whl") and (self.server.cut or self.server.stall):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if self.server.stall:
                time.sleep(30)
            self.close_connection = True
        else:
            self.wfile.write(body)
        return None


@pytest.fixture
def wheel(tmp_path):
    return make_wheel(tmp_path / "made")


@pytest.fixture
def index(wheel, socket_enabled):
    server = Index(wheel)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def pinned(tmp_path, wheel, monkeypatch):
    """A course whose only package is the tiny wheel, an empty cache, a pip without settings."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")  # nobody listens there
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("COURSE_WHEELHOUSE", raising=False)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.mkdir()
    pin(data, hashlib.sha256(wheel.read_bytes()).hexdigest(), wheel.stat().st_size)
    monkeypatch.setattr(files, "data_dir", lambda: data)
    return data


def pin(data: Path, sha256: str, size: int) -> None:
    (data / "sources.toml").write_text(
        f'[packages.tiny-texts]\nversion = "1.0"\nfile = "{WHEEL}"\n'
        f'sha256 = "{sha256}"\nbytes = {size}\n'
    )


def kept(tmp_path: Path) -> list[str]:
    """What the cache holds, lock files aside."""
    found = (tmp_path / "cache").rglob("*") if (tmp_path / "cache").exists() else ()
    return sorted(p.name for p in found if p.is_file() and not p.name.endswith(".lock"))


def refused(match: str, tmp_path: Path) -> str:
    """Fetching fails with one sentence that says what to do, and nothing is left behind."""
    with pytest.raises(DataError, match=match) as caught:
        fetching.package_file("tiny-texts", progress=False)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500 and message.endswith(".")
    assert ": " in message  # what happened: what to do
    assert kept(tmp_path) == []
    return message


def test_a_package_comes_whole_from_an_index_and_stays_for_use_offline(
    index, pinned, wheel, monkeypatch, capfd
):
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    path = fetching.package_file("tiny-texts")
    assert path.read_bytes() == wheel.read_bytes()
    assert path.name == WHEEL
    assert "fetching tiny-texts (1.7 MB)" in capfd.readouterr().err
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    assert fetching.package_file("tiny-texts") == path
    assert index.downloads == 1
    assert fetching.read_member("tiny-texts", "tiny_texts/text.txt").startswith(b"once upon")


def test_a_wheelhouse_serves_without_network_and_a_cache_is_a_wheelhouse(
    pinned, wheel, monkeypatch, tmp_path
):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    first = fetching.package_file("tiny-texts", progress=False)
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(first.parent))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "second"))
    second = fetching.package_file("tiny-texts", progress=False)
    assert second.read_bytes() == first.read_bytes() and second != first


def test_a_wheelhouse_may_be_named_relative_to_the_working_directory(pinned, wheel, monkeypatch):
    monkeypatch.chdir(wheel.parent.parent)
    monkeypatch.setenv("COURSE_WHEELHOUSE", wheel.parent.name)
    assert fetching.package_file("tiny-texts", progress=False).is_file()


def test_no_network(pinned, tmp_path):
    refused("could not be reached for tiny-texts 1.0: check the network", tmp_path)


def test_an_index_without_the_package(index, pinned, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("simple", "other"))
    refused("does not offer tiny-texts 1.0", tmp_path)


def test_a_wheelhouse_without_the_package_or_that_is_no_folder(pinned, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(tmp_path / "empty"))
    refused("wheelhouse .* does not hold tiny-texts 1.0", tmp_path)
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(tmp_path / "nowhere"))
    refused("which is not a folder", tmp_path)


def test_a_wrong_hash_is_thrown_away_and_the_right_file_is_taken_next(
    pinned, wheel, tmp_path, monkeypatch
):
    make_wheel(tmp_path / "forged", b"something else")
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(tmp_path / "forged"))
    refused("not the file that data/sources.toml pins", tmp_path)
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    assert fetching.package_file("tiny-texts", progress=False).read_bytes() == wheel.read_bytes()


def test_a_doctored_pin_is_noticed_even_when_the_cache_is_full(
    pinned, wheel, tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    fetching.package_file("tiny-texts", progress=False)
    pin(pinned, "0" * 64, wheel.stat().st_size)
    os.utime(pinned / "sources.toml", ns=(1, 1))
    with pytest.raises(DataError, match="not the file that data/sources.toml pins"):
        fetching.package_file("tiny-texts", progress=False)


@pytest.mark.parametrize("harm", ["truncated", "one byte changed"])
def test_a_file_damaged_in_the_cache_is_fetched_again(pinned, wheel, monkeypatch, harm):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    path = fetching.package_file("tiny-texts", progress=False)
    content = bytearray(path.read_bytes())
    if harm == "truncated":
        del content[-1000:]
    else:
        content[5000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert fetching.package_file("tiny-texts", progress=False).read_bytes() == wheel.read_bytes()


def test_a_cut_download_leaves_nothing_and_the_next_run_succeeds(
    index, pinned, wheel, tmp_path, monkeypatch
):
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    index.cut = True
    refused("was cut off|not the file that", tmp_path)
    index.cut = False
    assert fetching.package_file("tiny-texts", progress=False).read_bytes() == wheel.read_bytes()


def test_too_little_space_is_said_before_the_download(pinned, wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    little = type("usage", (), {"free": 1000})
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: little)
    refused("tiny-texts 1.0 needs 3 MB and the disk of .* has 0 MB free: free some space", tmp_path)


def test_a_disk_that_fills_up_in_the_middle(pinned, wheel, tmp_path, monkeypatch):
    """pip is made to fail as it does on a full disk: `ulimit` for it stands in for the disk."""
    resource = pytest.importorskip("resource")
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    popen = subprocess.Popen

    def limited(command, **options):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = (500_000, 500_000)
        return popen(
            command,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
            **options,
        )

    monkeypatch.setattr(fetching.subprocess, "Popen", limited)
    refused("tiny-texts", tmp_path)
    monkeypatch.setattr(fetching.subprocess, "Popen", popen)
    assert fetching.package_file("tiny-texts", progress=False).read_bytes() == wheel.read_bytes()


def test_a_full_disk_while_the_file_is_put_in_place(pinned, wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    replace = os.replace

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    refused("The disk is full while fetching tiny-texts: free some space", tmp_path)
    monkeypatch.setattr(os, "replace", replace)
    assert fetching.package_file("tiny-texts", progress=False).is_file()


def test_a_cache_that_cannot_be_written(pinned, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set COURSE_DATA to another folder"):
        fetching.package_file("tiny-texts", progress=False)


PROGRAM = """
import sys
from pathlib import Path
from course_utils import files
from course_utils.text import fetching
files.data_dir = lambda: Path(sys.argv[1])
print(fetching.package_file("tiny-texts", progress=False))
"""


def start(pinned: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(Path(files.__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(pinned)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )


def test_a_process_killed_in_the_middle_does_no_harm(index, pinned, wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    index.stall = True
    process = start(pinned)
    deadline = time.monotonic() + 60
    while index.downloads == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert index.downloads == 1
    time.sleep(0.3)
    process.kill()
    process.communicate()
    packages = tmp_path / "cache" / "packages"
    assert not (packages / WHEEL).exists()
    assert list(packages.glob(".partial-*"))  # it was really in the middle
    index.stall = False
    assert fetching.package_file("tiny-texts", progress=False).read_bytes() == wheel.read_bytes()
    assert kept(tmp_path) == [WHEEL]


def test_of_two_processes_at_once_one_fetches_and_both_succeed(index, pinned, wheel, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    racers = [start(pinned) for _ in range(3)]
    results = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], results
    assert len({out for out, _ in results}) == 1
    assert index.downloads == 1


def test_a_lock_that_never_comes_free(pinned, wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "LOCK_SECONDS", 0.1)
    with (
        fetching.locked(tmp_path / "cache" / "packages" / WHEEL),
        pytest.raises(DataError, match="Another process has held"),
    ):
        fetching.package_file("tiny-texts", progress=False)


def test_unknown_packages_and_members(pinned, wheel, monkeypatch):
    with pytest.raises(ValueError, match="Unknown package 'nltk'.*pins tiny-texts"):
        fetching.package_file("nltk")
    monkeypatch.setenv("COURSE_WHEELHOUSE", str(wheel.parent))
    with pytest.raises(DataError, match="holds no readable tiny_texts/other.txt"):
        fetching.read_member("tiny-texts", "tiny_texts/other.txt", progress=False)


def test_sources_that_are_no_toml(pinned):
    (pinned / "sources.toml").write_text("[packages")
    os.utime(pinned / "sources.toml", ns=(2, 2))
    with pytest.raises(DataError, match="not valid TOML.*restore it from git"):
        fetching.sources()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("x\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES from the ...", "not the file that"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("/usr/bin/python: No module named pip", "ensurepip"),
        ("('Connection broken: IncompleteRead(1 read)')", "was cut off"),
        ("ERROR: incomplete-download", "was cut off"),
        ("ProxyError('Cannot connect to proxy.')", "could not be reached"),
        ("NameResolutionError: Temporary failure in name resolution", "could not be reached"),
        ("ERROR: No matching distribution found for x", "does not offer"),
        ("Looking\nERROR: something new\n", "pip could not fetch x 1 .ERROR: something new."),
        ("", "it said nothing"),
    ],
)
def test_each_of_pips_failures_has_its_sentence(said, sentence):
    with pytest.raises(DataError, match=sentence):
        raise DataError(fetch_errors.explain(said, "x 1"))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(28, "The disk is full"), (13, "No permission to write"), (5, "The operating system refused")],
)
def test_errors_of_the_operating_system_become_one_sentence(number, sentence):
    with pytest.raises(DataError, match=sentence), fetch_errors.tidy_errors("fetching x"):
        raise OSError(number, os.strerror(number), "place")


def test_the_progress_bar_bears_that_pip_removes_a_folder_while_it_looks(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "part").write_bytes(b"12345")
    look = os.scandir

    def scandir(folder):
        if Path(folder).name == "gone":
            raise FileNotFoundError(folder)
        return look(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert fetching._folder_bytes(tmp_path) == 5
