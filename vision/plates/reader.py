"""The embedded plate reader: text detector, text reader and grammar joined. Needs no download."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from vision.errors import ModelMissing
from vision.geometry import Box
from vision.networks import Networks, NetworkSettings, NetworkSource
from vision.plates.confidence import Certainty, calibration
from vision.plates.detector import TextDetector
from vision.plates.formats import (
    PlateFormat,
    formats_of,
    narrow_formats_of,
    personal_formats_of,
)
from vision.plates.gates import bounding_box, geometry_fault
from vision.plates.judging import Expected, Line, is_clear, judge, within
from vision.plates.recogniser import CROPS, TextRecogniser, line_crop
from vision.plates.surroundings import ground_of
from vision.plates.text_regions import TextRegion
from vision.plates.thai import LETTERS as THAI_LETTERS
from vision.plates.thai_lines import REGION as THAI_REGION
from vision.plates.thai_lines import (
    may_be_thai,
    partial_reading,
    province_line,
    with_province,
)
from vision.plates.two_lines import joined, stacked
from vision.pool.budget import Priority
from vision.reading import Picture, PlateReading, PlateReadings, RefusedReading

DETECTOR_MODEL, READER_MODEL = "pp-ocrv6-det-small", "pp-ocrv6-rec-small"
THAI_MODEL = "pp-ocrv5-rec-th"

SIDES = (480, 960, 1280)
"""Longer side of the detector's input at the first look and, where that found no plate, the next.

Plates below 60 px in that input are often missed; 960 costs four to five times the time of 480.
"""

_CLOSE_SIDE = 320
_LEAST_PART_SIDE = 320
_MOST_ENLARGED = 2.2
_SAME_PLACE_IOU = 0.3
_SAME_LINE_SHARE = 0.5
_MOST_LINES = 12
_ENOUGH_LOOKS = 6


class EmbeddedPlateReader:
    """Reads plates with the models inside the installed packages; see `vision.reading.PlateReader`.

    `regions` are those whose formats are expected (`eu`, `us`, `br`, or countries such as `sk`);
    none means to guess among all. `threads` is the number of cores that one look may use,
    where the reader has to make its own `networks`.
    `personal`: of regions that are known, plates whose text the owner chose are read too.
    A region `th` uses the Thai network where it was fetched; without it, and while guessing, Thai
    plates give their digits and are marked partial.
    `is_thorough`: a whole picture is searched at every scale, also where the first has found a
    plate (a smaller one would be missed); for what is to be hidden.
    `certainty` says how sure a reading is; without one it is the fitted calibration.
    Raises `ModelError` or `UnknownRegion`.
    """

    def __init__(
        self,
        *,
        regions: tuple[str, ...] = (),
        threads: int = 2,
        personal: bool = True,
        networks: NetworkSource | None = None,
        certainty: Certainty | None = None,
        is_thorough: bool = False,
    ) -> None:
        self._expected = Expected(
            formats=formats_of(regions),
            narrow=narrow_formats_of(regions),
            personal=personal_formats_of(regions) if personal else (),
            is_guess=not regions,
        )
        self._certainty = certainty or calibration()
        self._is_thorough = is_thorough
        self._thai_expected = Expected(formats=_thai(self._expected.formats), is_guess=False)
        self._is_only_thai = self._thai_expected.formats == self._expected.formats
        self._may_be_thai = not regions or bool(self._thai_expected.formats)
        networks = networks or Networks(NetworkSettings(threads=threads))
        self._detector = TextDetector(networks.open(DETECTOR_MODEL, priority=Priority.CRITICAL))
        self._recogniser = TextRecogniser.open(READER_MODEL, networks)
        self._thai_recogniser = _fetched_thai(networks) if self._thai_expected.formats else None

    @property
    def model(self) -> str:
        names = [self._detector.model, self._recogniser.model]
        if self._thai_recogniser is not None:
            names.append(self._thai_recogniser.model)
        return "+".join(names)

    def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
        height, width = picture.shape[:2]
        visible = (within or Box(x1=0, y1=0, x2=width, y2=height)).clipped(width, height)
        look = _Look(picture=picture, visible=visible)
        sides = (part_side(visible),) if within is not None else still_sides(visible)
        for side in sides:
            if not self._is_thorough:
                look.refused.clear()  # the finer look sees them again
            self._search(look, side)
            if look.plates and not self._is_thorough:
                break
        return PlateReadings(
            plates=distinct(look.plates), refused=tuple(look.refused), stage_ms=look.stage_ms
        )

    def _search(self, look: _Look, longer_side: int) -> None:
        """One detection and the reading of what may be plates, added to `look`."""
        regions = self._candidates(look, longer_side)
        for line in self._lines(look, regions):
            result = self._thai_plate(look, line) or self._latin_plate(look, line)
            if isinstance(result, PlateReading):
                look.plates.append(result)
            else:
                look.refused.append(result)
        if not look.plates:
            self._read_stacked(look)

    def _read_stacked(self, look: _Look) -> None:
        """Plates of two lines. Any two words of a sign stand like them: they must fit a common
        format without leaving anything out, broken at a gap of it. While guessing they must also
        be dark on a light ground that ends close by: as many boards have two lines as have one, but
        few plates do."""
        for upper, lower in stacked(look.detected):
            line = joined(*self._lines(look, [upper, lower]))
            ground = line.ground
            is_plate_like = ground is not None and ground.is_tight and not ground.is_dark
            if self._expected.is_guess and not is_plate_like:
                continue
            result = judge(line, self._expected, self._certainty, visible=look.visible)
            if isinstance(result, PlateReading):
                look.plates.append(result)

    def _latin_plate(self, look: _Look, line: Line) -> PlateReading | RefusedReading:
        started = time.perf_counter()
        weighed = self._expected.weigh(line)
        look.spent("grammar", started)
        if weighed is not None and not is_clear(weighed):
            if (
                not weighed.best.fit.format.is_personal
            ):  # which other fits in earlier looks rule out
                line = look.with_earlier_looks(line)
            if len(line.looks) < _ENOUGH_LOOKS:
                line = self._looked_closer(look, line)
        started = time.perf_counter()
        result = judge(line, self._expected, self._certainty, visible=look.visible)
        look.spent("grammar", started)
        if weighed is not None and isinstance(result, RefusedReading):
            look.doubtful.append(line)
        return result

    def _thai_plate(self, look: _Look, line: Line) -> PlateReading | None:
        """The Thai plate whose number the line is: whole where a network reads Thai, otherwise its
        digits, marked partial."""
        if self._thai_recogniser is None and not (self._may_be_thai and may_be_thai(line)):
            return None
        below = province_line(line.region, look.detected)
        under = [] if below is None else [below]
        if self._thai_recogniser is None:
            province = next(iter(self._lines(look, under)), None)
            return partial_reading(
                line, province, visible=look.visible, is_guess=not self._is_only_thai
            )
        number = self._lines(look, [line.region], reader=self._thai_recogniser)[0]
        result = judge(number, self._thai_expected, self._certainty, visible=look.visible)
        if isinstance(result, RefusedReading):
            return None
        lines = self._lines(look, under, reader=self._thai_recogniser)
        return with_province(result, next(iter(lines), None))

    def _candidates(self, look: _Look, longer_side: int) -> list[TextRegion]:
        """The regions that may be plates by their geometry; the others are refused."""
        kept: list[TextRegion] = []
        look.detected = self._detected(look, longer_side, look.visible)
        for region in look.detected:
            reason = geometry_fault(region, self._expected.formats, look.visible)
            if reason is None and len(kept) >= _MOST_LINES:
                reason = "crowded"
            if reason is None:
                kept.append(region)
            else:
                box = bounding_box(region.quad)
                look.refused.append(
                    RefusedReading(raw_text="", confidence=0.0, box=box, reason=reason)
                )
        return kept

    def _detected(self, look: _Look, longer_side: int, part: Box) -> tuple[TextRegion, ...]:
        started = time.perf_counter()
        found = self._detector.detect(look.picture, longer_side=longer_side, within=part)
        look.spent("detect", started)
        return found

    def _lines(
        self,
        look: _Look,
        regions: Sequence[TextRegion],
        crops: Sequence[tuple[float, float]] = CROPS[:1],
        reader: TextRecogniser | None = None,
    ) -> list[Line]:
        """Each region read once with each of the crops, by the Latin reader or another."""
        started = time.perf_counter()
        cut = [
            line_crop(look.picture, region.quad, along=along, across=across)
            for region in regions
            for along, across in crops
        ]
        look.spent("rectify", started)
        started = time.perf_counter()
        texts = (reader or self._recogniser).read(cut)
        look.spent("read", started)
        size = len(crops)
        return [
            Line(
                region=region,
                looks=texts[at * size : (at + 1) * size],
                ground=ground_of(look.picture, region.quad),
            )
            for at, region in enumerate(regions)
        ]

    def _looked_closer(self, look: _Look, line: Line) -> Line:
        """The line with further looks: other crops, and those of a detection close around it."""
        box = bounding_box(line.region.quad)
        part = within(box.grown(box.width, box.width * 0.6), look.visible)
        again = [
            region
            for region in self._detected(look, _CLOSE_SIDE, part)
            if is_same_line(region, line.region)
        ]
        others = self._lines(look, [line.region], CROPS[1:]) + self._lines(look, again, CROPS)
        looks = line.looks + tuple(text for other in others for text in other.looks)
        return replace(line, looks=looks, others=(*line.others, *again))


@dataclass(slots=True)
class _Look:
    """What one call has seen so far of the part `visible` of its picture; `detected` are all lines
    of text of the latest detection, `doubtful` those that fitted a format and were refused."""

    picture: Picture
    visible: Box
    detected: tuple[TextRegion, ...] = ()
    plates: list[PlateReading] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    stage_ms: dict[str, float] = field(default_factory=dict)
    doubtful: list[Line] = field(default_factory=list)

    def with_earlier_looks(self, line: Line) -> Line:
        """What was seen of the line at another scale counts too."""
        for earlier in self.doubtful:
            if is_same_line(earlier.region, line.region):
                others = (*line.others, earlier.region, *earlier.others)
                return replace(line, looks=line.looks + earlier.looks, others=others)
        return line

    def spent(self, stage: str, started: float) -> None:
        elapsed = (time.perf_counter() - started) * 1000
        self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + elapsed


def _thai(formats: Sequence[PlateFormat]) -> tuple[PlateFormat, ...]:
    return tuple(entry for entry in formats if entry.region == THAI_REGION)


def _fetched_thai(networks: NetworkSource) -> TextRecogniser | None:
    """The reader of Thai letters, or None where its model was not fetched."""
    try:
        return TextRecogniser.open(THAI_MODEL, networks, letters=THAI_LETTERS)
    except ModelMissing:
        return None


def still_sides(visible: Box) -> tuple[int, ...]:
    """Longer sides of the detector's input for a whole picture, each tried where the one before
    found no plate. What would only enlarge the picture further is left out."""
    longer = max(visible.width, visible.height)
    return tuple(
        side
        for before, side in zip((0, *SIDES), SIDES, strict=False)
        if before == 0 or before < _MOST_ENLARGED * longer
    )


def part_side(part: Box) -> int:
    """Longer side of the detector's input for a part of a picture, in pixels.

    Native size up to 480, as plates in a part are wide enough; small parts are enlarged, which
    costs little and finds plates of 40 px.
    """
    longer = max(part.width, part.height)
    return int(min(SIDES[0], max(_LEAST_PART_SIDE, longer)))


def is_same_line(one: TextRegion, other: TextRegion) -> bool:
    """Whether two detections are one line of text: each centre inside the other, sizes alike."""
    first, second = bounding_box(one.quad), bounding_box(other.quad)
    shared = first.intersection(second)
    return shared >= _SAME_LINE_SHARE * max(1.0, first.area, second.area)


def distinct(readings: Iterable[PlateReading]) -> tuple[PlateReading, ...]:
    """One reading for each place, the most certain times largest first."""
    ordered = sorted(readings, key=lambda r: -r.confidence * r.box.area)
    kept: list[PlateReading] = []
    for reading in ordered:
        if all(reading.box.iou(other.box) < _SAME_PLACE_IOU for other in kept):
            kept.append(reading)
    return tuple(kept)
