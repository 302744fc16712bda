"""Fetches the files that the manifest names. The one place in `vision` that uses the network.

A file takes its name when it is whole, checked and on the disk; until then it is `.NAME.partial`,
which the next try goes on with (HTTP Range).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Final, Protocol, TypeVar

from vision.errors import FetchFailed, ModelError
from vision.manifest import ModelEntry, ModelKind, verify

TIMEOUT_S: Final = 30.0
WAITS_S: Final = (1.0, 4.0)
"""Pauses before the second and the third try of one fetch."""

_CHUNK_BYTES = 1 << 16
_SPARE_BYTES = 16_000_000
"""Left free on the disk, which is the database's too."""
_MOST_UNKNOWN_BYTES = 1_000_000_000


T = TypeVar("T")


class FetchProgress(Protocol):
    """Hears how far a fetch is: bytes of the file that are here, again lower after a new start."""

    def __call__(self, done_bytes: int) -> None: ...


def address_of(entry: ModelEntry, base_url: str) -> str:
    """Where the file is: in the folder `base_url` of a mirror, or where the manifest says.

    Raises `FetchFailed` for a model that cannot be fetched.
    """
    if entry.kind is ModelKind.WHEEL:
        raise FetchFailed(
            f"model {entry.name} comes with the package {entry.package}: nothing to do"
        )
    if Path(entry.path).is_absolute():
        raise FetchFailed(f"model {entry.name} is a file of the system: {entry.path}")
    if base_url:
        return f"{base_url.rstrip('/')}/{entry.path}"
    if not entry.address:
        raise FetchFailed(
            f"model {entry.name} has no address: put {entry.path} into the models' folder, or set "
            "MODELS_BASE_URL to a mirror that has it"
        )
    return entry.address


def fetch(
    entry: ModelEntry,
    folder: Path,
    *,
    base_url: str = "",
    progress: FetchProgress,
    sleep: Callable[[float], None],
) -> Path:
    """The model's file in `folder`, fetched unless it is there already and the right one.

    What breaks off is tried again after `WAITS_S`, from where it broke. Raises `FetchFailed`.
    """
    address = address_of(entry, base_url)
    target = folder / entry.path
    if _is_right(entry, target):
        progress(target.stat().st_size)
        return target
    if not entry.size_bytes:
        entry = _sized(entry, address, sleep)
    partial = target.with_name(f".{target.name}.partial")
    with _writable(entry, partial) as file:
        try:
            _tried(lambda: _continue(entry, address, file, progress), sleep)
        except _BrokenOff as broken:
            raise FetchFailed(
                f"model {entry.name}: {address}: {broken}; {file.tell()} of "
                f"{entry.size_bytes} bytes are here and stay: run it again to go on"
            ) from broken.__cause__
        _finish(entry, address, file, partial, target)
    return target


def _tried(attempt: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """What the attempt gives; after `WAITS_S` the last one raises `_BrokenOff`."""
    for wait_s in WAITS_S:
        try:
            return attempt()
        except _BrokenOff:
            sleep(wait_s)
    return attempt()


def _sized(entry: ModelEntry, address: str, sleep: Callable[[float], None]) -> ModelEntry:
    """The entry with the size that the server states, where the manifest knows only the hash."""

    def asked() -> str:
        with _opened(entry, address, 0) as answer:
            return answer.headers["Content-Length"] or ""

    try:
        stated = _tried(asked, sleep)
    except _BrokenOff as broken:
        raise FetchFailed(f"model {entry.name}: {address}: {broken}") from broken.__cause__
    if not stated.isdecimal() or not 0 < int(stated) <= _MOST_UNKNOWN_BYTES:
        raise FetchFailed(
            f"model {entry.name}: {address} states a size of {stated or 'nothing'}, expected up to "
            f"{_MOST_UNKNOWN_BYTES}: fetch the file by hand and put it into the models' folder as "
            f"{entry.path}"
        )
    return replace(entry, size_bytes=int(stated))


class _BrokenOff(Exception):
    """The line failed; another try may do."""


def _is_right(entry: ModelEntry, target: Path) -> bool:
    try:
        verify(entry, target)
    except ModelError:
        return False
    return True


@contextlib.contextmanager
def _writable(entry: ModelEntry, partial: Path) -> Iterator[FileIO]:
    """The partial file, ours alone, at its end; gone afterwards if it is empty."""
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(partial, "a+", opener=_opened_itself)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FetchFailed(
                f"model {entry.name}: {partial} is a symbolic link, expected a file begun by an "
                "earlier fetch: delete it"
            ) from error
        raise FetchFailed(
            f"model {entry.name}: {partial.parent} cannot be written ({error.strerror}): make it "
            "writable, or set AGENT_MODELS_DIR to a folder that is"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FetchFailed(
                f"model {entry.name}: another process is fetching it already ({partial})"
            ) from error
        if file.tell() > entry.size_bytes:
            _empty(file)
        try:
            yield file
        finally:
            if file.tell() == 0:
                partial.unlink(missing_ok=True)


def _opened_itself(path: str, flags: int) -> int:
    """The file of that name and not one that a link there leads to."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _continue(entry: ModelEntry, address: str, file: FileIO, progress: FetchProgress) -> None:
    """Adds to the file until it is whole; raises `_BrokenOff` or `FetchFailed`."""
    _check_room(entry, file)
    if file.tell() == entry.size_bytes:
        return
    try:
        with _opened(entry, address, file.tell()) as answer:
            if not _continues(answer, file.tell()):
                _empty(file)
            progress(file.tell())
            while chunk := answer.read(_CHUNK_BYTES):
                _write(entry, file, chunk)
                progress(file.tell())
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise _line_broke(error) from error
    if file.tell() < entry.size_bytes:
        raise _BrokenOff("the line broke before the end")


def _line_broke(error: Exception) -> _BrokenOff:
    return _BrokenOff(f"the line broke ({str(error) or type(error).__name__})")


def _opened(entry: ModelEntry, address: str, offset: int) -> http.client.HTTPResponse:
    request = urllib.request.Request(address)  # noqa: S310 - the schemes are checked in manifest and settings
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - likewise
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                raise FetchFailed(
                    f"model {entry.name}: {address} is not there (404): the mirror lacks it or the "
                    "publisher moved it; see MODELS_BASE_URL"
                ) from error
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _BrokenOff("the server's file is shorter than what is here") from error
            if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _BrokenOff(f"the server fails ({error.code} {error.reason})") from error
            raise FetchFailed(
                f"model {entry.name}: {address} is refused ({error.code} {error.reason})"
            ) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise _line_broke(error) from error
    except urllib.error.URLError as error:
        raise _BrokenOff(
            f"the server cannot be reached ({error.reason}): is there a network? Elsewhere, "
            f"fetch the file by hand and put it into the models' folder as {entry.path}"
        ) from error
    return answer


def _continues(answer: http.client.HTTPResponse, offset: int) -> bool:
    """Whether the answer goes on from there (RFC 9110, 14.4); otherwise it is the whole file."""
    is_part = answer.status == http.HTTPStatus.PARTIAL_CONTENT
    return is_part and (answer.headers["Content-Range"] or "").startswith(f"bytes {offset}-")


def _check_room(entry: ModelEntry, file: FileIO) -> None:
    needed = entry.size_bytes - file.tell()
    free = shutil.disk_usage(Path(file.name).parent).free
    if free < needed + _SPARE_BYTES:
        raise FetchFailed(_full(entry, file, f"{free / 1e6:.0f} MB are free"))


def _write(entry: ModelEntry, file: FileIO, chunk: bytes) -> None:
    if file.tell() + len(chunk) > entry.size_bytes:
        _empty(file)
        raise FetchFailed(
            f"model {entry.name}: more than the {entry.size_bytes} bytes that the manifest says "
            "came: it is another version, or a page that asks to log in; nothing was kept"
        )
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise FetchFailed(f"model {entry.name}: {file.name}: {error.strerror}") from error
        _empty(file)
        raise FetchFailed(_full(entry, file, "the disk is full")) from error


def _full(entry: ModelEntry, file: FileIO, found: str) -> str:
    return (
        f"model {entry.name}: it needs {entry.size_bytes / 1e6:.0f} MB in "
        f"{Path(file.name).parent}, and {found}: make room, or set AGENT_MODELS_DIR to another disk"
    )


def _empty(file: FileIO) -> None:
    file.seek(0)
    file.truncate(0)


def _finish(entry: ModelEntry, address: str, file: FileIO, partial: Path, target: Path) -> None:
    """Checks the content, makes it durable, and gives it its name."""
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        _empty(file)
        raise FetchFailed(
            f"model {entry.name}: what {address} gave has sha256 {found}, expected {entry.sha256}: "
            "it is another version or was changed on its way; nothing was kept"
        )
    os.fsync(file.fileno())
    partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
