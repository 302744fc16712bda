"""A database that cannot be read at the start is a sentence, not a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from server.app import running
from server.errors import StartRefused
from tests.server.conftest import settings_in


class _UnreadableFile(apsw.VFSFile):
    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        raise apsw.IOError("the disk does not answer")


class _UnreadableVfs(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("unreadable", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _UnreadableFile("unix", name, flags)


@contextmanager
def disk_that_cannot_be_read() -> Iterator[None]:
    """Reading fails as it does on a broken disk; on a full one, where WAL's -shm cannot be made."""
    vfs = _UnreadableVfs()
    try:
        yield
    finally:
        vfs.unregister()


async def test_a_start_on_a_disk_that_fails_is_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with running(settings):
        pass
    with (
        disk_that_cannot_be_read(),
        pytest.raises(StartRefused, match=r"server\.db cannot be (opened|read)"),
    ):
        async with running(settings):
            pass
