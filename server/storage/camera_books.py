"""Reads a camera's books: which of its numbers are here, day by day, and all in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from server.storage.accounting import Said, StoredRow, account, last_before
from server.storage.asking import Dialect, Reader
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
_HEALTH: Final = "health_monitors"
_OF_COMPONENT: Final = "AND component = :component"

_IS_STRAY: Final = (
    "clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10)"
)
"""As the indexes of strays have it: a clock nobody set, and not the day on which the row came. Such
rows count on that day: when they were captured nobody knows, and on a day of 1970 nobody would look
for them."""
_IS_NO_STRAY: Final = (
    "(clock_state IS DISTINCT FROM 'unsynchronised' "
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
_BETWEEN: Final = f"captured_at >= :since AND captured_at < :until AND {_COUNTS}"


def _numbered_in(table: str, dialect: Dialect, part: str = "") -> str:
    """`part`: one more condition, on the second column of the table's index."""
    return (
        f"SELECT {_COLUMNS} FROM {table}{dialect.by_index(f'{table}_device')} "  # noqa: S608 (our own names)
        f"WHERE device_id = :device {part} AND {_BETWEEN}"
    )


def _before_in(table: str, dialect: Dialect, part: str = "") -> str:
    return (
        f"SELECT {_COLUMNS} FROM (SELECT * FROM {table}{dialect.by_index(f'{table}_device')} "  # noqa: S608 (our own names)
        f"WHERE device_id = :device {part} AND captured_at < :since AND captured_at >= :kept_since "
        f"ORDER BY captured_at DESC LIMIT :back) AS newest WHERE {_COUNTS}"
    )


def _strays_in(table: str, dialect: Dialect) -> str:
    return (
        "SELECT epoch, sequence, received_at, captured_at FROM "  # noqa: S608 (our own names)
        f"{table}{dialect.by_index(f'{table}_strays')} "
        f"WHERE device_id = :device AND {_IS_STRAY} "
        f"ORDER BY epoch, sequence DESC LIMIT {_MOST_STRAYS}"
    )


def _evictions_in(dialect: Dialect) -> str:
    return (
        "SELECT epoch, captured_at, kind, reason, evicted_table, count, size_bytes, "  # noqa: S608 (our own names)
        f"first_sequence, last_sequence, message FROM evictions"
        f"{dialect.by_index('evictions_device')} WHERE device_id = :device "
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
    all_strays = _strays(reader, device_id)
    strays = [row for row in all_strays if asked["since"] <= row[2] < asked["until"]]
    explaining = {
        "device": device_id,
        "since": min((asked["since"], *(row[2] for row in rows), *(row[3] for row in strays))),
        "most": _MOST_EXPLAINING,
    }
    told = reader.rows_of(_evictions_in(reader.dialect), explaining)
    evictions = [(str(row["epoch"]), _note(row)) for row in told]
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
        strays=[row[:3] for row in strays],
        elsewhere=[row[:2] for row in all_strays],
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
    arrivals = [moment_of(at) for (at,) in reader.rows(reader.dialect.given_up_before)]
    return max((arrival.date() for arrival in arrivals if arrival is not None), default=None)


def _numbered(reader: Reader, asked: dict[str, Any], kept_since: str) -> list[StoredRow]:
    """Those of the time asked for, and of each epoch the last one before it, if it was captured
    after all that was given up here: so that a hole is seen however long it lasted. No strays."""
    dialect = reader.dialect
    earlier = {
        "device": asked["device"],
        "since": asked["since"],
        "kept_since": kept_since,
        "back": _LOOKED_BACK,
    }
    rows: list[Any] = []
    before: list[Any] = []
    for table in _TABLES:
        rows += reader.rows(_numbered_in(table, dialect), asked)
        before += reader.rows(_before_in(table, dialect), earlier)
    for component in components_of(reader, asked["device"]):
        of_it = {"component": component}
        rows += reader.rows(_numbered_in(_HEALTH, dialect, _OF_COMPONENT), asked | of_it)
        before += reader.rows(_before_in(_HEALTH, dialect, _OF_COMPONENT), earlier | of_it)
    return [*rows, *last_before(rows, before)]


def _strays(reader: Reader, device_id: str) -> list[tuple[str, int, str, str]]:
    """Rows of which the clock was far off, whenever they came: of most cameras there are none.
    Epoch, number, when it came, and when it was captured by that clock."""
    found: list[Any] = []
    for table in (*_TABLES, _HEALTH):
        found += reader.rows(_strays_in(table, reader.dialect), {"device": device_id})
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
