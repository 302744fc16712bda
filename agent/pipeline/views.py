"""Which part of a moving region the reader looks at. Values only.

A text detector finds a plate best where it is neither small nor a speck in a large picture, and
what it misses in one cut-out it often finds in another. So looks that found nothing are followed
by looks at other parts, and once a plate is known, its surroundings are enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from vision.geometry import Box

# Shares of the region's width and height: left, top, right, bottom. Plates hang low on vehicles,
# but below them is the shadow, and night leaves only lamps and plate to move.
_PARTS = (
    (0.1, 0.4, 0.9, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.15, 0.35, 0.85, 0.75),
    (0.15, 0.65, 0.85, 1.0),
)
VIEWS = len(_PARTS)
"""Looks after which every part was looked at."""

_SMALLEST_PX = 120.0
_SMALL_MARGIN = 0.15


def next_view(region: Box, looks_without_plate: int) -> Box:
    """The part of `region` for the next look after so many that found nothing."""
    left, top, right, bottom = _PARTS[looks_without_plate % VIEWS]
    width, height = region.width, region.height
    if min(width * (right - left), height * (bottom - top)) < _SMALLEST_PX:
        margin = max(region.width, region.height) * _SMALL_MARGIN
        return region.grown(margin, margin)
    return Box(
        x1=region.x1 + left * width,
        y1=region.y1 + top * height,
        x2=region.x1 + right * width,
        y2=region.y1 + bottom * height,
    )


def around(plates: Sequence[Box]) -> Box:
    """The surroundings of plates expected there: a plate's width on each side.

    Between two looks a plate moves by less than that, or is found again by the wider looks.
    """
    box = plates[0].grown(plates[0].width, plates[0].width)
    for plate in plates[1:]:
        box = box.united(plate.grown(plate.width, plate.width))
    return box
