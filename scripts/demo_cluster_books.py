"""What became of every row of a camera: on the server once, twice, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw
import asyncpg
from rich.table import Table

_OF_CAMERA: Final = " UNION ALL ".join(
    f"SELECT message_id, sent_to_server FROM {table}"  # noqa: S608 (our own names)
    for table in ("detection_results", "face_results", "health_checks", "evictions")
)
_OF_SERVER: Final = " UNION ALL ".join(
    f"SELECT message_id::text AS message_id FROM {table} WHERE device_id = $1"  # noqa: S608 (our own names)
    for table in ("lpr_detections", "face_detections", "health_monitors", "evictions")
)
_WAITS: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Ids of rows: `captured` and `waiting` on the camera, `stored` on the server and how often."""

    camera: str
    captured: frozenset[str]
    waiting: frozenset[str]
    stored: Mapping[str, int]

    @property
    def twice(self) -> int:
        return sum(count - 1 for count in self.stored.values())

    @property
    def missing(self) -> int:
        """Neither on the server nor still to be sent."""
        return len(self.captured - self.waiting - self.stored.keys())

    @property
    def is_balanced(self) -> bool:
        """Every row is where it belongs, once; the server has no others."""
        return not self.twice and not self.missing and self.stored.keys() <= self.captured


async def book_of(camera: str, database: Path, url: str) -> Book:
    """Reads the camera's own database and the servers' PostgreSQL."""
    flags = _flags_in(database)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            f"SELECT message_id, count(*) FROM ({_OF_SERVER}) AS held GROUP BY 1",  # noqa: S608 (our own names)
            camera,
        )
    finally:
        await connection.close()
    return Book(
        camera=camera,
        captured=frozenset(flags),
        waiting=frozenset(row_id for row_id, flag in flags.items() if flag == _WAITS),
        stored={str(row_id): int(count) for row_id, count in rows},
    )


def table_of(books: Iterable[Book]) -> Table:
    """A line for each camera."""
    table = Table("camera", title="Every row of every camera", title_justify="left")
    for name in ("rows captured", "on the server", "twice", "still waiting", "missing"):
        table.add_column(name, justify="right")
    for book in books:
        table.add_row(
            book.camera,
            f"{len(book.captured):,}",
            f"{len(book.stored):,}",
            _bad(book.twice),
            f"{len(book.waiting - book.stored.keys()):,}",
            _bad(book.missing),
        )
    return table


def _bad(count: int) -> str:
    return f"[red]{count:,}[/red]" if count else "[green]0[/green]"


def _flags_in(database: Path) -> dict[str, int]:
    """Whether each row of the camera was sent; none where its program did not get that far."""
    if not database.is_file():
        return {}
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    with contextlib.closing(connection):
        return {str(row_id): int(str(flag)) for row_id, flag in connection.execute(_OF_CAMERA)}
