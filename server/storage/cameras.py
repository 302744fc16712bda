"""Cameras as the board and their own pages show them, from the database. Implements Cameras."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from server.errors import NotThere, QuestionInvalid
from server.storage.asking import Dialect, Reader, Readers
from server.storage.camera_books import books_of
from server.storage.camera_report import report_of, said_of
from server.storage.health_history import MOST_COMPONENTS, SETTINGS, history_of
from server.storage.reading.cameras import (
    CameraBooks,
    CameraCard,
    CameraDetail,
    CameraReport,
    ComponentHealth,
    HealthHistory,
    StateRule,
)
from server.storage.times import YEARS, moment_of

LONGEST_DAYS: Final = 31
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

_CAMERAS: Final = (
    "SELECT device_id, hostname, checkpoint_id, agent_version, first_seen, last_seen, epoch, "
    "clock_offset_s, clock_state, waiting_rows, (SELECT max(captured_at) FROM lpr_detections "
    "WHERE device_id = cameras.device_id) AS latest_at FROM cameras "
    "WHERE device_id = coalesce(:device, device_id) ORDER BY device_id"
)
_NAMES: Final = "SELECT device_id FROM cameras ORDER BY device_id LIMIT ?"
_PARTS: Final = (
    "WITH RECURSIVE parts (device_id, component, number) AS ("
    "SELECT device_id, (SELECT min(component) FROM health_monitors "
    "WHERE device_id = cameras.device_id), 1 FROM cameras "
    "WHERE device_id = coalesce(:device, device_id) "
    "UNION ALL SELECT device_id, (SELECT min(component) FROM health_monitors "
    "WHERE device_id = parts.device_id AND component > parts.component), number + 1 FROM parts "
    "WHERE component IS NOT NULL AND number < :most) "
)
Row = Mapping[str, Any]


def _newest(dialect: Dialect) -> str:
    """The latest check `h` of a component of `p`."""
    return (
        f"{dialect.in_order} health_monitors AS h ON h.id = (SELECT id FROM health_monitors"  # noqa: S608 (our own names)
        f"{dialect.by_index('health_monitors_device')} WHERE device_id = p.device_id "
        f"AND component = p.component{dialect.is_timed} ORDER BY captured_at DESC, id DESC LIMIT 1)"
    )


def _latest_health(dialect: Dialect) -> str:
    return (
        f"{_PARTS} SELECT p.device_id, p.component, h.status, h.message, h.captured_at, "  # noqa: S608 (our own names)
        f"h.system_info FROM parts AS p {_newest(dialect)} WHERE p.component IS NOT NULL"
    )


def _faulty(dialect: Dialect) -> str:
    return f"{_latest_health(dialect)} AND h.status <> 'PASS'"


def _reports(dialect: Dialect) -> str:
    """Each check tells the same of the whole camera: one of them is enough for the board."""
    return (
        "SELECT p.device_id, h.captured_at, h.system_info FROM (SELECT device_id, coalesce("  # noqa: S608 (our own names)
        "(SELECT component FROM health_monitors WHERE device_id = cameras.device_id "
        "AND component = 'agent' LIMIT 1), (SELECT min(component) FROM health_monitors "
        "WHERE device_id = cameras.device_id)) AS component FROM cameras) AS p "
        f"{_newest(dialect)}"
    )


class StoredCameras:
    """`rule` says when a camera counts as online, late and silent."""

    def __init__(self, pool: Readers, rule: StateRule) -> None:
        self._pool = pool
        self._rule = rule

    async def board(self, *, now: datetime, connected: Collection[str]) -> tuple[CameraCard, ...]:
        def work(reader: Reader) -> tuple[CameraCard, ...]:
            everyone = {"device": None, "most": MOST_COMPONENTS}
            faults: dict[str, list[Row]] = {}
            for row in reader.rows_of(_faulty(reader.dialect), everyone):
                faults.setdefault(row["device_id"], []).append(row)
            told = reader.rows(_reports(reader.dialect))
            reports = {name: _told(said, at) for name, at, said in told}
            return tuple(
                self._card(
                    row,
                    _faults(faults.get(row["device_id"], [])),
                    reports.get(row["device_id"]),
                    now,
                    connected,
                )
                for row in reader.rows_of(_CAMERAS, {"device": None})
            )

        return await self._pool.ask(work)

    async def names(self, *, most: int) -> tuple[str, ...]:
        rows = await self._pool.ask(lambda reader: reader.rows(_NAMES, (most,)))
        return tuple(str(name) for (name,) in rows)

    async def known(self, names: Collection[str]) -> frozenset[str]:
        if not names:
            return frozenset()
        dialect = self._pool.dialect
        sql = f"SELECT device_id FROM cameras WHERE {dialect.among('device_id', 'names')}"  # noqa: S608 (our own names)
        values = {"names": dialect.texts(tuple(names))}
        rows = await self._pool.ask(lambda reader: reader.rows(sql, values))
        return frozenset(str(name) for (name,) in rows)

    async def camera(
        self, device_id: str, *, now: datetime, connected: Collection[str]
    ) -> CameraDetail:
        def work(reader: Reader) -> CameraDetail:
            row = _camera(reader, device_id)
            latest = _latest(reader, device_id)
            report = _report(latest)
            told = [each for each in latest if each["component"] == SETTINGS]
            return CameraDetail(
                card=self._card(row, _faults(latest), report, now, connected),
                health=tuple(_health(each) for each in latest if each["component"] != SETTINGS),
                report=report,
                settings=said_of(told[0]["system_info"]) if told else {},
            )

        return await self._pool.ask(work)

    async def health(
        self, device_id: str, *, since: datetime, until: datetime, points: int = 240
    ) -> HealthHistory:
        if not timedelta() < until - since <= timedelta(days=LONGEST_DAYS):
            raise QuestionInvalid(
                f"since={since.isoformat()}, until={until.isoformat()}: expected at most "
                f"{LONGEST_DAYS} days, the first before the second"
            )
        if not 10 <= points <= 1000:
            raise QuestionInvalid(f"points={points}: expected 10 to 1000")

        def work(reader: Reader) -> HealthHistory:
            _camera(reader, device_id)
            return history_of(reader, device_id, since=since, until=until, points=points)

        return await self._pool.ask(work)

    async def books(self, device_id: str, *, until: date, days: int = 7) -> CameraBooks:
        if not 1 <= days <= LONGEST_DAYS:
            raise QuestionInvalid(f"days={days}: expected 1 to {LONGEST_DAYS}")
        if until.year not in YEARS:
            raise QuestionInvalid(f"until={until}: expected a day from 1970 to 2199")
        since = until - timedelta(days=days - 1)

        def work(reader: Reader) -> CameraBooks:
            camera = _camera(reader, device_id)
            report = _report(_latest(reader, device_id))
            return books_of(
                reader,
                device_id,
                epoch=camera["epoch"],
                report=report,
                since=since,
                until=until,
            )

        return await self._pool.ask(work)

    def _card(
        self,
        row: Row,
        faults: tuple[ComponentHealth, ...],
        report: CameraReport | None,
        now: datetime,
        connected: Collection[str],
    ) -> CameraCard:
        last_seen = moment_of(row["last_seen"]) or _BEGINNING
        is_connected = row["device_id"] in connected
        hello_offset_s = row["clock_offset_s"]
        said = report or report_of({}, last_seen)
        ahead_s = None if hello_offset_s is None else -hello_offset_s
        return CameraCard(
            device_id=row["device_id"],
            hostname=row["hostname"] or "",
            checkpoint_id=row["checkpoint_id"] or "",
            state=self._rule.state(last_seen=last_seen, is_connected=is_connected, now=now),
            is_connected=is_connected,
            first_seen=moment_of(row["first_seen"]) or _BEGINNING,
            last_seen=last_seen,
            version=row["agent_version"] or said.version,
            waiting=row["waiting_rows"] if said.waiting is None else said.waiting,
            oldest_waiting_at=said.oldest_waiting_at,
            clock_offset_s=ahead_s if said.clock_offset_s is None else said.clock_offset_s,
            clock_state=row["clock_state"],
            temperature_c=said.temperature_c,
            throttled=said.throttled,
            faults=faults,
            latest_sighting_at=moment_of(row["latest_at"]),
        )


def _camera(reader: Reader, device_id: str) -> Row:
    rows = reader.rows_of(_CAMERAS, {"device": device_id})
    if not rows:
        raise NotThere(f"there is no camera {device_id[:64]!r}: it was never heard of here")
    return rows[0]


def _latest(reader: Reader, device_id: str) -> list[Row]:
    """The latest check of each component."""
    values = {"device": device_id, "most": MOST_COMPONENTS}
    return list(reader.rows_of(_latest_health(reader.dialect), values))


def _report(latest: Sequence[Row]) -> CameraReport | None:
    """By the newest check that tells any of it."""
    checks = [row for row in latest if row["component"] != SETTINGS and row["captured_at"]]
    newest_first = sorted(checks, key=lambda row: str(row["captured_at"]), reverse=True)
    reports = (_told(row["system_info"], row["captured_at"]) for row in newest_first)
    return next((report for report in reports if report is not None), None)


def _told(system_info: str | None, captured_at: str | None) -> CameraReport | None:
    said, at = said_of(system_info), moment_of(captured_at)
    return report_of(said, at) if said and at is not None else None


def _health(row: Row) -> ComponentHealth:
    return ComponentHealth(
        component=str(row["component"]),
        status=str(row["status"]),
        message=str(row["message"] or ""),
        at=moment_of(row["captured_at"]),
    )


def _faults(latest: Sequence[Row]) -> tuple[ComponentHealth, ...]:
    found = [_health(row) for row in latest if row["status"] != "PASS"]
    return tuple(sorted(found, key=lambda one: (one.status != "FAIL", one.component)))
