"""Reads a camera's books from SQLite: which of its numbers are here, day by day, and all in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from server.storage.accounting import Said, StoredRow, account, last_before
from server.storage.asking import Reader
from server.storage.health_history import components_of
from server.storage.reading.cameras import CameraBooks, CameraReport, EpochBooks, EvictionNote
from server.storage.times import moment_of, text_of

MOST_EVICTIONS: Final = 100
"""That are told one by one."""
_MOST_EXPLAINING: Final = 5000
"""Evictions that explain what is missing: a full disk gives up a few rows at a time."""
_LOOKED_BACK: Final = 20
"""Rows of each kind before the days that are asked for: the last of them ends no hole, it begins
one."""
_MOST_STRAYS: Final = 100_000
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES: Final = ("lpr_detections", "face_detections", "evictions")

_IS_STRAY: Final = (
    "clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10)"
)
"""As the indexes of strays have it: a clock nobody set, and not the day on which the row came."""
_IS_NO_STRAY: Final = (
    "(clock_state IS NOT 'unsynchronised' "
    "OR substr(captured_at, 1, 10) = substr(received_at, 1, 10))"
)
_COLUMNS: Final = "epoch, sequence, captured_at"
_COUNTS: Final = f"sequence IS NOT NULL AND epoch IS NOT NULL AND {_IS_NO_STRAY}"
_EPOCHS: Final = (
    "SELECT e.epoch, e.last_sequence, e.begins_after, e.rows_stored, e.rows_before, e.rows_later, "
    "e.first_received_at, e.last_received_at FROM camera_epochs AS e "
    "JOIN cameras AS c ON c.id = e.camera WHERE c.device_id = ? AND e.epoch <> '' "
    "AND e.rows_stored > 0 ORDER BY e.last_received_at DESC"
)
_NUMBERED: Final = tuple(
    f"SELECT {_COLUMNS} FROM {table} INDEXED BY {table}_device "  # noqa: S608 (our own names)
    "WHERE device_id = :device AND captured_at >= :since AND captured_at < :until "
    f"AND {_COUNTS}"
    for table in _TABLES
)
_NUMBERED_HEALTH: Final = (
    f"SELECT {_COLUMNS} FROM health_monitors INDEXED BY health_monitors_device "  # noqa: S608 (our own names)
    "WHERE device_id = :device AND component = :component AND captured_at >= :since "
    f"AND captured_at < :until AND {_COUNTS}"
)
_BEFORE: Final = tuple(
    f"SELECT {_COLUMNS} FROM (SELECT * FROM {table} INDEXED BY {table}_device "  # noqa: S608 (our own names)
    "WHERE device_id = :device AND captured_at < :since AND captured_at >= :kept_since "
    f"ORDER BY captured_at DESC LIMIT :back) WHERE {_COUNTS}"
    for table in _TABLES
)
_HEALTH_BEFORE: Final = (
    f"SELECT {_COLUMNS} FROM (SELECT * FROM health_monitors INDEXED BY health_monitors_device "  # noqa: S608 (our own names)
    "WHERE device_id = :device AND component = :component AND captured_at < :since "
    "AND captured_at >= :kept_since ORDER BY captured_at DESC LIMIT :back) "
    f"WHERE {_COUNTS}"
)
_STRAYS: Final = tuple(
    f"SELECT {_COLUMNS} FROM {table} INDEXED BY {table}_strays "  # noqa: S608 (our own names)
    f"WHERE device_id = :device AND {_IS_STRAY} ORDER BY epoch, sequence DESC LIMIT {_MOST_STRAYS}"
    for table in (*_TABLES, "health_monitors")
)
_FIRST_ROWS: Final = tuple(
    f"SELECT id, received_at FROM {table} WHERE id = (SELECT min(id) FROM {table})"  # noqa: S608 (our own names)
    for table in ("lpr_detections", "health_monitors", "face_detections")
)
_EVICTIONS: Final = (
    "SELECT epoch, captured_at, kind, reason, evicted_table, count, size_bytes, first_sequence, "
    "last_sequence, message FROM evictions INDEXED BY evictions_device WHERE device_id = :device "
    "AND captured_at >= :since ORDER BY captured_at DESC LIMIT :most"
)


def books_of(
    reader: Reader,
    device_id: str,
    *,
    epoch: str | None,
    report: CameraReport | None,
    since: date,
    until: date,
) -> CameraBooks:
    """Of the days from `since` to `until`, both included; `epoch` and `report` are the camera's
    present ones."""
    kept_since = _kept_since(reader)
    begin = since - timedelta(days=1)
    if kept_since is not None:
        since, begin = max(since, kept_since), max(begin, kept_since)
    asked = {
        "device": device_id,
        "since": _start_of(begin),
        "until": _start_of(until + timedelta(days=1)),
    }
    rows = _numbered(reader, asked, "" if kept_since is None else _start_of(kept_since))
    strays = _strays(reader, device_id)
    explaining = {
        "device": device_id,
        "since": min((asked["since"], *(at for _, _, at in rows))),
        "most": _MOST_EXPLAINING,
    }
    evictions = [(str(row["epoch"]), _note(row)) for row in reader.rows_of(_EVICTIONS, explaining)]
    epochs = tuple(_epoch(row) for row in reader.rows(_EPOCHS, (device_id,)))
    said = Said(
        epoch=epoch,
        report=report,
        evictions=tuple(evictions),
        epochs={each.epoch: each for each in epochs},
    )
    accounted = account(
        rows,
        said,
        since=since,
        strays=[row for row in strays if asked["since"] <= row[2] < asked["until"]],
        elsewhere=[row[:2] for row in strays],
    )
    return CameraBooks(
        device_id=device_id,
        report=report,
        epochs=epochs,
        days=accounted.days,
        gaps=accounted.gaps,
        more_gaps=accounted.more_gaps,
        evictions=tuple(note for _, note in evictions)[:MOST_EVICTIONS],
        kept_since=kept_since,
    )


def _kept_since(reader: Reader) -> date | None:
    """Rows go in the order of their arrival: a table that does not begin with 1 was pruned."""
    first_rows = [reader.row(sql) for sql in _FIRST_ROWS]
    arrivals = [moment_of(row[1]) for row in first_rows if row is not None and row[0] > 1]
    return max((arrival.date() for arrival in arrivals if arrival is not None), default=None)


def _numbered(reader: Reader, asked: dict[str, Any], kept_since: str) -> list[StoredRow]:
    """Those of the time asked for, and of each epoch the last one before it, if it was captured
    after all that was given up here: so that a hole is seen however long it lasted. No strays."""
    asked = asked | {"kept_since": kept_since, "back": _LOOKED_BACK}
    rows: list[Any] = [row for sql in _NUMBERED for row in reader.rows(sql, asked)]
    before: list[Any] = [row for sql in _BEFORE for row in reader.rows(sql, asked)]
    for component in components_of(reader, asked["device"]):
        of_component = asked | {"component": component}
        rows += reader.rows(_NUMBERED_HEALTH, of_component)
        before += reader.rows(_HEALTH_BEFORE, of_component)
    return [*rows, *last_before(rows, before)]


def _strays(reader: Reader, device_id: str) -> list[StoredRow]:
    """Rows of which the clock was far off, on whatever day: of most cameras there are none."""
    found: list[Any] = []
    for sql in _STRAYS:
        found += reader.rows(sql, {"device": device_id})
    return found


def _epoch(row: Sequence[Any]) -> EpochBooks:
    epoch, last, begins_after, rows_stored, rows_before, rows_later, first_at, last_at = row
    captured = max(0, last - (begins_after or 0))
    return EpochBooks(
        epoch=epoch,
        last_sequence=last,
        begins_after=begins_after,
        rows_stored=rows_stored,
        rows_before=rows_before,
        rows_later=rows_later,
        captured=captured,
        missing=max(0, captured - (rows_stored - rows_before) - rows_later),
        first_received_at=moment_of(first_at) or _BEGINNING,
        last_received_at=moment_of(last_at) or _BEGINNING,
    )


def _note(row: Mapping[str, Any]) -> EvictionNote:
    return EvictionNote(
        at=moment_of(row["captured_at"]),
        kind=row["kind"],
        reason=row["reason"],
        table=row["evicted_table"],
        count=row["count"],
        size_bytes=row["size_bytes"],
        first_sequence=row["first_sequence"],
        last_sequence=row["last_sequence"],
        message=row["message"] or "",
    )


def _start_of(day: date) -> str:
    return text_of(datetime.combine(day, time(), UTC))
