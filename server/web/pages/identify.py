"""Who is in a picture: dropped here, or of a camera; each face with the likeliest people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.errors import ServerError
from server.faces.contract import FoundFace, Identification, Likeness, Outcome, Upload
from server.faces.history_contract import Earlier, FaceGallery
from server.faces.history_contract import Visit as Seen
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import (
    LEVELS,
    analysis,
    facts_line,
    likelihood,
    outcome,
    person_name,
    shown,
)
from server.web.pages.people import SEES, gallery_of, people_title, tell_problem
from server.web.pages.person_form import details_of, person_fields
from server.web.pages.picture_drop import picture_drop
from server.web.pages.sheets import confirming, sheet
from server.web.pages.shell import Visit, complain, note, page
from server.web.pages.sighting_card import camera_address
from server.web.pages.tags import button, form, link, tag
from server.web.security.telling import way_back
from vision.errors import BadPicture
from vision.pictures import decode_picture, encode_jpeg

MOST: Final = 3
"""Likenesses of each face."""
LEAST_SHOWN: Final = 0.1
"""Of a probability, or of a cosine where there is none."""
SHOWN_SIDE: Final = 1024
_SHOWN_QUALITY: Final = 82
_MOST_VISITS: Final = 12


def add_identify(centre: Centre) -> None:
    @page(centre, "/people/identify", title="Identify", permission=SEES)
    async def identify(visit: Visit) -> None:
        faces = gallery_of(centre)
        with people_title(visit, "Identify"):
            pass
        tell_problem(await faces.status())
        wanted = visit.number("sighting")
        back = way_back(visit.request.headers, visit.request.url.path)
        if wanted is not None and back is not None:
            link("← Back", back, "back", data_key="Escape")
        looking = _Looking(centre, faces, visit)
        if wanted is not None:
            await looking.look_at_sighting(wanted)


def is_worth_showing(likeness: Likeness) -> bool:
    """Somebody who is next to nothing alike is no answer, even where nobody else is enrolled."""
    share = likeness.score if likeness.probability is None else likeness.probability
    return likeness.is_denied or share >= LEAST_SHOWN


def shown_picture(upload: Upload) -> bytes:
    """As a JPEG that every browser shows and a page can carry. Blocking; raises BadPicture."""
    picture = decode_picture(upload.content, name=upload.name)
    return encode_jpeg(picture, width=SHOWN_SIDE, height=SHOWN_SIDE, quality=_SHOWN_QUALITY)


class _Looking:
    """The picture that is looked into; another one takes its place."""

    def __init__(self, centre: Centre, faces: FaceGallery, visit: Visit) -> None:
        self._centre = centre
        self._faces = faces
        self._visit = visit
        self._sighting_id: int | None = None
        picture_drop("Drop a picture here", self._dropped)
        self._place = tag("div", "detail")

    async def look_at_sighting(self, sighting_id: int) -> None:
        """Raises NotThere."""
        picture = await self._faces.of_sighting(self._visit.caller, sighting_id)
        self._sighting_id = sighting_id
        await self.look(picture)

    async def _dropped(self, upload: Upload) -> None:
        self._sighting_id = None
        await self.look(upload)

    async def look(self, upload: Upload) -> None:
        try:
            found = await self._faces.identify(self._visit.caller, upload, most=MOST)
            jpeg = await asyncio.to_thread(shown_picture, upload)
        except (ServerError, BadPicture) as error:
            with self._cleared():
                tag("p", "problem", str(error), role="alert")
            return
        with self._cleared():
            self._picture(found, upload, jpeg)
            with tag("div", "stack"):
                if not found.faces:
                    tag("p", "notice", "There is no face in this picture.", role="status")
                for number, face in enumerate(found.faces, 1):
                    self._face(number, face, _at(upload, found, face))

    def _picture(self, found: Identification, upload: Upload, jpeg: bytes) -> None:
        with tag("section", "card flush", aria_label="Picture"):
            if upload.device_id is not None:
                with tag("header"):
                    link(upload.device_id, camera_address(upload.device_id), "name break")
                    when = wording.moment(upload.seen_at, self._centre.zone)
                    tag("span", "soft small number", when)
            _boxed(found, upload, jpeg)

    def _cleared(self) -> ui.element:
        """Where the answer stands, without the one before."""
        self._place.clear()
        return self._place

    def _face(self, number: int, face: FoundFace, upload: Upload) -> None:
        with tag("section", "card", aria_label=f"Face {number}"):
            with tag("header"):
                tag("h2", text=f"Face {number}")
                level = None if face.outcome is None else LEVELS[face.outcome]
                tag("span", "tag", outcome(face), data_level=level)
            if face.outcome is not Outcome.KNOWN:
                tag("p", "soft break", _sentence(face.reason))
            for likeness in face.likenesses:
                if is_worth_showing(likeness):
                    self._likeness(likeness, upload)
            for one in face.analyses:
                tag("p", "soft small break", analysis(one))
            earlier = tag("div", "stack")
            if face.outcome is None:
                return
            with tag("div", "controls"):
                button("Seen before?", lambda: self._before(upload, earlier))
                if self._visit.caller.may(Permission.ENROL_PEOPLE):
                    button("Enrol as somebody new …", lambda: self._enrolling(upload))

    def _likeness(self, likeness: Likeness, upload: Upload) -> None:
        person = likeness.person
        with tag("div", "likeness", data_person=person.class_id):
            with tag("div", "grow"):
                link(person_name(person), f"/people/{person.class_id}", "name")
                tag("small", "soft", facts_line(person))
            if likeness.is_denied:
                tag("span", "tag", "said not to be them", data_level="warn")
                return
            tag("span", "number", likelihood(likeness.score, likeness.probability))
            if self._visit.caller.may(Permission.ENROL_PEOPLE):

                async def deny() -> None:
                    await self._deny(likeness, upload)

                name = person.details.name
                button(
                    "Not this person",
                    confirming(
                        f"Not {name}?",
                        f"Neither this face nor one that resembles it more than {name}'s pictures "
                        f"is taken for {name} again, until that is taken back on {name}'s page.",
                        "Not this person",
                        deny,
                    ).open,
                    "low",
                )

    async def _deny(self, likeness: Likeness, upload: Upload) -> None:
        try:
            await self._faces.deny(self._visit.caller, likeness.person.class_id, upload)
        except ServerError as error:
            complain(str(error))
            return
        with self._place:
            person = likeness.person
            note("Noted", ("To their page", f"/people/{person.class_id}"))
        await self.look(upload)

    async def _before(self, upload: Upload, place: ui.element) -> None:
        try:
            found = await self._faces.seen_before(self._visit.caller, upload)
            others = [one for one in found.visits if one.sighting_id != self._sighting_id]
            visits = others[:_MOST_VISITS]
            numbers = [each.sighting_id for each in visits]
            pictures = await self._faces.thumbnails(self._visit.caller, numbers) if visits else {}
        except ServerError as error:
            complain(str(error))
            return
        place.clear()
        with place:
            tag("p", "soft", _seen_words(found, others), role="status")
            with tag("div", "picks"):
                for each in visits:
                    self._seen(each, pictures.get(each.sighting_id))

    def _seen(self, each: Seen, jpeg: bytes | None) -> None:
        when = wording.moment(each.seen_at, self._centre.zone)
        name = "unknown" if each.person is None else each.person.details.name
        with tag("figure", "pick", title=f"{each.device_id}, {when}"):
            if jpeg is not None:
                tag("img", "face", src=shown(jpeg), alt=f"seen by {each.device_id}, {when}")
            else:
                tag("span", "face", "")
            tag("small", "number", when[:16])
            tag("small", "soft", f"{name}, {likelihood(each.score, each.probability)}")

    def _enrolling(self, upload: Upload) -> None:
        async def go(given: dict[str, str]) -> None:
            try:
                done = await self._faces.enrol(
                    self._visit.caller,
                    details_of(given, self._centre.zone),
                    [upload],
                    source="identified",
                )
            except ServerError as error:
                complain(str(error))
                return
            dialog.close()
            ui.navigate.to(f"/people/{done.person.class_id}")

        with self._place, sheet("Enrol this face") as dialog, form(go, "fields"):
            person_fields(None, self._centre.zone)
            with tag("div", "controls"):
                button("Cancel", dialog.close, "quiet")
                tag("button", "main", "Enrol", type="submit")
        dialog.open()


def _at(upload: Upload, found: Identification, face: FoundFace) -> Upload:
    """The same picture, with this face meant."""
    return replace(upload, at=face.box.normalised(found.width, found.height))


def _boxed(found: Identification, upload: Upload, jpeg: bytes) -> None:
    with tag("div", "picture whole"):
        tag("img", src=shown(jpeg), alt=upload.name)
        for number, face in enumerate(found.faces, 1):
            share = face.box.clipped(found.width, found.height).normalised(
                found.width, found.height
            )
            box = tag("span", "box", data_level=None if face.outcome is Outcome.KNOWN else "warn")
            box.style(
                f"left:{100 * share.x1:.2f}%;top:{100 * share.y1:.2f}%;"
                f"width:{100 * share.width:.2f}%;height:{100 * share.height:.2f}%"
            )
            with box:
                tag("b", text=_named(number, face))


def _named(number: int, face: FoundFace) -> str:
    match = face.match
    return str(number) if match is None else f"{number} {match.person.details.name}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _seen_words(found: Earlier, visits: Sequence[Seen]) -> str:
    """What was looked through, so that nobody takes nothing found for never here."""
    through = (
        f"{wording.plural(found.compared, 'face')} of unknown people of the last "
        f"{wording.plural(found.keep_days, 'day')}"
        if found.keep_days
        else "no faces of unknown people: none are kept (SERVER_FACE_VISITOR_DAYS)"
    )
    times = "Not seen before" if not visits else f"Seen {_times(visits)}"
    return f"{times}. Compared with {through}."


def _times(visits: Sequence[Seen]) -> str:
    return "once" if len(visits) == 1 else f"{len(visits)} times"
