"""One server for a database: a lock file beside it, let go by the system when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from server.errors import StartRefused


class DatabaseLock:
    """Held while inside `with`; raises StartRefused where another process holds it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        if not self.try_acquire():
            holder = self._path.read_text(encoding="utf-8", errors="replace").strip()
            raise StartRefused(
                f"{self._database} is in use by another server (process {holder or 'unknown'}); "
                "stop that one first, or choose another file with --db FILE"
            )
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.release()

    def try_acquire(self) -> bool:
        """Whether the lock is ours now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Lets go. The file stays: removing it would let two servers lock two different files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
