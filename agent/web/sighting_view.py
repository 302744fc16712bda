"""One sighting as the detail page shows it: from a row and its evidence, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.web.looks import evidence_of
from agent.web.records import Row

SENT_WORDS: Final = {0: "waiting", 1: "sent", 2: "refused"}
REASONS: Final = {
    "low_confidence": "too unsure",
    "too_few_readings": "read too few times",
    "same_passage": "the same passage",
    "static_text": "part of the scene",
    "not_alike": "outvoted",
    "out_of_zone": "outside of the zones",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingView:
    """`box` is x, y, width and height in shares of the picture, 0..1, None where unknown."""

    row: Row
    evidence: Mapping[str, Any]
    readings: tuple[Mapping[str, Any], ...]
    characters: tuple[Mapping[str, Any], ...]
    refused: tuple[Mapping[str, Any], ...]
    thresholds: Mapping[str, Any]
    box: tuple[float, float, float, float] | None


def sighting_view(row: Row) -> SightingView:
    evidence = evidence_of(row)
    return SightingView(
        row=row,
        evidence=evidence,
        readings=_objects(evidence.get("readings")),
        characters=_objects(evidence.get("characters")),
        refused=_objects(evidence.get("refused")),
        thresholds=evidence["thresholds"] if isinstance(evidence.get("thresholds"), dict) else {},
        box=_box(row, evidence.get("frame_size")),
    )


def confidence_share(value: float | None) -> float | None:
    """0..1; older rows may hold percent."""
    if value is None:
        return None
    return value / 100 if value > 1 else value


def _objects(found: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(found, list):
        return ()
    return tuple(one for one in found if isinstance(one, dict))


def _box(row: Row, size: Any) -> tuple[float, float, float, float] | None:
    numbers = [row[key] for key in ("lp_box_x", "lp_box_y", "lp_box_w", "lp_box_h")]
    is_known = isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) for n in size)
    if not is_known or None in numbers or 0 in size:
        return None
    x, y, width, height = numbers
    return x / size[0], y / size[1], width / size[0], height / size[1]
