"""The ground that a line of text stands on: how far it reaches on each side. Reads no text.

A plate is a plain rectangle around its text, of a shape that its register prescribes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Quad
from vision.plates.rectify import rectified, scaled
from vision.plates.strip import has_strip
from vision.reading import Picture

REACH = 1.6
"""How far from the text its ground is followed, in heights of the text."""

_HEIGHT_PX = 24
_MOST_WIDTH_PX = 400
_LEAST_CONTRAST = 12.0
_OTHER_GROUND = 0.2
_LEAST_ENDS = 3
_NEAR_END, _FAR_END = 0.1, 0.35
_TIGHT = 0.75
_MARGIN_ACROSS, _MARGIN_ALONG = 0.12, 0.04
_FRAME_WITHIN_PX = 4
"""How far inside a detected line a plate's frame may lie: detection adds as much to the letters."""
_LEAST_PIECE, _WIDEST_PIECE = 0.4, 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Distance from the text to the end of its ground on each side, in heights of the text.

    None where it goes on beyond 1.6 heights. `is_dark`: the text is lighter than it. `has_strip`:
    to its left is a blue strip as plates of European countries have (`vision.plates.strip`).
    """

    above: float | None
    below: float | None
    left: float | None
    right: float | None
    is_dark: bool = False
    has_strip: bool = False

    @property
    def across(self) -> float:
        """How close above and below it ends, as on plates: 1 (at once) to 0 (not near)."""
        return (_closeness(self.above) + _closeness(self.below)) / 2

    @property
    def along(self) -> float:
        """How close it ends to the left and right, likewise."""
        return (_closeness(self.left) + _closeness(self.right)) / 2

    @property
    def is_enclosed(self) -> bool:
        """Whether it ends on three sides at least: a plate may hang on paint of its own colour, but
        not all around."""
        ends = (self.above, self.below, self.left, self.right)
        return sum(end is not None for end in ends) >= _LEAST_ENDS

    @property
    def is_tight(self) -> bool:
        """Whether it ends close by on all sides, which hardly any board does."""
        return min(self.across, self.along) >= _TIGHT


def _closeness(distance: float | None) -> float:
    """1 where a plate ends for certain (a detected line has a margin of its own), falling to 0
    where few do: a distance beyond that says no more."""
    if distance is None:
        return 0.0
    return min(1.0, max(0.0, (_FAR_END - distance) / (_FAR_END - _NEAR_END)))


def ground_of(picture: Picture, quad: Quad) -> Ground | None:
    """The ground of the line in `quad`; None where text and ground cannot be told apart."""
    (ax, ay), (bx, by), _, (dx, dy) = quad
    length = float(np.hypot(bx - ax, by - ay))
    height = max(1.0, float(np.hypot(dx - ax, dy - ay)))
    aspect = length / height
    width_px = int(min(_MOST_WIDTH_PX, max(8, round(_HEIGHT_PX * aspect))))
    reach_px = round(REACH * _HEIGHT_PX)
    reach_along = round(reach_px * width_px / (_HEIGHT_PX * aspect))
    wide = scaled(quad, along=1 + 2 * reach_along / width_px, across=1 + 2 * reach_px / _HEIGHT_PX)
    crop = rectified(
        picture, wide, width=width_px + 2 * reach_along, height=_HEIGHT_PX + 2 * reach_px
    )
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8)
    line = slice(reach_px, reach_px + _HEIGHT_PX), slice(reach_along, reach_along + width_px)
    levels = _levels(grey[line])
    if levels is None:
        return None
    ground, ink = levels
    apart = _OTHER_GROUND * abs(ground - ink)
    rows = np.median(grey[:, reach_along : reach_along + width_px], axis=1)
    columns = np.median(grey[reach_px : reach_px + _HEIGHT_PX], axis=0)
    is_other_row = np.abs(rows - ground) > apart
    is_other_column = np.abs(columns - ground) > apart
    per_row, per_column = 1.0 / _HEIGHT_PX, REACH / max(1, reach_along)
    return Ground(
        above=_end(is_other_row[::-1], reach_px + _HEIGHT_PX, per_row),
        below=_end(is_other_row, reach_px + _HEIGHT_PX, per_row),
        left=_end(is_other_column[::-1], reach_along + width_px, per_column),
        right=_end(is_other_column, reach_along + width_px, per_column),
        is_dark=ground < ink,
        has_strip=has_strip(crop, line, reach_along / REACH),
    )


def _levels(line: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Grey of the ground and of the ink of a detected line (told apart as Otsu 1979 does).

    The line's margin is left out, for on a plate it holds the edge and what is around it. Ink is
    the smaller share; light ink must also fall into more characters than the dark would, since
    shadows and pictures on plates cover much of them.
    """
    rows, columns = line.shape
    across, along = round(rows * _MARGIN_ACROSS), round(columns * _MARGIN_ALONG)
    core = np.ascontiguousarray(line[across : rows - across, along : columns - along])
    threshold, _ = cv2.threshold(core, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    is_light = core > threshold
    light, dark = core[is_light], core[~is_light]
    if light.size == 0 or dark.size == 0:
        return None
    levels = float(np.median(light)), float(np.median(dark))
    if levels[0] - levels[1] < _LEAST_CONTRAST:
        return None
    is_light_ink = light.size < dark.size and _characters(is_light) > _characters(~is_light)
    return (levels[1], levels[0]) if is_light_ink else levels


def _characters(ink: NDArray[np.bool_]) -> int:
    """Pieces that are as high and narrow as characters."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=4)
    widths, heights = stats[1:count, cv2.CC_STAT_WIDTH], stats[1:count, cv2.CC_STAT_HEIGHT]
    is_character = (heights >= _LEAST_PIECE * _HEIGHT_PX) & (widths <= _WIDEST_PIECE * _HEIGHT_PX)
    return int(is_character.sum())


def _end(is_other: NDArray[np.bool_], edge: int, step: float) -> float | None:
    """Distance from the detected line's `edge` outward to where its ground ends.

    Looked for from the line's own margin on, where the frame of a plate may lie: what is beyond it
    can be paint of the same colour. 0 for an end in the margin, which starts at its first pixel of
    ground: further in there may be letters.
    """
    ground = np.flatnonzero(~is_other[edge - _FRAME_WITHIN_PX : edge])
    start = edge - _FRAME_WITHIN_PX + int(ground[0]) if ground.size else edge
    found = np.flatnonzero(is_other[start:])
    return max(0.0, float(start + found[0] - edge) * step) if found.size else None
