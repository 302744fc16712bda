"""This process's memory: what it holds, and giving back what it no longer needs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from typing import Final

import psutil

_M_ARENA_MAX: Final = -8
"""Of `mallopt(3)`."""


def keep_one_heap() -> None:
    """Has to come before another thread is started. Whoever set MALLOC_ARENA_MAX keeps it.

    glibc gives threads heaps of their own, up to eight for each core, so that they do not wait for
    each other. Each grows to the most that its threads ever needed at once: an agent held 30 MB
    more, and took an hour to stop growing. A server that takes rows is some percent slower with
    one, and holds no less (docs/measurements.md).
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def held_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


def free_memory() -> int:
    """Collects what nobody refers to and returns it to the system; how many bytes less it holds."""
    before = held_bytes()
    gc.collect()
    give_back()
    return max(0, before - held_bytes())


def give_back() -> None:
    """Returns freed pages to the system (`malloc_trim(3)` of glibc).

    Left alone it keeps them: a page that a picture or a network's run has touched once stays for
    ever.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return  # another C library, which returns them by itself
    trim(0)
