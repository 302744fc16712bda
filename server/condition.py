"""How the running server fares: what GET /health and /health/detailed say, taken from its parts."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import Final

import psutil

from server.config import ServerSettings
from server.errors import StorageUnavailable
from server.ingest.budget import ByteBudget
from server.ingest.meter import IngestMeter
from server.ingest.stats import Counters
from server.ingest.writer import GroupWriter
from server.storage.protocol import CentreStore
from server.troubles import Troubles
from server.web.health import (
    DatabaseHealth,
    DetailedHealth,
    DiskHealth,
    HealthReport,
    MemoryHealth,
    PartHealth,
    ProcessorHealth,
    QueueHealth,
    ServiceHealth,
)
from telemetry.distribution import Spread
from telemetry.processor_load import ProcessorLoad
from telemetry.request_meter import RequestMeter
from telemetry.version import VERSION

_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The parts that it is read from; `meter` and `requests` are None where nothing is measured."""

    settings: ServerSettings
    store: CentreStore
    writer: GroupWriter
    budget: ByteBudget
    counters: Counters
    meter: IngestMeter | None
    requests: RequestMeter | None
    troubles: Troubles = field(default_factory=Troubles)
    load: ProcessorLoad = field(default_factory=ProcessorLoad)
    started_s: float = field(default_factory=time.monotonic)

    async def report(self) -> HealthReport:
        reason, _ = await self._database()
        return self._report(reason)

    def _report(self, database_trouble: str | None) -> HealthReport:
        reason = database_trouble or self.writer.trouble
        return HealthReport(
            status="ok" if reason is None else "failing",
            reason=reason,
            database=self.settings.database_place,
            connections=self.counters.active_connections,
            rows_received=self.counters.rows_received,
            uptime_s=round(time.monotonic() - self.started_s, 3),
            version=VERSION,
        )

    async def _database(self) -> tuple[str | None, float]:
        """What is wrong with it, and how long it took to answer, in seconds."""
        began_s = time.perf_counter()
        try:
            await self.store.check()
        except StorageUnavailable as error:
            return str(error), time.perf_counter() - began_s
        return None, time.perf_counter() - began_s

    async def details(self) -> DetailedHealth:
        trouble, took_s = await self._database()
        report = self._report(trouble)
        cpu, memory, disk, size_bytes = await asyncio.to_thread(_machine, self.settings, self.load)
        return DetailedHealth(
            **report.model_dump(),
            cpu=cpu,
            memory=memory,
            disk=disk,
            database_state=DatabaseHealth(
                status="ok" if trouble is None else "failing",
                size_bytes=size_bytes,
                answered_in_ms=round(took_s * _MS, 3) if trouble is None else None,
                reason=trouble,
            ),
            queue=QueueHealth(
                waiting_rows=self.writer.waiting_rows,
                used_bytes=self.budget.used_bytes,
                limit_bytes=self.budget.total_bytes,
            ),
            parts=[
                PartHealth(name=name, status="ok" if said is None else "waiting", reason=said)
                for name, said in self.troubles.of_each().items()
            ],
            services=[self._ingest(report.status), self._storing(report.status), self._web()],
        )

    def _ingest(self, status: str) -> ServiceHealth:
        spread = None if self.meter is None else self.meter.latency_s.spread()
        return _service("ingest", status, self.counters.rows_received, self.counters.errors, spread)

    def _storing(self, status: str) -> ServiceHealth:
        spread = None if self.meter is None else self.meter.commit_s.spread()
        groups = 0 if spread is None else spread.count
        return _service("storing", status, groups, int(self.writer.trouble is not None), spread)

    def _web(self) -> ServiceHealth:
        if self.requests is None:
            return _service("web", "ok", 0, 0, None)
        spread = self.requests.spread()
        return _service("web", "ok", spread.count, self.requests.faults, spread)


def _service(
    name: str, status: str, done: int, errors: int, spread: Spread | None
) -> ServiceHealth:
    return ServiceHealth(
        name=name,
        status=status,
        done=done,
        errors=errors,
        mean_ms=None if spread is None else _ms(spread.mean),
        p95_ms=None if spread is None else _ms(spread.quantile(0.95)),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * _MS, 3)


def _machine(
    settings: ServerSettings, load: ProcessorLoad
) -> tuple[ProcessorHealth, MemoryHealth, DiskHealth, int]:
    """Blocking."""
    memory = psutil.virtual_memory()
    disk = psutil.disk_usage(str(settings.disk_place))
    return (
        ProcessorHealth(
            percent=round(load.percent(), 1),
            cores=os.cpu_count() or 1,
            load_1m=round(psutil.getloadavg()[0], 2),
        ),
        MemoryHealth(
            process_bytes=psutil.Process().memory_info().rss,
            available_bytes=memory.available,
            total_bytes=memory.total,
        ),
        DiskHealth(free_bytes=disk.free, total_bytes=disk.total),
        settings.db_path.stat().st_size if settings.db_path.exists() else 0,
    )
