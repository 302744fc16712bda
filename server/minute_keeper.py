"""Writes down once a minute what each service of the server did in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import psutil
import structlog

from server.analytics.live import Moment, work_between
from server.analytics.work import Work
from server.errors import StorageUnavailable
from server.figures import INGEST, SERVICE, ServerFigures
from server.live_figures import counted
from telemetry.processor_load import LoadSince

_log = structlog.get_logger(__name__)


class MinuteKeeper:
    """A minute that cannot be written becomes part of the next one."""

    def __init__(self, figures: ServerFigures, *, interval_s: float) -> None:
        self._figures = figures
        self._interval_s = interval_s
        self._processor = LoadSince()

    async def run(self) -> None:
        """Until it is cancelled."""
        before = counted(self._figures, at_s=time.monotonic())
        while True:
            await asyncio.sleep(self._interval_s)
            now = counted(self._figures, at_s=time.monotonic())
            try:
                await self._figures.store.keep_minutes(self._works(before, now))
                before = now
            except StorageUnavailable as error:
                _log.warning("service_minutes not written", reason=str(error))

    def _works(self, before: Moment, now: Moment) -> Mapping[str, Work]:
        load = self._load()
        found = {}
        for service in now.services:
            work = work_between(before, now, service)
            if work is not None:
                has_load = service in (INGEST, SERVICE)
                found[service] = replace(work, load=load if has_load else None)
        return found

    def _load(self) -> float:
        """The fullest of processor, memory and the budget for rows, 0..1."""
        budget = self._figures.budget
        return max(
            self._processor.share(),
            psutil.virtual_memory().percent / 100,
            min(1.0, budget.used_bytes / budget.total_bytes),
        )
