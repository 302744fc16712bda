"""Pictures on disk: encoded once as they are sent, durable before any row names them.

Decides nothing about rows; an orphan (a picture whose row never came) is removed by `sweep`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from agent.errors import PictureNotWritten
from agent.outbox.durable import make_folder, write_durably
from wire.limits import Limits
from wire.picture import PictureFacts, PictureRefused, inspect_picture

log = structlog.get_logger(__name__)

OLD_ENOUGH_S: Final = 600.0
"""A file younger than this may belong to a row that is being written right now."""

LARGEST_BYTES: Final = 64 * 1024 * 1024
"""A larger file under a picture's name is none that a camera took."""

LARGEST_PIXELS: Final = Limits().picture_pixels
"""What servers take; larger ones would also fill a small device's memory."""

_OURS: Final = re.compile(
    r"\.?\d{8}T\d{6}\.\d{3}Z-(?P<id>[0-9a-f]{32})\.jpg(?P<partial>\.partial)?", re.ASCII
)
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

BgrPicture = NDArray[np.uint8]
"""Shape (height, width, 3), channels blue, green, red."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """Pictures are scaled down to fit the size in pixels, never up; quality is JPEG's 0..100."""

    max_width: int = 640
    max_height: int = 480
    jpeg_quality: int = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledPicture:
    """A picture that is on the disk; `sha256` of its bytes, in hex."""

    name: str
    sha256: str


class PictureSpool:
    """The folder of pictures. Methods may be called from any thread."""

    def __init__(self, folder: Path, picture_format: PictureFormat) -> None:
        self.folder = folder
        self._folder_text = str(folder)
        self.format = picture_format
        self._total = threading.Lock()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """What the pictures take: as measured last, and what came and went since."""
        return self._size_bytes

    def measured(self, size_bytes: int) -> None:
        """Sets the running total right."""
        with self._total:
            self._size_bytes = size_bytes

    def store(self, picture: BgrPicture, *, message_id: str, at: datetime) -> SpooledPicture:
        """Encodes and writes a picture; raises PictureNotWritten."""
        content = encode(picture, self.format)
        name = picture_name(message_id, at)
        try:
            make_folder(self.folder)
            write_durably(self.folder / name, content)
        except OSError as error:
            raise PictureNotWritten(
                f"{self.folder / name} cannot be written ({error}): the sighting goes without "
                "its picture; free disk space or check the folder's permissions"
            ) from error
        self._add(len(content))
        return SpooledPicture(name=name, sha256=hashlib.sha256(content).hexdigest())

    def discard(self, picture: SpooledPicture) -> None:
        """Removes a picture whose row could not be written."""
        self.remove(picture.name)

    def remove(self, name: str) -> int:
        """Removes a file of the folder; the bytes that went, 0 where there was none.

        What cannot be removed stays, and is told.
        """
        size_bytes = self.size_of(name)
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            log.error("a picture cannot be removed", file=name, error=str(error))
            return 0
        self._add(-size_bytes)
        return size_bytes

    def size_of(self, name: str) -> int:
        """The file's bytes, 0 where there is none."""
        try:
            return (self.folder / name).stat().st_size
        except OSError:
            return 0

    def free_bytes(self) -> int:
        """What the file system could still hold for this program."""
        folder = self.folder
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize

    def listing(self) -> tuple[list[str], list[str]]:
        """The names of our own finished pictures, and of all other files."""
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            return [], []
        ours: list[str] = []
        others: list[str] = []
        with entries:
            for entry in entries:
                found = _OURS.fullmatch(entry.name)
                if found is None:
                    others.append(entry.name)
                elif not found["partial"]:
                    ours.append(entry.name)
        return ours, others

    def read(self, names: tuple[str, ...]) -> bytes | None:
        """The first of these files that holds a picture, None where none does.

        A name is taken as given (relative ones from the working directory, as the older sender
        did), then below the folder, then by its last part below the folder.
        """
        for name in names:
            for path in self._places(name):
                content = _read(path)
                if content is not None and content.startswith(_MAGIC):
                    return content
        return None

    def _places(self, name: str) -> Iterator[str]:
        """As text: a path object for each row that is sent would cost more than the reading."""
        yield os.path.join(self._folder_text, name)  # noqa: PTH118
        yield name
        yield os.path.join(self._folder_text, os.path.basename(name))  # noqa: PTH118, PTH119

    def scaled(self, content: bytes, *, share: float = 1.0) -> bytes:
        """`content`, or a smaller version of it where it does not fit `share` of the format.

        What is no whole picture stays as it is, for the server to judge. Raises PictureNotWritten
        for one that no server takes or that cannot be decoded.
        """
        size = PictureFormat(
            max_width=max(1, int(self.format.max_width * share)),
            max_height=max(1, int(self.format.max_height * share)),
            jpeg_quality=self.format.jpeg_quality,
        )
        try:
            facts = inspect_picture(content, max_bytes=LARGEST_BYTES, max_pixels=sys.maxsize)
        except PictureRefused:
            return content
        if facts.width <= size.max_width and facts.height <= size.max_height:
            return content
        return encode(_decode(content, facts), size)

    def _add(self, size_bytes: int) -> None:
        with self._total:
            self._size_bytes = max(0, self._size_bytes + size_bytes)

    def sweep(self, *, is_known: Callable[[str], bool], now: datetime) -> int:
        """Removes our own files that no row names and that are old enough; returns how many.

        `is_known` says whether a row with that message id shows its picture.
        """
        removed = 0
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            return 0
        with entries:
            for entry in entries:
                found = _OURS.fullmatch(entry.name)
                if found is None or not entry.is_file(follow_symlinks=False):
                    continue
                if now.timestamp() - entry.stat().st_mtime < OLD_ENOUGH_S:
                    continue
                if found["partial"] or not is_known(_dashed(found["id"])):
                    Path(entry.path).unlink(missing_ok=True)
                    removed += 1
        return removed


def picture_name(message_id: str, at: datetime) -> str:
    """Sorts by time and is unique: `20240806T033000.123Z-0190f2c4...jpg`."""
    utc = at.astimezone(UTC)
    moment = f"{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03d}Z"
    return f"{moment}-{message_id.replace('-', '')}.jpg"


def message_id_of(name: str) -> str | None:
    """The id in a name that `picture_name` gave, None for any other."""
    found = _OURS.fullmatch(name)
    return _dashed(found["id"]) if found else None


def encode(picture: BgrPicture, picture_format: PictureFormat) -> bytes:
    """JPEG bytes within the format's size; raises PictureNotWritten for what is no picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise PictureNotWritten(
            f"a picture of shape {picture.shape} cannot be stored: expected (height, width, 3)"
        )
    height, width = picture.shape[:2]
    scale = min(1.0, picture_format.max_width / width, picture_format.max_height / height)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    quality = [cv2.IMWRITE_JPEG_QUALITY, picture_format.jpeg_quality]
    try:
        done, content = cv2.imencode(".jpg", picture, quality)
    except cv2.error as error:
        raise PictureNotWritten(f"a picture cannot be encoded: {error}") from error
    if not done:
        raise PictureNotWritten("a picture cannot be encoded: the encoder does not say why")
    return content.tobytes()


def _decode(content: bytes, facts: PictureFacts) -> BgrPicture:
    if facts.width * facts.height > LARGEST_PIXELS:
        raise PictureNotWritten(
            f"a picture of {facts.width}x{facts.height} pixels is not opened: "
            f"at most {LARGEST_PIXELS} in all are taken"
        )
    try:
        decoded = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureNotWritten(f"a picture cannot be decoded: {error}") from error
    if decoded is None:
        raise PictureNotWritten("a picture cannot be decoded: the decoder does not say why")
    return decoded.astype(np.uint8, copy=False)


def _read(path: str) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        size_bytes = os.fstat(handle).st_size
        return os.read(handle, size_bytes) if size_bytes <= LARGEST_BYTES else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
