"""What pixels a network takes, and pictures made into that. Knows no network and no file."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, Point
from vision.reading import Picture

_TEXT = re.compile(
    r"(?P<channels>[13])x(?P<height>\d+)x(?P<width>\d+) (?P<order>bgr|rgb|grey) "
    r"(?P<low>-?[\d.]+?)\.\.(?P<high>-?[\d.]+)(?P<rest>, .*)?"
)
_STRIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """Channels and their order, height and width (0: free), and what black and white become.

    `text` is how the manifest says it.
    """

    channels: int
    height: int
    width: int
    order: str
    low: float
    high: float
    text: str

    def tensor(self, picture: Picture) -> NDArray[np.float32]:
        """Shape (1, channels, height, width) of a picture that has the network's size already."""
        if self.order == "rgb":
            picture = picture[..., ::-1]
        values = picture.astype(np.float32)
        if (self.low, self.high) != (0.0, 255.0):
            values *= np.float32((self.high - self.low) / 255.0)
            values += np.float32(self.low)
        return np.ascontiguousarray(values.transpose(2, 0, 1))[np.newaxis]


def parse_input(text: str) -> InputSpec:
    """`3x640x640 bgr 0..255`, with a remark behind a comma; raises ValueError."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"input {text!r} cannot be read: write channels x height x width (0: free), bgr, rgb "
            "or grey, and the range of values, as in '3x640x640 bgr 0..255'"
        )
    return InputSpec(
        channels=int(found["channels"]),
        height=int(found["height"]),
        width=int(found["width"]),
        order=found["order"],
        low=float(found["low"]),
        high=float(found["high"]),
        text=text,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """A picture scaled by `scale` into the top left corner of an input of `width` x `height`."""

    scale: float
    width: int
    height: int

    def point(self, x: float, y: float) -> Point:
        """A point of the input in pixels of the picture."""
        return x / self.scale, y / self.scale

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """A box of the input in pixels of the picture."""
        return Box(x1=x1 / self.scale, y1=y1 / self.scale, x2=x2 / self.scale, y2=y2 / self.scale)


def letterbox(
    picture: Picture, *, fixed: tuple[int | None, int | None], most_side: int, padding: int = 0
) -> tuple[Letterbox, Picture]:
    """The picture as a network's input: proportions kept, grey `padding` where it does not reach.

    `fixed` is the network's height and width. Where they are free, the longer side is at most
    `most_side`, nothing is enlarged, and both sides are multiples of 32.
    """
    height, width = picture.shape[:2]
    rows, columns = fixed
    if rows is not None and columns is not None:
        scale = min(rows / height, columns / width)
    else:
        scale = min(1.0, most_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    rows = rows or -(-size[1] // _STRIDE) * _STRIDE
    columns = columns or -(-size[0] // _STRIDE) * _STRIDE
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    framed = np.full((rows, columns, 3), padding, dtype=np.uint8)
    framed[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=way)
    return Letterbox(scale=scale, width=columns, height=rows), framed
