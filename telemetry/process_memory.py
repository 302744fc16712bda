"""This process's memory: what it holds, and giving back what it no longer needs."""

from __future__ import annotations

import ctypes
import gc

import psutil


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

    Left alone it keeps them: every thread has a heap of its own, and a page that a picture or a
    network's run has touched once in any of them stays for ever.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return  # another C library, which returns them by itself
    trim(0)
