"""What the readers and detectors of this package answer: values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, Point, Quad

Picture = NDArray[np.uint8]
"""Shape (height, width, 3), channels blue, green, red."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterReading:
    """One character position: the choice, its probability 0..1, and the next best ones."""

    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateReading:
    """A plate that passed every gate.

    `text` is upper case without separators (`WA56660`, `1กก1234`); `confidence` is that of the
    least certain character, 0..1, and the share of such readings that are right. `region` names
    the grammar that it fits, or None where those of two regions fit alike; `region_certainty` is
    the share of the region among all that fit (1 where only one was expected). `is_partial`:
    characters are missing that no model in use can read (Thai letters). `province` is what a Thai
    plate says below its number. `vehicle` is what a vehicle detector calls the vehicle that
    carries it.
    """

    text: str
    confidence: float
    characters: tuple[CharacterReading, ...]
    box: Box
    quad: Quad
    raw_text: str
    detector_score: float
    region: str | None = None
    region_certainty: float | None = None
    region_format: str | None = None
    is_partial: bool = False
    province: str | None = None
    vehicle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedReading:
    """Text that was seen and not taken for a plate, and why (a short stable word)."""

    raw_text: str
    confidence: float
    box: Box
    reason: str

    @property
    def is_doubtful(self) -> bool:
        """Whether it fits a format and only certainty is missing: another look may settle it."""
        return self.reason in ("unsure", "surroundings")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateReadings:
    """Everything that one look at one picture gave; `stage_ms` is time by stage."""

    plates: tuple[PlateReading, ...]
    refused: tuple[RefusedReading, ...] = ()
    stage_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceDetection:
    """A face: `landmarks` are eyes, nose tip and mouth corners (left to right as seen) or None."""

    box: Box
    confidence: float
    landmarks: tuple[Point, Point, Point, Point, Point] | None = None


class PlateReader(Protocol):
    """Finds and reads plates. Blocking and not thread-safe: one caller at a time."""

    @property
    def model(self) -> str:
        """Name and version of the models in use, for the evidence."""

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        """Plates in `picture`, or in that part of it; boxes are in the whole picture's pixels.

        No plate is an empty answer; a model that fails raises `vision.errors.ModelFailed`.
        """


class FaceDetector(Protocol):
    """Finds faces. Blocking and not thread-safe: one caller at a time."""

    @property
    def model(self) -> str: ...

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]: ...
