"""A captured picture with the facts of its capture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vision.reading import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorFacts:
    """What the sensor says of an exposure; None where it does not say."""

    exposure_time_s: float | None = None
    analog_gain: float | None = None
    digital_gain: float | None = None
    lux: float | None = None
    colour_temperature_k: float | None = None
    lens_position: float | None = None
    focus_state: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One exposure. Nobody writes into `picture` once the frame exists.

    `captured_at` is aware (UTC). `at_s` runs steadily within one source (the sensor's or the
    medium's clock) and is what trackers and gates count with. `number` counts from 0 within a
    run of the source. `is_still` marks a picture that stands for itself: no motion gate, no
    tracking over it and its neighbours. `origin` is the file it came from, for messages. `luma` is
    the brightness of the same exposure in a whole fraction of the picture's size, shape (height,
    width), where the camera gives that by itself.
    """

    picture: Picture
    captured_at: datetime
    at_s: float
    number: int
    is_still: bool = False
    origin: str | None = None
    sensor: SensorFacts = SensorFacts()
    luma: NDArray[np.uint8] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.picture.shape[:2]
        return width, height
