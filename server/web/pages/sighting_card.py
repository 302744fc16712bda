"""A sighting in a list: as a card with its picture, or as a row of a table."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final
from urllib.parse import quote

from server.storage.reading.sightings import SightingCard
from server.web.pages import wording
from server.web.pages.tags import link, tag

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


def sighting_card(card: SightingCard, href: str, zone: tzinfo) -> None:
    """The picture keeps its place while it loads."""
    with link("", href, "shot", data_sighting=card.id):
        with tag("span", "frame"):
            if card.has_picture:
                tag("img", src=picture_address(card.id), alt="", loading="lazy", decoding="async")
            else:
                tag("span", text=without_picture(card))
            _marks(card)
        with tag("span", "said"):
            tag("span", "plate", shown_plate(card), title=card.plate)
            with tag("span", "where"):
                tag("span", text=card.device_id, title=card.device_id)
                tag("span", "number nowrap", wording.percent(card.confidence_percent))
            tag("span", "where number", wording.moment(card.captured_at, zone))


def sighting_row(card: SightingCard, href: str, zone: tzinfo) -> None:
    with tag("tr", data_sighting=card.id):
        with tag("td", "thumb unneeded"):
            if card.has_picture:
                tag(
                    "img", src=picture_address(card.id), alt="", width=76, height=57, loading="lazy"
                )
        with tag("td", "first"):
            link(shown_plate(card), href, "plate name")
            _marks(card)
        tag("td", "number when second", wording.moment(card.captured_at, zone))
        with tag("td", data_name="Camera"):
            link(card.device_id, camera_address(card.device_id), "name break")
        tag("td", "number", wording.percent(card.confidence_percent), data_name="Confidence")
        tag("td", "", card.region or wording.NOTHING, data_name="Region")
        tag("td", "", card.direction or wording.NOTHING, data_name="Direction")


def _marks(card: SightingCard) -> None:
    if card.is_corrected:
        tag("span", "tag", "corrected", title=f"read as {card.read_plate}")
    elif card.likelihood is not None and card.likelihood < 1:
        tag("span", "tag", f"{wording.share(card.likelihood)} likely")
