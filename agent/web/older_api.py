"""The older system's GET paths and its settings path, with its names and shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Body, FastAPI, Query

from agent.tuning import CameraTuning, changed, newly_set, refuse_beyond, without_effect
from agent.web.errors import QuestionInvalid
from agent.web.parts import AgentParts
from agent.web.queries import DetectionFilter, Order, Page
from agent.web.records import Records
from agent.web.switching import SEPARATE
from agent.web.view import is_fresh

CAMERA_KEYS: Final = ("brightness", "contrast", "saturation", "sharpness", "awb_mode", "focus")


def add_older_api(app: FastAPI, parts: AgentParts, records: Records) -> None:
    _add_camera(app, parts)
    _add_health(app, parts, records)
    _add_detection(app, parts, records)
    _add_sender(app, parts, records)


def _add_camera(app: FastAPI, parts: AgentParts) -> None:
    @app.get("/api/camera_status", tags=["camera"])
    def camera_status() -> dict[str, Any]:
        """Whether frames come. `error` where they do not and the source said why."""
        status = parts.status()
        comes = is_fresh(status)
        answer = {
            "initialized": status["frames_captured"] > 0,
            "streaming": parts.camera.is_on and comes,
            "camera_working": comes,
            "queue_size": status["queue_size"],
        }
        error = status["source_error"]
        return answer if comes or error is None else {**answer, "error": error}

    @app.post("/api/update_camera_settings", tags=["camera"])
    async def update_camera_settings(
        settings: Annotated[
            dict[str, Any], Body(examples=[{"brightness": 0.1, "contrast": 1.2, "focus": 0.5}])
        ],
    ) -> dict[str, Any]:
        """Sets the keys that are given; in force at once, and kept. A warning names those that this
        kind of camera does not take."""
        unknown = sorted(set(settings) - set(CameraTuning.model_fields))
        if unknown:
            raise QuestionInvalid(
                f"{', '.join(unknown)[:200]}: expected one of "
                f"{', '.join(CameraTuning.model_fields)}"
            )
        before, offer = parts.tuning.current, parts.camera_offer()
        wanted = changed(before, {"camera": settings})
        refuse_beyond(newly_set(before, wanted), offer)
        await parts.tuning.change(wanted)
        set_now = {name for name, value in settings.items() if value is not None}
        in_vain = ", ".join(without_effect(set_now, offer))
        return {
            "status": "warning" if in_vain else "success",
            "message": f"kept, but this camera does not take {in_vain} from here"
            if in_vain
            else "camera settings updated",
            "settings": _camera_settings(parts),
        }

    @app.get("/api/get_camera_settings", tags=["camera"])
    def get_camera_settings() -> dict[str, Any]:
        """What is set; null: as the camera chooses by itself."""
        return {"status": "success", "settings": _camera_settings(parts)}


def _camera_settings(parts: AgentParts) -> dict[str, Any]:
    """Null: as the camera chooses by itself."""
    return parts.tuning.effective.camera.model_dump()


def _add_health(app: FastAPI, parts: AgentParts, records: Records) -> None:
    async def run_checks() -> dict[str, Any]:
        """Runs every check now."""
        results = list(await parts.health.check_now())
        failed = [result["component"] for result in results if result["status"] == "FAIL"]
        message = f"failed: {', '.join(failed)}" if failed else "every check ran"
        return {"status": "success", "message": message, "results": results}

    for name in ("health_check", "run_health_check"):
        app.post(f"/api/{name}", name=name, tags=["health"])(run_checks)

    @app.get("/api/health_status", tags=["health"])
    async def health_status() -> dict[str, Any]:
        """The latest stored check of each component."""
        return {"status": "success", "health_checks": list(await records.latest_health())}

    @app.get("/api/health_data", tags=["health"])
    async def health_data(
        page: int = 1, per_page: int = 20, component: str = "", status: str = ""
    ) -> dict[str, Any]:
        """Stored checks, newest first."""
        wanted = Page(number=page, per_page=per_page)
        rows, total = await records.health(component=component, status=status, page=wanted)
        return paged(rows, total, wanted)

    @app.get("/api/health_monitor_status", tags=["health"])
    def health_monitor_status() -> dict[str, Any]:
        """Whether checks run again and again."""
        return {"status": "success", "monitoring_active": parts.monitoring.is_on}


def _add_detection(app: FastAPI, parts: AgentParts, records: Records) -> None:
    @app.get("/api/detection_status", tags=["detection"])
    async def detection_status() -> dict[str, Any]:
        """Whether plates are read, how many pass now, how many sightings are stored."""
        status = parts.status()
        return {
            "detection_active": parts.detection.is_on,
            "processing_count": status["passages_going_on"],
            "detection_results_count": await records.count_detections(DetectionFilter()),
        }

    @app.get("/api/detection_data", tags=["detection"])
    async def detection_data(
        page: int = 1,
        per_page: int = 20,
        sort_by: str = "timestamp",
        sort_order: Annotated[str, Query(pattern="(?i)^(asc|desc)$")] = "desc",
        search: str = "",
        date_from: str = "",
        date_to: str = "",
    ) -> dict[str, Any]:
        """Sightings. Dates are local, both included."""
        wanted = Page(number=page, per_page=per_page)
        chosen = DetectionFilter(search=search, date_from=date_from, date_to=date_to)
        order = Order(by=sort_by, is_descending=sort_order.lower() == "desc")
        rows = await records.detections(chosen, order, wanted)
        return paged(rows, await records.count_detections(chosen), wanted)

    @app.get("/api/detection_stats", tags=["detection"])
    async def detection_stats() -> dict[str, Any]:
        """Totals, average confidence (0 to 1) and the five commonest plates."""
        today = datetime.now().astimezone().date().isoformat()
        totals, commonest = await records.statistics(today=today)
        return {"status": "success", "stats": {**totals, "top_plates": list(commonest)}}


def _add_sender(app: FastAPI, parts: AgentParts, records: Records) -> None:
    @app.get("/api/websocket_status", tags=["sender"])
    def websocket_status() -> dict[str, Any]:
        """Whether the sender runs, and has a connection."""
        link = parts.status()["link"]
        is_on = parts.sender is not None and parts.sender.is_on
        details = {"running": is_on, "thread_alive": is_on, "sender_active": link["is_open"]}
        said = {"message": SEPARATE} if parts.sender is None else {}
        return {"websocket_running": is_on, "details": details, **said}

    @app.get("/api/websocket_unsent_data", tags=["sender"])
    async def websocket_unsent_data() -> dict[str, Any]:
        """How many rows wait."""
        unsent = await records.unsent()
        total = unsent["unsent_detections"] + unsent["unsent_health"]
        return {**unsent, "total_unsent": total}


def paged(rows: Any, total: int, page: Page) -> dict[str, Any]:
    """The older system's envelope of a list."""
    return {
        "data": list(rows),
        "total": total,
        "page": page.number,
        "per_page": page.per_page,
        "total_pages": page.pages(total),
    }
