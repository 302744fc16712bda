"""Many ids in one statement: `... IN (SELECT value FROM carray(?))`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import apsw


def many(ids: Iterable[int]) -> Any:
    """For the question mark."""
    return apsw.carray(array("q", ids), flags=apsw.SQLITE_CARRAY_INT64)
