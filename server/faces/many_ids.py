"""Many ids in one statement: `... IN (SELECT value FROM carray(?))`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import apsw


def many(ids: Iterable[int]) -> apsw.carray:
    """For the question mark."""
    return apsw.carray(array("q", ids), flags=apsw.SQLITE_CARRAY_INT64)
