"""On what a benchmark ran: machine, versions and the file system, which must be a real one."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})


class NotOnDisk(ValueError):
    """The folder lies in memory, where an fsync costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a figure depends on, to be printed beside it."""

    measured_at: str
    processor: str
    cores: int
    kernel: str
    python: str
    sqlite: str
    file_system: str
    mounted_at: str


def machine_of(folder: Path) -> Machine:
    """This machine, and the file system that `folder` lies on; raises NotOnDisk."""
    mount_point, kind = mount_of(folder)
    if kind in _IN_MEMORY:
        raise NotOnDisk(
            f"{folder} lies on {kind}, in memory, where an fsync costs nothing: "
            "name a folder on a disk with --folder"
        )
    return Machine(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        file_system=kind,
        mounted_at=mount_point,
    )


def mount_of(folder: Path) -> tuple[str, str]:
    """Mount point and type of the file system that holds `folder` (proc(5), mountinfo)."""
    place = folder.resolve()
    best = ("/", "unknown")
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, behind = line.partition(" - ")
        mount_point = before.split()[4].replace("\\040", " ")
        if place.is_relative_to(mount_point) and len(mount_point) >= len(best[0]):
            best = (mount_point, behind.split()[0])
    return best


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()
