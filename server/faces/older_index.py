"""Takes away the index that earlier versions kept on disk: it has vectors of people, and some of
them may be forgotten since."""

from __future__ import annotations

import contextlib
from pathlib import Path

import structlog

from server.storage.durable import sync

_log = structlog.get_logger(__name__)


def drop_older_index(database: Path) -> None:
    """Beside that database; no trouble where there is none."""
    folder = database.parent / "faces"
    try:
        left = list(folder.glob("index.usearch*"))
        for path in left:
            path.unlink(missing_ok=True)
        if left:
            sync(folder)
            with contextlib.suppress(OSError):  # something else lies in it
                folder.rmdir()
    except OSError as error:
        _log.warning("the older face index stays on the disk: delete it", reason=str(error))
