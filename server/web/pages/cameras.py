"""All cameras in one list, and a camera's own page: health, charts, settings, *nothing missing*."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.storage.reading.cameras import CameraDetail, CameraState, ComponentHealth
from server.web.pages import states, wording
from server.web.pages.camera_board import NO_CAMERA, camera_board
from server.web.pages.camera_books import books_view
from server.web.pages.camera_health import history_view
from server.web.pages.centre import Centre
from server.web.pages.drawing import Drawing, written
from server.web.pages.shell import Visit, empty, page, title
from server.web.pages.sighting_card import camera_address
from server.web.pages.tags import field, link, tag, tile

SPANS: Final = {"1": "day", "7": "week", "31": "month"}
"""Days of health, and of books, at once."""
TABS: Final = {"": "Health", "books": "Nothing missing", "settings": "Settings"}
_PAGE: Final = 100


def add_cameras(centre: Centre) -> None:
    @page(centre, "/cameras", title="Cameras", permission=Permission.SEE_CAMERAS)
    async def cameras(visit: Visit) -> None:
        now, wanted = centre.now(), visit.asked("name").strip()
        all_cameras = await centre.library.cameras.board(now=now, connected=centre.connected())
        found = sorted(
            (one for one in all_cameras if wanted.casefold() in one.device_id.casefold()),
            key=states.urgency,
        )
        after = _whole_number(visit.asked("after"), 0)
        online = sum(one.state is CameraState.ONLINE for one in all_cameras)
        count = wording.number(len(all_cameras))
        title("Cameras", soft=f"{online} of {count} online" if all_cameras else "")
        if not all_cameras:
            empty("No camera yet", NO_CAMERA)
            return
        with tag("form", "card filter one", method="get", action="/cameras", role="search"):
            field("Name", "name", value=wanted, type="search", placeholder="any part", data_key="/")
            with tag("div", "filter-end"):
                tag("button", "main", "Search", type="submit")
        with tag("div", "card flush"):
            if found:
                Drawing(written(camera_board(found[after : after + _PAGE], now)))
            else:
                tag("p", "empty", "No camera has such a name.")
        _further(wanted, after, len(found))

    @page(centre, "/cameras/{device_id:path}", title="Camera", permission=Permission.SEE_CAMERAS)
    async def camera(visit: Visit) -> None:
        device_id = visit.request.path_params["device_id"]
        now = centre.now()
        detail = await centre.library.cameras.camera(
            device_id, now=now, connected=centre.connected()
        )
        _head(centre, detail)
        tab = visit.asked("show")
        days = _whole_number(visit.asked("days"), 7 if tab == "books" else 1)
        _tabs(device_id, tab)
        if tab == "books":
            await books_view(centre, detail, days)
        elif tab == "settings":
            _settings(detail)
        else:
            _components(centre, detail)
            _spans(device_id, days)
            await history_view(centre, device_id, days)


def _head(centre: Centre, detail: CameraDetail) -> None:
    card, now = detail.card, centre.now()
    link("← Cameras", "/cameras", "back", data_key="Escape")
    with title(card.device_id):
        tag("span", "tag state", card.state.value, data_level=states.LEVELS[card.state])
        heard = "connected" if card.is_connected else f"{wording.age(card.last_seen, now)} ago"
        tag("p", "soft", " · ".join(filter(None, (card.hostname, card.checkpoint_id, heard))))
        with tag("div", "end"):
            query = urlencode({"camera": card.device_id})
            link("Its sightings", f"/sightings?{query}", "button")
    with tag("div", "tiles"):
        oldest = states.backlog_level(card.oldest_waiting_at, now)
        waiting = "rows waiting"
        if card.oldest_waiting_at is not None:
            waiting += f", the oldest for {wording.age(card.oldest_waiting_at, now)}"
        tile(wording.number(card.waiting), waiting, oldest)
        clock = states.clock_level(card.clock_offset_s)
        tile(wording.offset(card.clock_offset_s), f"clock, {card.clock_state or 'not told'}", clock)
        heat = f"slowed down: {', '.join(card.throttled)}" if card.throttled else "temperature"
        tile(wording.temperature(card.temperature_c), heat, states.heat_level(card))
        tile(card.version or wording.NOTHING, "version of the agent")


def _tabs(device_id: str, tab: str) -> None:
    with tag("nav", "switch", aria_label="Of this camera").style("align-self: flex-start"):
        for key, name in TABS.items():
            query = f"?show={key}" if key else ""
            href = f"{camera_address(device_id)}{query}"
            link(name, href, aria_current="page" if key == tab else None)


def _spans(device_id: str, days: int) -> None:
    with tag("div", "title"):
        tag("h2", text="History")
        with tag("div", "end"), tag("nav", "switch", aria_label="How far back"):
            for key, name in SPANS.items():
                href = f"{camera_address(device_id)}?days={key}"
                link(name, href, aria_current="page" if int(key) == days else None)


def _components(centre: Centre, detail: CameraDetail) -> None:
    now = centre.now()
    with tag("section", "card flush", aria_label="Components"):
        if not detail.health:
            tag("p", "empty", "This camera has reported no health yet.")
            return
        with tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                when = f"When, {wording.zone_name(centre.zone, now)}"
                for name in ("State", "Component", "What it said", when):
                    tag("th", text=name)
            with tag("tbody"):
                for health in sorted(detail.health, key=_worst_first):
                    is_old = states.is_old(health.at, detail, now)
                    _component(health, centre.zone, now, is_old=is_old)


def _component(health: ComponentHealth, zone: tzinfo, now: datetime, *, is_old: bool) -> None:
    """A state that is old has no colour: it says nothing of now."""
    with tag("tr", data_component=health.component):
        with tag("td", "second"):
            level = None if is_old else states.STATUS_LEVELS.get(health.status)
            tag("span", "tag state", health.status, data_level=level)
        tag("td", "first", health.component)
        tag("td", "break whole", health.message)
        with tag("td", "number soft when whole"):
            tag("span", text=wording.moment(health.at, zone))
            said = f"{wording.age(health.at, now)} ago" if health.at is not None else "unknown"
            text = f"{said}: old" if is_old else said
            tag("small", "", text, data_level="warn" if is_old else None)


def _worst_first(health: ComponentHealth) -> tuple[int, str]:
    order = {"FAIL": 0, "WARN": 1, "PASS": 2}
    return (order.get(health.status, 1), health.component)


def _settings(detail: CameraDetail) -> None:
    with tag("section", "card", aria_label="Settings"):
        tag("h2", text="Settings it reported")
        if not detail.settings:
            tag("p", "soft", "This camera has reported none.")
            return
        with tag("dl"):
            for name, value in sorted(_flat(detail.settings).items()):
                tag("dt", text=name)
                tag("dd", "number", value)


def _flat(settings: Any, prefix: str = "") -> dict[str, str]:
    """Names of what lies within others are joined by dots."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            found.update(_flat(value, f"{key}."))
        else:
            found[key] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found


def _further(wanted: str, after: int, count: int) -> None:
    if count <= _PAGE:
        return

    def address(start: int) -> str:
        return "/cameras?" + urlencode({"name": wanted, "after": start})

    with tag("nav", "pager", aria_label="Pages of cameras"):
        if after:
            link("Back", address(max(0, after - _PAGE)), "button", rel="prev")
        if after + _PAGE < count:
            link("Further", address(after + _PAGE), "button", rel="next")


def _whole_number(text: str, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        raise QuestionInvalid(f"{text!r} in the address: expected a whole number") from None
