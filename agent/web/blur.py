"""How blurred a picture is, 0 (sharp) to 1, whatever its contrast and noise-free brightness.

After Crete, Dolmiere, Ladret and Nicolas, "The blur effect: perception and estimation with a new
no-reference perceptual blur metric", SPIE 6492 (2007): what is sharp loses much of its variation
when it is blurred once more, what is blurred already loses little.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

KERNEL: Final = 9


def blur_effect(grey: NDArray[np.uint8]) -> float:
    """Of the worse of the two directions; motion blurs one. Shape (height, width)."""
    picture = grey.astype(np.float32)
    across = _in_one_direction(picture, (KERNEL, 1), axis=1)
    down = _in_one_direction(picture, (1, KERNEL), axis=0)
    return max(across, down)


def _in_one_direction(picture: NDArray[np.float32], kernel: tuple[int, int], *, axis: int) -> float:
    again = cv2.blur(picture, kernel)
    before = np.abs(np.diff(picture, axis=axis))
    after = np.abs(np.diff(again, axis=axis))
    total = float(before.sum())
    if total == 0:
        return 1.0
    lost = float(np.maximum(0, before - after).sum())
    return (total - lost) / total
