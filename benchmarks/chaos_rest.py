"""Whether cameras have come to rest: nothing waits, and each has heard the server as it is now."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw


def rows_that_wait(database: Path) -> int:
    """Of one camera; one without a database yet counts as one row."""
    found = _asked(database, "SELECT waiting FROM store")
    return int(found[0][0]) if found else 1


def heard_since(centre: Path, restored_at: datetime | None) -> dict[str, str]:
    """By camera, the run of the server that greeted it or took rows of it since then."""
    if restored_at is None:
        return {}
    latest = _asked(centre, "SELECT name FROM server_runs ORDER BY number DESC LIMIT 1")
    seen = _asked(centre, "SELECT device_id, last_seen FROM cameras")
    return {
        str(name): str(latest[0][0])
        for name, at in seen
        if latest and datetime.fromisoformat(at) >= restored_at
    }


def has_heard(database: Path, run: str | None) -> bool:
    """Whether the camera has drawn its conclusions from that run's welcome."""
    found = _asked(database, "SELECT name FROM server_runs ORDER BY number DESC LIMIT 1")
    return run is not None and bool(found) and found[0][0] == run


def _asked(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Nothing where there is no such database or table (yet)."""
    try:
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        with contextlib.closing(connection):
            connection.set_busy_timeout(5_000)
            return connection.execute(sql).fetchall()
    except (apsw.CantOpenError, apsw.SQLError):
        return []
