"""Boxes and quadrilaterals in pictures. Never touches pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An axis-aligned rectangle in pixels; `x2` and `y2` lie just outside it."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return max(0.0, self.x2 - self.x1)

    @property
    def height(self) -> float:
        return max(0.0, self.y2 - self.y1)

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def intersection(self, other: Box) -> float:
        """Shared area in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1; 0 for two empty boxes."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def holds(self, point: Point) -> bool:
        """Whether the point lies in it or on its edge."""
        return self.x1 <= point[0] <= self.x2 and self.y1 <= point[1] <= self.y2

    def united(self, other: Box) -> Box:
        return Box(
            x1=min(self.x1, other.x1),
            y1=min(self.y1, other.y1),
            x2=max(self.x2, other.x2),
            y2=max(self.y2, other.y2),
        )

    def clipped(self, width: float, height: float) -> Box:
        """The part inside a picture of that size; empty (not negative) when there is none."""
        x1 = min(max(self.x1, 0.0), width)
        y1 = min(max(self.y1, 0.0), height)
        return Box(
            x1=x1,
            y1=y1,
            x2=max(x1, min(max(self.x2, 0.0), width)),
            y2=max(y1, min(max(self.y2, 0.0), height)),
        )

    def grown(self, pixels_x: float, pixels_y: float) -> Box:
        """Moved outwards on each side by so many pixels (inwards where negative)."""
        return Box(
            x1=self.x1 - pixels_x,
            y1=self.y1 - pixels_y,
            x2=self.x2 + pixels_x,
            y2=self.y2 + pixels_y,
        )

    def shifted(self, dx: float, dy: float) -> Box:
        return Box(x1=self.x1 + dx, y1=self.y1 + dy, x2=self.x2 + dx, y2=self.y2 + dy)

    def normalised(self, width: float, height: float) -> Box:
        """In shares (0..1) of a picture of that size in pixels."""
        return Box(x1=self.x1 / width, y1=self.y1 / height, x2=self.x2 / width, y2=self.y2 / height)

    def denormalised(self, width: float, height: float) -> Box:
        """The inverse: from shares to pixels of a picture of that size."""
        return Box(x1=self.x1 * width, y1=self.y1 * height, x2=self.x2 * width, y2=self.y2 * height)

    @property
    def is_sound(self) -> bool:
        """Whether every coordinate is a finite number and neither side is negative."""
        corners = (self.x1, self.y1, self.x2, self.y2)
        return all(map(math.isfinite, corners)) and self.x1 <= self.x2 and self.y1 <= self.y2

    def as_xywh(self) -> tuple[int, int, int, int]:
        """Rounded `x, y, width, height`: the form of the database and the wire."""
        x1, y1 = round(self.x1), round(self.y1)
        return x1, y1, round(self.x2) - x1, round(self.y2) - y1

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> Self:
        return cls(x1=x, y1=y, x2=x + width, y2=y + height)


Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Corners in pixels: top left, top right, bottom right, bottom left, as the text runs."""
