"""What was said not to be a person, as a table: the face where it is kept, where it came from, who
said so, and the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from server.faces.denied_contract import DeniedFace
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import shown
from server.web.pages.people import face_picture
from server.web.pages.sheets import confirming
from server.web.pages.sighting_card import camera_address
from server.web.pages.tags import button, link, tag

_HEADINGS: Final = ("", "From", "Seen", "Said by", "Said", "")
_SOURCES: Final = {
    "upload": "a picture that was shown",
    "camera": "a camera's, given up as old",
    "": "not noted",
}


def denied_table(
    centre: Centre,
    name: str,
    denied: Sequence[DeniedFace],
    pictures: Mapping[int, bytes],
    take_back: Callable[[int], Awaitable[object]] | None,
) -> None:
    """`name` is the person's, `pictures` are by sighting; `take_back` gets the number of what may
    be this person again, None: whoever looks may not say so."""
    with tag("div", "scroll"), tag("table", "stacks faces"):
        with tag("thead"), tag("tr"):
            for heading in _HEADINGS:
                tag("th", text=heading)
        with tag("tbody"):
            for each in denied:
                jpeg = None if each.sighting_id is None else pictures.get(each.sighting_id)
                _row(centre, name, each, jpeg, take_back)


def _row(
    centre: Centre,
    name: str,
    each: DeniedFace,
    jpeg: bytes | None,
    take_back: Callable[[int], Awaitable[object]] | None,
) -> None:
    with tag("tr", data_denied=each.denied_id):
        with tag("td", "thumb second"):
            face_picture(None if jpeg is None else shown(jpeg), "")
        with tag("td", "first"):
            if each.device_id is None:
                tag("span", "soft", _SOURCES[each.source])
            else:
                link(each.device_id, camera_address(each.device_id), "name break")
        tag("td", "number when", wording.moment(each.seen_at, centre.zone), data_name="Seen")
        tag("td", "break", each.denied_by, data_name="Said by")
        tag("td", "number when", wording.moment(each.denied_at, centre.zone), data_name="Said")
        with tag("td", "whole"), tag("div", "controls flush"):
            if each.device_id is not None:
                link("Look", f"/people/identify?sighting={each.sighting_id}", "button low")
            if take_back is not None:
                _taking_back(name, each, take_back)


def _taking_back(
    name: str, each: DeniedFace, take_back: Callable[[int], Awaitable[object]]
) -> None:
    async def go() -> None:
        await take_back(each.denied_id)

    match = " What the camera saw is their match again then." if each.device_id else ""
    button(
        "Take back",
        confirming(
            f"May it be {name} after all?",
            f"This face, and others like it, are taken for {name} again where they are alike "
            f"enough and resemble nothing more that was said not to be {name}.{match}",
            "Take back",
            go,
        ).open,
        "low",
    )
