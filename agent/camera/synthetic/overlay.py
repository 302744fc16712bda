"""What a camera writes over its pictures: its name, and a time that changes every second."""

from __future__ import annotations

from datetime import datetime, timedelta

import cv2

from vision.reading import Picture

CAMERA_NAME = "CAM 01"
_STARTED_AT = datetime(2026, 1, 1, 10, 30)  # noqa: DTZ001 - drawn as it stands, in no zone
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.9


def draw_overlay(frame: Picture, at_s: float, scale: float) -> None:
    """Writes both, white with a black edge, over the lanes: where they can be mistaken.

    `scale` is the picture's size against 1280x720.
    """
    time_text = f"{_STARTED_AT + timedelta(seconds=int(at_s)):%Y-%m-%d %H:%M:%S}"
    for text, place in ((time_text, (250, 36)), (CAMERA_NAME, (1040, 700))):
        where = (round(place[0] * scale), round(place[1] * scale))
        for colour, weight in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            thickness = max(1, round(weight * scale))
            cv2.putText(frame, text, where, _FONT, _SIZE * scale, colour, thickness, cv2.LINE_AA)
