"""Names what is wrong with a database, and what to do about it. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

CORRUPT: Final = (apsw.CorruptError, apsw.NotADBError)

_ADVICE: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "the disk is full: free space; nothing of ours is left to give up"),
    (apsw.ReadOnlyError, "the file system is read-only: see dmesg, then remount it or change it"),
    (apsw.IOError, "the disk fails: see dmesg, then change the card or disk"),
    (apsw.CorruptError, "the database is corrupt: 'agent run' sets it aside at its next start"),
    (apsw.NotADBError, "the database is overwritten: 'agent run' sets it aside at its next start"),
    (apsw.BusyError, "another program holds the database: stop it"),
    (apsw.CantOpenError, "the database cannot be opened: check the folder and its permissions"),
)
_OTHERWISE: Final = "check the disk and the folder's permissions"


def advice(error: apsw.Error | OSError) -> str:
    """What is wrong and what to do, in a sentence."""
    return next((text for kind, text in _ADVICE if isinstance(error, kind)), _OTHERWISE)


def recording_failed(error: apsw.Error, table: str, path: Path) -> str:
    """Why a row is not durable."""
    return f"a row for {table} could not be written to {path} ({error}): {advice(error)}"
