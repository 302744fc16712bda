"""Draws plates on plain vehicles, so that tests have pictures of known truth."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vision.reading import Picture


def plate(text: str, *, width: int = 200) -> Picture:
    """A white 520x110 plate of that width with `text` as it is printed, spaces included."""
    height = round(width * 110 / 520)
    scale = 4
    image = Image.new("RGB", (width * scale, height * scale), (245, 245, 240))
    draw = ImageDraw.Draw(image)
    edge = scale * max(1, width // 100)
    draw.rectangle((0, 0, width * scale - 1, height * scale - 1), outline=(20, 20, 20), width=edge)
    font = ImageFont.load_default(size=height * scale * 0.75)
    draw.text(
        (width * scale / 2, height * scale / 2),
        text,
        font=font,
        fill=(15, 15, 15),
        anchor="mm",
        stroke_width=scale // 2,
        stroke_fill=(15, 15, 15),
    )
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(small, dtype=np.uint8)[..., ::-1])


def pasted(texture: Picture, *, width: int) -> Picture:
    """A grey road scene with a drawn plate of that width in its middle."""
    picture = scene()
    height = round(width * texture.shape[0] / texture.shape[1])
    small = cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA)
    picture[180:300, 200:440] = 60
    left, top = 320 - width // 2, 240 - height // 2
    picture[top : top + height, left : left + width] = small
    return picture


def scene(
    *plates: tuple[str, int, int, int], size: tuple[int, int] = (640, 480), tilt_deg: float = 0.0
) -> Picture:
    """A grey road scene with noise and plates given as (text, left, top, width)."""
    width, height = size
    rng = np.random.default_rng(7)
    shade = np.linspace(90, 150, height)[:, np.newaxis, np.newaxis]
    picture = np.clip(shade + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
    for text, left, top, plate_width in plates:
        drawn = plate(text, width=plate_width)
        rows, columns = drawn.shape[:2]
        center = (left + columns / 2, top + rows / 2)
        picture[max(0, top - 40) : top + rows + 40, max(0, left - 60) : left + columns + 60] = 60
        turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), -tilt_deg, 1.0)
        turn[:, 2] += (center[0] - columns / 2, center[1] - rows / 2)
        cv2.warpAffine(drawn, turn, (width, height), dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    return picture
