"""Cameras as rows of a table: state, when heard of, what waits, clock, heat, version. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from server.storage.reading.cameras import CameraCard
from server.web.pages import states, wording
from server.web.pages.drawing import Part, part
from server.web.pages.sighting_card import camera_address

NO_CAMERA: Final = "One appears here as soon as it has sent its first row."


def camera_board(cameras: Iterable[CameraCard], now: datetime) -> Part:
    heads = ("State", "Camera", "Waiting", "Clock", "Heat", "Version")
    names = (part("th", "" if name in heads[:2] else "number", name) for name in heads)
    rows = (_row(camera, now) for camera in cameras)
    table = part("table", "stacks board", part("thead", "", part("tr", "", *names)),
                 part("tbody", "", *rows))  # fmt: skip
    return part("div", "scroll", table)


def _row(camera: CameraCard, now: datetime) -> Part:
    name, state = camera.device_id, camera.state
    return part(
        "tr",
        "",
        part(
            "td", "second", part("span", "tag state", state.value, data_level=states.LEVELS[state])
        ),
        _who(camera, now),
        _waiting(camera, now),
        _measure(
            "Clock",
            wording.offset(camera.clock_offset_s),
            states.clock_level(camera.clock_offset_s),
        ),
        _measure("Heat", wording.temperature(camera.temperature_c), states.heat_level(camera)),
        part("td", "number soft", camera.version or wording.NOTHING, data_name="Version"),
        data_camera=name,
        key=name,
    )


def _who(camera: CameraCard, now: datetime) -> Part:
    """Name, place, when it was heard of, and its faults."""
    heard = "connected" if camera.is_connected else f"{wording.age(camera.last_seen, now)} ago"
    said = " · ".join(filter(None, (camera.hostname, camera.checkpoint_id, heard)))
    faults = camera.faults[:2]
    told = ", ".join(f"{fault.component} {fault.status}" for fault in faults)
    return part(
        "td",
        "first",
        part("a", "name", camera.device_id, href=camera_address(camera.device_id)),
        part("small", "", said),
        part("small", "problem", told, data_level=states.faults_level(faults)) if told else None,
    )


def _waiting(camera: CameraCard, now: datetime) -> Part:
    oldest = camera.oldest_waiting_at
    since = None
    if oldest is not None:
        level = states.backlog_level(oldest, now)
        since = part("small", "", f"since {wording.age(oldest, now)}", data_level=level)
    count = part("span", "", wording.number(camera.waiting))
    return part("td", "number", count, since, data_name="Waiting")


def _measure(name: str, value: str, level: str | None) -> Part:
    shown = part("span", "tag" if level else "", value, data_level=level)
    return part("td", "number nowrap", shown, data_name=name)
