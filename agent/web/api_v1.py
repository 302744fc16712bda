"""Our own paths below /api/v1: one look at everything, settings, advice."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query
from pydantic import BaseModel

from agent.tuning import Tuning, changed, newly_set, refuse_unsettable
from agent.web.errors import NotThere
from agent.web.looks import ReadingCoach
from agent.web.older_api import paged
from agent.web.parts import AgentParts
from agent.web.queries import DetectionFilter, Order, Page
from agent.web.records import Records
from agent.web.sighting_view import sighting_view
from agent.web.view import view_of
from telemetry.error_book import KEPT, ErrorSummary
from telemetry.error_report import Severity


class Settings(BaseModel):
    """`set` is what an operator set, `effective` what is in force."""

    set: Tuning
    effective: Tuning


def add_v1(app: FastAPI, parts: AgentParts, records: Records, coach: ReadingCoach) -> None:
    _add_looks(app, parts, coach)
    _add_rows(app, records)
    _add_settings(app, parts)


def _add_looks(app: FastAPI, parts: AgentParts, coach: ReadingCoach) -> None:
    @app.get("/api/v1/status", tags=["v1"])
    def status() -> dict[str, Any]:
        """Everything that the pages show of the running agent, and which parts run."""
        return current_status(parts)

    @app.get("/api/v1/errors", tags=["v1"])
    def errors(
        limit: Annotated[int, Query(ge=1, le=KEPT)] = 50,
        code: str | None = None,
        severity: Severity | None = None,
    ) -> ErrorSummary:
        """What went wrong here: counts by code since the start and of the last hour, and the latest
        reports with traceback and what was done."""
        return parts.errors.summary(limit=limit, code=code, severity=severity)

    @app.get("/api/v1/advice", tags=["v1"])
    async def advice() -> list[dict[str, Any]]:
        """What the reading coach says: `topic`, `level` (good, hint, change) and `text`."""
        return [asdict(one) for one in await coach.advice()]


def _add_rows(app: FastAPI, records: Records) -> None:
    @app.get("/api/v1/sightings", tags=["v1"])
    async def sightings(
        page: int = 1,
        per_page: int = 20,
        sort_by: str = "timestamp",
        descending: bool = True,
        search: str = "",
        date_from: str = "",
        date_to: str = "",
        sent: str = "",
        direction: str = "",
    ) -> dict[str, Any]:
        """As /api/detection_data, with the filters of the page. `sent`: waiting, sent, refused."""
        wanted = Page(number=page, per_page=per_page)
        chosen = DetectionFilter(
            search=search, date_from=date_from, date_to=date_to, sent=sent, direction=direction
        )
        rows = await records.detections(chosen, Order(by=sort_by, is_descending=descending), wanted)
        return paged(rows, await records.count_detections(chosen), wanted)

    @app.get("/api/v1/sightings/{row_id}", tags=["v1"])
    async def sighting(row_id: int) -> dict[str, Any]:
        """One sighting with its evidence."""
        row = await records.detection(row_id)
        if row is None:
            raise NotThere(f"there is no sighting {row_id}: it may have been pruned")
        return {**row, "evidence": sighting_view(row).evidence}

    @app.get("/api/v1/waiting", tags=["v1"])
    async def waiting() -> list[dict[str, Any]]:
        """How many rows wait, by kind."""
        return list(await records.waiting())

    @app.get("/api/v1/refused", tags=["v1"])
    async def refused(limit: int = 50) -> list[dict[str, Any]]:
        """Rows that the server refused for good, and why."""
        return list(await records.refused(min(max(limit, 1), 200)))


def _add_settings(app: FastAPI, parts: AgentParts) -> None:
    @app.get("/api/v1/settings", tags=["v1"])
    def settings() -> Settings:
        """What an operator set, and what is in force."""
        return Settings(set=parts.tuning.current, effective=parts.tuning.effective)

    @app.put("/api/v1/settings", tags=["v1"])
    async def change_settings(
        patch: Annotated[dict[str, Any], Body(examples=[{"cooldown_s": 20, "line": None}])],
    ) -> Settings:
        """Changes the keys that are given, those of `camera` one by one; null goes back to the
        environment's value, or the camera's own. In force at once, and kept. What this camera does
        not take, or not so far, is refused."""
        before, offer = parts.tuning.current, parts.camera_offer()
        wanted = changed(before, patch)
        refuse_unsettable(newly_set(before, wanted), offer)
        await parts.tuning.change(wanted)
        return Settings(set=parts.tuning.current, effective=parts.tuning.effective)


def current_status(parts: AgentParts) -> dict[str, Any]:
    """The agent's own status, which parts run (`sender` is null where it runs elsewhere), and what
    the page says of the camera (`view`)."""
    running = {
        "camera": parts.camera.is_on,
        "detection": parts.detection.is_on,
        "monitoring": parts.monitoring.is_on,
        "sender": None if parts.sender is None else parts.sender.is_on,
    }
    status = parts.status()
    view = view_of(
        status,
        is_on=parts.camera.is_on,
        reads=parts.detection.is_on,
        has_picture=parts.live.newest() is not None,
    )
    return {**status, "running": running, "view": view}
