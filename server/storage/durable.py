"""Makes names on the disk survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def sync(place: Path) -> None:
    """Makes a file's content durable, or the names in a folder."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """The folder and those around it, durable where they are new; no trouble where it exists."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)
