"""A disk that fails on demand: SQLite sees the errors of a real one through the VFS.

Wraps the system's own VFS; databases are real files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

NAME = "failing-disk"


class FailingDisk(apsw.VFS):
    """While `error` is set, every write and sync raises it."""

    def __init__(self) -> None:
        self._base = apsw.vfs_names()[0]
        super().__init__(NAME, self._base, makedefault=True)
        self.error: type[apsw.Error] | None = None

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        return _FailingFile(self._base, name, flags, self)


class _FailingFile(apsw.VFSFile):
    def __init__(self, base: str, name: Any, flags: list[int], disk: FailingDisk) -> None:
        super().__init__(base, name, flags)
        self._disk = disk

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._fail()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._fail()
        super().xSync(flags)

    def _fail(self) -> None:
        if self._disk.error is not None:
            raise self._disk.error("by order of the test")


@contextmanager
def failing_disk() -> Iterator[FailingDisk]:
    """The default VFS within the block; databases opened there must be closed there."""
    disk = FailingDisk()
    try:
        yield disk
    finally:
        disk.error = None
        disk.unregister()
