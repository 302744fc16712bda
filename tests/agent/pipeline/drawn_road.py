"""Frames of a road on which dark vehicles pass, with the plates that a scripted reader finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from agent.camera.frame import Frame
from agent.pipeline.runner import Pipeline
from agent.pipeline.sighting import PlateSighting
from tests.fakes.scripted_reader import ScriptedPlate, stamp
from vision.geometry import Box
from vision.reading import Picture

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
RNG = np.random.default_rng(3)
ROAD: Picture = np.repeat(
    np.repeat(RNG.integers(90, 130, (60, 80, 3), dtype=np.uint8), 8, axis=0), 8, axis=1
)
Cars = Mapping[int, Sequence[Box]]
Plates = Mapping[int, Sequence[ScriptedPlate]]


def drawn(cars: Cars, count: int, *, first: int = 0, is_still: bool = False) -> Iterator[Frame]:
    """Ten frames a second of 640x480 with dark vehicles on a road."""
    for number in range(first, first + count):
        picture = ROAD.copy()
        for car in cars.get(number, ()):
            part = car.clipped(640, 480)
            picture[int(part.y1) : int(part.y2), int(part.x1) : int(part.x2)] = (40, 35, 30)
        stamp(picture, number)
        yield Frame(
            picture=picture,
            captured_at=START + timedelta(seconds=number / 10),
            at_s=number / 10,
            number=number,
            is_still=is_still,
        )


def vehicle(
    text: str, first: int, last: int, *, x: float = 60, step: float = 30
) -> tuple[dict[int, list[Box]], dict[int, list[ScriptedPlate]]]:
    """A vehicle that comes down the picture with its plate."""
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for number in range(first, last):
        y = (number - first) * step
        cars[number] = [Box.from_xywh(x, y, 180, 130)]
        plates[number] = [ScriptedPlate(text=text, box=Box.from_xywh(x + 50, y + 95, 80, 20))]
    return cars, plates


def plates_among(found: Sequence[object]) -> list[PlateSighting]:
    return [sighting for sighting in found if isinstance(sighting, PlateSighting)]


def run(pipeline: Pipeline, frames: Iterator[Frame]) -> list[PlateSighting]:
    found = [sighting for frame in frames for sighting in pipeline.process(frame)]
    return plates_among(found + pipeline.finish())
