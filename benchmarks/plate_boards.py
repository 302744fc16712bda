"""Boards that are no plates though their texts look like some: how many a reader takes for one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.progress import track

from vision.reading import Picture, PlateReader

BOARDS = (
    "2024-08-06 10:30:00", "06/08/2024", "10:30:45", "CAM 01", "CAM1 10:30", "2024-11-22",
    "12 NOV 2026", "Fri 22 Nov", "CAMERA 01", "IPC-HFW1230", "CH01", "CH 1", "FPS 25", "GATE 12",
    "GATE 2A", "NVR4108", "DS-2CD2043", "AXIS P1448", "EXIT 79", "EXIT 12A", "M25", "A40 (M)",
    "SPEED 30", "SPEED 50", "40 MPH", "ROUTE 66", "I-95", "HWY 101", "US 101", "MAX 3.5 T",
    "3.5t", "2.1 m", "NO PARKING", "STOP", "ONE WAY", "P 24H", "KM 1234", "E 40 A4", "B 500",
    "BUS 123", "ZONE 30", "50 km/h", "HEIGHT 4.2M", "SHELL", "LIDL", "BP 24H", "H&M", "OPEN 24H",
    "PIZZA 24", "TEL 555 1234", "CALL 0800 123", "ATM 24", "7 ELEVEN", "COFFEE 4U", "24 HOUR",
    "SALE 50%", "ROOM 101", "SUITE 200", "FLAT 12B", "IKEA 2024", "ABC 123", "TAXI 4321",
    "TAXI 123", "WC 100", "BAR 360", "GYM 247", "CAFE 1920", "USD 1234", "EUR 500", "GBP 1299",
    "THB 2500", "NOW 1999", "ONLY 499", "WAS 1299", "FROM 199", "$1,299", "1.299 EUR", "PLU 4011",
    "ABV 12", "NET 500G", "350 ML", "SIZE 42", "BUS 42", "LINE 12", "BA 1234", "LH 1234",
    "FR 1234", "KL 1009", "GATE B12", "RYR 1234", "AB 12345", "PLATFORM 9", "TRAM 123",
    "MSKU 123456", "CSQU3054383", "22G1", "MAX GROSS 30480", "TARE 2200 KG", "DOT 123456",
    "USDOT 1234567", "MC 123456", "UN 1203", "33 1203", "RTX 4090", "GTX 1080", "USB 3.0",
    "HTTP 404", "SHA 256", "ISO 9001", "COVID 19", "WIN 2000", "PID 1234", "RAM 16GB", "IPV4",
    "UTF-8", "ERR 500", "SN 12345678", "MODEL X200", "VIN 1HGCM", "REV 1234", "BOX 1234",
    "FIG 123", "TAB 1234", "VOL 2000", "INV 2024", "REF 1234", "SKU 12345", "DAY 123", "MAY 2024",
    "NOV 2026", "JUN 1999", "SEP 1234", "PAGE 123", "LOT 4521", "ROW 123", "PIN 1234", "TOP 1000",
    "BMW 320", "AUDI A4", "BMW 320D", "GOLF GTI", "MAN 18440", "VOLVO FH16", "SCANIA R450",
    "DAF XF 480", "UPS 4711", "UPS4711", "DHL 24", "DHL 3000", "TNT 1234", "GLS 2025", "DPD 5521",
    "AB 12 CDE", "AA-123-BB", "WX 52468", "1234 BCD", "ABC 1234", "ABC1D23", "1ABC234", "BCD-1234",
    "KLM 642", "AFR 1234", "SAS 903", "ICE 577", "IC 2043", "RE 4711", "EC 217 AB", "RB 1234",
    "LOK 185", "NASA 1969", "APOLLO 11", "PSALM 23", "EN 12464", "DIN 1451", "IEC 60529", "FCC 15B",
    "EAN 40123", "ZIP 90210", "PLZ 10115", "BN 53113", "LS 12 DA", "SW1A 2AA", "EC1V 9HX",
    "M5V 3L9", "75008 PARIS", "CH-8001", "IP65 230V", "AC 230V", "LED 1200", "HP 1505", "LG 55NANO",
    "PS5 825GB", "XBOX 360", "IPHONE 15", "GALAXY S24", "CR2032", "AA 1500", "PCB 1204", "RJ45",
    "HDMI 2.1", "WPA2 PSK", "EST 1998", "SINCE 1871", "EST. 1924", "AGE 18", "PG 13", "U 16",
    "FC 1860", "VFB 1893", "FCB 1900", "RUN 5K", "RACE 421", "TEAM 07", "CLUB 33", "UNIT 4 B",
)  # fmt: skip
"""Texts of signs, shops, overlays, prices, models and addresses: none is a plate, many look like
one."""

BOARDS_FOR_A_PLATE = 0.33
"""How many boards with a text that may fit a camera is taken to see for each plate. It cannot be
known; more of them cost plates whose ground does not end close by."""

_SIZE = (640, 360)
_STYLES_OF_A_TEXT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A text, and the kind of board that it stands on (a key of `STYLES` or of `STACKED`). All
    boards of a text are for tuning or none is (`benchmarks.plate_scores.is_for_tuning` of it)."""

    text: str
    style: str


def boards() -> tuple[Board, ...]:
    """Each text in two styles, the same ones on every machine."""
    names = sorted(STYLES)
    return tuple(
        Board(text=text, style=names[(first + step) % len(names)])
        for text in BOARDS
        for first in [hashlib.sha256(text.encode()).digest()[1]]
        for step in range(_STYLES_OF_A_TEXT)
    )


def stacked_boards() -> tuple[Board, ...]:
    """The texts that have a gap, broken there into two lines, as plates of two lines are."""
    return tuple(
        Board(text=text, style=style) for text in BOARDS if " " in text for style in STACKED
    )


def drawn_board(board: Board) -> Picture:
    """640x360 pixels, capitals 18 to 34 px high, slightly askew, soft and noisy."""
    seed = hashlib.sha256(f"{board.style} {board.text}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "little"))
    canvas = _surroundings(rng)
    draw = STYLES.get(board.style) or STACKED[board.style]
    draw(canvas, board.text, float(rng.uniform(18, 34)), rng)
    turn = cv2.getRotationMatrix2D((320, 180), float(rng.uniform(-4, 4)), 1.0)
    picture = cv2.warpAffine(canvas, turn, _SIZE, borderMode=cv2.BORDER_REPLICATE)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.0)))
    noisy = picture + rng.normal(0, rng.uniform(1, 6), picture.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def false_boards(reader: PlateReader, shown: Sequence[Board]) -> dict[Board, tuple[str, ...]]:
    """Those of `shown` on which plates were read, and what was read there."""
    found = {}
    for board in track(shown, description="boards", console=Console(stderr=True)):
        plates = reader.read(drawn_board(board)).plates
        if plates:
            found[board] = tuple(plate.text for plate in plates)
    return found


def _surroundings(rng: np.random.Generator) -> Picture:
    """Coarse patches of grey and colour, as walls, sky and leaves out of focus are."""
    patches = rng.uniform(60, 180, (6, 10, 1)) + rng.normal(0, 4, (6, 10, 3))
    return np.asarray(
        cv2.resize(np.clip(patches, 0, 255).astype(np.uint8), _SIZE, interpolation=cv2.INTER_CUBIC)
    )


Colour = tuple[int, int, int]

_GROUNDS: tuple[Colour, ...] = ((150, 60, 10), (60, 110, 20), (30, 30, 160), (40, 40, 45))
"""Of direction signs: blue, green, red, black."""


def _written(
    canvas: Picture,
    text: str,
    height: float,
    ink: Colour,
    *,
    outline: Colour | None = None,
    center: tuple[float, float] = (320, 180),
) -> None:
    """`text` in capitals `height` pixels high, middle at `center`, in the face inside Pillow."""
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    draw.text(
        center,
        text,
        font=_font(height),
        fill=ink,
        anchor="mm",
        stroke_width=max(1, round(height * 0.035)),
        stroke_fill=outline or ink,
    )
    canvas[:] = np.asarray(image)


def _font(height: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=height / _CAPITAL)


_CAPITAL = 0.71
"""Height of a capital letter in sizes of that face."""


def _text_width(text: str, height: float) -> float:
    left, _, right, _ = _font(height).getbbox(text)
    return right - left


def _panel(
    canvas: Picture,
    text: str,
    height: float,
    ground: Colour,
    border: Colour,
    margin: tuple[float, float],
    lines: float = 1.0,
) -> None:
    """A board `lines` high around a text, with so much margin aside and above; in heights."""
    along, down = (
        _text_width(text, height) / 2 + margin[0] * height,
        lines * height / 2 + margin[1] * height,
    )
    corners = (round(320 - along), round(180 - down)), (round(320 + along), round(180 + down))
    cv2.rectangle(canvas, *corners, ground, cv2.FILLED)
    cv2.rectangle(canvas, *corners, border, max(1, round(height * 0.08)))


def _sign(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    margin = float(rng.uniform(0.3, 1.4)), float(rng.uniform(0.25, 1.2))
    _panel(canvas, text, height, (236, 238, 236), (60, 60, 60), margin)
    _written(canvas, text, height, (22, 20, 20))


def _direction_sign(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    margin = float(rng.uniform(0.3, 1.4)), float(rng.uniform(0.25, 1.2))
    _panel(canvas, text, height, _GROUNDS[int(rng.integers(4))], (235, 235, 235), margin)
    _written(canvas, text, height, (240, 240, 240))


def _stacked_sign(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    _stacked(canvas, text, height, rng, (236, 238, 236), (22, 20, 20))


def _stacked_direction_sign(
    canvas: Picture, text: str, height: float, rng: np.random.Generator
) -> None:
    _stacked(canvas, text, height, rng, _GROUNDS[int(rng.integers(4))], (240, 240, 240))


def _stacked(
    canvas: Picture, text: str, height: float, rng: np.random.Generator, ground: Colour, ink: Colour
) -> None:
    """The words of `text` in two lines, the break where their lengths differ least."""
    words = text.split()
    breaks = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    upper, lower = min(breaks, key=lambda pair: abs(len(pair[0]) - len(pair[1])))
    margin = float(rng.uniform(0.3, 1.4)), float(rng.uniform(0.25, 1.2))
    apart = float(rng.uniform(1.3, 1.7)) * height
    longest = max(upper, lower, key=len)
    _panel(canvas, longest, height, ground, ink, margin, lines=1 + apart / height)
    _written(canvas, upper, height, ink, center=(320, 180 - apart / 2))
    _written(canvas, lower, height, ink, center=(320, 180 + apart / 2))


def _painted_side(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    paint = rng.uniform(10, 110, 3)
    canvas[:] = np.clip(canvas * 0.1 + paint, 0, 255).astype(np.uint8)
    _written(canvas, text, height, (225, 230, 235))


def _shop_front(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    down = height * float(rng.uniform(0.9, 1.6))
    canvas[max(0, round(180 - down)) : round(180 + down)] = rng.uniform(190, 245, 3)
    _written(canvas, text, height, (30, 20, 40))


def _overlay(canvas: Picture, text: str, height: float, rng: np.random.Generator) -> None:
    outline = (10, 10, 10) if rng.uniform() < 0.6 else None
    _written(canvas, text, height, (250, 250, 250), outline=outline, center=(200, 60))


_Style = Callable[[Picture, str, float, np.random.Generator], None]

STYLES: dict[str, _Style] = {
    "sign": _sign,
    "direction sign": _direction_sign,
    "painted side": _painted_side,
    "shop front": _shop_front,
    "overlay": _overlay,
}
"""Dark on a light board, light on a coloured one, light on a vehicle's or wall's paint, dark on a
broad front, and written into the picture by a camera."""

STACKED: dict[str, _Style] = {
    "stacked sign": _stacked_sign,
    "stacked direction sign": _stacked_direction_sign,
}
"""Two lines on a board: dark on light, light on a colour."""
