"""Boards that are no plates though their texts look like some: how many a reader takes for one."""

from __future__ import annotations

import cv2
import numpy as np
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
    "DAF XF 480",
)  # fmt: skip
"""Texts of signs, shops, overlays, prices and model names: none is a plate, many look like one."""


def drawn_board(text: str) -> Picture:
    """`text` in dark capitals 47 px high on a light board, 1280x720: sharper than any street."""
    picture = np.full((720, 1280, 3), (105, 100, 95), np.uint8)
    font, size, weight = cv2.FONT_HERSHEY_SIMPLEX, 2.2, 6
    (width, _), _ = cv2.getTextSize(text, font, size, weight)
    cv2.rectangle(picture, (375, 318), (425 + width, 415), (235, 240, 240), cv2.FILLED)
    cv2.putText(picture, text, (400, 390), font, size, (20, 15, 15), weight, cv2.LINE_AA)
    return picture


def false_boards(reader: PlateReader) -> dict[str, tuple[str, ...]]:
    """The boards of `BOARDS` on which plates were read, and what was read there."""
    found = {}
    for text in track(BOARDS, description="boards", console=Console(stderr=True)):
        plates = reader.read(drawn_board(text)).plates
        if plates:
            found[text] = tuple(plate.text for plate in plates)
    return found
