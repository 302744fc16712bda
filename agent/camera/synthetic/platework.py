"""Draws plates: ground, strip, frame and characters, with a little dirt.

The face is the one inside Pillow (Aileron, CC0), made bold: no font file is needed. Its 0 is
narrower than its O and its 1 has a flag and no foot, as on real plates. Thai letters are drawn in
Loma Bold of the Debian package fonts-thai-tlwg.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agent.camera.errors import SourceFailed
from agent.camera.synthetic.bodies import PLATE_SIZE_M, End
from agent.camera.synthetic.registration import Region, Registration
from vision.reading import Picture

THAI_FONT = Path("/usr/share/fonts/truetype/tlwg/Loma-Bold.ttf")
"""Where Debian's fonts-thai-tlwg puts it."""

_PX_PER_M = 1600.0
_WHITE = (244, 244, 240)
_YELLOW = (250, 205, 40)
_BLUE = (0, 51, 153)
_BLACK = (18, 18, 20)
_NAVY = (20, 40, 110)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """Colours are red, green, blue; `glyph_m` is the height of a capital letter."""

    glyph_m: float
    strip: str | None = None
    is_strip_on_both_sides: bool = False
    heading: str | None = None
    is_heading_on_band: bool = False
    rear_ground: tuple[int, int, int] = _WHITE
    ink: tuple[int, int, int] = _BLACK


_STYLES: dict[Region, _Style] = {
    Region.DE: _Style(glyph_m=0.075, strip="D"),
    Region.FR: _Style(glyph_m=0.073, strip="F", is_strip_on_both_sides=True),
    Region.IT: _Style(glyph_m=0.075, strip="I", is_strip_on_both_sides=True),
    Region.PL: _Style(glyph_m=0.078, strip="PL"),
    Region.ES: _Style(glyph_m=0.077, strip="E"),
    Region.GB: _Style(glyph_m=0.079, rear_ground=_YELLOW),
    Region.US: _Style(glyph_m=0.078, heading="California", ink=_NAVY),
    Region.BR: _Style(glyph_m=0.070, heading="BRASIL", is_heading_on_band=True),
    Region.TH: _Style(glyph_m=0.060),
}


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SourceFailed(
            "synthetic: this Pillow was built without FreeType and cannot draw plates: "
            "install the wheel from the package index (pip install --force-reinstall pillow)"
        )
    return font


@cache
def _thai_font(size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(THAI_FONT, size=size)
    except OSError as error:
        raise SourceFailed(
            f"synthetic: Thai plates need the font {THAI_FONT} ({error}); install it: "
            "apt-get install fonts-thai-tlwg"
        ) from error


def plate_texture(registration: Registration, end: End, rng: np.random.Generator) -> Picture:
    """The plate seen straight on, 1600 pixels a metre; blue, green, red."""
    style = _STYLES[registration.region]
    width_m, height_m = PLATE_SIZE_M[registration.region]
    size = (round(width_m * _PX_PER_M), round(height_m * _PX_PER_M))
    ground = style.rear_ground if end is End.REAR else _WHITE
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    left, right = _draw_strips(draw, style, size)
    top = _draw_heading(draw, style, size)
    if registration.province is None:
        _draw_text(image, registration.printed, style, (left, top, right, size[1]))
    else:
        _draw_thai(draw, registration.printed, registration.province, size)
    edge = round(0.0035 * _PX_PER_M)
    draw.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=10, outline=_BLACK, width=edge)
    pixels = np.asarray(image, dtype=np.uint8)[:, :, ::-1]
    return _weathered(np.ascontiguousarray(pixels), rng)


def _draw_strips(
    draw: ImageDraw.ImageDraw, style: _Style, size: tuple[int, int]
) -> tuple[int, int]:
    """The blue strips; returns left and right end of what is left for the text."""
    width, height = size
    strip = round(0.042 * _PX_PER_M)
    if style.strip is None:
        return 0, width
    draw.rectangle((0, 0, strip, height), fill=_BLUE)
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        x = strip / 2 + 3 + 17 * np.cos(turn)
        y = height * 0.32 + 17 * np.sin(turn)
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(255, 204, 0))
    draw.text(
        (strip / 2 + 3, height * 0.76),
        style.strip,
        font=_font(34),
        fill=_WHITE,
        anchor="mm",
        stroke_width=1,
    )
    if not style.is_strip_on_both_sides:
        return strip, width
    draw.rectangle((width - strip, 0, width, height), fill=_BLUE)
    return strip, width - strip


def _draw_heading(draw: ImageDraw.ImageDraw, style: _Style, size: tuple[int, int]) -> int:
    """State or country above the text; returns where the text's part begins."""
    if style.heading is None:
        return 0
    width, height = size
    if style.is_heading_on_band:
        band = round(height * 0.22)
        draw.rectangle((0, 0, width, band), fill=_BLUE)
        draw.text(
            (width / 2, band / 2 + 2),
            style.heading,
            font=_font(30),
            fill=_WHITE,
            anchor="mm",
            stroke_width=1,
        )
        return band
    draw.text(
        (width / 2, height * 0.15),
        style.heading,
        font=_font(38),
        fill=(190, 30, 40),
        anchor="mm",
        stroke_width=1,
    )
    return round(height * 0.26)


def _draw_thai(
    draw: ImageDraw.ImageDraw, printed: str, province: str, size: tuple[int, int]
) -> None:
    """Number above, province below it."""
    width, height = size
    for text, middle, tall in ((printed, 0.36, 0.56), (province, 0.79, 0.28)):
        font = _thai_font(round(height * tall))
        room = width * 0.9 / max(1.0, font.getlength(text))
        if room < 1:
            font = _thai_font(round(height * tall * room))
        draw.text((width / 2, height * middle), text, font=font, fill=_BLACK, anchor="mm")


def _draw_text(
    image: Image.Image, printed: str, style: _Style, area: tuple[int, int, int, int]
) -> None:
    """Characters at equal pitch centred in `area`, narrowed as a whole where they do not fit."""
    capital = style.glyph_m * _PX_PER_M
    font = _font(round(capital / 0.70))
    stroke = max(2, round(capital * 0.035))
    gap, space = capital * 0.10, capital * 0.26
    widths = [font.getlength(c) if c not in " -" else space for c in printed]
    length = round(sum(widths) + gap * len(printed))
    layer = Image.new("L", (length + 40, round(capital * 1.6)), 0)
    draw = ImageDraw.Draw(layer)
    x, middle = 20 + gap / 2, layer.height / 2
    for character, width in zip(printed, widths, strict=True):
        if character == "-":
            half = capital * 0.06
            draw.rectangle((x, middle - half, x + width * 0.8, middle + half), fill=255)
        elif character != " ":
            draw.text(
                (x + width / 2, middle + capital / 2),
                character,
                font=font,
                fill=255,
                anchor="ms",
                stroke_width=stroke,
            )
        x += width + gap
    left, top, right, bottom = area
    room = (right - left) * 0.95
    if layer.width > room:
        layer = layer.resize((round(room), layer.height), Image.Resampling.LANCZOS)
    place = (round((left + right - layer.width) / 2), round((top + bottom - layer.height) / 2))
    image.paste(Image.new("RGB", layer.size, style.ink), place, layer)


def _weathered(plate: Picture, rng: np.random.Generator) -> Picture:
    """Uneven grime, stronger towards the bottom, and a few splashes."""
    height, width = plate.shape[:2]
    cells = rng.normal(0.0, 1.0, (4, 12)).astype(np.float32)
    grime = np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC))
    slope = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    amount = float(rng.uniform(0.01, 0.06))
    light = 1.0 - amount * (1.0 + 0.8 * np.clip(grime, -1.2, 2.0) + 1.5 * slope)
    for _ in range(int(rng.integers(0, 5))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(light, centre, int(rng.integers(3, 9)), float(rng.uniform(0.55, 0.85)), -1)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 2.0))
    brown = np.array([60.0, 78.0, 92.0], dtype=np.float32)
    mixed = plate * light[..., None] + brown * (1.0 - light[..., None])
    return np.clip(mixed, 0, 255).astype(np.uint8)
