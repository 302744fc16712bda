"""SQL as SQLite writes it, where PostgreSQL writes it otherwise."""

from __future__ import annotations

from array import array
from typing import Any, Final

import apsw

_GLOBBED_NUMBER: Final = "'[-0-9]*'"
_GIVEN_UP: Final = " UNION ALL ".join(
    f"SELECT received_at FROM {table} WHERE id = (SELECT min(id) FROM {table}) AND id > 1"  # noqa: S608 (our own names)
    for table in ("lpr_detections", "health_monitors", "face_detections")
)
"""Rows go in the order of their arrival: a table that does not begin with 1 was pruned."""


class SqliteDialect:
    """Implements Dialect."""

    in_order: Final = "CROSS JOIN"
    kept: Final = ""
    is_timed: Final = ""
    given_up_before: Final = _GIVEN_UP

    def by_index(self, name: str) -> str:
        return f" INDEXED BY {name}"

    def among(self, column: str, name: str) -> str:
        return f"{column} IN (SELECT value FROM carray(:{name}))"  # noqa: S608 (our own names)

    def texts(self, values: tuple[str, ...]) -> Any:
        return apsw.carray(values, flags=apsw.SQLITE_CARRAY_TEXT)

    def numbers(self, values: tuple[int, ...]) -> Any:
        # An empty array has no place in memory that SQLite would take; nothing has the id -1.
        held = array("q", values) or array("q", (-1,))
        return apsw.carray(held, flags=apsw.SQLITE_CARRAY_INT64)

    def like(self, column: str, name: str) -> str:
        return f"{column} GLOB :{name}"

    def pattern(self, glob: str) -> str:
        return glob

    def unix_s(self, column: str) -> str:
        return f"unixepoch({column})"

    def said_number(self, key: str) -> str:
        found = f"json_extract(system_info, '$.' || {key})"
        said = f"CASE WHEN json_valid(system_info) THEN {found} END"
        return f"CASE WHEN {said} GLOB {_GLOBBED_NUMBER} THEN CAST({said} AS REAL) END"


SQLITE: Final = SqliteDialect()
