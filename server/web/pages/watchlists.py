"""Watchlists: all lists, and a new one."""

from __future__ import annotations

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import ServerError
from server.watchlist.contract import ListDetails, Watchlist
from server.watchlist.rules import Kind
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, ending, sheet
from server.web.pages.shell import Visit, empty, page, title
from server.web.pages.tags import button, form, link, tag
from server.web.pages.watchlist import add_watchlist
from server.web.pages.watchlist_forms import LABELS, list_details, list_fields
from server.web.pages.watchlist_words import (
    EMPTY_SPEAKS,
    place_and_time,
    size_of,
    speaks_of_everybody,
)


def add_watchlists(centre: Centre) -> None:
    @page(centre, "/watchlists", title="Watchlists", permission=Permission.SEE_WATCHLISTS)
    async def watchlists(visit: Visit) -> None:
        lists = await centre.watchlists.lists()
        with title("Watchlists"), tag("div", "end"):
            link("Alerts", "/alerts", "button")
            if visit.caller.may(Permission.EDIT_WATCHLISTS):
                button("New list", lambda: _making(centre, visit), "main")
        if lists:
            _table(centre, lists)
        else:
            empty("No list yet", "A list says which plates or persons raise an alert.")

    add_watchlist(centre)


def _table(centre: Centre, lists: tuple[Watchlist, ...]) -> None:
    with tag("section", "card flush scroll", aria_label="Lists"), tag("table", "stacks"):
        with tag("thead"), tag("tr"):
            for name in ("Name", "Kind", "Entries", "Where and when", "Changed"):
                tag("th", "number" if name == "Entries" else "", name)
        with tag("tbody"):
            for held in lists:
                _row(centre, held)


def _row(centre: Centre, held: Watchlist) -> None:
    details = held.details
    with tag("tr", data_list=held.id):
        with tag("td", "first"):
            link(details.name, f"/watchlists/{held.id}", "name")
            if details.note:
                tag("small", text=details.note)
            if speaks_of_everybody(details, held.entries):
                tag("small", text="empty: whoever passes raises an alert", data_level="warn")
        with tag("td", "second"):
            word = details.kind.value if details.is_enabled else "off"
            level = "warn" if details.kind is Kind.ALERT else None
            tag("span", "tag", word, data_level=level if details.is_enabled else None)
        tag("td", "number", size_of(held), data_name="Entries")
        where = place_and_time(details.device_ids, details.schedule)
        tag("td", "break", where, data_name="Where")
        with tag("td", data_name="Changed"):
            tag("span", text=wording.moment(held.changed_at, centre.zone))
            tag("small", text=f"by {held.changed_by}")


def _making(centre: Centre, visit: Visit) -> None:
    async def make(details: ListDetails) -> None:
        try:
            made = await centre.watchlists.make_list(visit.caller, details)
        except ServerError as error:
            refuse(wording.in_labels(str(error), LABELS))
            return
        ui.navigate.to(f"/watchlists/{made.id}")

    async def go(given: dict[str, str]) -> None:
        try:
            details = list_details(given, None)
        except ServerError as error:
            refuse(wording.in_labels(str(error), LABELS))
            return
        refuse("")
        if speaks_of_everybody(details, 0):
            heading = "Make a list that speaks of everybody?"
            confirming(heading, EMPTY_SPEAKS, "Make it", lambda: make(details)).open()
        else:
            await make(details)

    with sheet("New list") as dialog, form(go, "fields"):
        list_fields(ListDetails(name=""), is_new=True)
        refuse = ending(dialog, "Make")
    dialog.open()
