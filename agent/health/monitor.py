"""Runs the checks again and again, writes what is due, and remembers the newest results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final, Protocol

import structlog

from agent.errors import RecordingFailed
from agent.health.journal import HealthJournal
from agent.health.result import HealthResult, failed, passed

LOOK_S: Final = 5.0
"""At most so many seconds between looks; what is written of them is the journal's to say."""
SETTINGS_EVERY_S: Final = 86_400.0
"""The settings in force are told when the agent starts and once a day, as a check of their own."""

log = structlog.get_logger(__name__)


class HealthRecorder(Protocol):
    """Makes a health check durable."""

    def record_health(
        self,
        *,
        component: str,
        status: str,
        message: str,
        system_info: dict[str, Any] | None = None,
    ) -> object: ...


class HealthMonitor:
    """`examine` runs every check and gives their results and the system's facts; it may block.

    `settings` are those in force, by their keys, without secrets.
    """

    def __init__(
        self,
        *,
        examine: Callable[[], tuple[Sequence[HealthResult], dict[str, str]]],
        recorder: HealthRecorder,
        journal: HealthJournal,
        executor: Executor,
        look_s: float = LOOK_S,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._examine = examine
        self._recorder = recorder
        self._journal = journal
        self._executor = executor
        self._look_s = look_s
        self._settings = dict(settings or {})
        self._settings_told_s: float | None = None
        self.newest: tuple[HealthResult, ...] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every few seconds until `stop`, first when the parts had time to start."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), self._look_s)
            except TimeoutError:
                await self.look_now()

    async def look_now(self) -> tuple[HealthResult, ...]:
        """The results of this moment, written as due; on demand, one look at a time."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._look)
        return self.newest

    def _look(self) -> None:
        try:
            results, facts = self._examine()
        except Exception as error:  # the supervisor: a check that breaks ends nothing else
            log.exception("health could not be looked at")
            why = f"{type(error).__name__}: {error}"
            self.newest = (
                failed("agent", f"health could not be looked at ({why}): see log/app.log"),
            )
            return
        self.newest = tuple(results)
        now_s = time.monotonic()
        for result in self._journal.due(results, now_s=now_s):
            if not self._record(result, facts):
                return  # nor would the others be: all of them are due at the next look
            self._journal.written(result, now_s=now_s)
        told_s = self._settings_told_s
        if self._settings and (told_s is None or now_s - told_s >= SETTINGS_EVERY_S):
            text = f"{len(self._settings)} settings in force"
            if self._record(passed("settings", text), self._settings):
                self._settings_told_s = now_s

    def _record(self, result: HealthResult, facts: Mapping[str, str]) -> bool:
        try:
            self._recorder.record_health(
                component=result.component,
                status=result.status.value,
                message=result.message,
                system_info=dict(facts),
            )
        except RecordingFailed as error:
            log.error("health check not stored", error=str(error))
            return False
        return True
