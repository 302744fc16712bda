"""Sightings: searched, as pictures or as a table, page by page, and taken away as a file."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import ServerError, TookTooLong
from server.storage.reading.sightings import Matching, Order, SightingPage
from server.web.errors import status_of
from server.web.pages import wording
from server.web.pages.asking import Asked, asked_of
from server.web.pages.centre import Centre
from server.web.pages.drawing import Drawing, part, written
from server.web.pages.exporting import export_button
from server.web.pages.shell import Visit, empty, page, title
from server.web.pages.sighting_card import sighting_card, sighting_row
from server.web.pages.tags import choice, field, link, tag

PAGE: Final = 48
MOST_CHOICES: Final = 100
"""Cameras to choose from; of more one is named by hand. Of two thousand the list alone would take
half a second of the server and 10 MB for each open page."""
DIRECTIONS: Final = ("approaching", "receding", "left", "right")
_SHORT_ADDRESS: Final = """(event) => {
    const empty = [...event.target.elements].filter((field) => field.name && !field.value);
    empty.forEach((field) => { field.disabled = true; });
    setTimeout(() => empty.forEach((field) => { field.disabled = false; }));
}"""
_RARER: Final = ("match", "order", "region", "direction", "least", "most")
_HEADINGS: Final = ("", "Plate", "Time", "Camera", "Confidence", "Region", "Direction")


def add_sightings(centre: Centre) -> None:
    @page(centre, "/sightings", title="Sightings", permission=Permission.SEE_SIGHTINGS)
    async def sightings(visit: Visit) -> None:
        asked = asked_of(visit.request.query_params, centre.zone)
        cursor, is_table = visit.asked("after"), visit.asked("view") == "table"
        found: SightingPage | TookTooLong
        try:
            found = await centre.library.sightings.page(
                asked.chosen, order=asked.order, cursor=cursor or None, limit=PAGE
            )
        except TookTooLong as error:
            found = error
            ui.status_code(status_of(error)[0])
        cameras = await centre.library.cameras.names(most=MOST_CHOICES + 1)
        with title("Sightings"):
            count = tag("p", "soft number", "", id="found")
            with tag("div", "end"):
                _view_switch(asked, cursor, is_table=is_table)
                if visit.caller.may(Permission.EXPORT):
                    export_button(asked)
        clock = wording.zone_name(centre.zone, centre.now())
        _filter(asked, cameras, clock, is_table=is_table)
        if isinstance(found, TookTooLong):
            empty("This search takes too long", f"{str(found)[:1].upper()}{str(found)[1:]}.")
            return
        if found.cards:
            _list(centre, asked, found, cursor, is_table=is_table)
        elif found.next_cursor is None:
            _nothing(asked)
        _further(centre, asked, found, cursor, is_table=is_table)
        ui.timer(0, lambda: _count(centre, asked, count), once=True)


async def _count(centre: Centre, asked: Asked, place: ui.element) -> None:
    """After the page is shown: it takes longer than the page where there are very many."""
    try:
        counted = await centre.library.sightings.count(asked.chosen)
    except ServerError:
        return  # the list is there all the same
    word = "found" if asked.is_filtered else "in all"
    about = "" if counted.is_exact else "about "
    if isinstance(place, ui.label):
        place.text = f"{about}{wording.number(counted.count)} {word}"


def _view_switch(asked: Asked, cursor: str, *, is_table: bool) -> None:
    with tag("div", "switch", role="group", aria_label="Show as"):
        for word, view in (("Pictures", ""), ("Table", "table")):
            link(
                word,
                asked.address(view=view, after=cursor),
                aria_current="true" if is_table == bool(view) else None,
            )


def _filter(asked: Asked, cameras: tuple[str, ...], clock: str, *, is_table: bool) -> None:
    given = asked.given
    with tag("form", "card filter", method="get", action="/sightings", role="search") as form:
        form.on("submit", js_handler=_SHORT_ADDRESS)
        field(
            *("Plate", "plate"),
            value=given.get("plate"),
            type="search",
            placeholder="such as AB12* or ?B1234",
            maxlength=64,
            data_key="/",
            autocomplete="off",
        )
        field(f"From, {clock}", "from", value=given.get("from"), type="datetime-local")
        field(f"To, {clock}", "to", value=given.get("to"), type="datetime-local")
        _cameras(cameras, given.get("camera", ""))
        if is_table:
            tag("input", type="hidden", name="view", value="table")
        with tag("div", "filter-end"):
            tag("button", "main", "Search", type="submit")
            if asked.is_filtered:
                link("Clear", "/sightings?view=table" if is_table else "/sightings", "button quiet")
        with tag("details", open=any(key in given for key in _RARER)):
            tag("summary", text="More")
            with tag("div", "rarer"):
                _rarer(asked)


def _cameras(names: tuple[str, ...], chosen: str) -> None:
    if len(names) > MOST_CHOICES:
        field("Camera", "camera", value=chosen, placeholder="its whole name")
        return
    also = () if chosen in ("", *names) else (chosen,)
    choice("Camera", "camera", [("", "any"), *((name, name) for name in (*names, *also))], chosen)


def _rarer(asked: Asked) -> None:
    given = asked.given
    look_alikes = [("", "look-alikes (0 O, 1 I …)"), (Matching.EXACT.value, "exactly")]
    choice("Match", "match", look_alikes, given.get("match", ""))
    orders = [("", "newest first")]
    if asked.chosen.plate:
        orders = [("", "likeliest first"), (Order.NEWEST.value, "newest first")]
    choice("Order", "order", orders, given.get("order", ""))
    field("Region", "region", value=given.get("region"), placeholder="any", maxlength=32)
    directions = [("", "any"), *((name, name) for name in DIRECTIONS)]
    choice("Direction", "direction", directions, given.get("direction", ""))
    percent: dict[str, Any] = {
        "type": "number",
        "min": 0,
        "max": 100,
        "step": "any",
        "inputmode": "decimal",
    }
    field("Confidence from, %", "least", value=given.get("least"), placeholder="0", **percent)
    field("to, %", "most", value=given.get("most"), placeholder="100", **percent)


def _list(
    centre: Centre, asked: Asked, found: SightingPage, cursor: str, *, is_table: bool
) -> None:
    view = "table" if is_table else ""
    shown = [
        (card, asked.address(f"/sightings/{card.id}", after=cursor, view=view))
        for card in found.cards
    ]
    if not is_table:
        cards = (sighting_card(card, href, centre.zone) for card, href in shown)
        Drawing(written(*cards)).classes("shots")
        return
    clock = wording.zone_name(centre.zone, centre.now())
    names = (f"Time, {clock}" if heading == "Time" else heading for heading in _HEADINGS)
    heads = (part("th", "number" if name == "Confidence" else "", name) for name in names)
    rows = (sighting_row(card, href, centre.zone) for card, href in shown)
    table = part("table", "stacks", part("thead", "", part("tr", "", *heads)),
                 part("tbody", "", *rows))  # fmt: skip
    with tag("div", "card flush"):
        Drawing(written(table)).classes("scroll")


def _nothing(asked: Asked) -> None:
    if not asked.is_filtered:
        empty("Nothing has passed yet", "Sightings are listed here as soon as a camera sends them.")
        return
    card = empty(
        "Nothing matches",
        "No sighting is like that. Try fewer characters, with * for the others, or more days.",
    )
    with card:
        link("Clear the search", "/sightings", "button")


def _further(
    centre: Centre, asked: Asked, found: SightingPage, cursor: str, *, is_table: bool
) -> None:
    view = "table" if is_table else ""
    if found.searched_back_to is not None:
        back = wording.moment(found.searched_back_to, centre.zone)
        tag("p", "notice", f"Searched back to {back} so far. “Older” goes on from there.")
    if not cursor and found.next_cursor is None:
        return
    with tag("nav", "pager", aria_label="Pages of sightings"):
        if cursor:
            link("To the first", asked.address(view=view), "button", rel="first")
        if found.next_cursor is not None:
            more = asked.address(view=view, after=found.next_cursor)
            link("Older", more, "button", rel="next")
