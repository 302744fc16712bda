"""Many ids in one statement: `... IN (SELECT value FROM carray(?))`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import apsw


def many(ids: Iterable[int]) -> Any:
    """For the question mark."""
    # An empty array has no place in memory that SQLite would take; nothing has the id -1.
    return apsw.carray(array("q", ids) or array("q", (-1,)), flags=apsw.SQLITE_CARRAY_INT64)
