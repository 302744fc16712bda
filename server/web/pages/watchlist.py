"""One watchlist: what it does, its entries, its rules, and whole files of entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import ServerError
from server.watchlist.contract import (
    LEAST_LIKELIHOOD,
    Entry,
    EntryDetails,
    EntryPage,
    ListDetails,
    Watchlist,
)
from server.watchlist.entry_words import Standing, difference, moment_words, standing_of
from server.watchlist.rules import Subject
from server.web.pages import watchlist_forms as forms
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, ending, sheet
from server.web.pages.shell import Visit, complain, empty, note, page, title
from server.web.pages.tags import button, field, form, link, tag
from server.web.pages.watchlist_words import (
    EMPTY_SPEAKS,
    does,
    held_by_cameras,
    look_alikes,
    place_and_time,
    size_of,
    speaks_of_everybody,
)

PAGE: Final = 50
_HELD: Final = frozenset(
    {"reason", "valid_from", "valid_until", "schedule", "device_ids", "cooldown_s"}
)
"""Of an entry, what can be changed without listing another plate or person."""


def add_watchlist(centre: Centre) -> None:
    @page(
        centre,
        "/watchlists/{list_id:int}",
        title="Watchlist",
        permission=Permission.SEE_WATCHLISTS,
    )
    async def watchlist(visit: Visit) -> None:
        held = await centre.watchlists.list_of(int(visit.request.path_params["list_id"]))
        found = await centre.watchlists.entries(
            held.id,
            search=visit.asked("search")[:200],
            before=visit.number("before"),
            limit=PAGE,
        )
        notices = await _notices(centre, held, found)
        _One(centre, visit, held).build(found, notices)


async def _notices(centre: Centre, held: Watchlist, found: EntryPage) -> list[tuple[str, str]]:
    """What may surprise of this list: levels, and what is said."""
    notices = []
    details = held.details
    if speaks_of_everybody(details, held.entries):
        notices.append(("warn", EMPTY_SPEAKS))
    if details.goes_to_cameras and details.is_enabled:
        notices.append(held_by_cameras(await centre.watchlists.lists()))
    named = {*details.device_ids}
    named.update(*(entry.details.device_ids for entry in found.entries))
    if strangers := sorted(named - await centre.library.cameras.known(named)):
        notices.append(("warn", f"No such camera was ever heard: {', '.join(strangers[:5])}."))
    return notices


class _One:
    """One list."""

    def __init__(self, centre: Centre, visit: Visit, held: Watchlist) -> None:
        self._centre = centre
        self._visit = visit
        self._held = held
        self._may_edit = visit.caller.may(Permission.EDIT_WATCHLISTS)
        self._address = f"/watchlists/{held.id}"

    def build(self, found: EntryPage, notices: Sequence[tuple[str, str]]) -> None:
        details = self._held.details
        with title(details.name, soft=size_of(self._held)), tag("div", "end"):
            link("All lists", "/watchlists", "button")
            if self._may_edit:
                button("Rules …", self._changing)
                button("Import …", self._importing)
                text = f"{details.name} goes with its entries; alerts that it raised stay."
                asking = confirming("Delete this list?", text, "Delete", self._drop)
                button("Delete", asking.open, "quiet")
        self._facts()
        for level, said in notices:
            tag("p", "notice", said, data_level=level, role="status")
        if self._may_edit:
            self._adding()
        self._entries(found)

    def _facts(self) -> None:
        details = self._held.details
        state = does(details) if details.is_enabled else "off: it does nothing now"
        pause = f"{wording.plural(details.cooldown_s, 'second')} without a second alert"
        facts = [
            ("Kind", f"{details.kind.value}: {state}"),
            ("Where and when", place_and_time(details.device_ids, details.schedule)),
            ("Cooldown", f"{pause} for the same at the same camera"),
        ]
        if details.subject is Subject.PLATES:
            facts.append(("Look-alikes", look_alikes(details.least_likelihood)))
        if details.least_percent is not None:
            facts.append(("Confidence", f"readings of {details.least_percent:g}% or more"))
        if details.least_likelihood != LEAST_LIKELIHOOD:
            facts.append(("Likelihood", f"matches of {details.least_likelihood:g} or more"))
        if details.note:
            facts.append(("Note", details.note))
        with tag("section", "card", aria_label="What it does"), tag("dl"):
            for name, text in facts:
                tag("dt", text=name)
                tag("dd", text=text)

    def _adding(self) -> None:
        details, zone, nothing = self._held.details, self._centre.zone, EntryDetails()
        with form(self._put, "card filter"):
            forms.listed_fields(details.subject)
            forms.reason_fields(nothing, zone)
            with tag("details"):
                tag("summary", "quiet", "More")
                with tag("div", "fields"):
                    forms.further_fields(nothing, zone)
            with tag("div", "filter-end"):
                tag("button", "main", "Add", type="submit")

    async def _put(self, given: dict[str, str]) -> None:
        """Who is listed already is changed only after it was asked."""
        lists, zone = self._centre.watchlists, self._centre.zone
        try:
            details = forms.entry_details(given, zone)
            there = await lists.entry_like(self._held.id, details)
        except ServerError as error:
            complain(self._in_labels(error))
            return
        said = forms.said_fields(details)
        listed = details.plate or f"person {details.class_id}"
        if there is None:
            await self._done(self._placing(details, said))
            return
        wanted = {name: getattr(details, name) for name in said}
        changes = difference(there.details, replace(there.details, **wanted), zone)
        if not changes:
            note(f"{listed} is in this list already, just so")
            return
        confirming(
            f"{listed} is in this list already",
            f"Change it? {changes}. What was left empty stays as it is.",
            "Change it",
            lambda: self._done(self._placing(details, said)),
        ).open()

    def _placing(self, details: EntryDetails, said: frozenset[str]) -> Awaitable[object]:
        caller, lists = self._visit.caller, self._centre.watchlists
        return lists.put_entry(caller, self._held.id, details, said=said)

    def _nothing(self, *, is_searched: bool) -> None:
        if is_searched:
            with empty("No entry is like that", "Try fewer characters."):
                link("Show all entries", self._address, "button")
            return
        text = "Add one above, or import a file." if self._may_edit else "Nobody added one."
        empty("No entry yet", text)

    def _entries(self, found: EntryPage) -> None:
        search = self._visit.asked("search")
        with tag("form", "card filter one", method="get", action=self._address, role="search"):
            field("Find in this list", "search", value=search, type="search", data_key="/")
            with tag("div", "filter-end"):
                tag("button", text="Find", type="submit")
        if not found.entries:
            self._nothing(is_searched=bool(search))
            return
        with tag("section", "card flush scroll", aria_label="Entries"), tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("Listed", "Reason", "Where and when", "Changed", ""):
                    tag("th", text=name)
            with tag("tbody"):
                for entry in found.entries:
                    self._row(entry)
        if found.next_before is not None:
            asked = {"search": search} if search else {}
            older = urlencode({**asked, "before": found.next_before})
            with tag("nav", "pager", aria_label="Pages of entries"):
                link("Older", f"{self._address}?{older}", "button", rel="next")

    def _row(self, entry: Entry) -> None:
        details, zone = entry.details, self._centre.zone
        with tag("tr", data_entry=entry.id):
            with tag("td", "first"):
                if details.class_id is None:
                    tag("span", "plate", details.plate)
                    tag("small", text=details.matching.value)
                else:
                    tag("span", text=f"person {details.class_id}")
                standing = standing_of(details, self._centre.now())
                if standing is not Standing.HOLDS:
                    tag("span", "tag", standing.value, data_level="warn")
            tag("td", "break", details.reason or wording.NOTHING, data_name="Reason")
            with tag("td", data_name="Where"):
                tag("span", "break", place_and_time(details.device_ids, details.schedule))
                if details.valid_from is not None:
                    tag("small", text=f"from {moment_words(details.valid_from, zone)}")
                if details.valid_until is not None:
                    until = moment_words(details.valid_until, zone, ends=True)
                    tag("small", text=f"until {until}")
            with tag("td", data_name="Changed"):
                tag("span", text=wording.moment(entry.changed_at, zone))
                tag("small", text=f"by {entry.changed_by}")
            with tag("td", "whole"), tag("div", "controls flush"):
                if self._may_edit:
                    button("Change …", lambda: self._editing(entry), "low")
                    button("Take out", lambda: self._take_out(entry), "low quiet")

    def _editing(self, entry: Entry) -> None:
        zone = self._centre.zone

        async def go(given: dict[str, str]) -> None:
            try:
                wanted = forms.entry_details(given, zone)
                changes = {name: getattr(wanted, name) for name in _HELD}
                await self._placing(replace(entry.details, **changes), _HELD)
            except ServerError as error:
                refuse(self._in_labels(error))
                return
            ui.navigate.to(self._address)

        listed = entry.details.plate or f"person {entry.details.class_id}"
        with sheet(listed) as dialog, form(go, "fields"):
            forms.reason_fields(entry.details, zone)
            forms.further_fields(entry.details, zone)
            refuse = ending(dialog, "Save")
        dialog.open()

    async def _take_out(self, entry: Entry) -> None:
        """Asks before the list begins to speak of everybody."""
        lists = self._centre.watchlists

        async def go() -> None:
            await self._done(lists.drop_entry(self._visit.caller, self._held.id, entry.id))

        try:
            held = await lists.list_of(self._held.id)
        except ServerError as error:
            complain(str(error))
            return
        if speaks_of_everybody(held.details, held.entries - 1):
            heading = "Take out the last one?"
            confirming(heading, EMPTY_SPEAKS, "Take out", go).open()
        else:
            await go()

    async def _drop(self) -> None:
        lists = self._centre.watchlists
        await self._done(lists.drop_list(self._visit.caller, self._held.id), "/watchlists")

    async def _done(
        self, change: Awaitable[object], then: str = "", refuse: Callable[[str], None] = complain
    ) -> None:
        try:
            await change
        except ServerError as error:
            refuse(self._in_labels(error))
            return
        ui.navigate.to(then or self._address)

    @staticmethod
    def _in_labels(error: ServerError) -> str:
        return wording.in_labels(str(error), forms.LABELS)

    def _changing(self) -> None:
        held = self._held

        async def change(details: ListDetails) -> None:
            lists = self._centre.watchlists
            change = lists.change_list(self._visit.caller, held.id, details)
            await self._done(change, refuse=refuse)

        async def go(given: dict[str, str]) -> None:
            try:
                details = forms.list_details(given, held.details)
            except ServerError as error:
                refuse(self._in_labels(error))
                return
            refuse("")
            is_so = speaks_of_everybody(held.details, held.entries)
            if speaks_of_everybody(details, held.entries) and not is_so:
                heading = "Let it speak of everybody?"
                confirming(heading, EMPTY_SPEAKS, "Let it", lambda: change(details)).open()
            else:
                await change(details)

        with sheet("Rules") as dialog, form(go, "fields"):
            forms.list_fields(held.details, is_new=False)
            refuse = ending(dialog, "Save")
        dialog.open()

    def _importing(self) -> None:
        with sheet("Import") as dialog, tag("form", "fields") as made:
            made.props["data-import"] = f"/api/v1/watchlist-imports/{self._held.id}"
            needed = "plate" if self._held.details.subject is Subject.PLATES else "class_id"
            text = (
                f"A CSV file whose first line names the columns: {needed}, reason, valid_until … "
                "Of what is in the list already, only that is changed which the file has a column "
                "for."
            )
            tag("p", "soft", text)
            field("File", "file", type="file", accept=".csv,text/csv", required=True)
            tag("progress", max=1, hidden=True)
            tag("p", "soft small number", "", role="status")
            tag("ol", "faults small")
            tag("ol", "changes small")
            with tag("div", "controls"):
                button("Close", dialog.close, "quiet")
                link("Show the list", self._address, "button", data_import_done=True, hidden=True)
                tag("button", "main", "Import", type="submit")
        dialog.open()
