"""One person: what is held on them, changing it, taking it away, and proving that it is gone."""

from __future__ import annotations

from typing import Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import NotThere, QuestionInvalid, ServerError
from server.faces.contract import ForgetReport, Person, PictureCard
from server.faces.history_contract import FaceGallery, PersonRecord
from server.row_id import is_id
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.denied_table import denied_table
from server.web.pages.face_wording import facts_line, last_day, person_name
from server.web.pages.match_table import match_table
from server.web.pages.people import SEES, gallery_of
from server.web.pages.person_form import details_of, person_fields
from server.web.pages.sheets import confirming, sheet
from server.web.pages.shell import Visit, complain, note, page, title
from server.web.pages.tags import button, field, form, link, tag

_LAST: Final = 12
"""Matches, and faces that are not theirs."""
_LEFT: Final = {
    "face_persons": "details",
    "face_pictures": "pictures",
    "face_embeddings": "vectors",
    "face_negatives": "faces said not to be theirs",
    "face_matches": "matches",
    "watchlist_entries": "entries of watchlists",
    "index": "entries of the index",
}


def add_person(centre: Centre) -> None:
    @page(centre, "/people/{class_id:int}", title="Person", permission=SEES)
    async def person(visit: Visit) -> None:
        class_id = int(visit.request.path_params["class_id"])
        await _Person(centre, gallery_of(centre), visit, class_id).show()


class _Person:
    """Shown anew after each change."""

    def __init__(self, centre: Centre, faces: FaceGallery, visit: Visit, class_id: int) -> None:
        self._centre = centre
        self._faces = faces
        self._visit = visit
        self._class_id = class_id
        self._denied_before = visit.number("denied_before")
        link("← People", "/people", "back", data_key="Escape")
        self._place = tag("div", "stack")

    async def show(self) -> None:
        record = await self._faces.record(
            self._visit.caller, self._class_id, most=_LAST, denied_before=self._denied_before
        )
        self._place.clear()
        with self._place:
            self._head(record.person)
            with tag("div", "split"):
                self._pictures(record.pictures)
                self._facts(record.person)
            self._seen(record)
            if record.denied.denied or self._denied_before is not None:
                self._denied(record)

    def _seen(self, record: PersonRecord) -> None:
        matches = record.matches
        with tag("section", "card flush", aria_label="Seen by cameras"):
            with tag("header"):
                tag("h2", text="Seen by cameras")
                if matches.next_before is not None:
                    link("All", f"/people/matches?person={self._class_id}")
            if matches.matches:
                deny = self._not_them if self._may_change else None
                match_table(self._centre, matches.matches, record.faces, deny)
            else:
                tag("p", "empty", "No camera has recognised this person yet.")

    def _denied(self, record: PersonRecord) -> None:
        with tag("section", "card flush", aria_label="Said not to be them"):
            with tag("header"):
                tag("h2", text="Said not to be them")
            name = record.person.details.name
            take_back = self._take_back if self._may_change else None
            denied_table(self._centre, name, record.denied.denied, record.faces, take_back)
        self._denied_pager(record.denied.next_before)

    def _denied_pager(self, following: int | None) -> None:
        if self._denied_before is None and following is None:
            return
        path = f"/people/{self._class_id}"
        with tag("nav", "pager", aria_label="Pages of what was said not to be them"):
            if self._denied_before is not None:
                link("Newest", path, "button", rel="first")
            if following is not None:
                link("Older", f"{path}?denied_before={following}", "button", rel="next")

    @property
    def _may_change(self) -> bool:
        return self._visit.caller.may(Permission.ENROL_PEOPLE)

    def _head(self, person: Person) -> None:
        caller = self._visit.caller
        with title(person.details.name, soft=facts_line(person)), tag("div", "end"):
            if self._may_change:
                link("Add pictures", f"/people/{self._class_id}/pictures", "button")
                button("Edit …", lambda: self._editing(person))
                button("Merge …", lambda: self._merging(person))
            if caller.may(Permission.FORGET_PEOPLE):
                link("Export", f"/api/v1/persons/{self._class_id}/export", "button", download=True)
                button(
                    "Forget …",
                    confirming(
                        f"Forget {person.details.name}?",
                        f"Details, {wording.plural(person.pictures, 'picture')}, vectors and "
                        "matches are deleted for good. There is no way back but a backup. What "
                        "cameras saw stays until it is given up as old.",
                        "Forget",
                        self._forget,
                    ).open,
                    "danger",
                )

    def _pictures(self, pictures: tuple[PictureCard, ...]) -> None:
        with tag("section", "card", aria_label="Pictures"):
            tag("h2", text="Pictures")
            if not pictures:
                tag("p", "notice", "Without a picture this person is not recognised.")
            with tag("div", "shots"):
                for card in pictures:
                    with tag("div", "shot", data_picture=card.image_id):
                        with tag("span", "frame square"):
                            tag(
                                "img",
                                src=f"/api/v1/persons/pictures/{card.image_id}",
                                alt=f"Picture {card.image_id}",
                            )
                        with tag("span", "said"):
                            tag("span", "small", f"quality {wording.share(card.quality)}")
                            when = wording.moment(card.added_at, self._centre.zone)[:10]
                            tag("span", "where", f"{card.source}, {when}")
                            if self._may_change:
                                self._deleting(card)

    def _deleting(self, card: PictureCard) -> None:
        async def delete() -> None:
            work = self._faces.delete_picture(self._visit.caller, card.image_id)
            await self._change(work, "The picture is gone")

        text = "The picture and its vector are deleted for good."
        button(
            "Delete", confirming("Delete this picture?", text, "Delete", delete).open, "low quiet"
        )

    def _facts(self, person: Person) -> None:
        details, zone = person.details, self._centre.zone
        with tag("section", "card", aria_label="Facts"), tag("dl"):
            for name, value in (
                ("Number", str(person.class_id)),
                ("Age", "" if details.age is None else str(details.age)),
                ("Gender", details.gender),
                ("Place", details.place),
                ("Purpose", details.purpose),
                ("Consent", details.consent or "none noted"),
                ("Kept until", last_day(details.keep_until, zone) or "no end set"),
                ("Enrolled", wording.moment(person.enrolled_at, zone)),
                ("Changed", wording.moment(person.changed_at, zone)),
            ):
                tag("dt", text=name)
                tag("dd", text=value or wording.NOTHING)

    def _editing(self, person: Person) -> None:
        async def go(given: dict[str, str]) -> None:
            try:
                details = details_of(given, self._centre.zone)
            except QuestionInvalid as error:
                complain(str(error))
                return
            work = self._faces.edit(self._visit.caller, self._class_id, details)
            if await self._change(work, "Saved"):
                dialog.close()

        with self._place, sheet("Edit") as dialog, form(go, "fields"):
            person_fields(person.details, self._centre.zone)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Save", type="submit")
        dialog.open()

    def _merging(self, person: Person) -> None:
        async def go(given: dict[str, str]) -> None:
            number = given.get("other", "").strip()
            try:
                if not number.isdecimal() or not is_id(int(number)):
                    raise QuestionInvalid(f"{number}: expected the number of a person")
                if int(number) == self._class_id:
                    raise QuestionInvalid("this is that person: name the other number")
                other = await self._faces.person(self._visit.caller, int(number))
            except ServerError as error:
                complain(str(error))
                return
            dialog.close()
            self._confirm_merge(person, other)

        with self._place, sheet("Merge") as dialog, form(go, "fields"):
            tag(
                "p",
                "soft",
                f"Where one person was enrolled twice: everything of the other number goes over to "
                f"{person_name(person)}, whose details stay.",
            )
            field("Number of the other", "other", inputmode="numeric", required=True, maxlength=18)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Go on", type="submit")
        dialog.open()

    def _confirm_merge(self, person: Person, other: Person) -> None:
        async def merge() -> None:
            work = self._faces.merge(self._visit.caller, person.class_id, other.class_id)
            await self._change(work, f"{other.details.name} is merged")

        with self._place:
            dialog = confirming(
                "Are they one person?",
                f"{person_name(other)}, {wording.plural(other.pictures, 'picture')}, becomes part "
                f"of {person_name(person)}. The number {other.class_id} is gone for good.",
                "Merge",
                merge,
            )
        dialog.open()

    async def _not_them(self, match_id: int) -> None:
        await self._change(self._faces.deny_match(self._visit.caller, match_id), "Noted")

    async def _take_back(self, denied_id: int) -> None:
        work = self._faces.take_back(self._visit.caller, self._class_id, denied_id)
        await self._change(work, "Taken back")

    async def _forget(self) -> None:
        try:
            report = await self._faces.forget(self._visit.caller, self._class_id)
        except ServerError as error:
            complain(str(error))
            return
        self._place.clear()
        with self._place:
            _report(self._centre, report)

    async def _change(self, work: object, said: str) -> bool:
        """Whether it was done; the person is shown anew then."""
        try:
            await work  # type: ignore[misc]  # any of the service's coroutines
            await self.show()
        except NotThere as error:
            complain(str(error))
            ui.navigate.to("/people")
            return False
        except ServerError as error:
            complain(str(error))
            return False
        with self._place:
            note(said)
        return True


def _report(centre: Centre, report: ForgetReport) -> None:
    """What was there, and that a search afterwards found nothing of it."""
    with tag("section", "card", aria_label="Report"):
        tag("h1", text=f"Person {report.class_id} is forgotten")
        level, text = ("good", "A search of every table and of the index found nothing left.")
        if not report.is_gone:
            level, text = ("bad", "Something is left: see below, and the server's log.")
        tag("p", "notice", text, data_level=level, role="status").style("margin: 12px 0")
        with tag("table", "list"):
            with tag("thead"), tag("tr"):
                for name in ("What", "Left"):
                    tag("th", "number" if name == "Left" else "", name)
            with tag("tbody"):
                for place, count in report.left.items():
                    with tag("tr"):
                        tag("td", text=_LEFT.get(place, place))
                        tag("td", "number", wording.number(count))
        gone = (
            f"{wording.plural(report.pictures, 'picture')}, "
            f"{wording.plural(report.embeddings, 'vector')} and "
            f"{wording.plural(report.matches, 'match', 'matches')} were deleted"
        )
        when = wording.moment(report.forgotten_at, centre.zone)
        tag("p", "soft small", f"{gone}, {when}. The audit log keeps the number.")
        link("To the others", "/people", "button")
