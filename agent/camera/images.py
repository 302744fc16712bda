"""Folders of pictures, each a passage of its own, dated by its camera."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from PIL import ExifTags, Image

from agent.camera.errors import SourceFailed
from agent.camera.frame import Frame, SensorFacts
from vision.errors import BadPicture
from vision.pictures import PICTURE_SUFFIXES, load_picture

_log = structlog.get_logger(__name__)
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")


class ImagesSource:
    """Pictures of a folder and its subfolders in natural order, or one picture.

    A picture that cannot be decoded is logged with its reason, counted in `skipped` and passed
    over. `at_s` counts pictures, one a second; `captured_at` is the EXIF time of exposure (local
    time where it names no offset), or the file's modification time.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._is_open = False
        self._found: int | None = None
        self._remaining: Iterator[Path] = iter(())
        self._number = 0
        self._skipped = 0

    @property
    def is_finite(self) -> bool:
        return True

    @property
    def total_frames(self) -> int | None:
        """Pictures found, once it is open; broken ones are among them."""
        return self._found

    @property
    def skipped(self) -> int:
        """Pictures passed over since it was opened, because they could not be decoded."""
        return self._skipped

    def __enter__(self) -> ImagesSource:
        paths = picture_paths(self._target)
        self._remaining, self._found, self._is_open = iter(paths), len(paths), True
        self._number = self._skipped = 0
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._remaining, self._is_open = iter(()), False

    def read(self, timeout_s: float) -> Frame | None:  # noqa: ARG002 - a file answers at once
        if not self._is_open:
            raise SourceFailed(f"images:{self._target} is not open; enter it before reading")
        for path in self._remaining:
            try:
                frame = _still(path, self._number)
            except BadPicture as error:
                self._skipped += 1
                _log.warning("picture skipped", file=str(path), reason=str(error))
                continue
            self._number += 1
            return frame
        return None


def picture_paths(target: str) -> list[Path]:
    """Pictures below a folder in natural order (2 before 10), or the one picture given."""
    root = Path(target).expanduser()
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise SourceFailed(f"images:{target}: there is no such folder or picture; check the path")
    paths = [
        path
        for path in root.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    ]
    if not paths:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SourceFailed(f"images:{target} holds no picture ({kinds}); check the path")
    return sorted(paths, key=lambda path: natural_order(str(path.relative_to(root))))


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key under which eu2.jpg comes before eu10.jpg."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _still(path: Path, number: int) -> Frame:
    written_at = _written_at(path)  # first: the file may go while its picture is looked at
    picture = load_picture(path)
    details = _exif_details(path)
    return Frame(
        picture=picture,
        captured_at=exposure_time(details) or written_at,
        at_s=float(number),
        number=number,
        is_still=True,
        origin=str(path),
        sensor=SensorFacts(exposure_time_s=_seconds(details)),
    )


def _written_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError) as error:
        raise BadPicture(f"{path}: does not say when it was written ({error})") from error


def _exif_details(path: Path) -> dict[int, Any]:
    """The Exif sub-directory; empty where there is none or it is damaged (the picture is not)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on damaged tags; sizes were checked before
            with Image.open(path) as image:
                return dict(image.getexif().get_ifd(ExifTags.IFD.Exif))
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, struct.error):
        return {}


def exposure_time(details: dict[int, Any]) -> datetime | None:
    """When the shutter opened, by the Exif tags 0x9003, 0x9011 and 0x9291 (Exif 2.31), in UTC."""
    text = details.get(ExifTags.Base.DateTimeOriginal)
    if not isinstance(text, str):
        return None
    try:
        taken_at = datetime.strptime(text.strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - zone below
    except ValueError:
        return None
    fraction = str(details.get(ExifTags.Base.SubsecTimeOriginal, "")).strip("\x00 ")
    if fraction.isdecimal() and fraction.isascii():
        taken_at = taken_at.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    offset = str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\x00 ")
    try:
        if _OFFSET.fullmatch(offset):
            return datetime.fromisoformat(f"{taken_at.isoformat()}{offset}").astimezone(UTC)
        return taken_at.astimezone(UTC)
    except (ValueError, OverflowError):  # an offset of days, or the year 1 of a clock never set
        return None


def _seconds(details: dict[int, Any]) -> float | None:
    value = details.get(ExifTags.Base.ExposureTime)
    try:
        seconds = float(value) if value is not None else 0.0
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return seconds if 0.0 < seconds < 3600.0 else None
