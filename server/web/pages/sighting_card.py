"""A sighting in a list: as a card with its picture, or as a row of a table. Pure."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final
from urllib.parse import quote

from server.storage.reading.sightings import SightingCard
from server.web.pages import wording
from server.web.pages.drawing import Part, part

PICTURE_WORDS: Final = {
    "missing": "no picture",
    "invalid": "picture unreadable",
    "evicted": "picture given up",
}


def picture_address(sighting_id: int) -> str:
    return f"/api/v1/sightings/{sighting_id}/picture"


def camera_address(device_id: str) -> str:
    return f"/cameras/{quote(device_id, safe='')}"


def without_picture(card: SightingCard) -> str:
    """Why there is none, in a word or two."""
    return PICTURE_WORDS.get(card.image_status, "no picture")


def shown_plate(card: SightingCard) -> str:
    return card.plate or "no text"


def sighting_card(card: SightingCard, href: str, zone: tzinfo) -> Part:
    """The picture keeps its place while it loads."""
    shown = part("span", "", without_picture(card))
    if card.has_picture:
        shown = part(
            "img", "", src=picture_address(card.id), alt="", loading="lazy", decoding="async"
        )
    where = part(
        "span",
        "where",
        part("span", "", card.device_id, title=card.device_id),
        part("span", "number nowrap", wording.percent(card.confidence_percent)),
    )
    said = part(
        "span",
        "said",
        part("span", "plate", shown_plate(card), title=card.plate),
        where,
        part("span", "where number", wording.moment(card.captured_at, zone)),
    )
    frame = part("span", "frame", shown, _mark(card))
    return part("a", "shot", frame, said, href=href, data_sighting=card.id, key=card.id)


def sighting_row(card: SightingCard, href: str, zone: tzinfo) -> Part:
    picture = None
    if card.has_picture:
        picture = part(
            "img", "", src=picture_address(card.id), alt="", width=76, height=57, loading="lazy"
        )
    camera = part("a", "name break", card.device_id, href=camera_address(card.device_id))
    return part(
        "tr",
        "",
        part("td", "thumb unneeded", picture),
        part("td", "first", part("a", "plate name", shown_plate(card), href=href), _mark(card)),
        part("td", "number when second", wording.moment(card.captured_at, zone)),
        part("td", "", camera, data_name="Camera"),
        part("td", "number", wording.percent(card.confidence_percent), data_name="Confidence"),
        part("td", "", card.region or wording.NOTHING, data_name="Region"),
        part("td", "", card.direction or wording.NOTHING, data_name="Direction"),
        data_sighting=card.id,
    )


def _mark(card: SightingCard) -> Part | None:
    if card.is_corrected:
        return part("span", "tag", "corrected", title=f"read as {card.read_plate}")
    if card.likelihood is not None and card.likelihood < 1:
        return part("span", "tag", f"{wording.share(card.likelihood)} likely")
    return None
