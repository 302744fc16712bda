"""Disks that can be full on demand: a small tmpfs where root may mount one, else an SQLite VFS.

As a program (`python -m benchmarks.small_disk FLAG PROGRAM ...`) it runs another of our programs
with a default VFS that refuses to make any file longer while the file FLAG exists. That reaches
databases only: pictures that are plain files still find room.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

TMPFS_BYTES: Final = 2 * 1024**3
"""More than any run fills; a tmpfs takes memory only for what lies in it."""

_PAGE_BYTES: Final = 4096


class SmallDisk(Protocol):
    """A place for one program's files. `fill` and `free` are idempotent."""

    @property
    def folder(self) -> Path: ...

    @property
    def launcher(self) -> list[str]:
        """What stands before the program's name on its command line."""

    def fill(self) -> None:
        """From now on nothing more fits."""

    def free(self) -> None: ...

    def remove(self) -> None:
        """Frees what the system lent; the files go with a tmpfs."""


class TmpfsDisk:
    """A tmpfs of its own. It is full when its size limit is set to what lies in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launcher: list[str] = [sys.executable, "-m"]
        folder.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(folder))

    def fill(self) -> None:
        state = os.statvfs(self.folder)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        # A writer may have taken more meanwhile, then the kernel refuses; the next try fits.
        for spare in (0, 64, 1024):
            size = used + (1 + spare) * _PAGE_BYTES
            done = _try("mount", "-o", f"remount,size={size}", str(self.folder))
            if done:
                return

    def free(self) -> None:
        _run("mount", "-o", f"remount,size={TMPFS_BYTES}", str(self.folder))

    def remove(self) -> None:
        _run("umount", "--lazy", str(self.folder))


class VfsDisk:
    """A folder whose databases cannot grow while a flag file lies beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._flag = folder.with_name(folder.name + ".full")
        self.launcher: list[str] = [
            sys.executable, "-m", "benchmarks.small_disk", str(self._flag),
        ]  # fmt: skip

    def fill(self) -> None:
        self._flag.touch()

    def free(self) -> None:
        self._flag.unlink(missing_ok=True)

    def remove(self) -> None:
        self.free()


def may_mount() -> bool:
    """Whether this process can mount a tmpfs."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if not _try("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder):
            return False
        return _try("umount", folder)


def _try(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


class _BoundedFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], flag: Path) -> None:
        super().__init__("unix", name, flags)
        self._flag = flag
        self._is_read_only = bool(flags[0] & apsw.SQLITE_OPEN_READONLY)

    def xLock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        if self._is_read_only and level == apsw.SQLITE_LOCK_EXCLUSIVE:
            # SQLite tries this when the last reader closes, fails and goes on (wal.c,
            # sqlite3WalClose). Of the errors that a VFS in Python may raise, apsw raises all but
            # this one in the program as well.
            raise apsw.BusyError("a file that is open for reading cannot be locked for writing")
        super().xLock(level)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._flag.exists() and offset + len(data) > self.xFileSize():
            raise apsw.FullError("the disk is full (by order of the benchmark)")
        super().xWrite(data, offset)


class _BoundedVfs(apsw.VFS):
    def __init__(self, flag: Path) -> None:
        super().__init__("small-disk", "unix", makedefault=True)
        self._flag = flag

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        if name is None:
            return apsw.VFSFile("unix", name, flags)
        return _BoundedFile(name, flags, self._flag)


def main() -> None:
    """Runs `PROGRAM ARGUMENTS...` under the VFS."""
    flag, program, *arguments = sys.argv[1:]
    vfs = _BoundedVfs(Path(flag))  # the name keeps it registered
    sys.argv = [program, *arguments]
    try:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    finally:
        del vfs


if __name__ == "__main__":
    main()
