"""Statements on a connection to SQLite, as readers and writers of any database have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from server.storage.askable import check
from server.storage.asking import Values
from server.storage.dialect import SQLITE


class SqliteStatements:
    """Reads. Implements Reader."""

    dialect: Final = SQLITE

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._execute(sql, values).fetchall()

    def row(self, sql: str, values: Values | tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._execute(sql, values).fetchone()
        return found

    def rows_of(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        cursor = self._execute(sql, values)
        found = []
        names: list[str] = []
        for row in cursor:
            names = names or [column[0] for column in cursor.get_description()]
            found.append(dict(zip(names, row, strict=True)))
        return found

    def _execute(self, sql: str, values: Values | tuple[Any, ...]) -> apsw.Cursor:
        check(values)
        return self._connection.execute(sql, values)


class SqliteWriter(SqliteStatements):
    """Implements Writer, within a transaction of whoever made it."""

    def change(self, sql: str, values: Values | tuple[Any, ...] = ()) -> int:
        check(values)
        self._connection.execute(sql, values)
        return self._connection.changes()

    def change_each(self, sql: str, many: Sequence[tuple[Any, ...]]) -> None:
        for values in many:
            check(values)
        self._connection.executemany(sql, many)
