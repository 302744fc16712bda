"""Makes a sighting of a passage: picture, text and evidence of its readings together. No rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.camera.frame import Frame
from agent.pipeline.area import Area
from agent.pipeline.evidence import plate_evidence
from agent.pipeline.passage import Passage
from agent.pipeline.rules import RuleSettings
from agent.pipeline.sighting import PlateSighting


def sighting_of(
    passage: Passage, now: Frame, *, model: str, rules: RuleSettings, area: Area
) -> PlateSighting:
    """`now` is a frame that shows both clocks; `rules` and `area` those in force."""
    witness, frame = passage.best()
    consensus = passage.consensus
    seen = _time_of(now, passage.first_seen_s), _time_of(now, passage.last_seen_s)
    way = passage.candidate()
    width, height = frame.size
    direction = area.direction(way.first_box, way.box, (width, height)) or passage.direction
    return PlateSighting(
        plate=consensus.text,
        confidence=consensus.confidence,
        box=witness.reading.box,
        captured_at=frame.captured_at,
        first_seen_at=seen[0],
        last_seen_at=seen[1],
        picture=frame.picture,
        sensor=frame.sensor,
        region=consensus.region,
        vehicle_type=consensus.vehicle,
        direction=direction,
        evidence=plate_evidence(
            readings=[(w.reading, _time_of(now, w.at_s)) for w in passage.witnesses],
            consensus=consensus,
            refused=tuple(passage.refused),
            model=model,
            rules=rules,
            seen=seen,
            direction=direction,
        ),
    )


def _time_of(frame: Frame, at_s: float) -> datetime:
    """The moment `at_s` of the source's clock, by the frame that shows both clocks."""
    return frame.captured_at + timedelta(seconds=at_s - frame.at_s)
