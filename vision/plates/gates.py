"""Decides which lines of text may be plates, by geometry alone, before any is read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vision.geometry import Box, Quad
from vision.plates.formats import PlateFormat
from vision.plates.text_regions import TextRegion

LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 34.0, 9.0
"""Smaller texts hold too few pixels a character to be read (5 px a character at least)."""

MOST_TILT_DEG = 35.0
"""Plates hang level; a camera looks at them askew, but not from below or beside like this."""

_CUT_MARGIN_PX = 1.0


def geometry_fault(region: TextRegion, formats: Sequence[PlateFormat], visible: Box) -> str | None:
    """Why a line cannot be a plate (`small`, `shape`, `tilted`, `cut`), or None where it can.

    `visible` is the part of the picture that was searched: what touches its edge is cut.
    """
    if region.width < LEAST_WIDTH_PX or region.height < LEAST_HEIGHT_PX:
        return "small"
    if not formats_for(aspect_of(region), formats):
        return "shape"
    if abs(tilt_deg(region.quad)) > MOST_TILT_DEG:
        return "tilted"
    if _is_cut(region, visible):
        return "cut"
    return None


def formats_for(aspect: float, formats: Sequence[PlateFormat]) -> tuple[PlateFormat, ...]:
    """The formats whose plates a line so many times as wide as high may be."""
    return tuple(
        entry
        for entry in formats
        if entry.aspect[0] <= aspect <= entry.aspect[1]
        and aspect >= entry.least_pitch * entry.length
    )


def narrow_formats_for(aspect: float, formats: Sequence[PlateFormat]) -> tuple[PlateFormat, ...]:
    """Those of which such a line has narrower characters than signs."""
    narrow = [entry for entry in formats if aspect <= entry.sign_pitch * entry.length]
    return formats_for(aspect, narrow)


def aspect_of(region: TextRegion) -> float:
    """Its width by its height."""
    return region.width / max(region.height, 1.0)


def tilt_deg(quad: Quad) -> float:
    """Angle of the text's direction to the horizontal in degrees, clockwise positive."""
    (ax, ay), (bx, by) = quad[0], quad[1]
    return math.degrees(math.atan2(by - ay, bx - ax))


def bounding_box(quad: Quad) -> Box:
    """The upright box around a quad."""
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    return Box(x1=min(xs), y1=min(ys), x2=max(xs), y2=max(ys))


def _is_cut(region: TextRegion, visible: Box) -> bool:
    """Whether the text itself (without the margin that detection adds) reaches the edge."""
    margin = region.height / 4 - _CUT_MARGIN_PX
    box = bounding_box(region.quad)
    return (
        box.x1 + margin < visible.x1
        or box.y1 + margin < visible.y1
        or box.x2 - margin > visible.x2
        or box.y2 - margin > visible.y2
    )
