"""Keeps an index on disk between two runs of the server. What cannot be trusted is not used.

A file belongs to one gallery, model and version; it may be older than the database, which
`server.faces.gallery` makes up for.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import structlog

from server.faces.index import FaceIndex
from server.storage.durable import make_folder, sync

_log = structlog.get_logger(__name__)

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """Whose vectors an index holds."""

    gallery_id: str
    model: str
    model_version: str
    numbers: int


class IndexFile:
    """A file and, beside it, a small one that says what it is; the latter is written last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._label = path.with_name(path.name + ".json")

    def load(self, wanted: Belonging) -> FaceIndex | None:
        """None where there is no file, it is another gallery's or model's, or it is damaged."""
        try:
            label = json.loads(self._label.read_text(encoding="utf-8"))
            if label.get("belonging") != asdict(wanted):
                return None
            if label.get("sha256") != _sha256(self._path):
                raise ValueError(f"{self._path} is not what {self._label.name} says")
            return FaceIndex.load(self._path, wanted.numbers)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("the face index on disk is not used, it is built anew", reason=str(error))
            return None

    def save(self, index: FaceIndex, belonging: Belonging) -> None:
        """Replaces the file in one step. Raises OSError."""
        make_folder(self._path.parent)
        self._label.unlink(missing_ok=True)  # from here on there is no index, until there is
        temporary = self._path.with_name(self._path.name + ".new")
        index.save(temporary)
        sync(temporary)
        digest = _sha256(temporary)
        temporary.replace(self._path)
        text = json.dumps({"belonging": asdict(belonging), "sha256": digest})
        _write(self._label, text.encode())
        sync(self._path.parent)

    def delete(self) -> None:
        """Takes both away; no trouble where they are not there."""
        for path in (self._label, self._path):
            path.unlink(missing_ok=True)
        if self._path.parent.is_dir():
            sync(self._path.parent)


class NoIndexFile:
    """The same where none is kept: several processes have an index each, and no file of another
    one is to hold who is forgotten."""

    def load(self, wanted: Belonging) -> FaceIndex | None:
        del wanted
        return None

    def save(self, index: FaceIndex, belonging: Belonging) -> None:
        del index, belonging

    def delete(self) -> None:
        """There is nothing."""


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
