"""One process at a time: a lock on a file beside the database, freed by the kernel on any end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from agent.errors import AgentError

_LOOKS: Final = 3
_LOOK_S: Final = 0.005
"""Whoever asks who holds a lock holds it for a moment too (`holder_of`): it is looked again."""


class ProcessLock:
    """A context manager; entering raises what `taken` makes of the holder's process id."""

    def __init__(self, path: Path, *, taken: Callable[[str], AgentError]) -> None:
        self._path = path
        self._taken = taken
        self._handle: int | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _take(handle)
        except OSError as error:
            holder = _holder_in(handle)
            os.close(handle)
            raise self._taken(holder) from error
        self._handle = handle
        with contextlib.suppress(OSError):  # a full disk: the lock holds without a number too
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _take(handle: int) -> None:
    for _ in range(_LOOKS - 1):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_S)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder_of(path: Path) -> str | None:
    """The id of the process that holds the lock on this file; None where none does."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _holder_in(handle)
    finally:
        os.close(handle)
    return None


def _holder_in(handle: int) -> str:
    return os.pread(handle, 32, 0).decode("ascii", errors="replace").strip() or "unknown"


def agent_lock_of(database: Path) -> Path:
    """Held by the one process that watches into this database."""
    return database.with_name(database.name + ".agent.lock")


def sender_lock_of(database: Path) -> Path:
    """Held by the one process that sends from this database."""
    return database.with_name(database.name + ".sender.lock")
