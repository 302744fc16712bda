"""Matches as a table: the face that a camera saw, who it was, where and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from server.faces.history_contract import Match
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.face_wording import likelihood, shown
from server.web.pages.people import face_picture
from server.web.pages.sheets import confirming
from server.web.pages.sighting_card import camera_address
from server.web.pages.tags import button, link, tag

_HEADINGS: Final = ("", "Who", "Seen", "Camera", "Match", "")


def match_table(
    centre: Centre,
    matches: Sequence[Match],
    pictures: Mapping[int, bytes],
    deny: Callable[[int], Awaitable[object]] | None,
) -> None:
    """`pictures` by sighting; `deny` gets the number of a match that was not that person, None:
    whoever looks may not say so."""
    with tag("div", "scroll"), tag("table", "stacks faces"):
        with tag("thead"), tag("tr"):
            for name in _HEADINGS:
                tag("th", "number" if name == "Match" else "", name)
        with tag("tbody"):
            for match in matches:
                _row(centre, match, pictures.get(match.sighting_id), deny)


def _row(
    centre: Centre,
    match: Match,
    jpeg: bytes | None,
    deny: Callable[[int], Awaitable[object]] | None,
) -> None:
    person = match.person
    with tag("tr", data_match=match.match_id):
        with tag("td", "thumb second"):
            face_picture(None if jpeg is None else shown(jpeg), "")
        with tag("td", "first"):
            link(person.details.name, f"/people/{person.class_id}", "name")
            tag("small", text=f"number {person.class_id}")
        tag("td", "number when", wording.moment(match.seen_at, centre.zone), data_name="Seen")
        with tag("td", data_name="Camera"):
            link(match.device_id, camera_address(match.device_id), "name break")
        tag("td", "number", likelihood(match.score, match.probability), data_name="Match")
        with tag("td", "whole"), tag("div", "controls flush"):
            link("Look", f"/people/identify?sighting={match.sighting_id}", "button low")
            if deny is not None:
                _denying(match, deny)


def _denying(match: Match, deny: Callable[[int], Awaitable[object]]) -> None:
    name = match.person.details.name

    async def go() -> None:
        await deny(match.match_id)

    button(
        "Not this person",
        confirming(
            f"Not {name}?",
            f"The match goes, and neither this face nor one that resembles it more than {name}'s "
            f"pictures is taken for {name} again, until that is taken back on {name}'s page.",
            "Not this person",
            go,
        ).open,
        "low",
    )
