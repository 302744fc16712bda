"""Joins the page to the running agent: what it shows, starts, stops and sets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.assembly import Parts
from agent.config import AgentSettings
from agent.figures import AgentFigures
from agent.health.monitor import HealthMonitor
from agent.status import status_of
from agent.switches import FlagSwitch, TaskSwitch
from agent.tuner import settable
from agent.tuning import Tuning
from agent.tuning_file import TuningFile
from agent.web.parts import AgentParts
from telemetry.error_book import ErrorBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Work on the loop that an operator starts and stops; `sending` None: another process does."""

    monitoring: TaskSwitch
    sending: TaskSwitch | None


class HealthDesk:
    """The health checks, on demand."""

    def __init__(self, monitor: HealthMonitor) -> None:
        self._monitor = monitor

    async def check_now(self) -> Sequence[dict[str, Any]]:
        return [asdict(result) for result in await self._monitor.look_now()]


class TuningDesk:
    """The file of settings, for the event loop."""

    def __init__(self, file: TuningFile) -> None:
        self._file = file

    @property
    def current(self) -> Tuning:
        return self._file.current

    @property
    def effective(self) -> Tuning:
        return self._file.effective

    async def change(self, tuning: Tuning) -> None:
        await asyncio.to_thread(self._file.change, tuning)


def page_parts(
    settings: AgentSettings, parts: Parts, tasks: Tasks, errors: ErrorBook | None = None
) -> AgentParts:
    capture, live = parts.capture, parts.live
    return AgentParts(
        status=lambda: status_of(parts),
        figures=AgentFigures(settings, parts).read,
        errors=errors or ErrorBook(),
        camera=FlagSwitch(
            "camera",
            is_on=lambda: not capture.stats.is_held,
            start=capture.resume,
            stop=capture.hold,
        ),
        detection=FlagSwitch(
            "detection", is_on=lambda: live.is_reading, start=live.resume, stop=live.pause
        ),
        monitoring=tasks.monitoring,
        sender=tasks.sending,
        live=live,
        health=HealthDesk(parts.monitor),
        tuning=TuningDesk(parts.tuning),
        database=settings.db_path,
        spool=settings.images_dir,
        hides_people=bool(settings.blur),
        camera_offer=lambda: settable(parts.uri, capture.offer),
    )
