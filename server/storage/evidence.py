"""Reads the evidence that a camera sent with a sighting. It may say anything: nothing here fails.

The keys are those of the agent's evidence (wire/README.md, `evidence`); what is not understood
stays readable as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from server.storage.reading.sightings import (
    CharacterEvidence,
    Evidence,
    ReadingEvidence,
    RefusedEvidence,
)
from server.storage.times import moment_of

LARGEST: Final = 1e12
"""What cameras count and measure is far below it; beyond, no span of time can be made of it."""


def evidence_of(text: str | None) -> Evidence | None:
    """None where the camera sent none, or none that is an object."""
    whole = _object(text)
    if whole is None:
        return None
    thresholds = whole.get("thresholds")
    return Evidence(
        readings=tuple(
            ReadingEvidence(
                text=_text(each.get("text")) or "",
                confidence=number_of(each.get("confidence")),
                at=moment_of(each.get("at")),
                box=_box(each.get("box")),
            )
            for each in _objects(whole.get("readings"))
        ),
        characters=characters_of(whole),
        refused=tuple(
            RefusedEvidence(
                text=_text(each.get("text")) or "",
                confidence=number_of(each.get("confidence")),
                reason=_text(each.get("reason")) or "",
                box=_box(each.get("box")),
            )
            for each in _objects(whole.get("refused"))
        ),
        model=_text(whole.get("model")),
        thresholds=_numbers(thresholds) if isinstance(thresholds, dict) else {},
        first_seen=moment_of(whole.get("first_seen")),
        last_seen=moment_of(whole.get("last_seen")),
        region=_text(whole.get("region")),
        region_certainty=number_of(whole.get("region_certainty")),
        format=_text(whole.get("format")),
        is_partial=whole.get("partial") is True,
        province=_text(whole.get("province")),
        whole=whole,
    )


def characters_in(text: str | None) -> tuple[CharacterEvidence, ...]:
    """Of the plate, with what else each may be; empty where the camera did not say."""
    whole = _object(text)
    return () if whole is None else characters_of(whole)


def characters_of(whole: Mapping[str, Any]) -> tuple[CharacterEvidence, ...]:
    return tuple(
        CharacterEvidence(
            text=_text(each.get("text")) or "",
            confidence=number_of(each.get("confidence")),
            alternatives=_alternatives(each.get("alternatives")),
        )
        for each in _objects(whole.get("characters"))
    )


def number_of(found: Any) -> float | None:
    """None where it is none, or beyond LARGEST: JSON has integers that no double holds."""
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and abs(found) <= LARGEST else None


def _object(text: str | None) -> Mapping[str, Any] | None:
    if not text:
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return whole if isinstance(whole, dict) else None


def _objects(found: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(found, list):
        return ()
    return tuple(each for each in found if isinstance(each, dict))


def _alternatives(found: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(found, list):
        return ()
    pairs = [each for each in found if isinstance(each, list) and len(each) == 2]
    read = [(_text(text), number_of(share)) for text, share in pairs]
    known = [(text, share) for text, share in read if text is not None and share is not None]
    return tuple(sorted(known, key=lambda pair: -pair[1]))


def _text(found: Any) -> str | None:
    return found if isinstance(found, str) else None


def _numbers(found: Mapping[str, Any]) -> dict[str, float]:
    read = {name: number_of(value) for name, value in found.items()}
    return {name: value for name, value in read.items() if value is not None}


def _box(found: Any) -> tuple[int, int, int, int] | None:
    if not isinstance(found, list) or len(found) != 4:
        return None
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in found):
        return None
    x, y, width, height = found
    return x, y, width, height
