"""What is known of all cameras at once, cheaply enough to be asked every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import apsw

from server.storage.reading.cameras import SILENT_AFTER
from server.storage.times import text_of

_COUNT: Final = "SELECT count(*), count(*) FILTER (WHERE last_seen < ?) FROM cameras"
_CAMERAS: Final = (
    "SELECT c.device_id, c.last_seen, c.waiting_rows, c.clock_offset_s, "
    "(SELECT e.rows_stored FROM camera_epochs e WHERE e.camera = c.id AND e.epoch = c.epoch) "
    "FROM cameras c ORDER BY c.id LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSeen:
    """One camera; what it said in `hello` is None of one that never did.

    `rows_stored` is of its present database; `clock_offset_s` is its clock less the server's.
    """

    device_id: str
    last_seen_at: datetime
    waiting_rows: int | None
    clock_offset_s: float | None
    rows_stored: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """`cameras` are the first that were ever seen; `count` and `silent` are of all."""

    count: int
    silent: int
    cameras: tuple[CameraSeen, ...]


def look_at_fleet(connection: apsw.Connection, *, now: datetime, most: int) -> Fleet:
    """The counts, and at most so many cameras one by one."""
    before = text_of(now - SILENT_AFTER)
    count, silent = connection.execute(_COUNT, (before,)).fetchone() or (0, 0)
    found: Any = connection.execute(_CAMERAS, (most,))
    cameras = tuple(
        CameraSeen(
            device_id=device_id,
            last_seen_at=datetime.fromisoformat(last_seen),
            waiting_rows=waiting_rows,
            clock_offset_s=clock_offset_s,
            rows_stored=rows_stored,
        )
        for device_id, last_seen, waiting_rows, clock_offset_s, rows_stored in found
    )
    return Fleet(count=int(count), silent=int(silent), cameras=cameras)
