"""What the running server says of itself to Prometheus, taken from its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import psutil
import structlog

from server.alert_meter import AlertMeter
from server.config import ServerSettings
from server.errors import StorageUnavailable
from server.faces.meter import FaceMeter
from server.ingest.budget import ByteBudget
from server.ingest.gateway import Gateway
from server.ingest.meter import IngestMeter
from server.ingest.stats import CODES, Counters
from server.ingest.writer import GroupWriter
from server.storage.fleet import Fleet
from server.storage.postgres.pool import Pool
from server.storage.protocol import CentreStore
from server.troubles import Troubles
from telemetry import catalogue as known
from telemetry import certificate
from telemetry.error_book import ErrorBook
from telemetry.face_level import LEVELS
from telemetry.metrics import Reading
from telemetry.request_meter import RequestMeter
from telemetry.version import VERSION
from wire.rows import Table

MOST_CAMERAS: Final = 1000
"""Cameras that have series of their own: the first so many that were ever seen. Those after them
count in the numbers of all (docs/monitoring.md)."""
SERVICE: Final = "server"
INGEST: Final = "ingest"
_READER: Final = ("plate-recognition", "all", "uncorrected")
"""Of whatever model read them: cameras do not all run the same."""
_EVICTED_KINDS: Final = ("picture", "row")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigures:
    """The parts that figures are taken from; `now` is the server's time, `requests` counts what is
    answered over HTTP, `faces` what is asked of the gallery, `alerts` what became of them;
    `pools` are connections to PostgreSQL."""

    settings: ServerSettings
    store: CentreStore
    gateway: Gateway
    writer: GroupWriter
    budget: ByteBudget
    counters: Counters
    meter: IngestMeter
    now: Callable[[], datetime]
    requests: RequestMeter = field(default_factory=lambda: RequestMeter(SERVICE))
    faces: FaceMeter = field(default_factory=FaceMeter)
    alerts: AlertMeter = field(default_factory=AlertMeter)
    errors: ErrorBook = field(default_factory=ErrorBook)
    troubles: Troubles = field(default_factory=Troubles)
    pools: Sequence[Pool] = ()

    async def read(self) -> list[Reading]:
        """Every figure of this moment. What the database does not answer is left out."""
        fleet: Fleet | None = None
        share: float | None = None
        faces: list[Reading] = []
        try:
            fleet = await self.store.fleet(now=self.now(), most=MOST_CAMERAS)
            share = await self.store.uncorrected_share()
            faces = await self._faces()
        except StorageUnavailable as error:
            _log.warning("figures of the cameras are missing", reason=str(error))
        is_available = fleet is not None and self.writer.trouble is None
        return [
            known.BUILD.of(1, SERVICE, VERSION),
            *self.requests.readings(),
            *self._ingest(),
            *self._older_names(),
            *self.errors.readings(SERVICE),
            *(_fleet(fleet) if fleet is not None else ()),
            *(() if share is None else (known.ACCURACY.of(share, *_READER),)),
            *faces,
            *self.alerts.readings(),
            *self.troubles.readings(),
            *_connections(self.pools),
            known.STORAGE_AVAILABLE.of(int(is_available)),
            *await asyncio.to_thread(lambda: list(_on_disk(self.settings))),
        ]

    async def _faces(self) -> list[Reading]:
        """Nothing where there is no gallery. Raises StorageUnavailable."""
        holding = self.faces.holding
        if holding is None:
            return []
        return [known.FACE_TOTAL.of(await holding.total_faces()), *self.faces.readings()]

    def _ingest(self) -> Iterator[Reading]:
        counters, meter = self.counters, self.meter
        yield known.INGEST_CONNECTIONS.of(counters.active_connections)
        yield known.INGEST_CONNECTED.of(counters.total_connections)
        yield known.INGEST_FRAMES.of(counters.messages_received)
        for table in Table:
            yield known.INGEST_ROWS.of(meter.rows[table], table.value)
        yield known.INGEST_DUPLICATES.of(counters.duplicates)
        for code in CODES:
            yield known.INGEST_REFUSED.of(counters.refused[code], code)
        for kind in _EVICTED_KINDS:
            yield known.INGEST_EVICTED.of(meter.evicted[kind], kind)
        yield known.INGEST_GROUP_ROWS.of(meter.group_rows.spread())
        yield known.INGEST_COMMIT.of(meter.commit_s.spread())
        yield known.INGEST_LATENCY.of(meter.latency_s.spread())
        yield known.INGEST_CONFIDENCE.of(meter.confidence.spread())
        yield known.INGEST_WAITING.of(self.writer.waiting_rows)
        yield known.INGEST_MEMORY.of(self.budget.used_bytes)
        yield known.INGEST_BUDGET.of(self.budget.total_bytes)
        yield known.INGEST_HELD_BACK.of(int(self.gateway.holds_back))
        yield known.INGEST_CREDIT_ROWS.of(self.gateway.credit.rows)
        yield known.INGEST_CREDIT_BYTES.of(self.gateway.credit.bytes)

    def _older_names(self) -> Iterator[Reading]:
        """The same under the names that older dashboards use; only the ingest is a service here."""
        for table in Table:
            count = self.meter.rows[table]
            yield known.REQUESTS.of(count, INGEST, table.value, "insert", "success")
        yield known.REQUESTS.of(self.counters.wrong, INGEST, "any", "insert", "error")
        latency = self.meter.latency_s.spread()
        yield known.REQUEST_DURATION.of(latency, INGEST, "any")
        for code in CODES:
            yield known.ERRORS.of(self.counters.refused[code], INGEST, "refused", code)
        for level in LEVELS:
            yield known.FACES.of(self.meter.faces[level], INGEST, level)
        yield known.MEMORY.of(psutil.Process().memory_info().rss, SERVICE)


def _connections(pools: Sequence[Pool]) -> Iterator[Reading]:
    for pool in pools:
        yield known.DATABASE_CONNECTIONS.of(pool.busy, pool.name, "busy")
        yield known.DATABASE_CONNECTIONS.of(pool.most, pool.name, "most")
        yield known.DATABASE_REFUSED.of(pool.refused, pool.name)


def _fleet(fleet: Fleet) -> Iterator[Reading]:
    yield known.FLEET_CAMERAS.of(fleet.count)
    yield known.FLEET_SILENT.of(fleet.silent)
    for camera in fleet.cameras:
        name = camera.device_id
        yield known.FLEET_LAST_SEEN.of(camera.last_seen_at.timestamp(), name)
        if camera.rows_stored is not None:
            yield known.FLEET_ROWS.of(camera.rows_stored, name)
        if camera.waiting_rows is not None:
            yield known.FLEET_WAITING.of(camera.waiting_rows, name)
        if camera.clock_offset_s is not None:
            yield known.FLEET_CLOCK.of(camera.clock_offset_s, name)


def _on_disk(settings: ServerSettings) -> Iterator[Reading]:
    """Sizes, and when certificates expire. Blocking; a file that goes meanwhile counts nothing."""
    database = settings.db_path
    if not settings.uses_postgres:
        log = database.with_name(database.name + "-wal")
        yield known.DATABASE_SIZE.of(_size_of(database) + _size_of(log))
    yield known.PICTURES_SIZE.of(sum(_size_of(file) for file in settings.pictures_path.glob("*")))
    disk = psutil.disk_usage(str(settings.disk_place))
    yield known.DISK_FREE.of(disk.free)
    yield known.DISK_SIZE.of(disk.total)
    yield from certificate.readings(
        {"server": settings.tls_cert, "client_ca": settings.tls_client_ca}
    )


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
