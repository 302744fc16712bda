"""Addresses of frame sources: parsed once, checked at once, and safe to print."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from agent.camera.errors import SourceUnknown
from agent.camera.synthetic.settings import PARAMETERS, parse_settings
from vision.pictures import PICTURE_SUFFIXES

ACCEPTED = (
    "accepted are synthetic:, file:clip.mp4, images:folder, rtsp://host/stream, "
    "v4l2:/dev/video0, picamera:0, or the path of a clip, a picture, a folder of pictures or a "
    "video device; for instance synthetic:?vehicles=20&seed=1"
)


class Scheme(StrEnum):
    SYNTHETIC = "synthetic"
    FILE = "file"
    IMAGES = "images"
    RTSP = "rtsp"
    V4L2 = "v4l2"
    PICAMERA = "picamera"


_PARAMETERS: dict[Scheme, tuple[str, ...]] = {
    Scheme.SYNTHETIC: tuple(PARAMETERS),
    Scheme.FILE: (),
    Scheme.IMAGES: (),
    Scheme.V4L2: ("width", "height", "fps"),
    Scheme.PICAMERA: ("width", "height", "fps"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUri:
    """A source's address.

    `target` is a path, a device, a camera number or, for rtsp, the whole address with its
    password: print `str(uri)`, which leaves user and password out, and never `target`.
    """

    scheme: Scheme
    target: str = field(repr=False)
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        """What `parse_source` takes to make this value again, secrets and all: never print it."""
        if self.scheme is Scheme.RTSP:
            return self.target
        query = "&".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.scheme}:{self.target}" + (f"?{query}" if query else "")

    def __str__(self) -> str:
        return without_secrets(self.address) if self.scheme is Scheme.RTSP else self.address

    def __repr__(self) -> str:
        return f"SourceUri({self})"


def without_secrets(url: str) -> str:
    """A network address without user, password and query (cameras take passwords there too).

    Passwords may hold any character, so what cannot be told apart safely is left out.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    credentials, at, shown = rest.rpartition("@")
    if at and ("?" in credentials or "#" in credentials):
        return f"{scheme}{mark}***"
    place, *query = re.split(r"[?#]", shown, maxsplit=1)
    return f"{scheme}{mark}{'***@' if at else ''}{place}{'?***' if query else ''}"


def parse_source(text: str) -> SourceUri:
    """The address in `text`; looks at the file system only for a bare path.

    Raises `SourceUnknown` saying what was given and what is accepted.
    """
    stripped = text.strip()
    prefix, colon, rest = stripped.partition(":")
    if colon and prefix.lower() in ("rtsp", "rtsps"):
        return _network(stripped)
    if colon and prefix.lower() in set(Scheme):
        return _local(Scheme(prefix.lower()), rest)
    if "://" in stripped:
        raise SourceUnknown(f"{without_secrets(stripped)!r} is no frame source: {ACCEPTED}")
    return _bare_path(stripped)


def _network(text: str) -> SourceUri:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise SourceUnknown(
            "the rtsp: source names no host, or a port that is no number: write it as "
            "rtsp://user:password@192.0.2.10:554/stream"
        )
    return SourceUri(scheme=Scheme.RTSP, target=text)


def _local(scheme: Scheme, rest: str) -> SourceUri:
    if scheme in (Scheme.FILE, Scheme.IMAGES):
        return SourceUri(scheme=scheme, target=_path(scheme, rest))
    target, _, query = rest.partition("?")
    parameters = _parameters(scheme, query)
    if scheme is Scheme.SYNTHETIC:
        if target:
            raise SourceUnknown(
                f"synthetic: takes parameters only, not {target!r}: "
                "write for instance synthetic:?vehicles=20&seed=1"
            )
        parse_settings(dict(parameters))
    elif scheme is Scheme.V4L2 and not target:
        raise SourceUnknown("v4l2: names no device: write for instance v4l2:/dev/video0")
    elif scheme is Scheme.PICAMERA and not (target or "0").isdigit():
        raise SourceUnknown(f"picamera: takes a camera number, not {target!r}: write picamera:0")
    if scheme is Scheme.PICAMERA:
        target = target or "0"
    return SourceUri(scheme=scheme, target=target, parameters=parameters)


def _path(scheme: Scheme, rest: str) -> str:
    """The path after `file:` or `images:`; a question mark may be part of it."""
    path = rest.removeprefix("//") if rest.startswith("//") else rest
    if not path:
        example = "file:clip.mp4" if scheme is Scheme.FILE else "images:folder"
        raise SourceUnknown(f"{scheme}: names no path: write for instance {example}")
    before, mark, query = path.partition("?")
    if mark and not Path(path).expanduser().exists() and Path(before).expanduser().exists():
        raise SourceUnknown(f"{scheme}: takes no parameters: leave out {'?' + query!r}")
    return path


def _parameters(scheme: Scheme, query: str) -> tuple[tuple[str, str], ...]:
    accepted = _PARAMETERS[scheme]
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    for key, value in pairs:
        if key not in accepted:
            raise SourceUnknown(
                f"{scheme}: has no parameter {key!r}; it takes {', '.join(accepted)}"
            )
        if scheme is not Scheme.SYNTHETIC and not (value.isdigit() and int(value) > 0):
            raise SourceUnknown(
                f"{scheme}: parameter {key} is {value!r}, expected a whole number above 0"
            )
    repeated = [key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1]
    if repeated:
        raise SourceUnknown(f"{scheme}: parameter {repeated[0]} is given twice: keep one")
    return pairs


def _bare_path(text: str) -> SourceUri:
    path = Path(text).expanduser()
    if text.startswith("/dev/"):
        return SourceUri(scheme=Scheme.V4L2, target=text)
    if text and path.is_dir():
        return SourceUri(scheme=Scheme.IMAGES, target=text)
    if text and path.is_file():
        is_picture = path.suffix.lower() in PICTURE_SUFFIXES
        return SourceUri(scheme=Scheme.IMAGES if is_picture else Scheme.FILE, target=text)
    shown = without_secrets(text) if "@" in text else text
    raise SourceUnknown(f"{shown!r} is neither a frame source nor an existing path: {ACCEPTED}")
