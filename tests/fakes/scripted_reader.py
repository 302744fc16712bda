"""A plate reader that answers from a script, for tests of what is done with readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vision.geometry import Box
from vision.reading import CharacterReading, Picture, PlateReading, PlateReadings, RefusedReading


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedPlate:
    """What the reader will see in one frame."""

    text: str
    box: Box
    confidence: float = 0.95


class ScriptedPlateReader:
    """Sees the scripted plates of the frame whose number `stamp` wrote into the picture."""

    def __init__(
        self,
        script: Mapping[int, Sequence[ScriptedPlate]],
        *,
        refused: Sequence[RefusedReading] = (),
    ) -> None:
        """`refused` is what every look sees and does not take."""
        self._script = script
        self._refused = tuple(refused)
        self.looks: list[tuple[int, Box | None]] = []

    @property
    def model(self) -> str:
        return "scripted-1"

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        number = stamped(picture)
        self.looks.append((number, within))
        height, width = picture.shape[:2]
        view = (within or Box(x1=0, y1=0, x2=width, y2=height)).clipped(width, height)
        seen = [p for p in self._script.get(number, ()) if p.box.intersection(view) >= p.box.area]
        return PlateReadings(
            plates=tuple(reading(p) for p in seen),
            refused=self._refused,
            stage_ms={"script": 0.0},
        )


def stamp(picture: Picture, number: int) -> None:
    """Write the frame's number into its first pixel, where no gate minds it."""
    picture[0, 0] = (number & 255, number >> 8 & 255, 0)


def stamped(picture: Picture) -> int:
    return int(picture[0, 0, 0]) + (int(picture[0, 0, 1]) << 8)


def reading(plate: ScriptedPlate) -> PlateReading:
    box = plate.box
    return PlateReading(
        text=plate.text,
        confidence=plate.confidence,
        characters=tuple(CharacterReading(text=c, confidence=plate.confidence) for c in plate.text),
        box=box,
        quad=((box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)),
        raw_text=plate.text,
        detector_score=0.9,
    )
