"""SQL as PostgreSQL writes it, where SQLite writes it otherwise."""

from __future__ import annotations

import re
from typing import Any, Final

_SPECIAL: Final = re.compile(r"\[\[\]|[*?%_\\]")
_LIKE: Final = {"[[]": "[", "*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"}


class PostgresDialect:
    """Implements Dialect. Which index is read is the planner's choice."""

    in_order: Final = "JOIN"
    kept: Final = "FOR KEY SHARE"
    is_timed: Final = " AND captured_at IS NOT NULL"
    given_up_before: Final = "SELECT rows_before FROM given_up"

    def by_index(self, name: str) -> str:
        del name
        return ""

    def among(self, column: str, name: str) -> str:
        return f"{column} = ANY(:{name})"

    def texts(self, values: tuple[str, ...]) -> Any:
        return list(values)

    def numbers(self, values: tuple[int, ...]) -> Any:
        return list(values)

    def like(self, column: str, name: str) -> str:
        return f"{column} LIKE :{name}"

    def pattern(self, glob: str) -> str:
        return _SPECIAL.sub(lambda found: _LIKE[found[0]], glob)

    def unix_s(self, column: str) -> str:
        return f"floor(extract(epoch FROM CAST({column} AS TIMESTAMPTZ)))::BIGINT"

    def said_number(self, key: str) -> str:
        return f"said_number(system_info, {key})"


POSTGRES: Final = PostgresDialect()
