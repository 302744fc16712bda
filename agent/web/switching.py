"""POST paths that start and stop parts, in the older system's words: for it and for our pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from agent.web.errors import SourceEnded
from agent.web.parts import AgentParts, Switch

Said = dict[str, str]

SEPARATE = (
    "the sender is a process of its own here (AGENT_SENDER=separate): start and stop it with "
    "run_websocket_sender.sh or systemctl"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    switch: Switch


def add_switches(app: FastAPI, parts: AgentParts) -> None:
    """`/api/start_camera` and its like. A part that is already so answers with a warning."""
    camera = _Part(name="camera", switch=parts.camera)
    detection = _Part(name="detection", switch=parts.detection)
    monitoring = _Part(name="health monitoring", switch=parts.monitoring)

    async def start_camera() -> Said:
        if (await asyncio.to_thread(parts.status))["source_has_ended"]:
            raise SourceEnded("the source has ended: restart the agent to play it again")
        return await _start(camera)

    _post(app, "start_camera", "Opens the camera", start_camera)
    _post(app, "stop_camera", "Closes the camera until it is started again", lambda: _stop(camera))
    _post(app, "close_camera", "As stop_camera", lambda: _stop(camera))
    _post(app, "start_detection", "Reads plates again", lambda: _start(detection))
    _post(app, "stop_detection", "Reads no plates until started", lambda: _stop(detection))
    _post(app, "start_health_monitoring", "Checks again and again", lambda: _start(monitoring))
    _post(app, "stop_health_monitoring", "Checks no more", lambda: _stop(monitoring))
    if parts.sender is None:
        for verb in ("start", "stop", "restart"):
            _post(app, f"{verb}_websocket_sender", "The sender runs elsewhere", _runs_elsewhere)
        return
    sender = _Part(name="sender", switch=parts.sender)
    _post(app, "start_websocket_sender", "Sends again", lambda: _start(sender))
    _post(app, "stop_websocket_sender", "Keeps rows and sends none", lambda: _stop(sender))
    _post(app, "restart_websocket_sender", "Connects anew at once", lambda: _restart(sender))


def _post(app: FastAPI, name: str, summary: str, act: Callable[[], Awaitable[Said]]) -> None:
    async def endpoint() -> dict[str, Any]:
        return await act()

    app.post(f"/api/{name}", summary=summary, name=name, tags=["switches"])(endpoint)


async def _start(part: _Part) -> Said:
    if await part.switch.start():
        return {"status": "success", "message": f"{part.name} started"}
    return {"status": "warning", "message": f"{part.name} runs already"}


async def _stop(part: _Part) -> Said:
    if await part.switch.stop():
        return {"status": "success", "message": f"{part.name} stopped"}
    return {"status": "warning", "message": f"{part.name} is stopped already"}


async def _restart(part: _Part) -> Said:
    was_on = await part.switch.stop()
    await part.switch.start()
    how = "restarted" if was_on else "was stopped and is started"
    return {"status": "success", "message": f"{part.name} {how}"}


async def _runs_elsewhere() -> Said:
    return {"status": "warning", "message": SEPARATE}
