"""One sighting in full: its picture with the plate's box, how it was read, what was held of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final, TypeGuard

from server.storage.reading.sightings import (
    CharacterEvidence,
    Correction,
    Evidence,
    ReadingEvidence,
    RefusedEvidence,
    SightingCard,
    SightingDetail,
)
from server.web.pages import plate_words, wording
from server.web.pages.sighting_card import camera_address, picture_address, without_picture
from server.web.pages.tags import link, tag

_MOST_ALTERNATIVES: Final = 3
_LARGEST_PX: Final = 100_000


def picture_view(detail: SightingDetail) -> None:
    with tag("section", "card flush", aria_label="Picture"):
        card = detail.card
        if not card.has_picture:
            with tag("div", "empty"):
                tag("h2", text=without_picture(card).capitalize())
                tag("p", text=_why_without(card))
            return
        with tag("div", "picture"):
            tag("img", src=picture_address(card.id), alt=f"Picture of {card.plate}")
            place = box_in_picture(detail)
            if place is not None:
                left, top, width, height = (100 * share for share in place)
                box = tag("span", "box")
                box.style(
                    f"left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"
                )


def box_in_picture(detail: SightingDetail) -> tuple[float, float, float, float] | None:
    """x, y, width and height of the plate in shares of the picture; None where nobody said."""
    whole: Mapping[str, Any] = {} if detail.evidence is None else detail.evidence.whole
    size, box = whole.get("frame_size"), whole.get("box")
    if not _are_lengths(size, 2) or not _are_lengths(box, 4) or 0 in size:
        return None
    x, y, width, height = box
    return x / size[0], y / size[1], width / size[0], height / size[1]


def facts_view(detail: SightingDetail, zone: tzinfo) -> None:
    card, evidence = detail.card, detail.evidence
    with tag("section", "card", aria_label="Facts"), tag("dl"):
        _fact(
            "Captured",
            wording.zoned(card.captured_at, zone) if card.captured_at else card.timestamp,
        )
        _fact("Received", wording.zoned(card.received_at, zone))
        tag("dt", text="Camera")
        with tag("dd"):
            link(card.device_id, camera_address(card.device_id))
        _fact("Confidence", wording.percent(card.confidence_percent))
        _fact("Region", _region(card, evidence))
        if evidence is not None and evidence.format:
            _fact("Format", plate_words.format_name(evidence.format))
        if evidence is not None and evidence.province:
            _fact("Province", evidence.province)
        _fact("Direction", card.direction)
        _fact(
            "In view", None if detail.dwell_s is None else f"{wording.number(detail.dwell_s, 1)} s"
        )
        _fact("Vehicle", " ".join(filter(None, (detail.vehicle_color, detail.vehicle_type))))
        _fact("Place", ", ".join(filter(None, (detail.latitude, detail.longitude))))
        _fact("Shutter", _milliseconds(detail.exposure_time_s))
        _fact("Gain", wording.number(detail.analog_gain, 1))
        _fact("Light", None if detail.lux is None else f"{wording.number(detail.lux)} lux")
        _fact("Clock", detail.clock_state)
        _fact("Model", None if evidence is None else evidence.model)
        _fact("Id", detail.message_id)


def history_view(detail: SightingDetail, zone: tzinfo) -> None:
    """What people held the plate to be, the camera's own reading beside it."""
    if not detail.corrections:
        return
    with tag("section", "card", aria_label="Corrections"):
        tag("h2", text="Corrected")
        with tag("p"):
            tag("span", text="The camera read ")
            tag("span", "plate", detail.card.read_plate or "nothing")
        with tag("table", "list"), tag("tbody"):
            for correction in reversed(detail.corrections):
                _correction(correction, zone)


def evidence_views(detail: SightingDetail, zone: tzinfo) -> None:
    evidence = detail.evidence
    if evidence is None:
        with tag("section", "card wide"):
            tag("h2", text="Evidence")
            tag("p", "soft", "This camera sent none: it speaks the older exchange.")
        return
    if evidence.is_partial:
        tag("p", "notice wide", "Characters are missing that no model in use there reads.")
    if evidence.characters:
        _characters(evidence.characters)
    if evidence.readings:
        _readings(evidence.readings, zone)
    _refused(evidence.refused, evidence.thresholds)


def _characters(characters: tuple[CharacterEvidence, ...]) -> None:
    with tag("section", "card wide", aria_label="Character by character"):
        tag("h2", text="Character by character")
        with tag("ol", "characters"):
            for character in characters:
                with tag("li"):
                    tag("b", text=character.text)
                    tag("span", "number", wording.share(character.confidence))
                    for text, share in character.alternatives[:_MOST_ALTERNATIVES]:
                        tag("span", "soft number", f"{text} {wording.share(share)}")
        tag(
            "p",
            "soft small",
            "Below each: how sure it is, and what else it may be, by share of the readings.",
        )


def _readings(readings: tuple[ReadingEvidence, ...], zone: tzinfo) -> None:
    with tag("section", "card", aria_label="Readings"):
        tag("h2", text="Readings")
        with tag("table", "list"):
            _head(("Text", ""), ("Time", ""), ("Confidence", "number"), ("Width", "number"))
            with tag("tbody"):
                for reading in readings:
                    with tag("tr"):
                        tag("td", "plate", reading.text)
                        tag("td", "number soft when", wording.clock(reading.at, zone))
                        tag("td", "number", wording.share(reading.confidence))
                        width = "–" if reading.box is None else f"{reading.box[2]} px"
                        tag("td", "number soft nowrap", width)


def _refused(refused: tuple[RefusedEvidence, ...], thresholds: Any) -> None:
    with tag("section", "card", aria_label="Seen beside it and not taken"):
        tag("h2", text="Seen beside it and not taken")
        if refused:
            with tag("table", "list"):
                _head(("Text", ""), ("Confidence", "number"), ("Why not", ""))
                with tag("tbody"):
                    for one in refused:
                        with tag("tr"):
                            tag("td", "plate", one.text or wording.NOTHING)
                            tag("td", "number", wording.share(one.confidence))
                            tag("td", "break", plate_words.why_not(one.reason))
        else:
            tag("p", "soft", "Nothing.")
        if thresholds:
            force = ", ".join(
                plate_words.threshold(name, value) for name, value in thresholds.items()
            )
            tag("p", "soft small break", f"In force then: {force}.")


def _correction(correction: Correction, zone: tzinfo) -> None:
    with tag("tr"):
        with tag("td"):
            tag("span", "plate", correction.plate or "as read")
            tag("small", text=f"until then {correction.plate_before or 'nothing'}")
            if correction.note:
                tag("small", text=correction.note)
        with tag("td"):
            tag("span", "break", correction.by)
            tag("small", text=wording.moment(correction.at, zone))


def _head(*columns: tuple[str, str]) -> None:
    with tag("thead"), tag("tr"):
        for name, classes in columns:
            tag("th", classes, name)


def _fact(name: str, value: str | None) -> None:
    tag("dt", text=name)
    tag("dd", "number", value or wording.NOTHING)


def _region(card: SightingCard, evidence: Evidence | None) -> str | None:
    if card.region is None:
        return None
    name = plate_words.region_name(card.region)
    if evidence is None or evidence.region_certainty is None:
        return name
    return f"{name}, {wording.share(evidence.region_certainty)} sure"


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{wording.number(1000 * seconds, 1)} ms"


def _why_without(card: SightingCard) -> str:
    return {
        "evicted": "The camera's disk was full and the picture was given up; the reading was kept.",
        "invalid": "What the camera sent as a picture cannot be read as one.",
    }.get(card.image_status, "The camera sent this sighting without a picture.")


def _are_lengths(found: Any, count: int) -> TypeGuard[list[int]]:
    return (
        isinstance(found, list)
        and len(found) == count
        and all(isinstance(one, int) and 0 <= one <= _LARGEST_PX for one in found)
    )
