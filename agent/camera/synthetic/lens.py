"""The pinhole camera that looks at the road from a gantry.

World: x right, y up from the road, z ahead; metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HEIGHT_M = 5.2
_PITCH = math.radians(23.7)
_ROLL = math.radians(0.8)
_FOCAL_AT_720P = 2600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """Maps world points to pixels of a picture of `width` x `height`.

    Chosen like a plate camera's: a long lens, pitched down, so that a plate of 52 cm is 75 to
    160 pixels wide (at 1280x720) for as long as it is in the picture.
    """

    width: int
    height: int

    @property
    def scale(self) -> float:
        """Picture size against 1280x720."""
        return min(self.width / 1280, self.height / 720)

    @property
    def focal_px(self) -> float:
        return _FOCAL_AT_720P * self.scale

    @property
    def far_m(self) -> float:
        """Where the road leaves the top of the picture, and a little more."""
        half_view = math.atan(self.height / 2 / self.focal_px)
        return _HEIGHT_M / math.tan(_PITCH - half_view - abs(_ROLL)) + 1.2

    @property
    def near_m(self) -> float:
        """Where a vehicle's end lies when its other, far end has left the bottom of the picture."""
        return 0.9

    @property
    def position(self) -> Floats:
        return np.array([0.0, _HEIGHT_M, 0.0])

    def project(self, points: Floats) -> Floats:
        """Pixels (..., 2) of world points (..., 3); the points must lie in front of the camera."""
        x = points[..., 0]
        y = points[..., 1] - _HEIGHT_M
        z = points[..., 2]
        depth = z * math.cos(_PITCH) - y * math.sin(_PITCH)
        up = y * math.cos(_PITCH) + z * math.sin(_PITCH)
        right, up = (
            x * math.cos(_ROLL) - up * math.sin(_ROLL),
            x * math.sin(_ROLL) + up * math.cos(_ROLL),
        )
        factor = self.focal_px / depth
        return np.stack([self.width / 2 + right * factor, self.height / 2 - up * factor], axis=-1)

    def ground(self) -> tuple[Floats, Floats]:
        """World x and z (each height x width) of the road surface under every pixel."""
        columns, rows = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        right = (columns - self.width / 2) / self.focal_px
        up = (self.height / 2 - rows) / self.focal_px
        right, up = (
            right * math.cos(_ROLL) + up * math.sin(_ROLL),
            -right * math.sin(_ROLL) + up * math.cos(_ROLL),
        )
        # Ray: right * x + up * (0, cos, sin) + 1 * (0, -sin, cos); meets y = -height.
        fall = math.sin(_PITCH) - up * math.cos(_PITCH)
        distance = _HEIGHT_M / np.maximum(fall, 1e-3)
        z = distance * (math.cos(_PITCH) + up * math.sin(_PITCH))
        return right * distance, z
