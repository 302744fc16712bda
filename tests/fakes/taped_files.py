"""Plain files on the tape of the disk that forgets: what a program asks of `os` below a folder.

Whatever `agent.outbox.durable` and its like do (open, write, fsync, rename, unlink) is done for
real and written down, so that a cut may come between any two of these too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.power_cut import Deed, Operation, Tape


class _TapedFiles:
    def __init__(self, tape: Tape, folder: Path) -> None:
        self._tape = tape
        self._folder = str(folder)
        self._open: dict[int, str] = {}
        self._real_open = os.open
        self._real_write = os.write
        self._real_fsync = os.fsync
        self._real_close = os.close
        self._real_rename = os.rename
        self._real_unlink = os.unlink

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        handle = self._real_open(path, flags, *rest, **more)
        name = os.fspath(path)
        if isinstance(name, str) and name.startswith(self._folder):
            self._open[handle] = name
            if flags & os.O_CREAT:
                self._note(Deed.CREATE, name)
            if flags & os.O_TRUNC:
                self._note(Deed.TRUNCATE, name)
        return handle

    def write(self, handle: int, content: Any) -> int:
        name = self._open.get(handle)
        offset = 0
        if name is not None:
            appends = self._real_flags(handle) & os.O_APPEND
            offset = os.fstat(handle).st_size if appends else os.lseek(handle, 0, os.SEEK_CUR)
        count = self._real_write(handle, content)
        if name is not None:
            self._note(Deed.WRITE, name, offset, bytes(content[:count]))
        return count

    def fsync(self, handle: int) -> None:
        self._real_fsync(handle)
        name = self._open.get(handle)
        if name is None:
            return
        if Path(name).is_dir():
            self._note(Deed.SYNC_FOLDER, str(Path(name) / "any"))
        else:
            self._note(Deed.SYNC, name)

    def close(self, handle: int) -> None:
        self._open.pop(handle, None)
        self._real_close(handle)

    def rename(self, source: Any, target: Any, **more: Any) -> None:
        self._real_rename(source, target, **more)
        if str(source).startswith(self._folder):
            self._tape.operations.append(Operation(Deed.RENAME, str(source), note=str(target)))

    def unlink(self, path: Any, **more: Any) -> None:
        self._real_unlink(path, **more)
        if str(path).startswith(self._folder):
            self._note(Deed.REMOVE, str(path))

    def _real_flags(self, handle: int) -> int:
        text = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii")
        return int(dict(line.split(":", 1) for line in text.splitlines())["flags"], 8)

    def _note(self, deed: Deed, path: str, offset: int = 0, content: bytes = b"") -> None:
        self._tape.operations.append(Operation(deed, path, offset, content))


@contextmanager
def files_taped(tape: Tape, folder: Path) -> Iterator[None]:
    """Inside, files below `folder` that are written through `os` go onto the tape as well."""
    taped = _TapedFiles(tape, folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "write", "fsync", "close", "rename", "unlink"):
            patch.setattr(os, name, getattr(taped, name))
        yield
