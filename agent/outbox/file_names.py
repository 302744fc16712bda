"""File names that come from outside: what older tools wrote into rows, paths among it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

LONGEST_BYTES: Final = 255
"""Of a name, as the file systems of Linux have it."""

_FOLDERS: Final = frozenset({"", ".", ".."})


def file_name(said: object) -> str | None:
    """The last part of a path, or None where that can be no file's name in a folder.

    What it gives leads nowhere but into the folder that it is joined to.
    """
    if not isinstance(said, str):
        return None
    name = os.path.basename(said)  # noqa: PTH119 - as in the spool: a path object takes ten times as long
    if name in _FOLDERS or "\0" in name:
        return None
    try:
        return name if len(os.fsencode(name)) <= LONGEST_BYTES else None
    except UnicodeEncodeError:
        return None


def file_names(said: Iterable[object]) -> tuple[str, ...]:
    """The names among them, each once, in their order."""
    found = (file_name(each) for each in said)
    return tuple(dict.fromkeys(name for name in found if name is not None))
