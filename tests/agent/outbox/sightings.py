"""Sightings for tests, with a real picture each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from agent.camera.frame import SensorFacts
from agent.pipeline.sighting import FaceSighting, PlateSighting
from vision.geometry import Box

NOON = datetime(2026, 3, 4, 12, 0, 0, 123_000, tzinfo=UTC)


def picture(width: int = 320, height: int = 240, *, seed: int = 1) -> np.ndarray:
    """A picture with some texture, so that JPEG keeps it apart from others."""
    tile = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    repeated = np.tile(tile, (height // 8 + 1, width // 8 + 1, 1))[:height, :width]
    return np.ascontiguousarray(repeated)


def plate(text: str = "WA56660", *, seed: int = 1, width: int = 320) -> PlateSighting:
    at = NOON + timedelta(seconds=seed)
    return PlateSighting(
        plate=text,
        confidence=0.93,
        box=Box(x1=10.2, y1=20, x2=110, y2=50),
        captured_at=at,
        first_seen_at=at - timedelta(seconds=1),
        last_seen_at=at + timedelta(seconds=0.5),
        picture=picture(width, width * 3 // 4, seed=seed),
        sensor=SensorFacts(exposure_time_s=0.033, analog_gain=1.5, lux=250.0),
        region="eu",
        direction="approaching",
        evidence={"model": "test-1", "readings": [{"text": text, "confidence": 0.93}]},
    )


def face(*, seed: int = 1) -> FaceSighting:
    at = NOON + timedelta(seconds=seed)
    return FaceSighting(
        confidence=0.8,
        quality=0.7,
        box=Box(x1=1, y1=2, x2=41, y2=62),
        landmarks=((5.0, 6.0), (30.5, 6.0), (20.0, 20.0), (8.0, 40.0), (30.0, 40.0)),
        captured_at=at,
        first_seen_at=at,
        last_seen_at=at,
        picture=picture(seed=seed),
        sensor=SensorFacts(),
        embedding=(0.6, 0.8),
        embedding_model="test-embedder",
        evidence={"looks": 3},
    )
