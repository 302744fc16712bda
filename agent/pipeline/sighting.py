"""What the pipeline hands on: one value for each vehicle or face that passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.camera.frame import SensorFacts
from vision.geometry import Box, Point
from vision.reading import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateSighting:
    """One passage of one plate.

    `picture` is the whole frame that the winning reading came from and `box` lies in it;
    `confidence` is 0..1. `evidence` is plain JSON: the contributing readings, alternatives for
    each character, model, thresholds, refused candidates. `direction` is one of `approaching`,
    `receding`, `left`, `right`, or None where it did not move enough to say. `vehicle_type` is
    what a vehicle detector calls the vehicle that carries it, None where none looked.
    """

    plate: str
    confidence: float
    box: Box
    captured_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    picture: Picture
    sensor: SensorFacts
    region: str | None
    direction: str | None
    evidence: dict[str, Any]
    vehicle_type: str | None = None

    @property
    def dwell_s(self) -> float:
        """Seconds between the first and the last look at it."""
        return (self.last_seen_at - self.first_seen_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSighting:
    """One passage of one face; `quality` and `confidence` are 0..1."""

    confidence: float
    quality: float
    box: Box
    landmarks: tuple[Point, ...] | None
    captured_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    picture: Picture
    sensor: SensorFacts
    embedding: tuple[float, ...] | None
    embedding_model: str | None
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateInView:
    """A plate while it passes, as it was read last; `text` may still change until it is sure."""

    text: str
    confidence: float
    box: Box
    is_sure: bool


Sighting = PlateSighting | FaceSighting
