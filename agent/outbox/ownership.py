"""Whose pictures lie in a folder: a list, in the folder, of every store that has used it.

A file that no row of a store names is an orphan only where no other store's row may name it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from agent.outbox.durable import sync_folder

log = structlog.get_logger(__name__)

LIST_NAME: Final = ".sightpost-stores"
UNKNOWN: Final = "unknown"
"""Stands in the list for whoever left pictures before the list was begun."""


def claim(folder: Path, store: str, *, has_strangers: Callable[[], bool]) -> None:
    """Enters the store in the folder's list, durably, before it puts its first picture there.

    `has_strangers` says whether pictures lie there that this store does not know. A folder that
    cannot be written stays without an entry, and is then never swept.
    """
    try:
        stores = _stores(folder)
        if store in stores:
            return
        folder.mkdir(parents=True, exist_ok=True)
        entries = [UNKNOWN, store] if not stores and has_strangers() else [store]
        _append(folder, entries)
    except OSError as error:
        log.warning("the picture folder cannot be claimed", folder=str(folder), error=str(error))


def is_sole_owner(folder: Path, store: str) -> bool:
    """Whether this store, and no other, has ever used the folder."""
    try:
        return _stores(folder) == {store}
    except OSError:
        return False


def _stores(folder: Path) -> set[str]:
    try:
        text = (folder / LIST_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return set()
    return {line.strip() for line in text.splitlines() if line.strip()}


def _append(folder: Path, entries: list[str]) -> None:
    """In one write, so that two stores that begin at the same time are both entered."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    handle = os.open(folder / LIST_NAME, flags, 0o644)
    try:
        os.write(handle, "".join(f"{entry}\n" for entry in entries).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(folder)
