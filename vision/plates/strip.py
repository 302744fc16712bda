"""The blue strip at the left end of European plates. Reads no text.

Regulation (EC) No 2411/98: on the far left, blue, 40 to 50 mm wide, at least 98 mm high; countries
outside of the Union have strips of the same kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.reading import Picture

_LEAST_BLUE = 0.15
_LEAST_LEVEL = 60.0
_LEAST_SHARE = 0.45
_WIDTH = (0.2, 0.9)
_MOST_GAP = 0.12
_MOST_BEYOND = 0.7
_MOST_INSIDE = 1.0
_LEAST_EDGE_PX = 2


def has_strip(crop: Picture, line: tuple[slice, slice], height_along_px: float) -> bool:
    """Whether a strip stands left of the text that fills the rows and columns `line` of `crop`.

    `height_along_px` is the height of the line in columns. The strip is bluer than the ground of
    the text, 0.2 to 0.9 heights wide, hardly higher than the line, and ends on all sides: a blue
    wall or vehicle does not. The detected line may hold it.
    """
    rows, columns = line
    blue = _blueness(crop)
    # On a red or green ground grey would be bluer than the ground; it is not blue.
    is_blue = blue > max(0.0, float(np.median(blue[line]))) + _LEAST_BLUE
    nearest = columns.start + round(_MOST_INSIDE * height_along_px)
    shares = is_blue[rows, :nearest].mean(axis=0)
    run = _last_run(shares >= _LEAST_SHARE, round(_MOST_GAP * height_along_px))
    if run is None:
        return False
    start, end = run
    low, high = _WIDTH
    if start == 0 or not low <= (end - start) / max(1.0, height_along_px) <= high:
        return False
    beyond = round(_MOST_BEYOND * (rows.stop - rows.start))
    is_strip = is_blue[:, start:end].mean(axis=1) >= _LEAST_SHARE
    above, below = is_strip[: rows.start][-beyond:], is_strip[rows.stop :][:beyond]
    return int((~above).sum()) >= _LEAST_EDGE_PX <= int((~below).sum())


def _blueness(picture: Picture) -> NDArray[np.float32]:
    """How far blue exceeds the other channels, as a share of it; about 0 for grey, -1..1."""
    values = picture.astype(np.float32)
    blue, others = values[..., 0], values[..., 1:].max(axis=-1)
    return np.asarray((blue - others) / np.maximum(blue, _LEAST_LEVEL), np.float32)


def _last_run(is_blue: NDArray[np.bool_], most_gap: int) -> tuple[int, int] | None:
    """Start and end of the columns nearest to the text, gaps of so many closed."""
    found = np.flatnonzero(is_blue)
    if not found.size:
        return None
    end = start = int(found[-1])
    for column in found[::-1]:
        if start - column > most_gap + 1:
            break
        start = int(column)
    return start, end + 1
