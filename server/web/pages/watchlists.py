"""Watchlists: the lists, and one with its entries, its rules and whole files of entries."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid, ServerError
from server.storage.reading.sightings import Matching
from server.watchlist.contract import (
    COOLDOWN_S,
    LEAST_LIKELIHOOD,
    Entry,
    EntryDetails,
    EntryPage,
    ListDetails,
    Watchlist,
)
from server.watchlist.rules import Kind, Subject
from server.web.api.moments import moment
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.sheets import confirming, sheet
from server.web.pages.shell import Visit, complain, empty, note, page, title
from server.web.pages.tags import button, choice, field, form, link, tag
from wire.limits import WATCHED_PLATES

PAGE: Final = 50
MOST_CAMERAS: Final = 10_000
"""Whose names are looked at."""
_KINDS: Final = [
    (Kind.ALERT.value, "alert: whoever is listed"),
    (Kind.UNKNOWN.value, "unknown: whoever is not listed"),
    (Kind.MUTE.value, "mute: whoever is listed raises nothing"),
]
_SUBJECTS: Final = [(each.value, each.value) for each in Subject]
_MATCHES: Final = [
    (Matching.LIKELY.value, "look-alikes too (0 O, 1 I, 8 B …)"),
    (Matching.EXACT.value, "exactly"),
]
_YES_NO: Final = [("yes", "yes"), ("", "no")]


def add_watchlists(centre: Centre) -> None:
    @page(centre, "/watchlists", title="Watchlists", permission=Permission.SEE_WATCHLISTS)
    async def watchlists(visit: Visit) -> None:
        lists = await centre.watchlists.lists()
        with title("Watchlists"), tag("div", "end"):
            if visit.caller.may(Permission.EDIT_WATCHLISTS):
                button("New list", lambda: _making(centre, visit), "main")
        if lists:
            _table(centre, lists)
        else:
            empty("No list yet", "A list says which plates or persons raise an alert.")

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
        notices = []
        if held.details.goes_to_cameras and held.details.is_enabled:
            notices.append(held_by_cameras(await centre.watchlists.lists()))
        named = {*held.details.device_ids}
        named.update(*(entry.details.device_ids for entry in found.entries))
        known = await centre.library.cameras.names(most=MOST_CAMERAS) if named else ()
        if strangers := sorted(named - {*known}):
            notices.append(("warn", f"No such camera was ever heard: {', '.join(strangers[:5])}."))
        _One(centre, visit, held).build(found, notices)


def held_by_cameras(lists: Sequence[Watchlist]) -> tuple[str, str]:
    """Of a list that cameras hold too: a level, and what is said."""
    going = [each for each in lists if each.details.goes_to_cameras and each.details.is_enabled]
    plates = sum(each.entries for each in going)
    said = "Cameras hold these plates too, and mark their own sightings of them."
    if plates <= WATCHED_PLATES:
        return "good", said
    most = wording.number(WATCHED_PLATES)
    return "warn", (
        f"{said} All lists that go to cameras have {wording.number(plates)} entries together: a "
        f"camera that more than {most} of them speak of holds none and marks nothing. Alerts are "
        "raised here all the same."
    )


def _table(centre: Centre, lists: tuple[Watchlist, ...]) -> None:
    with tag("section", "card flush scroll", aria_label="Lists"), tag("table", "stacks"):
        with tag("thead"), tag("tr"):
            for name in ("Name", "Kind", "Entries", "Where and when", "Changed"):
                tag("th", "number" if name == "Entries" else "", name)
        with tag("tbody"):
            for held in lists:
                details = held.details
                with tag("tr", data_list=held.id):
                    with tag("td", "first"):
                        link(details.name, f"/watchlists/{held.id}", "name")
                        if details.note:
                            tag("small", text=details.note)
                    with tag("td", "second"):
                        word = details.kind.value if details.is_enabled else "off"
                        level = "warn" if details.kind is Kind.ALERT else None
                        tag("span", "tag", word, data_level=level if details.is_enabled else None)
                    entries = f"{wording.number(held.entries)} {details.subject.value}"
                    tag("td", "number", entries, data_name="Entries")
                    where = ", ".join(details.device_ids) or "all cameras"
                    tag(
                        "td", "break", f"{where}; {details.schedule or 'always'}", data_name="Where"
                    )
                    with tag("td", data_name="Changed"):
                        tag("span", text=wording.moment(held.changed_at, centre.zone))
                        tag("small", text=f"by {held.changed_by}")


def _making(centre: Centre, visit: Visit) -> None:
    async def go(given: dict[str, str]) -> None:
        try:
            made = await centre.watchlists.make_list(visit.caller, _details(given, None))
        except ServerError as error:
            complain(str(error))
            return
        ui.navigate.to(f"/watchlists/{made.id}")

    with sheet("New list") as dialog, form(go, "fields"):
        _list_fields(ListDetails(name=""), is_new=True)
        with tag("div", "controls"):
            button("Cancel", dialog.close, "quiet")
            tag("button", "main", "Make", type="submit")
    dialog.open()


def _list_fields(held: ListDetails, *, is_new: bool) -> None:
    field("Name", "name", value=held.name, maxlength=200, required=True, autocomplete="off")
    choice("Raises an alert", "kind", _KINDS, held.kind.value)
    if is_new:
        choice("Holds", "subject", _SUBJECTS, held.subject.value)
    field("Note (may be empty)", "note", value=held.note, maxlength=200, autocomplete="off")
    cameras = ", ".join(held.device_ids)
    field("Cameras, with commas; empty: all", "cameras", value=cameras, autocomplete="off")
    field(
        *("Hours; empty: always", "schedule"),
        value=held.schedule,
        placeholder="mon-fri 08:00-18:00; sat 09:00-12:00",
        autocomplete="off",
    )
    with tag("details"):
        tag("summary", "quiet", "More")
        with tag("div", "fields"):
            field("Seconds without a second alert", "cooldown_s", value=str(held.cooldown_s))
            percent = "" if held.least_percent is None else f"{held.least_percent:g}"
            field("Least confidence of a reading, %", "least_percent", value=percent)
            field(
                *("Least likelihood of a match, 0 to 1", "least_likelihood"),
                value=f"{held.least_likelihood:g}",
            )
            choice("Is in force", "is_enabled", _YES_NO, "yes" if held.is_enabled else "")
            choice(
                *("Cameras hold it too", "goes_to_cameras", _YES_NO),
                "yes" if held.goes_to_cameras else "",
            )


def _details(given: dict[str, str], held: ListDetails | None) -> ListDetails:
    """Raises QuestionInvalid."""
    percent = given.get("least_percent", "").strip()
    return ListDetails(
        name=given.get("name", ""),
        kind=Kind(given.get("kind", Kind.ALERT.value)),
        subject=Subject(given.get("subject", Subject.PLATES.value))
        if held is None
        else held.subject,
        note=given.get("note", ""),
        device_ids=_names(given.get("cameras", "")),
        schedule=given.get("schedule", ""),
        cooldown_s=int(number_of("cooldown_s", given.get("cooldown_s") or str(COOLDOWN_S))),
        least_percent=number_of("least_percent", percent) if percent else None,
        least_likelihood=number_of(
            "least_likelihood", given.get("least_likelihood") or str(LEAST_LIKELIHOOD)
        ),
        is_enabled=given.get("is_enabled", "yes") == "yes",
        goes_to_cameras=given.get("goes_to_cameras") == "yes",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def number_of(name: str, text: str) -> float:
    """Of a form's field. Raises QuestionInvalid."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QuestionInvalid(f"{name}={text[:40]}: expected a number")
    return number


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
        soft = f"{wording.number(self._held.entries)} {details.subject.value}"
        with title(details.name, soft=soft), tag("div", "end"):
            link("All lists", "/watchlists", "button")
            if self._may_edit:
                button("Rules …", self._changing)
                button("Import …", self._importing)
                text = f"{details.name} goes with its entries; alerts that it raised stay."
                asking = confirming("Delete this list?", text, "Delete", self._drop)
                button("Delete", asking.open, "quiet")
        for level, said in notices:
            tag("p", "notice", said, data_level=level, role="status")
        if self._may_edit:
            self._adding()
        self._entries(found)

    def _adding(self) -> None:
        is_plates = self._held.details.subject is Subject.PLATES
        with form(self._put, "card filter"):
            if is_plates:
                field(
                    *("Plate", "plate"),
                    placeholder="such as 1กก 1234, AB12* or ?B1234",
                    maxlength=64,
                    required=True,
                    autocomplete="off",
                )
                choice("Match", "matching", _MATCHES)
            else:
                field("Number of the person", "class_id", inputmode="numeric", required=True)
            field("Reason", "reason", maxlength=200, autocomplete="off")
            field("Until", "until", type="date")
            with tag("details"):
                tag("summary", "quiet", "More")
                with tag("div", "fields"):
                    field("From", "since", type="date")
                    field("Cameras, with commas; empty: the list's", "cameras", autocomplete="off")
                    field(
                        *("Hours; empty: the list's", "schedule"),
                        placeholder="mon-fri 08:00-18:00",
                        autocomplete="off",
                    )
                    field("Seconds without a second alert; empty: the list's", "cooldown_s")
            with tag("div", "filter-end"):
                tag("button", "main", "Add", type="submit")

    async def _put(self, given: dict[str, str]) -> None:
        caller, lists = self._visit.caller, self._centre.watchlists
        try:
            number = given.get("class_id", "").strip()
            cooldown = given.get("cooldown_s", "").strip()
            details = EntryDetails(
                plate=given.get("plate", ""),
                matching=Matching(given.get("matching", Matching.LIKELY.value)),
                class_id=int(number_of("number", number)) if number else None,
                reason=given.get("reason", ""),
                valid_from=self._moment("from", given.get("since", "")),
                valid_until=self._moment("until", given.get("until", ""), ends=True),
                schedule=given.get("schedule", ""),
                device_ids=_names(given.get("cameras", "")),
                cooldown_s=int(number_of("cooldown_s", cooldown)) if cooldown else None,
            )
            entry = await lists.put_entry(caller, self._held.id, details)
        except ServerError as error:
            complain(str(error))
            return
        note(f"{entry.details.plate or entry.details.class_id} is listed")
        ui.navigate.to(self._address)

    def _moment(self, name: str, day: str, *, ends: bool = False) -> datetime | None:
        return moment(name, day or None, self._centre.zone, ends=ends)

    def _entries(self, found: EntryPage) -> None:
        search = self._visit.asked("search")
        with tag("form", "card filter one", method="get", action=self._address, role="search"):
            field("Find in this list", "search", value=search, type="search", data_key="/")
            with tag("div", "filter-end"):
                tag("button", text="Find", type="submit")
        if not found.entries:
            empty("No entry", "None that is like that is in this list.")
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
            tag("td", "break", details.reason or wording.NOTHING, data_name="Reason")
            where = ", ".join(details.device_ids) or "all cameras"
            with tag("td", data_name="Where"):
                tag("span", "break", f"{where}; {details.schedule or 'always'}")
                if details.valid_from is not None:
                    tag("small", text=f"from {wording.moment(details.valid_from, zone)}")
                if details.valid_until is not None:
                    tag("small", text=f"until {wording.moment(details.valid_until, zone)}")
            with tag("td", data_name="Changed"):
                tag("span", text=wording.moment(entry.changed_at, zone))
                tag("small", text=f"by {entry.changed_by}")
            with tag("td", "second"):
                if self._may_edit:
                    button("Take out", lambda: self._take_out(entry), "low")

    async def _take_out(self, entry: Entry) -> None:
        lists = self._centre.watchlists
        await self._done(lists.drop_entry(self._visit.caller, self._held.id, entry.id))

    async def _drop(self) -> None:
        lists = self._centre.watchlists
        await self._done(lists.drop_list(self._visit.caller, self._held.id), "/watchlists")

    async def _done(self, change: Awaitable[object], then: str = "") -> None:
        try:
            await change
        except ServerError as error:
            complain(str(error))
            return
        ui.navigate.to(then or self._address)

    def _changing(self) -> None:
        async def go(given: dict[str, str]) -> None:
            try:
                details = _details(given, self._held.details)
            except QuestionInvalid as error:
                complain(str(error))
                return
            lists = self._centre.watchlists
            await self._done(lists.change_list(self._visit.caller, self._held.id, details))

        with sheet("Rules") as dialog, form(go, "fields"):
            _list_fields(self._held.details, is_new=False)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Save", type="submit")
        dialog.open()

    def _importing(self) -> None:
        with sheet("Import") as dialog, tag("form", "fields") as made:
            made.props["data-import"] = f"/api/v1/watchlist-imports/{self._held.id}"
            needed = "plate" if self._held.details.subject is Subject.PLATES else "class_id"
            text = f"A CSV file whose first line names the columns: {needed}, reason, valid_until …"
            tag("p", "soft", text)
            field("File", "file", type="file", accept=".csv,text/csv", required=True)
            tag("progress", max=1, hidden=True)
            tag("p", "soft small number", "", role="status")
            tag("ol", "faults small")
            with tag("div", "controls"):
                button("Close", dialog.close, "quiet")
                link("Show the list", self._address, "button", data_import_done=True, hidden=True)
                tag("button", "main", "Import", type="submit")
        dialog.open()
