"""The frame of every page: bar, navigation, menu, foot; and what is shown when a page cannot be."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Final

from fastapi import Request
from nicegui import Client, ui

from server.accounts.contract import Caller, CallerKind
from server.accounts.permissions import Permission
from server.errors import (
    AccountRefused,
    FacesUnavailable,
    NotThere,
    QuestionInvalid,
    StorageUnavailable,
    TooBusy,
    TookTooLong,
)
from server.row_id import LARGEST_ID
from server.web.errors import status_of
from server.web.pages.centre import Centre
from server.web.pages.room import make_room
from server.web.pages.statics import STATIC
from server.web.pages.tags import button, icon, link, tag
from server.web.security.demands import current_caller, requires
from server.web.security.telling import way_back

PATIENCE_S: Final = 30.0
"""For a page's data; what takes longer is told as a fault."""

_HEAD: Final = (
    f'<link rel="stylesheet" href="{STATIC}/centre.css">'
    f'<script src="{STATIC}/theme.js"></script>'
    f'<script src="{STATIC}/keys.js" defer></script>'
    f'<script src="{STATIC}/export.js" defer></script>'
    f'<script src="{STATIC}/ending.js" defer></script>'
    f'<script src="{STATIC}/alarm.js" defer></script>'
    f'<script src="{STATIC}/import.js" defer></script>'
    f'<script src="{STATIC}/pictures.js" defer></script>'
)
_PASSING: Final = (TookTooLong, TooBusy, StorageUnavailable)
_ANSWERED: Final = (QuestionInvalid, NotThere, AccountRefused, FacesUnavailable, *_PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry of the navigation."""

    name: str
    href: str
    icon: str
    permission: Permission


PLACES: Final = (
    Place(name="Overview", href="/", icon="overview", permission=Permission.SEE_CAMERAS),
    Place(
        name="Sightings", href="/sightings", icon="sightings", permission=Permission.SEE_SIGHTINGS
    ),
    Place(name="Alerts", href="/alerts", icon="alerts", permission=Permission.SEE_ALERTS),
    Place(name="Cameras", href="/cameras", icon="cameras", permission=Permission.SEE_CAMERAS),
    Place(name="People", href="/people", icon="people", permission=Permission.SEE_PEOPLE),
    Place(name="Data", href="/data", icon="data", permission=Permission.SEE_DATA),
)
MENU: Final = (
    Place(name="Account and tokens", href="/account", icon="", permission=Permission.OWN_ACCOUNT),
    Place(name="Watchlists", href="/watchlists", icon="", permission=Permission.SEE_WATCHLISTS),
    Place(name="Channels", href="/channels", icon="", permission=Permission.MANAGE_CHANNELS),
    Place(name="Performance", href="/performance", icon="", permission=Permission.SEE_SERVER),
    Place(name="Report", href="/report", icon="", permission=Permission.SEE_SERVER),
    Place(name="Errors", href="/errors", icon="", permission=Permission.SEE_SERVER),
    Place(name="Users", href="/users", icon="", permission=Permission.MANAGE_ACCOUNTS),
    Place(name="Audit log", href="/audit", icon="", permission=Permission.SEE_AUDIT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One opening of a page: what was asked for, and by whom."""

    request: Request
    caller: Caller

    def asked(self, key: str) -> str:
        """A value of the address, or nothing."""
        return self.request.query_params.get(key, "")

    def number(self, key: str) -> int | None:
        """A number of the address, as rows have them. Raises QuestionInvalid."""
        text = self.asked(key).strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) < len(str(LARGEST_ID))):
            raise QuestionInvalid(f"{key}={text[:40]}: expected a number")
        return int(text) if text else None


def page(
    centre: Centre, path: str, *, title: str, permission: Permission
) -> Callable[[Callable[[Visit], Awaitable[None]]], None]:
    """Registers what builds a page inside its frame. Faults of its data are shown in its place."""

    def register(build: Callable[[Visit], Awaitable[None]]) -> None:
        @wraps(build)
        async def shown() -> None:
            request = ui.context.client.request
            visit = Visit(request=request, caller=current_caller(request))
            with framed(centre, visit) as main:
                try:
                    make_room(ui.context.client, Client.instances.values())
                    if centre.alarms is not None:
                        await centre.alarms.on_page(visit.caller)
                    await build(visit)
                except _ANSWERED as error:
                    main.clear()
                    ui.status_code(status_of(error)[0])
                    with main:
                        fault(visit, str(error), may_pass=isinstance(error, _PASSING))

        del shown.__wrapped__  # its parameters are not those of `build`
        ui.page(
            path,
            title=f"{title} · Sightpost",
            response_timeout=PATIENCE_S,
            dependencies=[requires(permission)],
        )(shown)

    return register


@contextlib.contextmanager
def framed(centre: Centre, visit: Visit) -> Iterator[ui.element]:
    """Bar, navigation and foot around what is built within."""
    ui.add_head_html(_HEAD)
    link("Skip to content", "#content", "skip")
    with tag("header", "bar"):
        with link("", "/", "brand"):
            tag("img", src=f"{STATIC}/icon.svg", alt="", width=24, height=24)
            tag("span", text="Sightpost")
        _navigation(centre, visit)
        _menu(visit)
    with tag("div", id="content", tabindex="-1") as main:
        yield main
    with tag("footer"):
        tag("span", text=f"Sightpost {centre.version} · times in {centre.zone}")


def _navigation(centre: Centre, visit: Visit) -> None:
    path = visit.request.url.path
    with tag("nav", aria_label="Pages"):
        for place in PLACES:
            if not visit.caller.may(place.permission):
                continue
            if place.permission is Permission.SEE_PEOPLE and centre.faces is None:
                continue
            is_here = path == place.href or (
                place.href != "/" and path.startswith(f"{place.href}/")
            )
            with link("", place.href, aria_current="page" if is_here else None):
                icon(place.icon)
                tag("span", text=place.name)


def _menu(visit: Visit) -> None:
    caller = visit.caller
    with tag("div", "bar-end"):
        with tag("button", "quiet square", type="button", aria_label="Dark or light") as theme:
            icon("theme")
        theme.on("click", js_handler="() => window.sightpostOtherTheme()")
        if caller.kind is not CallerKind.USER:
            link("Sign in", "/login", "button quiet")
            return
        with tag("button", "quiet square", type="button", popovertarget="menu", aria_label="Menu"):
            icon("account")
            tag("span", "who", caller.name)
        with tag("div", "menu", id="menu", popover="auto"):
            role = "" if caller.role is None else f" · {caller.role.value}"
            tag("p", "soft small", f"{caller.name}{role}")
            for place in MENU:
                if caller.may(place.permission):
                    link(place.name, place.href)
            with tag("form", method="post", action="/logout"):
                tag("button", text="Sign out", type="submit")


def title(text: str, *, soft: str = "", classes: str = "") -> ui.element:
    """The page's heading; returns its row, for what stands at its end."""
    with tag("div", "title") as row:
        tag("h1", classes, text)
        if soft:
            tag("p", "soft number", soft)
    return row


def fault(visit: Visit, text: str, *, may_pass: bool) -> None:
    """In place of what cannot be shown; what may pass can be tried again."""
    with tag("div", "card empty", role="alert"):
        tag("h1", text="This cannot be shown")
        tag("p", "break", f"{text[:1].upper()}{text[1:]}")
        if may_pass:
            button("Try again", ui.navigate.reload)
        else:
            ways_on(visit)


def ways_on(visit: Visit) -> None:
    """From a page that cannot be: back to the one that led here, and to the place it belongs to."""
    path = visit.request.url.path
    back = way_back(visit.request.headers, path)
    place = next((each for each in PLACES[1:] if path.startswith(each.href)), PLACES[0])
    if back is not None:
        link("Back", back, "button")
    if back is None or not back.startswith(place.href):
        link(f"To the {place.name.lower()}", place.href, "button")


def empty(heading: str, text: str) -> ui.element:
    """In place of what there is nothing of; returns the card, for a link below."""
    with tag("div", "card empty") as card:
        tag("h2", text=heading)
        tag("p", text=text)
    return card


def note(text: str, way: tuple[str, str] | None = None) -> None:
    """A word at the foot of the screen that goes by itself; `way` is a link on it, what it says and
    where it leads."""
    if way is None:
        ui.notify(text, position="bottom")
        return
    word, href = way
    action = {"label": word, "href": href, "color": "white", "no-caps": True}
    ui.notify(text, position="bottom", timeout=8000, actions=[action])


def complain(text: str) -> None:
    """Likewise, of something that failed."""
    ui.notify(text, type="negative", position="bottom", timeout=8000, icon="")
