"""Looks for plates in a frame or a part of it, and says which of them may pass there.

Plates that belong to the scene, or lie outside the zones, are among the refused.
"""

from __future__ import annotations

from agent.camera.frame import Frame
from agent.pipeline.area import Area
from agent.pipeline.motion import MotionLook
from agent.pipeline.rules import Refusal
from agent.pipeline.static_text import StaticTexts, StaticTextSettings
from agent.pipeline.statistics import Tally
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.reading import PlateReader, PlateReading, PlateReadings, RefusedReading


class PlateLooks:
    """The reader with what is known of the scene. `min_changed_share`: see `PlateSettings`."""

    def __init__(
        self,
        reader: PlateReader,
        *,
        min_changed_share: float,
        texts: StaticTextSettings,
        area: Area,
        tally: Tally,
    ) -> None:
        self._reader = reader
        self._min_changed_share = min_changed_share
        self._text_settings = texts
        self._texts = StaticTexts(texts)
        self._area = area
        self._tally = tally

    @property
    def model(self) -> str:
        return self._reader.model

    def adjust(self, area: Area) -> None:
        """Judges by it from now on."""
        self._area = area

    def begin_anew(self) -> None:
        """The source's time begins anew: the texts of the scene are learned again."""
        self._texts = StaticTexts(self._text_settings)

    def still(self, frame: Frame) -> PlateReadings:
        """Every plate of a picture that stands for itself."""
        return self._read(frame, None, "still")

    def learn_texts(self, frame: Frame, motion: MotionLook, *, is_calm: bool) -> None:
        """Look at the whole picture where that is due, for the texts that belong to it."""
        if self._texts.is_due(frame.at_s, is_calm=is_calm):
            width, height = frame.size
            # Named as a part: of a whole picture without plates the reader takes closer looks.
            try:
                found = self._read(frame, Box(x1=0, y1=0, x2=width, y2=height), "scene")
            except ModelFailed:  # not again in each frame: plates pass meanwhile
                self._texts.looked(frame.at_s)
                raise
            texts = [(plate.raw_text, plate.box) for plate in found.plates]
            texts += [(refused.raw_text, refused.box) for refused in found.refused]
            brightness = float(motion.grey.mean())
            self._texts.learn(frame.at_s, texts, is_calm=is_calm, brightness=brightness)

    def passing(self, frame: Frame, view: Box, method: str, motion: MotionLook) -> PlateReadings:
        """The plates in that part which may pass; the look counts as one of `method`."""
        readings = self._read(frame, view, method)
        plates, refused = list[PlateReading](), list(readings.refused)
        for reading in readings.plates:
            if self._belongs_to_scene(reading, motion):
                refused.append(_as_refused(reading, Refusal.STATIC_TEXT))
            elif not self._area.counts(reading.box, frame.size):
                refused.append(_as_refused(reading, Refusal.OUT_OF_ZONE))
            else:
                plates.append(reading)
        return PlateReadings(
            plates=tuple(plates), refused=tuple(refused), stage_ms=readings.stage_ms
        )

    def _read(self, frame: Frame, within: Box | None, method: str) -> PlateReadings:
        with self._tally.stage("read"), self._tally.method(method) as look:
            readings = self._reader.read(frame.picture, within=within)
            unsound = [plate for plate in readings.plates if not plate.box.is_sound]
            if unsound:
                raise ModelFailed(
                    f"model {self._reader.model}: {unsound[0].text} has the box {unsound[0].box}, "
                    "expected finite numbers in rising order; is it the right model file?"
                )
            look.is_success = bool(readings.plates)
        self._tally.reads += 1
        for stage, ms in readings.stage_ms.items():
            self._tally.took(f"read.{stage}", ms)
        return readings

    def _belongs_to_scene(self, reading: PlateReading, motion: MotionLook) -> bool:
        """Whether the place of the plate looks as it always does, or says what it always says."""
        share = motion.changed_share(reading.box)
        return (
            share < self._min_changed_share
            or motion.shows_background(reading.box)
            or self._texts.holds(reading.text, reading.box)
        )


def _as_refused(reading: PlateReading, reason: Refusal) -> RefusedReading:
    return RefusedReading(
        raw_text=reading.raw_text, confidence=reading.confidence, box=reading.box, reason=reason
    )
