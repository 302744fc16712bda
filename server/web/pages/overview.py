"""The overview: cameras and whether they are well, how much passes, what passed last; live."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.storage.reading.cameras import CameraCard, CameraState
from server.web.pages import charts, states, wording
from server.web.pages.centre import Centre
from server.web.pages.live import LiveBoard, Snapshot
from server.web.pages.shell import Visit, empty, page, title
from server.web.pages.sighting_card import camera_address, sighting_card
from server.web.pages.tags import link, tag
from server.web.pages.viewing import Viewers

MOST_CAMERAS: Final = 30
"""On the board, those that need somebody first; the others are a link away."""


def add_overview(centre: Centre, board: LiveBoard, viewers: Viewers) -> None:
    @page(centre, "/", title="Overview", permission=Permission.SEE_CAMERAS)
    async def overview(visit: Visit) -> None:
        snapshot = await board.now()
        shown = _Overview(centre, snapshot, visit.caller.may(Permission.SEE_SIGHTINGS))
        viewers.show(ui.context.client, board, shown.update)


class _Overview:
    """The elements of one open page; `update` changes what is different in a new snapshot."""

    def __init__(self, centre: Centre, snapshot: Snapshot, sees_sightings: bool) -> None:
        self._centre = centre
        self._sees_sightings = sees_sightings
        with title("Overview"), tag("div", "end"):
            self._state = tag("span", "dot number live", "")
        self._fault = tag("p", "notice", "", data_level="bad", role="alert")
        self._tiles: dict[str, ui.element] = {}
        with tag("div", "tiles"):
            for name in ("cameras online", "late or silent", "sightings this hour", "rows waiting"):
                self._tile(name)
        with tag("div", "split"):
            with tag("section", "card flush", aria_label="Cameras"):
                with tag("header"):
                    tag("h2", text="Cameras")
                    link("All cameras", "/cameras")
                self._cameras = tag("div")
            with tag("section", "card", aria_label="Sightings per minute"):
                with tag("header"):
                    tag("h2", text="Sightings per minute")
                    tag("span", "soft small", "the last hour")
                self._chart = charts.chart([], yAxis=charts.value_axis(whole=True))
        with tag("section", "stack", aria_label="Latest sightings"):
            self._latest_heading = tag("h2", text="Latest sightings")
            self._latest = tag("div", "shots")
        self._latest_heading.visible = self._latest.visible = sees_sightings
        self._shown_cameras: object = None
        self._shown_latest: object = None
        self._shown_minutes: object = None
        self.update(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        zone, at = self._centre.zone, snapshot.at
        _say(self._state, f"live · {wording.clock(at, zone)} {wording.zone_name(zone, at)}")
        _mark(self._state, "bad" if snapshot.fault else None)
        _say(self._fault, snapshot.fault)
        self._fault.visible = bool(snapshot.fault)
        self._update_tiles(snapshot)
        self._update_cameras(snapshot)
        if snapshot.minutes != self._shown_minutes:
            self._shown_minutes = snapshot.minutes
            points = [(minute.at, float(minute.count)) for minute in snapshot.minutes]
            self._chart.options["series"] = [charts.bars("sightings", points, "accent", zone)]
            self._chart.update()
        if self._sees_sightings and snapshot.latest != self._shown_latest:
            self._shown_latest = snapshot.latest
            self._latest.clear()
            with self._latest:
                for card in snapshot.latest:
                    sighting_card(card, f"/sightings/{card.id}", zone)
        self._latest_heading.visible = self._sees_sightings and bool(snapshot.latest)

    def _tile(self, name: str) -> None:
        with tag("div", "tile") as tile:
            self._tiles[name] = tag("b", text="")
            tag("span", text=name)
        self._tiles[f"{name}: box"] = tile

    def _update_tiles(self, snapshot: Snapshot) -> None:
        cameras = snapshot.cameras
        online = snapshot.count(CameraState.ONLINE)
        absent = len(cameras) - online
        waiting = sum(camera.waiting or 0 for camera in cameras)
        _say(self._tiles["cameras online"], f"{online} of {len(cameras)}")
        _say(self._tiles["late or silent"], wording.number(absent))
        _mark(
            self._tiles["late or silent: box"],
            "bad" if snapshot.count(CameraState.SILENT) else "warn" if absent else None,
        )
        _say(
            self._tiles["sightings this hour"],
            wording.number(sum(minute.count for minute in snapshot.minutes)),
        )
        _say(self._tiles["rows waiting"], wording.number(waiting))

    def _update_cameras(self, snapshot: Snapshot) -> None:
        urgent = sorted(snapshot.cameras, key=states.urgency)[:MOST_CAMERAS]
        lines = [camera_line(camera, snapshot.at) for camera in urgent]
        if lines == self._shown_cameras:
            return
        self._shown_cameras = lines
        self._cameras.clear()
        with self._cameras:
            if not lines:
                with tag("div", "empty"):
                    tag("h2", text="No camera yet")
                    tag("p", text="One appears here as soon as it has sent its first row.")
                return
            camera_table(lines)
            if len(snapshot.cameras) > len(lines):
                more = len(snapshot.cameras) - len(lines)
                tag("p", "soft small empty", f"and {wording.plural(more, 'camera')} in order")


CameraLine = tuple[tuple[str, str | None], ...]
"""The texts of a camera's row, each with its level."""


def camera_line(camera: CameraCard, now: datetime) -> CameraLine:
    """Name, place, state, when heard of, waiting, their age, clock, temperature, version."""
    place = " · ".join(filter(None, (camera.hostname, camera.checkpoint_id)))
    heard = "connected" if camera.is_connected else f"{wording.age(camera.last_seen, now)} ago"
    faults = ", ".join(f"{fault.component} {fault.status}" for fault in camera.faults[:2])
    return (
        (camera.device_id, None),
        (place, None),
        (camera.state.value, states.LEVELS[camera.state]),
        (heard, None),
        (wording.number(camera.waiting), None),
        (
            ""
            if camera.oldest_waiting_at is None
            else f"since {wording.age(camera.oldest_waiting_at, now)}",
            states.backlog_level(camera.oldest_waiting_at, now),
        ),
        (wording.offset(camera.clock_offset_s), states.clock_level(camera.clock_offset_s)),
        (wording.temperature(camera.temperature_c), states.heat_level(camera)),
        (camera.version or wording.NOTHING, None),
        (faults, states.faults_level(camera.faults[:2])),
    )


def camera_table(lines: list[CameraLine]) -> None:
    with tag("div", "scroll"), tag("table", "stacks board"):
        with tag("thead"), tag("tr"):
            for name in ("State", "Camera", "Waiting", "Clock", "Heat", "Version"):
                tag("th", "" if name in ("State", "Camera") else "number", name)
        with tag("tbody"):
            for line in lines:
                _camera_row(line)


def _camera_row(line: CameraLine) -> None:
    name, place, state, heard, waiting, oldest, clock, heat, version, faults = line
    with tag("tr", data_camera=name[0]):
        with tag("td", "second"):
            tag("span", "tag state", state[0], data_level=state[1])
        with tag("td", "first"):
            link(name[0], camera_address(name[0]), "name")
            tag("small", text=" · ".join(filter(None, (place[0], heard[0]))))
            if faults[0]:
                tag("small", "problem", faults[0], data_level=faults[1])
        with tag("td", "number", data_name="Waiting"):
            tag("span", text=waiting[0])
            if oldest[0]:
                tag("small", text=oldest[0], data_level=oldest[1])
        _measure("Clock", clock)
        _measure("Heat", heat)
        tag("td", "number soft", version[0], data_name="Version")


def _measure(name: str, value: tuple[str, str | None]) -> None:
    with tag("td", "number nowrap", data_name=name):
        tag("span", "tag" if value[1] else "", value[0], data_level=value[1])


def _say(element: ui.element, text: str) -> None:
    if isinstance(element, ui.label):
        element.text = text


def _mark(element: ui.element, level: str | None) -> None:
    if element.props.get("data-level") != level:
        element.props.set_optional("data-level", level)


def no_camera() -> None:
    """In place of a list without cameras."""
    empty("No camera yet", "One appears here as soon as it has sent its first row.")
