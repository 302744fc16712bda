"""Makes files and folders survive a power cut: fsync, rename, fsync of the folder around them."""

from __future__ import annotations

import os
from pathlib import Path


def make_durable(partial: Path, target: Path) -> None:
    """Gives the complete file `partial` its name, so that it is whole under it or not there."""
    handle = os.open(partial, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    partial.rename(target)
    sync_folder(target.parent)


def write_durably(target: Path, content: bytes) -> None:
    """A new file with this content, durable when this returns."""
    partial = target.with_name(f".{target.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    partial.rename(target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """The folder and those around it, durable where they are new; no trouble where it exists."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes names in the folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
