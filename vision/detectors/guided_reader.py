"""A plate reader that looks where a plate detector points, and only at what is on a vehicle."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vision.detectors.detection import ObjectDetection, ObjectDetector
from vision.geometry import Box
from vision.plates.reader import distinct
from vision.reading import Picture, PlateReader, PlateReading, PlateReadings, RefusedReading

VEHICLES = frozenset(
    {"bicycle", "bus", "car", "lorry", "motorbike", "motorcycle", "truck", "van", "vehicle"}
)
"""Labels that carry plates; a network without labels finds nothing but vehicles."""

LEAST_INSIDE = 0.7
"""Share of a plate's area that has to be inside a vehicle: boxes end a little early or late."""

OUTSIDE_VEHICLE = "outside_vehicle"

_GROWN_ALONG, _GROWN_ACROSS = 0.35, 0.6
_MOST_PLATES = 8


class GuidedPlateReader:
    """See `vision.reading.PlateReader`. Without `plates` the whole part is read as ever.

    What `plates` does not find is not read: choose one that knows the plates that pass.
    """

    def __init__(
        self,
        reader: PlateReader,
        *,
        plates: ObjectDetector | None,
        vehicles: ObjectDetector | None,
    ) -> None:
        self._reader = reader
        self._plates = plates
        self._vehicles = vehicles

    @property
    def model(self) -> str:
        detectors = [one.model for one in (self._vehicles, self._plates) if one is not None]
        return "+".join([*detectors, self._reader.model])

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        height, width = picture.shape[:2]
        view = (within or Box(x1=0, y1=0, x2=width, y2=height)).clipped(width, height)
        stage_ms: dict[str, float] = {}
        if self._plates is None:
            readings = self._reader.read(picture, within=within)
        else:
            found = _timed(stage_ms, "plates", self._plates, picture, view)
            readings = self._read_around([one.box for one in found], picture, view)
        if self._vehicles is not None:
            vehicles = _timed(stage_ms, "vehicles", self._vehicles, picture, view)
            readings = on_vehicles(readings, vehicles)
        return PlateReadings(
            plates=readings.plates,
            refused=readings.refused,
            stage_ms={**stage_ms, **readings.stage_ms},
        )

    def _read_around(self, boxes: Sequence[Box], picture: Picture, view: Box) -> PlateReadings:
        parts = [
            self._reader.read(picture, within=_around(box, view)) for box in boxes[:_MOST_PLATES]
        ]
        stages = {stage for part in parts for stage in part.stage_ms}
        return PlateReadings(
            plates=distinct(plate for part in parts for plate in part.plates),
            refused=tuple(refused for part in parts for refused in part.refused),
            stage_ms={
                stage: sum(part.stage_ms.get(stage, 0.0) for part in parts) for stage in stages
            },
        )


def on_vehicles(readings: PlateReadings, found: Iterable[ObjectDetection]) -> PlateReadings:
    """Plates inside a vehicle stay, with what it is called (by the smallest one that holds them: a
    car in front of a lorry is inside of both); the others are refused as `outside_vehicle`."""
    vehicles = [one for one in found if one.label in VEHICLES or not one.label]
    kept: list[PlateReading] = []
    refused = list(readings.refused)
    for plate in readings.plates:
        holders = [one for one in vehicles if is_inside(plate.box, one.box)]
        if holders:
            nearest = min(holders, key=lambda one: one.box.area)
            kept.append(replace(plate, vehicle=nearest.label or None))
        else:
            refused.append(
                RefusedReading(
                    raw_text=plate.raw_text,
                    confidence=plate.confidence,
                    box=plate.box,
                    reason=OUTSIDE_VEHICLE,
                )
            )
    return PlateReadings(plates=tuple(kept), refused=tuple(refused), stage_ms=readings.stage_ms)


def is_inside(plate: Box, vehicle: Box) -> bool:
    return plate.area > 0 and plate.intersection(vehicle) >= LEAST_INSIDE * plate.area


def _around(box: Box, view: Box) -> Box:
    grown = box.grown(box.width * _GROWN_ALONG, box.height * _GROWN_ACROSS)
    return Box(
        x1=max(grown.x1, view.x1),
        y1=max(grown.y1, view.y1),
        x2=min(grown.x2, view.x2),
        y2=min(grown.y2, view.y2),
    )


def _timed(
    stage_ms: dict[str, float], stage: str, detector: ObjectDetector, picture: Picture, view: Box
) -> list[ObjectDetection]:
    """What the detector finds in that part, in the whole picture's pixels."""
    started = time.perf_counter()
    left, top = int(view.x1), int(view.y1)
    part = picture[top : int(np.ceil(view.y2)), left : int(np.ceil(view.x2))]
    found = detector.detect(part) if min(part.shape[:2]) > 1 else ()
    stage_ms[stage] = (time.perf_counter() - started) * 1000
    return [_shifted(one, left, top) for one in found]


def _shifted(found: ObjectDetection, dx: float, dy: float) -> ObjectDetection:
    return ObjectDetection(
        box=found.box.shifted(dx, dy), label=found.label, confidence=found.confidence
    )
