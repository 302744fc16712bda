"""From rows of recent sightings, and their pictures, to what the reading coach wants to know."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from agent.web.blur import blur_effect
from agent.web.coach import Advice, Look, advise
from agent.web.errors import NotThere
from agent.web.records import Records, Row
from agent.web.spool_files import picture_in
from vision.reading import Picture

RECENT: Final = 24
MEASURED_WIDTH: Final = 160
"""Plates are brought to this width before their blur is measured, so that sizes compare."""
SHORTEST_PX: Final = 8
NARROWEST_PX: Final = 64
"""Stored pictures are smaller than frames: a narrower plate is soft, however sharp it was."""


class ReadingCoach:
    """Measures each picture once, on a thread of its own."""

    def __init__(self, records: Records, spool: Path) -> None:
        self._records = records
        self._spool = spool
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="coach")
        self._blurs: dict[int, float | None] = {}

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def advice(self) -> tuple[Advice, ...]:
        """On the newest sightings."""
        rows = await self._records.recent(RECENT)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._advise, rows)

    def _advise(self, rows: Sequence[Row]) -> tuple[Advice, ...]:
        known = self._blurs
        self._blurs = {
            row["id"]: known[row["id"]] if row["id"] in known else plate_blur(row, self._spool)
            for row in rows
        }
        looks = [look_of(row, self._blurs[row["id"]]) for row in rows if row["lp_box_w"]]
        return advise(looks)


def look_of(row: Row, blur: float | None) -> Look:
    """What a row and its evidence tell."""
    confidence = row["lp_confidence"] or 0.0
    return Look(
        plate_width_px=float(row["lp_box_w"]),
        confidence=confidence / 100 if confidence > 1 else confidence,
        exposure_s=row["exposure_time"],
        gain=row["analog_gain"],
        lux=row["lux"],
        speed_px_s=speed_px_s(evidence_of(row).get("readings") or ()),
        blur=blur,
    )


def evidence_of(row: Row) -> dict[str, Any]:
    """Empty where a row has none, or an older tool wrote something else there."""
    try:
        found = json.loads(row.get("evidence") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def speed_px_s(readings: Sequence[dict[str, Any]]) -> float | None:
    """From the first to the last reading of a passage; None of a single one."""
    try:
        moments = [datetime.fromisoformat(reading["at"]) for reading in readings]
        centres = [
            (box[0] + box[2] / 2, box[1] + box[3] / 2)
            for box in (reading["box"] for reading in readings)
        ]
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    took_s = (moments[-1] - moments[0]).total_seconds() if moments else 0.0
    return math.dist(centres[0], centres[-1]) / took_s if took_s > 0 else None


def plate_blur(row: Row, spool: Path) -> float | None:
    """Of the plate in the row's picture; None where that is gone or shows too little of it."""
    try:
        path, _ = picture_in(spool, row["lp_image_filename"] or "")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except (NotThere, OSError):
        return None
    picture = _decoded(content)
    frame_size = evidence_of(row).get("frame_size")
    if picture is None or not frame_size or not row["lp_box_w"]:
        return None
    scale = picture.shape[1] / frame_size[0]
    box = (row["lp_box_x"], row["lp_box_y"], row["lp_box_w"], row["lp_box_h"])
    left, top, width, height = (max(0, round(number * scale)) for number in box)
    plate = picture[top : top + height, left : left + width]
    if plate.shape[0] < SHORTEST_PX or plate.shape[1] < NARROWEST_PX:
        return None
    size = (MEASURED_WIDTH, max(8, round(plate.shape[0] * MEASURED_WIDTH / plate.shape[1])))
    return blur_effect(np.asarray(cv2.resize(plate, size), np.uint8))


def _decoded(content: Picture) -> Picture | None:
    """In grey; None of a file that holds no picture, or nothing at all."""
    try:
        found = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if found is None else np.asarray(found, np.uint8)
