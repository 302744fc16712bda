"""The evidence that goes with a sighting, as plain JSON, bounded so that a row stays small.

Keys of a plate's evidence (boxes are `[x, y, width, height]` in pixels of their frame, times are
ISO 8601 in UTC, confidences 0..1 with three decimals):

- `readings`: up to 12 of `{text, confidence, at, box}`, in order of time, the best kept;
- `characters`: of the text, `{text, confidence, alternatives: [[text, share], ...]}`;
- `model`: name and version of the reader;
- `thresholds`: `{min_confidence, min_readings, single_confidence, cooldown_s}` in force;
- `first_seen`, `last_seen`, `dwell_s`, `direction`;
- `region`, `format`: the country format that the text fits, or null; `region_certainty`: how
  likely that region is among those expected;
- `partial`: true where characters are missing that no model in use reads (Thai letters);
  `province`: what a Thai plate says below its number, or null;
- `watched`: true where the plate was on the camera's watchlist (added when it is recorded);
- `refused`: up to 8 of `{text, confidence, reason, box}`, what was seen beside it and not taken.

Keys of a face's: `model`, `first_seen`, `last_seen`, `dwell_s`, `direction`, `looks` and `quality`
(`{size, sharpness, pose, light}`, each 0..1).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agent.pipeline.consensus import Consensus
from agent.pipeline.rules import Refusal, RuleSettings
from vision.geometry import Box
from vision.reading import CharacterReading, PlateReading, RefusedReading

MAX_READINGS = 12
MAX_REFUSED = 8
_MAX_CHARACTERS = 24
_MAX_TEXT = 32


def plate_evidence(
    *,
    readings: Sequence[tuple[PlateReading, datetime]],
    consensus: Consensus,
    refused: Sequence[RefusedReading],
    model: str,
    rules: RuleSettings,
    seen: tuple[datetime, datetime],
    direction: str | None,
) -> dict[str, Any]:
    """`readings` in order of time, those of `consensus`; `seen` is the first and the last time."""
    kept = sorted(consensus.ranking[:MAX_READINGS])
    return {
        "readings": [_reading(*readings[index]) for index in kept],
        "characters": [_character(c) for c in consensus.characters[:_MAX_CHARACTERS]],
        "model": model,
        "thresholds": {
            "min_confidence": rules.min_confidence,
            "min_readings": rules.min_readings,
            "single_confidence": rules.single_confidence,
            "cooldown_s": rules.cooldown_s,
        },
        **presence(seen, direction),
        "region": consensus.region,
        "region_certainty": _rounded(consensus.region_certainty),
        "format": consensus.region_format,
        "partial": consensus.is_partial,
        "province": consensus.province,
        "refused": _refused(readings, consensus, refused),
    }


def presence(seen: tuple[datetime, datetime], direction: str | None) -> dict[str, Any]:
    """The keys that plates and faces share."""
    first, last = seen
    return {
        "first_seen": first.isoformat(),
        "last_seen": last.isoformat(),
        "dwell_s": round((last - first).total_seconds(), 3),
        "direction": direction,
    }


def _reading(reading: PlateReading, at: datetime) -> dict[str, Any]:
    return {
        "text": reading.text[:_MAX_TEXT],
        "confidence": round(reading.confidence, 3),
        "at": at.isoformat(),
        "box": _box(reading.box),
    }


def _character(character: CharacterReading) -> dict[str, Any]:
    return {
        "text": character.text,
        "confidence": round(character.confidence, 3),
        "alternatives": [[text, round(share, 3)] for text, share in character.alternatives],
    }


def _refused(
    readings: Sequence[tuple[PlateReading, datetime]],
    consensus: Consensus,
    refused: Sequence[RefusedReading],
) -> list[dict[str, Any]]:
    outvoted = [
        _refusal(reading.text, reading.confidence, Refusal.NOT_ALIKE, reading.box)
        for reading, _ in (readings[index] for index in consensus.outliers)
    ]
    others = [_refusal(r.raw_text, r.confidence, r.reason, r.box) for r in refused]
    return (outvoted + others)[-MAX_REFUSED:]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def _refusal(text: str, confidence: float, reason: str, box: Box) -> dict[str, Any]:
    return {
        "text": text[:_MAX_TEXT],
        "confidence": round(confidence, 3),
        "reason": str(reason),
        "box": _box(box),
    }


def _box(box: Box) -> list[int]:
    return list(box.as_xywh())
