"""Where in the picture sightings count, and the line that tells which way they go. Values only.

Places are shares of the picture's width and height, 0..1 from its upper left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vision.geometry import Box

Point = tuple[float, float]
Size = tuple[int, int]
"""Width and height of a picture in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """`zones` are polygons; without any, sightings count everywhere. Of `line` (start and end),
    what crosses it from its left to its right, seen from its start, approaches."""

    zones: tuple[tuple[Point, ...], ...] = ()
    line: tuple[Point, Point] | None = None

    def counts(self, box: Box, size: Size) -> bool:
        """Whether the middle of `box` lies in a zone."""
        if not self.zones:
            return True
        point = _share(box.center, size)
        return any(_is_inside(point, zone) for zone in self.zones)

    def touches(self, box: Box, size: Size) -> bool:
        """Whether anything in `box` may count: by the zones' own surrounding boxes."""
        if not self.zones:
            return True
        part = box.normalised(*size)
        for zone in self.zones:
            across, down = [x for x, _ in zone], [y for _, y in zone]
            is_across = min(across) <= part.x2 and part.x1 <= max(across)
            if is_across and min(down) <= part.y2 and part.y1 <= max(down):
                return True
        return False

    def direction(self, first: Box, last: Box, size: Size) -> str | None:
        """`approaching` or `receding` of what crossed the line; None where nothing did."""
        if self.line is None:
            return None
        start, end = self.line
        before, after = _share(first.center, size), _share(last.center, size)
        side, then = _side(start, end, before), _side(start, end, after)
        if side * then >= 0 or _side(before, after, start) * _side(before, after, end) > 0:
            return None
        return "approaching" if then > 0 else "receding"


def _share(point: Point, size: Size) -> Point:
    return point[0] / size[0], point[1] / size[1]


def _side(start: Point, end: Point, point: Point) -> float:
    """Positive on the right of the way from start to end (y runs down), 0 on it."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _is_inside(point: Point, polygon: Sequence[Point]) -> bool:
    """By the number of edges that a ray to the right crosses: odd inside."""
    x, y = point
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            crossings += 1
    return crossings % 2 == 1
