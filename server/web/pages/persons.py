"""Who is enrolled: searched, page by page, each with their face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.faces.contract import Person, PersonFilter, PersonPage
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import facts_line, last_day, shown
from server.web.pages.people import SEES, face_picture, gallery_of, people_title, tell_problem
from server.web.pages.shell import Visit, empty, page
from server.web.pages.tags import field, link, tag

PAGE: Final = 24
_KEYS: Final = ("name", "place", "from", "to")
_MOST_DIGITS: Final = 7


def add_persons(centre: Centre) -> None:
    @page(centre, "/people", title="People", permission=SEES)
    async def persons(visit: Visit) -> None:
        faces = gallery_of(centre)
        asked = {key: visit.asked(key).strip() for key in _KEYS if visit.asked(key).strip()}
        start = _number("start", visit.asked("start")) or 0
        found = await faces.persons(visit.caller, _filter_of(asked), offset=start, limit=PAGE)
        covers = await faces.covers(visit.caller, [each.class_id for each in found.persons])
        count = f"{wording.number(found.total)} {'found' if asked else 'in all'}"
        with people_title(visit, "People", soft=count):
            if visit.caller.may(Permission.ENROL_PEOPLE):
                link("Enrol", "/people/new", "button main")
        tell_problem(await faces.status())
        _filter(asked)
        if found.persons:
            _table(centre, found, covers)
        else:
            _nobody(visit, is_filtered=bool(asked))
        _pager(asked, start, found)


def _filter_of(asked: Mapping[str, str]) -> PersonFilter:
    return PersonFilter(
        name=asked.get("name", ""),
        place=asked.get("place", ""),
        least_age=_number("from", asked.get("from", "")),
        most_age=_number("to", asked.get("to", "")),
    )


def _number(key: str, text: str) -> int | None:
    if text and not (text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise QuestionInvalid(f"{key}={text}: expected a number")
    return int(text) if text else None


def _filter(asked: Mapping[str, str]) -> None:
    with tag("form", "card filter", method="get", action="/people", role="search"):
        field(
            *("Name", "name"),
            value=asked.get("name"),
            type="search",
            placeholder="part of it",
            maxlength=200,
            data_key="/",
            autocomplete="off",
        )
        field("Place", "place", value=asked.get("place"), maxlength=200)
        with tag("div", "pair"):
            for label, key in (("Age from", "from"), ("Age to", "to")):
                field(label, key, value=asked.get(key), inputmode="numeric", maxlength=3)
        with tag("div", "filter-end"):
            tag("button", "main", "Search", type="submit")
            if asked:
                link("Clear", "/people", "button quiet")


def _table(centre: Centre, found: PersonPage, covers: Mapping[int, bytes]) -> None:
    with tag("section", "card flush scroll", aria_label="Persons"), tag("table", "stacks faces"):
        with tag("thead"), tag("tr"):
            for name in ("", "Name", "Purpose", "Consent", "Kept until", "Pictures"):
                tag("th", "number" if name == "Pictures" else "", name)
        with tag("tbody"):
            for person in found.persons:
                _row(centre, person, covers.get(person.class_id))


def _row(centre: Centre, person: Person, cover: bytes | None) -> None:
    details = person.details
    with tag("tr", data_person=person.class_id):
        with tag("td", "thumb second"):
            face_picture(None if cover is None else shown(cover), "")
        with tag("td", "first"):
            link(details.name, f"/people/{person.class_id}", "name")
            tag(
                "small",
                text=", ".join(filter(None, (f"number {person.class_id}", facts_line(person)))),
            )
        tag("td", "break", details.purpose or wording.NOTHING, data_name="Purpose")
        tag("td", "break", details.consent or "none noted", data_name="Consent")
        until = last_day(details.keep_until, centre.zone) or "no end set"
        tag("td", "nowrap", until, data_name="Kept until")
        tag("td", "number", wording.number(person.pictures), data_name="Pictures")


def _nobody(visit: Visit, *, is_filtered: bool) -> None:
    if is_filtered:
        with empty("Nobody matches", "Try fewer letters, or another place."):
            link("Clear the search", "/people", "button")
        return
    card = empty(
        "Nobody is enrolled yet",
        "Enrol people by pictures, or by faces that cameras saw; they are recognised from then on.",
    )
    if visit.caller.may(Permission.ENROL_PEOPLE):
        with card:
            link("Enrol somebody", "/people/new", "button main")


def _pager(asked: Mapping[str, str], start: int, found: PersonPage) -> None:
    if not start and found.total <= PAGE:
        return
    with tag("nav", "pager", aria_label="Pages of persons"):
        if start:
            before = {**asked, "start": str(max(0, start - PAGE))}
            link("Before", f"/people?{urlencode(before)}", "button", rel="prev")
        if start + PAGE < found.total:
            after = {**asked, "start": str(start + PAGE)}
            link("Further", f"/people?{urlencode(after)}", "button", rel="next")
