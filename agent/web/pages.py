"""The pages: values of the agent and of its database, rendered on this device."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from agent.tuning import CameraTuning
from agent.web import charts
from agent.web.api_v1 import current_status
from agent.web.errors import QuestionInvalid
from agent.web.looks import ReadingCoach
from agent.web.parts import AgentParts
from agent.web.queries import DetectionFilter, Order, Page
from agent.web.records import Records, Row
from agent.web.sighting_view import sighting_view
from agent.web.templating import rendered, wants_page

LATEST: Final = 8
PER_PAGE: Final = 25
REFUSED_SHOWN: Final = 20
ERRORS_SHOWN: Final = 20
HISTORY_HOURS: Final = 24
HISTORY_ROWS: Final = 20_000
MEASURES: Final = (
    ("Processor", "%", "cpu_usage", (0.0, 100.0)),
    ("Memory", "%", "memory_usage", (0.0, 100.0)),
    ("Agent's memory", "MB", "agent_memory_mb", None),
    ("Disk free", "MB", "disk_free_mb", None),
    ("Temperature", "°C", "temperature_c", None),
)
"""Title, unit, key of `system_info`, and the axis where it has natural ends."""
CAMERA_LABELS: Final = {
    "brightness": "Brightness",
    "contrast": "Contrast",
    "saturation": "Saturation",
    "sharpness": "Sharpness",
    "awb_mode": "White balance",
    "focus": "Focus",
    "exposure_ms": "Shutter, ms",
    "gain": "Gain",
}


def add_pages(app: FastAPI, parts: AgentParts, records: Records, coach: ReadingCoach) -> None:
    _add_live(app, parts, records, coach)
    _add_sightings(app, records)
    _add_health(app, parts, records)

    @app.get("/websocket", include_in_schema=False)
    async def sender(request: Request) -> HTMLResponse:
        status, refused, waiting = await asyncio.gather(
            asyncio.to_thread(current_status, parts),
            records.refused(REFUSED_SHOWN),
            records.waiting(),
        )
        return rendered(request, "sender.html", status=status, refused=refused, waiting=waiting)

    @app.get("/settings", include_in_schema=False)
    def settings(request: Request) -> HTMLResponse:
        fields = CameraTuning.model_json_schema()["properties"]
        offer = parts.camera_offer()
        return rendered(
            request,
            "settings.html",
            current=parts.tuning.current,
            effective=parts.tuning.effective,
            labels=CAMERA_LABELS,
            camera_takes=offer.fields,
            camera_fields={
                name: _range(schema, offer.limits.get(name)) for name, schema in fields.items()
            },
            zones=parts.tuning.current.model_dump(mode="json", include={"zones", "line"}),
        )

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return RedirectResponse("/static/icon.svg")


def _add_live(app: FastAPI, parts: AgentParts, records: Records, coach: ReadingCoach) -> None:
    @app.get("/", include_in_schema=False)
    async def live(request: Request) -> HTMLResponse:
        status, latest, advice = await asyncio.gather(
            asyncio.to_thread(current_status, parts),
            records.detections(DetectionFilter(), Order(by="id"), Page(per_page=LATEST)),
            coach.advice(),
        )
        return rendered(
            request,
            "live.html",
            status=status,
            latest=latest,
            latest_rows=LATEST,
            advice=advice,
            has_boxes=not parts.hides_people,
        )


def _add_sightings(app: FastAPI, records: Records) -> None:
    @app.get("/detection", include_in_schema=False)
    async def sightings(
        request: Request,
        page: int = 1,
        sort_by: str = "timestamp",
        sort_order: str = "desc",
        search: str = "",
        date_from: str = "",
        date_to: str = "",
        sent: str = "",
        direction: str = "",
    ) -> HTMLResponse:
        asked = {
            "search": search.strip(),
            "date_from": date_from,
            "date_to": date_to,
            "sent": sent,
            "direction": direction,
        }
        chosen = DetectionFilter(**asked)
        problem, rows, total = None, list[Row](), 0
        wanted = Page(number=max(1, page), per_page=PER_PAGE)
        try:
            _check_days(chosen)
            order = Order(by=sort_by, is_descending=sort_order != "asc")
            total = await records.count_detections(chosen)
            rows = list(await records.detections(chosen, order, wanted))
            if wanted.number > wanted.pages(total):
                problem = f"There is no page {page}: the last one is {wanted.pages(total)}."
        except QuestionInvalid as error:
            problem = str(error)
        return rendered(
            request,
            "sightings.html",
            rows=rows,
            total=total,
            page=wanted.number,
            pages=wanted.pages(total),
            asked=asked,
            sorting={"sort_by": sort_by, "sort_order": sort_order},
            is_filtered=any(asked.values()),
            problem=problem,
        )

    @app.get("/detection/{row_id}", include_in_schema=False)
    async def sighting(request: Request, row_id: int) -> HTMLResponse:
        row = await records.detection(row_id)
        if row is None:
            text = f"There is no sighting {row_id}. It may have been pruned."
            return rendered(request, "missing.html", code=404, problem=text)
        return rendered(request, "sighting.html", row=row, view=sighting_view(row))


def _check_days(chosen: DetectionFilter) -> None:
    """Raises QuestionInvalid where none can lie between them."""
    since, until = chosen.date_from[:10], chosen.date_to[:10]
    if since and until and since > until:
        raise QuestionInvalid(f"From ({since}) is later than To ({until}): no day lies between.")


def _add_health(app: FastAPI, parts: AgentParts, records: Records) -> None:
    @app.get("/health", include_in_schema=False)
    async def health(request: Request) -> Response:
        """The page for browsers, JSON for programs."""
        status = await asyncio.to_thread(current_status, parts)
        if not wants_page(request.headers):
            return JSONResponse(_plain(status))
        now = datetime.now().astimezone()
        since = now - timedelta(hours=HISTORY_HOURS)
        checks = await records.health_history(since=since.isoformat(), limit=HISTORY_ROWS)
        span = charts.span_of(checks, longest_s=HISTORY_HOURS * 3600, now_s=now.timestamp())
        stretches, lines = await asyncio.to_thread(_charts, checks, span)
        return rendered(
            request,
            "health.html",
            status=status,
            stretches=stretches,
            lines=lines,
            length=charts.length_in_words(span),
            errors=parts.errors.summary(limit=ERRORS_SHOWN),
            width=charts.WIDTH,
            height=charts.HEIGHT,
        )


def _charts(
    checks: Any, span: tuple[float, float]
) -> tuple[dict[str, list[charts.Stretch]], list[charts.Chart]]:
    parsed = [{**check, "system_info": _object(check["system_info"])} for check in checks]
    lines = (
        charts.line(title, unit, charts.measures(parsed, key), span=span, limits=limits)
        for title, unit, key, limits in MEASURES
    )
    return charts.stretches(parsed, span=span), [line for line in lines if line is not None]


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(status: dict[str, Any]) -> Any:
    """As JSON holds it: times as text."""
    return json.loads(json.dumps(status, default=lambda value: value.isoformat()))


def _range(schema: dict[str, Any], limit: tuple[float, float] | None) -> dict[str, Any]:
    """What a number input needs, from a field's JSON schema and what this camera can do."""
    number = next(one for one in schema["anyOf"] if one["type"] != "null")
    is_whole = number["type"] == "integer"
    least, most, text = number["minimum"], number["maximum"], schema["description"]
    if limit is not None:
        least, most = max(least, limit[0]), min(most, limit[1])
        text = f"{text}; this camera: {least:g} to {most:g}"
    return {
        "least": least,
        "most": most,
        "step": 1 if is_whole else "any",
        "description": text,
    }
