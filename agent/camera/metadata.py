"""A libcamera request's metadata as facts of the exposure. Every key is optional. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from agent.camera.frame import SensorFacts


def sensor_facts(metadata: Mapping[str, Any]) -> SensorFacts:
    """`ExposureTime` is in microseconds, the rest in the units of `SensorFacts`."""
    exposure_us = _number(metadata, "ExposureTime")
    focus_state = _number(metadata, "AfState")
    return SensorFacts(
        exposure_time_s=None if exposure_us is None else exposure_us / 1_000_000,
        analog_gain=_number(metadata, "AnalogueGain"),
        digital_gain=_number(metadata, "DigitalGain"),
        lux=_number(metadata, "Lux"),
        colour_temperature_k=_number(metadata, "ColourTemperature"),
        lens_position=_number(metadata, "LensPosition"),
        focus_state=None if focus_state is None else int(focus_state),
    )


def exposed_at_s(metadata: Mapping[str, Any]) -> float | None:
    """`SensorTimestamp` (ns) in seconds of `time.monotonic()`; None where it is missing."""
    stamp_ns = _number(metadata, "SensorTimestamp")
    return None if stamp_ns is None or stamp_ns <= 0 else stamp_ns / 1_000_000_000


def _number(metadata: Mapping[str, Any], key: str) -> float | None:
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
