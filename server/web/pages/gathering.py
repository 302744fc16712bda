"""Pictures gathered to enrol somebody by: from files, or faces that cameras saw; each is shown as
it would be kept, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import ui

from server.errors import ServerError
from server.faces.contract import MOST_PICTURES, Examination, Upload
from server.faces.history_contract import FaceGallery
from server.storage.reading.face_sightings import FaceSighting
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import analysis, quality, quality_level, shown
from server.web.pages.people import face_picture
from server.web.pages.picture_drop import picture_drop
from server.web.pages.shell import Visit, complain
from server.web.pages.tags import button, choice, tag

NEWEST = 24
"""Faces of cameras to choose from."""
MOST_CAMERAS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A picture and what was found of it."""

    upload: Upload
    found: Examination


class Gathering:
    """The pictures of one person to be; `changed` is called when they are others."""

    def __init__(
        self, centre: Centre, faces: FaceGallery, visit: Visit, changed: Callable[[], object]
    ) -> None:
        self._centre = centre
        self._faces = faces
        self._visit = visit
        self._changed = changed
        self._held: list[Gathered] = []
        self.is_of_cameras = False
        with tag("section", "card", aria_label="Pictures"):
            tag("h2", text="Pictures")
            tag(
                "p",
                "soft",
                "One face each, looking into the camera, sharp and evenly lit. Only the face and "
                "what is close around it is kept.",
            )
            picture_drop("Drop pictures here", self.add, is_multiple=True)
            self._place = tag("div", "shots gathered")
        self._cameras = tag("div", "stack")

    @property
    def good(self) -> list[Upload]:
        return [each.upload for each in self._held if each.found.reason is None]

    async def add(self, upload: Upload) -> None:
        """Shows it with the verdict; tells what is no picture at all."""
        if len(self._held) >= MOST_PICTURES:
            complain(f"{MOST_PICTURES} pictures are enough: leave one out first")
            return
        if any(each.upload == upload for each in self._held):
            return
        try:
            found = await self._faces.examine(self._visit.caller, upload)
        except ServerError as error:
            complain(str(error))
            return
        self._held.append(Gathered(upload=upload, found=found))
        self._show()

    async def add_sighting(self, sighting_id: int) -> None:
        """A face that a camera saw."""
        try:
            upload = await self._faces.of_sighting(self._visit.caller, sighting_id)
        except ServerError as error:
            complain(str(error))
            return
        self.is_of_cameras = True
        await self.add(upload)

    async def show_cameras(self) -> None:
        """The newest faces, to choose from."""
        names = await self._centre.library.cameras.names(most=MOST_CAMERAS)
        with (
            self._cameras,
            tag("section", "card", aria_label="Faces of cameras"),
        ):
            with tag("header"):
                tag("h2", text="Or a face that a camera saw")
                options = [("", "all cameras"), *((name, name) for name in names)]
                chooser = choice("Camera", "camera", options)
            place = tag("div")

        async def chosen(device_id: str) -> None:
            try:
                await self._newest(place, device_id)
            except ServerError as error:
                complain(str(error))

        chooser.on(
            "change",
            lambda event: chosen(str(event.args)),
            js_handler="(event) => emit(event.target.value)",
        )
        await chosen("")

    async def _newest(self, place: ui.element, device_id: str) -> None:
        caller = self._visit.caller
        found = await self._faces.sightings(caller, device_id=device_id, limit=NEWEST)
        pictures = await self._faces.thumbnails(
            caller, [each.id for each in found if each.has_picture]
        )
        place.clear()
        with place:
            if not pictures:
                tag("p", "soft", "No camera has sent a face with its picture yet.")
                return
            with tag("div", "picks"):
                for sighting in found:
                    if sighting.id in pictures:
                        self._pick(sighting, pictures[sighting.id])

    def _pick(self, sighting: FaceSighting, jpeg: bytes) -> None:
        when = wording.moment(sighting.captured_at, self._centre.zone)
        with button(
            "",
            lambda: self.add_sighting(sighting.id),
            "pick",
            title=f"{sighting.device_id}, {when}",
            data_sighting=sighting.id,
        ):
            face_picture(shown(jpeg), f"face seen by {sighting.device_id}, {when}")
            tag("small", "soft number", when[5:16])

    def _show(self) -> None:
        self._place.clear()
        with self._place:
            for each in self._held:
                self._card(each)
        self._changed()

    def _card(self, each: Gathered) -> None:
        found = each.found
        with tag("div", "shot", data_good=str(found.reason is None).lower()):
            with tag("span", "frame square"):
                if found.face is None:
                    tag("span", text="no face")
                else:
                    tag("img", src=shown(found.face), alt=f"The face in {each.upload.name}")
            with tag("span", "said"):
                with tag("span", "where"):
                    tag("span", text=each.upload.name, title=each.upload.name)
                if found.reason is None and found.quality is not None:
                    tag(
                        "span",
                        "tag",
                        quality(found.quality),
                        data_level=quality_level(found.quality),
                    )
                else:
                    tag("span", "tag", "refused", data_level="bad")
                    tag("p", "small break", found.reason or "")
                for one in found.analyses:
                    tag("p", "soft small break", analysis(one))
                button("Leave out", lambda: self._drop(each), "low quiet")

    def _drop(self, each: Gathered) -> None:
        self._held.remove(each)
        self._show()
