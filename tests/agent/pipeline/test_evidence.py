from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from agent.pipeline.consensus import ConsensusSettings, agree
from agent.pipeline.evidence import MAX_READINGS, MAX_REFUSED, plate_evidence
from agent.pipeline.rules import RuleSettings
from tests.fakes.scripted_reader import ScriptedPlate, reading
from vision.geometry import Box
from vision.reading import RefusedReading

START = datetime(2026, 1, 1, tzinfo=UTC)
BOX = Box.from_xywh(1000, 600, 120, 30)


def _evidence(texts: list[str], refused: int) -> dict[str, object]:
    readings = [
        (reading(ScriptedPlate(text=text, box=BOX)), START + timedelta(seconds=n))
        for n, text in enumerate(texts)
    ]
    return plate_evidence(
        readings=readings,
        consensus=agree([r for r, _ in readings], ConsensusSettings()),
        refused=[
            RefusedReading(raw_text="R" * 500, confidence=0.3, box=BOX, reason="format")
            for _ in range(refused)
        ],
        model="scripted-1",
        rules=RuleSettings(),
        seen=(START, START + timedelta(seconds=2.5)),
        direction="left",
    )


def test_it_has_the_keys_that_the_docstring_names() -> None:
    evidence = _evidence(["AB1234", "AB1234"], 1)
    assert set(evidence) == {
        "readings",
        "characters",
        "model",
        "thresholds",
        "first_seen",
        "last_seen",
        "dwell_s",
        "direction",
        "region",
        "region_certainty",
        "format",
        "partial",
        "province",
        "refused",
    }
    assert evidence["dwell_s"] == 2.5
    assert evidence["first_seen"] == "2026-01-01T00:00:00+00:00"


def test_it_stays_small_whatever_was_seen() -> None:
    evidence = _evidence([f"ABCDEFGHIJ{n % 10}" * 3 for n in range(60)], 60)
    assert len(json.dumps(evidence)) < 8192
    assert isinstance(evidence["readings"], list)
    assert len(evidence["readings"]) == MAX_READINGS
    assert isinstance(evidence["refused"], list)
    assert len(evidence["refused"]) == MAX_REFUSED


def test_an_outvoted_reading_is_kept_with_its_reason() -> None:
    evidence = _evidence(["AB1234", "QQQQQQQ", "AB1234"], 0)
    assert evidence["refused"] == [
        {
            "text": "QQQQQQQ",
            "confidence": 0.95,
            "reason": "not_alike",
            "box": [1000, 600, 120, 30],
        }
    ]
