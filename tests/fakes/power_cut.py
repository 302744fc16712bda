"""A disk that forgets what was not synced: records what SQLite asks of it, and replays any cut.

The recorded program works on real files all the while (SQLite's own `unix` VFS does the work, with
its locks and shared memory, so that WAL runs as in production). Each write, truncation, sync and
removal also goes onto a tape. `disks_after_cuts` then gives, for a cut of the power before each
operation of the tape, what a disk may hold:

- bytes written before a sync of their file are there;
- of what came later each write may be there, be missing, or be torn between sectors of 512 bytes,
  whatever happened to those before and after it;
- names of files, made or removed, are sure only after a sync of their folder, which SQLite's unix
  VFS does at the first sync of each journal or WAL that it opens (os_unix.c, UNIXFILE_DIRSYNC);
- the `-shm` file is memory and is gone.

Folders themselves are taken to be there: SQLite makes none.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import apsw

from tests.extent import tries_everything

SECTOR_BYTES: Final = 512
_BASE: Final = "unix"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of random name is made in it
_WITH_FOLDER: Final = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
)


class Deed(Enum):
    """What was asked of the disk. A note is the program's own: what it has promised by now."""

    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    SYNC_FOLDER = "sync the folder"
    REMOVE = "remove"
    RENAME = "rename"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Operation:
    """One deed. `offset` is the new size of a truncation; `content` what a write brings.

    The `note` of a renaming is the new name.
    """

    deed: Deed
    path: str = ""
    offset: int = 0
    content: bytes = b""
    note: object = None


class Fate(Enum):
    """What becomes of writes that no sync has made sure."""

    LOST = "all lost"
    KEPT = "all kept"
    TORN = "each kept, lost or torn, by chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What is left after a cut before operation `cut`; `notes` were made before it."""

    cut: int
    fate: Fate
    files: dict[str, bytes]
    notes: tuple[object, ...]

    def put(self, folder: Path, *, recorded_in: Path) -> None:
        """Writes the files below `folder`, which is emptied first, as they lay in the other."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            target = folder / Path(name).relative_to(recorded_in)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


@dataclass(slots=True)
class _File:
    """An inode: what is sure, and what was asked for since."""

    sure: bytearray = field(default_factory=bytearray)
    since: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        for operation in self.since:
            _apply(self.sure, operation)
        self.since.clear()

    def after(self, fate: Fate, chance: random.Random) -> bytes:
        content = bytearray(self.sure)
        if fate is not Fate.LOST:
            for operation in self.since:
                if fate is Fate.KEPT:
                    _apply(content, operation)
                else:
                    _apply_by_chance(content, operation, chance)
        return bytes(content)


class Tape:
    """What was asked of the disk, in order. `note` may be called from any thread."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def note(self, promise: object) -> None:
        """Writes down what the program has promised to others by now."""
        self.operations.append(Operation(Deed.NOTE, note=promise))

    def telling_cuts(self, *, of_each_kind: int = 4) -> Container[int]:
        """Some cuts of every kind, spread over the tape, and the last; or all (`tests.extent`).

        Cuts between the same two deeds on the same sorts of files (by suffix) are of one kind.
        """
        if tries_everything():
            return range(len(self.operations) + 1)
        kinds: dict[object, list[int]] = {}
        for cut, (past, coming) in enumerate(pairwise(self.operations), start=1):
            if coming.deed is not Deed.NOTE:
                kind = tuple((each.deed, Path(each.path).suffix) for each in (past, coming))
                kinds.setdefault(kind, []).append(cut)
        chosen = {len(self.operations)}
        for cuts in kinds.values():
            step = max(1, len(cuts) - 1) / max(1, of_each_kind - 1)
            chosen.update(cuts[min(round(at * step), len(cuts) - 1)] for at in range(of_each_kind))
        return chosen

    def disks_after_cuts(
        self, *fates: Fate, at: Container[int] | None = None, seed: int = 0
    ) -> Iterator[Disk]:
        """Every disk that a cut may leave: before each operation, and after the last.

        With `at` only those of these cuts.
        """
        files: dict[str, _File] = {}
        sure_names: dict[str, _File] = {}
        notes: list[object] = []
        end = Operation(Deed.NOTE)
        for cut, operation in enumerate([*self.operations, end]):
            is_asked = at is None or cut in at
            if is_asked and (operation.deed is not Deed.NOTE or operation is end):
                for fate in fates or tuple(Fate):
                    chance = random.Random(f"{seed} {cut}")
                    names = _names_after(files, sure_names, fate, chance)
                    held = {name: file.after(fate, chance) for name, file in names.items()}
                    yield Disk(cut=cut, fate=fate, files=held, notes=tuple(notes))
            _replay(operation, files, sure_names, notes)


def _replay(
    operation: Operation,
    files: dict[str, _File],
    sure_names: dict[str, _File],
    notes: list[object],
) -> None:
    match operation.deed:
        case Deed.NOTE:
            notes.append(operation.note)
        case Deed.CREATE:
            files.setdefault(operation.path, _File())
        case Deed.REMOVE:
            files.pop(operation.path, None)
        case Deed.RENAME:
            files[str(operation.note)] = files.pop(operation.path)
        case Deed.SYNC:
            files[operation.path].sync()
        case Deed.SYNC_FOLDER:
            folder = Path(operation.path).parent
            for name in [name for name in sure_names if Path(name).parent == folder]:
                del sure_names[name]
            here = {name: file for name, file in files.items() if Path(name).parent == folder}
            sure_names.update(here)
        case _:
            files[operation.path].since.append(operation)


def _names_after(
    now: dict[str, _File], sure: dict[str, _File], fate: Fate, chance: random.Random
) -> dict[str, _File]:
    if fate is Fate.KEPT:
        return now
    if fate is Fate.LOST:
        return sure
    names: dict[str, _File] = {}
    for name in sorted({*now, *sure}):
        file = (now if now.get(name) is sure.get(name) or chance.random() < 0.5 else sure).get(name)
        if file is not None:
            names[name] = file
    return names


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.deed is Deed.TRUNCATE:
        del content[operation.offset :]
        return
    end = operation.offset + len(operation.content)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[operation.offset : end] = operation.content


def _apply_by_chance(content: bytearray, operation: Operation, chance: random.Random) -> None:
    """A third is lost, a third kept, a third torn: each sector of it is there or not."""
    dice = chance.random()
    if dice < 1 / 3:
        return
    if dice < 2 / 3 or operation.deed is Deed.TRUNCATE:
        _apply(content, operation)
        return
    at = 0
    while at < len(operation.content):
        size = SECTOR_BYTES - (operation.offset + at) % SECTOR_BYTES
        if chance.random() < 0.5:
            part = operation.content[at : at + size]
            _apply(content, Operation(Deed.WRITE, operation.path, operation.offset + at, part))
        at += size


class _TapedFile(apsw.VFSFile):
    """A real file whose changes are written down once they were made."""

    def __init__(self, name: Any, flags: list[int], tape: Tape) -> None:
        super().__init__(_BASE, name, flags)
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._tape = tape
        self._syncs_folder = bool(flags[0] & _WITH_FOLDER and flags[0] & apsw.SQLITE_OPEN_CREATE)
        self._note(Deed.CREATE)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._note(Deed.WRITE, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        super().xTruncate(newsize)
        self._note(Deed.TRUNCATE, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        super().xSync(flags)
        self._note(Deed.SYNC)
        if self._syncs_folder:
            self._syncs_folder = False
            self._note(Deed.SYNC_FOLDER)

    def _note(self, deed: Deed, offset: int = 0, content: bytes = b"") -> None:
        self._tape.operations.append(Operation(deed, self._path, offset, content))


class _TapedVfs(apsw.VFS):
    def __init__(self, tape: Tape) -> None:
        super().__init__("power-cut", _BASE, makedefault=True)
        self._tape = tape

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        if name is None:
            return apsw.VFSFile(_BASE, name, flags)  # a temporary file: nobody misses it
        return _TapedFile(name, flags, self._tape)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        super().xDelete(filename, syncdir)
        self._tape.operations.append(Operation(Deed.REMOVE, filename))
        if syncdir:
            self._tape.operations.append(Operation(Deed.SYNC_FOLDER, filename))


@contextmanager
def taped() -> Iterator[Tape]:
    """Inside, whatever opens a database without naming a VFS is written down."""
    tape = Tape()
    vfs = _TapedVfs(tape)
    try:
        yield tape
    finally:
        vfs.unregister()


@contextmanager
def folder_after() -> Iterator[Path]:
    """A place for what was left, in memory where there is such a file system.

    Nobody cuts the power there, so a thousand recoveries need not wait for a real disk's syncs.
    """
    parent = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="sightpost-power-cut-", dir=parent) as folder:
        yield Path(folder) / "after"
