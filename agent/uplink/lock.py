"""One sender at a time: a lock on a file beside the database, freed by the kernel on any end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from agent.errors import SenderAlreadyRunning


class SenderLock:
    """A context manager; entering raises SenderAlreadyRunning where another holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", errors="replace").strip() or "unknown"
            os.close(handle)
            raise SenderAlreadyRunning(
                f"process {holder} sends from this database already ({self._path} is locked): "
                "stop it, or set AGENT_SENDER=separate where 'agent send' is to do it alone"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        self._handle = handle
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
