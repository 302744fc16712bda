"""Matches over time: whom cameras recognised; and the faces of those whom nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import ServerError
from server.faces.history_contract import DayCount, FaceGallery, MatchFilter, Visitor
from server.web.api.moments import moment
from server.web.pages import charts, wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import shown
from server.web.pages.match_table import match_table
from server.web.pages.people import SEES, face_picture, gallery_of, people_title, tell_problem
from server.web.pages.shell import Visit, complain, empty, page
from server.web.pages.tags import field, link, tag

PAGE: Final = 24
_KEYS: Final = ("person", "camera", "from", "to")


def add_matches(centre: Centre) -> None:
    @page(centre, "/people/matches", title="Matches", permission=SEES)
    async def matches(visit: Visit) -> None:
        faces = gallery_of(centre)
        asked = {key: visit.asked(key).strip() for key in _KEYS if visit.asked(key).strip()}
        wanted = _wanted(visit, centre.zone)
        before = visit.number("before")
        found = await faces.matches(visit.caller, wanted, before=before, limit=PAGE)
        days = await faces.match_days(visit.caller, wanted, centre.zone)
        seen = [each.sighting_id for each in found.matches]
        pictures = await faces.thumbnails(visit.caller, seen)
        with people_title(visit, "Matches"):
            pass
        tell_problem(await faces.status())
        _filter(asked)
        if not found.matches:
            _nobody(is_filtered=bool(asked) or before is not None)
            return
        _by_day(days, centre.zone)
        with tag("section", "card flush", aria_label="Matches"):
            may_deny = visit.caller.may(Permission.ENROL_PEOPLE)
            deny = _Denying(faces, visit)
            match_table(centre, found.matches, pictures, deny if may_deny else None)
        _pager("/people/matches", asked, before, found.next_before)

    @page(centre, "/people/unknown", title="Unknown visitors", permission=SEES)
    async def unknown(visit: Visit) -> None:
        faces = gallery_of(centre)
        before = visit.number("before")
        found = await faces.visitors(visit.caller, before=before, limit=PAGE)
        seen = [each.sighting_id for each in found.visitors]
        pictures = await faces.thumbnails(visit.caller, seen)
        with people_title(visit, "Unknown visitors"):
            pass
        if not found.keep_days:
            empty(
                "Nothing is kept of unknown people",
                "With SERVER_FACE_VISITOR_DAYS=30 faces of people who are not enrolled can be "
                "found again for 30 days. Whether that is allowed is for you to settle first.",
            )
            return
        if not found.visitors:
            empty("Nobody unknown was seen", f"They are kept for {found.keep_days} days.")
            return
        tag(
            "p",
            "soft",
            f"Faces of people who are not enrolled, kept for {found.keep_days} days. Who is "
            "enrolled takes their earlier visits along.",
        )
        with tag("div", "shots"):
            for visitor in found.visitors:
                _visitor(centre, visit, visitor, pictures.get(visitor.sighting_id))
        _pager("/people/unknown", {}, before, found.next_before)


def _wanted(visit: Visit, zone: tzinfo) -> MatchFilter:
    """Who is looked for is named, or numbered. Raises QuestionInvalid."""
    person = visit.asked("person").strip()
    is_number = person.isascii() and person.isdecimal()
    return MatchFilter(
        class_id=visit.number("person") if is_number else None,
        name="" if is_number else person,
        device_id=visit.asked("camera").strip(),
        since=moment("from", visit.asked("from").strip(), zone),
        until=moment("to", visit.asked("to").strip(), zone, ends=True),
    )


class _Denying:
    """Says of a match that it was somebody else."""

    def __init__(self, faces: FaceGallery, visit: Visit) -> None:
        self._faces = faces
        self._visit = visit

    async def __call__(self, match_id: int) -> None:
        try:
            await self._faces.deny_match(self._visit.caller, match_id)
        except ServerError as error:
            complain(str(error))
            return
        ui.navigate.reload()


def _nobody(*, is_filtered: bool) -> None:
    if is_filtered:
        with empty(
            "Nobody matches", "Nobody was recognised so. Try fewer letters, more days, any camera."
        ):
            link("Clear the search", "/people/matches", "button")
        return
    empty(
        "Nobody was recognised yet",
        "Cameras that look for faces (AGENT_DETECT_FACES) send them, and those who are enrolled "
        "are listed.",
    )


def _filter(asked: Mapping[str, str]) -> None:
    with tag("form", "card filter", method="get", action="/people/matches", role="search"):
        field(
            *("Person", "person"),
            value=asked.get("person"),
            type="search",
            placeholder="part of a name, or a number",
            maxlength=200,
            data_key="/",
            autocomplete="off",
        )
        field("From", "from", value=asked.get("from"), type="date")
        field("To", "to", value=asked.get("to"), type="date")
        field("Camera", "camera", value=asked.get("camera"), placeholder="its whole name")
        with tag("div", "filter-end"):
            tag("button", "main", "Show", type="submit")
            if asked:
                link("Clear", "/people/matches", "button quiet")


def _by_day(days: tuple[DayCount, ...], zone: tzinfo) -> None:
    with tag("section", "card", aria_label="By day"):
        with tag("header"):
            tag("h2", text="By day")
            tag("span", "soft small", f"days in {zone}")
        charts.chart(
            [charts.counted("matches", [float(each.count) for each in days])],
            xAxis=charts.named_axis([f"{each.day:%d %b}" for each in days]),
            yAxis=charts.value_axis(whole=True),
        ).classes("low")


def _visitor(centre: Centre, visit: Visit, visitor: Visitor, jpeg: bytes | None) -> None:
    when = wording.moment(visitor.seen_at, centre.zone)
    with tag("div", "shot", data_visitor=visitor.visitor_id):
        with tag("span", "frame square"):
            face_picture(None if jpeg is None else shown(jpeg), f"face seen {when}", "")
        with tag("span", "said"):
            tag("span", "where", visitor.device_id, title=visitor.device_id)
            tag("span", "where number", when)
            with tag("div", "controls flush"):
                look = f"/people/identify?sighting={visitor.sighting_id}"
                link("Look", look, "button low")
                if visit.caller.may(Permission.ENROL_PEOPLE):
                    name = f"/people/new?sighting={visitor.sighting_id}"
                    link("Name …", name, "button low")


def _pager(path: str, asked: Mapping[str, str], before: int | None, following: int | None) -> None:
    if before is None and following is None:
        return
    with tag("nav", "pager", aria_label="Pages"):
        if before is not None:
            link("Newest", f"{path}?{urlencode(asked)}" if asked else path, "button", rel="first")
        if following is not None:
            more = urlencode({**asked, "before": following})
            link("Older", f"{path}?{more}", "button", rel="next")
