"""How the overview looks at one moment, made once for all who have it open. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from server.storage.reading.cameras import CameraState
from server.web.pages import charts, states, wording
from server.web.pages.camera_board import NO_CAMERA, camera_board
from server.web.pages.drawing import Part, part, written
from server.web.pages.live import Snapshot
from server.web.pages.sighting_card import sighting_card

MOST_CAMERAS: Final = 30
"""On the board, those that need somebody first; the others are a link away."""
_HALF_A_BAR: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What stands in each place of the page, as `drawing.written` has it; `chart` are the series of
    sightings per minute, `times` the axis below them."""

    state: str
    fault: str
    tiles: str
    cameras: str
    latest: str
    has_latest: bool
    chart: tuple[dict[str, Any], ...]
    times: dict[str, Any]


class Looks:
    """Draws each snapshot once, however many ask for it."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._drawn: tuple[Snapshot, Look] | None = None

    def of(self, snapshot: Snapshot) -> Look:
        if self._drawn is None or self._drawn[0] is not snapshot:
            self._drawn = (snapshot, look_of(snapshot, self._zone))
        return self._drawn[1]


def look_of(snapshot: Snapshot, zone: tzinfo) -> Look:
    at = snapshot.at
    cards = (sighting_card(card, f"/sightings/{card.id}", zone) for card in snapshot.latest)
    points = [(minute.at, float(minute.count)) for minute in snapshot.minutes]
    return Look(
        state=f"live · {wording.clock(at, zone)} {wording.zone_name(zone, at)}",
        fault=snapshot.fault,
        tiles=written(*_tiles(snapshot)),
        cameras=written(*_cameras(snapshot)),
        latest=written(*cards),
        has_latest=bool(snapshot.latest),
        chart=(charts.bars("sightings", points, "accent", zone),),
        times=charts.over_time(*_ends(snapshot), zone),
    )


def _ends(snapshot: Snapshot) -> tuple[datetime, datetime]:
    """Of the axis: half a minute before the first minute and behind the last, or their bars would
    be cut in half."""
    last = snapshot.minutes[-1].at if snapshot.minutes else snapshot.at
    first = snapshot.minutes[0].at if snapshot.minutes else last - timedelta(hours=1)
    return first - _HALF_A_BAR, last + _HALF_A_BAR


def _tiles(snapshot: Snapshot) -> tuple[Part, ...]:
    cameras = snapshot.cameras
    online = snapshot.count(CameraState.ONLINE)
    absent = len(cameras) - online
    level = "bad" if snapshot.count(CameraState.SILENT) else "warn" if absent else None
    hour = sum(minute.count for minute in snapshot.minutes)
    waiting = sum(camera.waiting or 0 for camera in cameras)
    return (
        _tile(f"{online} of {len(cameras)}", "cameras online"),
        _tile(wording.number(absent), "late or silent", level),
        _tile(wording.number(hour), "sightings this hour"),
        _tile(wording.number(waiting), "rows waiting"),
    )


def _tile(value: str, name: str, level: str | None = None) -> Part:
    return part("div", "tile", part("b", "", value), part("span", "", name), data_level=level)


def _cameras(snapshot: Snapshot) -> tuple[Part, ...]:
    if not snapshot.cameras:
        heading = part("h2", "", "No camera yet")
        return (part("div", "empty", heading, part("p", "", NO_CAMERA)),)
    urgent = sorted(snapshot.cameras, key=states.urgency)[:MOST_CAMERAS]
    board = camera_board(urgent, snapshot.at)
    more = len(snapshot.cameras) - len(urgent)
    if not more:
        return (board,)
    return (board, part("p", "soft small empty", f"and {wording.plural(more, 'camera')} in order"))
