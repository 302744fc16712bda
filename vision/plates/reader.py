"""The embedded plate reader: text detector, text reader and grammar joined. Needs no download."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vision.geometry import Box
from vision.networks import Networks, NetworkSettings, NetworkSource
from vision.plates.ctc import TextLine
from vision.plates.detector import TextDetector
from vision.plates.formats import PlateFormat, formats_of
from vision.plates.gates import bounding_box, formats_for, geometry_fault
from vision.plates.grammar import Fit, fits
from vision.plates.recogniser import TextRecogniser
from vision.plates.text_regions import TextRegion
from vision.pool.budget import Priority
from vision.reading import Picture, PlateReading, PlateReadings, RefusedReading

DETECTOR_MODEL, READER_MODEL = "pp-ocrv6-det-small", "pp-ocrv6-rec-small"

FIRST_SIDE, SECOND_SIDE = 480, 960
"""Longer side of the detector's input at the first look and, where that found no plate, the second.

Plates below 60 px in that input are often missed; 960 costs four to five times the time of 480.
"""

LEAST_CONFIDENCE = 0.3
"""Least certain character of a text that fits a format; below it the text is a guess."""

LEAST_CONFIDENCE_CORRECTED = 0.4
"""Likewise where a character was dropped to make it fit."""

_DROPPED_COST = 0.5
_DOUBTFUL_COST = 0.35
_CLOSE_SIDE = 320
_LEAST_PART_SIDE = 320
_SAME_PLACE_IOU = 0.3
_MOST_LINES = 12


class EmbeddedPlateReader:
    """Reads plates with the models inside the installed packages; see `vision.reading.PlateReader`.

    `regions` are those whose formats are expected (`eu`, `us`, `br`, or countries such as `sk`);
    none means to guess among all. `threads` is the number of cores that one look may use, where
    the reader has to make its own `networks`. Raises `ModelError` or `UnknownRegion`.
    """

    def __init__(
        self,
        *,
        regions: tuple[str, ...] = (),
        threads: int = 2,
        networks: NetworkSource | None = None,
    ) -> None:
        self._formats = formats_of(regions)
        self._is_guess = not regions
        networks = networks or Networks(NetworkSettings(threads=threads))
        self._detector = TextDetector(networks.open(DETECTOR_MODEL, priority=Priority.CRITICAL))
        self._recogniser = TextRecogniser.open(READER_MODEL, networks)

    @property
    def model(self) -> str:
        return f"{self._detector.model}+{self._recogniser.model}"

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        height, width = picture.shape[:2]
        visible = (within or Box(x1=0, y1=0, x2=width, y2=height)).clipped(width, height)
        look = _Look()
        if within is not None:
            self._search(picture, visible, part_side(visible), look)
        else:
            self._search(picture, visible, FIRST_SIDE, look)
            if not look.candidates:
                look.refused.clear()  # the finer look sees them again
                self._search(picture, visible, SECOND_SIDE, look)
        self._look_closer(picture, visible, look)
        return PlateReadings(
            plates=distinct(candidate.reading for candidate in look.candidates),
            refused=tuple(look.refused),
            stage_ms=look.stage_ms,
        )

    def _look_closer(self, picture: Picture, visible: Box, look: _Look) -> None:
        """Search again around what fitted only after correction: often the crop was to blame."""
        for doubtful in [c for c in look.candidates if c.cost >= _DOUBTFUL_COST]:
            box = doubtful.reading.box
            around = box.grown(box.width, box.width * 0.6)
            part = _within(around, visible)
            closer = _Look(stage_ms=look.stage_ms)
            self._search(picture, part, _CLOSE_SIDE, closer)
            better = [c for c in closer.candidates if c.cost < doubtful.cost]
            if better:
                look.candidates.remove(doubtful)
                look.candidates.extend(better)

    def _search(self, picture: Picture, visible: Box, longer_side: int, look: _Look) -> None:
        """One detection and the reading of what may be plates, added to `look`."""
        started = time.perf_counter()
        found = self._detector.detect(picture, longer_side=longer_side, within=visible)
        look.spent("detect", started)
        started = time.perf_counter()
        regions: list[TextRegion] = []
        for region in found:
            reason = geometry_fault(region, self._formats, visible)
            if reason is None and len(regions) >= _MOST_LINES:
                reason = "crowded"
            if reason is None:
                regions.append(region)
            else:
                look.refused.append(_refused(region, "", 0.0, reason))
        lines = self._recogniser.read(picture, [region.quad for region in regions])
        look.spent("read", started)
        started = time.perf_counter()
        for region, line in zip(regions, lines, strict=True):
            result = judge(region, line, self._formats, visible=visible, is_guess=self._is_guess)
            if isinstance(result, Candidate):
                look.candidates.append(result)
            else:
                look.refused.append(result)
        look.spent("grammar", started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A reading that passed every gate, and how much it was bent to pass (0: not at all)."""

    reading: PlateReading
    cost: float


@dataclass(slots=True)
class _Look:
    """What one call has seen so far."""

    candidates: list[Candidate] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    stage_ms: dict[str, float] = field(default_factory=dict)

    def spent(self, stage: str, started: float) -> None:
        elapsed = (time.perf_counter() - started) * 1000
        self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + elapsed


def part_side(part: Box) -> int:
    """Longer side of the detector's input for a part of a picture, in pixels.

    Native size up to 480, as plates in a part are wide enough; small parts are enlarged, which
    costs little and finds plates of 40 px.
    """
    longer = max(part.width, part.height)
    return int(min(FIRST_SIDE, max(_LEAST_PART_SIDE, longer)))


def judge(
    region: TextRegion,
    line: TextLine,
    formats: Sequence[PlateFormat],
    *,
    visible: Box,
    is_guess: bool,
) -> Candidate | RefusedReading:
    """The plate that a line of text is, or why it is none (`empty`, `format`, `unsure`).

    `visible` is the part of the picture that was searched: no box reaches beyond it.
    """
    raw_text = line.text
    confidence = min((c.confidence for c in line.characters if c.text.isalnum()), default=0.0)
    if not raw_text:
        return _refused(region, raw_text, confidence, "empty")
    found = list(fits(line.characters, formats_for(region, formats), is_guess=is_guess))
    if not found:
        return _refused(region, raw_text, confidence, "format")
    best = min(found, key=lambda fit: fit.cost)
    is_bent = best.cost >= _DROPPED_COST
    if best.least_certain < (LEAST_CONFIDENCE_CORRECTED if is_bent else LEAST_CONFIDENCE):
        return _refused(region, raw_text, confidence, "unsure")
    reading = PlateReading(
        text=best.text,
        confidence=best.confidence,
        characters=best.characters(),
        box=_within(bounding_box(region.quad), visible),
        quad=region.quad,
        raw_text=raw_text,
        detector_score=region.score,
        region=_region(best, found),
        region_format=best.format.name,
    )
    return Candidate(reading=reading, cost=best.cost)


def _within(box: Box, visible: Box) -> Box:
    return Box(
        x1=max(box.x1, visible.x1),
        y1=max(box.y1, visible.y1),
        x2=min(box.x2, visible.x2),
        y2=min(box.y2, visible.y2),
    )


def distinct(readings: Iterable[PlateReading]) -> tuple[PlateReading, ...]:
    """One reading for each place, the most certain times largest first."""
    ordered = sorted(readings, key=lambda r: -r.confidence * r.box.area)
    kept: list[PlateReading] = []
    for reading in ordered:
        if all(reading.box.iou(other.box) < _SAME_PLACE_IOU for other in kept):
            kept.append(reading)
    return tuple(kept)


def _region(best: Fit, found: Sequence[Fit]) -> str | None:
    """The region whose format fits, or None where formats of several fit the text alike."""
    alike = {fit.format.region for fit in found if fit.text == best.text and fit.cost <= best.cost}
    return best.format.region if len(alike) == 1 else None


def _refused(region: TextRegion, raw_text: str, confidence: float, reason: str) -> RefusedReading:
    return RefusedReading(
        raw_text=raw_text, confidence=confidence, box=bounding_box(region.quad), reason=reason
    )
