"""What object detectors answer, and what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vision.geometry import Box, Quad
from vision.reading import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDetection:
    """A thing in pixels of the picture; `label` is empty where the network knows but one class,
    `corners` are those of a plate where the network gives them."""

    box: Box
    label: str
    confidence: float
    corners: Quad | None = None


class ObjectDetector(Protocol):
    """Finds things. Blocking; one caller at a time."""

    @property
    def model(self) -> str: ...

    def detect(self, picture: Picture) -> tuple[ObjectDetection, ...]:
        """The most certain first; raises `vision.errors.ModelFailed`."""


def distinct(
    detections: list[ObjectDetection], *, most_overlap: float
) -> tuple[ObjectDetection, ...]:
    """The most certain first, without those of the same label that overlap one of them by more."""
    kept: list[ObjectDetection] = []
    for one in sorted(detections, key=lambda detection: -detection.confidence):
        others = (other for other in kept if other.label == one.label)
        if all(one.box.iou(other.box) <= most_overlap for other in others):
            kept.append(one)
    return tuple(kept)
