"""One plate's passage while it goes on: its readings, their vote and the best frames.

Memory is bounded: so many readings, so many frames, so many refused candidates.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent.camera.frame import Frame
from agent.pipeline.consensus import Consensus, ConsensusSettings, agree
from agent.pipeline.direction import direction, has_moved
from agent.pipeline.rules import Candidate
from vision.geometry import Box
from vision.plates.sharpness import plate_sharpness
from vision.reading import PlateReading, RefusedReading

_SAME_PLACE_IOU = 0.4
_STANDS_AFTER_S = 1.0
"""A plate read in one place for this long stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageSettings:
    """`max_readings` are kept of a passage (the worst witness goes first), with the frames of the
    best `max_frames`; of refused candidates the last `max_refused`."""

    max_readings: int = 24
    max_frames: int = 2
    max_refused: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One reading, how sharp its plate was, and when it was taken."""

    reading: PlateReading
    sharpness: float
    at_s: float
    number: int


class Passage:
    """Collects what is seen of one plate. `region_id` is the moving region that carries it."""

    def __init__(
        self,
        *,
        track_id: int,
        region_id: int,
        first_seen_s: float,
        settings: PassageSettings,
        voting: ConsensusSettings,
    ) -> None:
        self.track_id = track_id
        self.region_id = region_id
        self.first_seen_s = first_seen_s
        self.last_seen_s = first_seen_s
        self.last_read_s = first_seen_s
        self.missed_looks = 0
        self.is_reported = False
        self.is_over = False
        self.refused: deque[RefusedReading] = deque(maxlen=settings.max_refused)
        self._settings = settings
        self._voting = voting
        self._witnesses: list[Witness] = []
        self._frames: dict[int, Frame] = {}
        self._counted = 0
        self._first_box: Box | None = None
        self._last_box: Box | None = None
        self._still_since_s = first_seen_s
        self._regions: tuple[Box, Box] | None = None
        self._consensus: Consensus | None = None

    @property
    def consensus(self) -> Consensus:
        if self._consensus is None:
            raise ValueError("a passage has no consensus before its first reading")
        return self._consensus

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """In the order in which they were read."""
        return tuple(self._witnesses)

    @property
    def direction(self) -> str | None:
        if self._first_box is None or self._last_box is None:
            return None
        return direction(self._first_box, self._last_box)

    @property
    def width_px(self) -> float:
        """Of the plate where it was read last; 0 before the first reading."""
        return 0.0 if self._last_box is None else self._last_box.width

    @property
    def frames_held(self) -> int:
        return len(self._frames)

    def add(self, reading: PlateReading, frame: Frame, region: Box | None = None) -> None:
        """Take in a reading and vote anew; keep its frame while it is among the best witnesses.
        `region` is the moving region that was read, where there is one."""
        self._first_box = self._first_box or reading.box
        if self._last_box is None or self._last_box.iou(reading.box) <= _SAME_PLACE_IOU:
            self._still_since_s = frame.at_s
        if region is not None:
            self._regions = (self._regions[0] if self._regions else region, region)
        self._last_box = reading.box
        self.last_seen_s = self.last_read_s = frame.at_s
        self.missed_looks = 0
        self.is_over = False
        if self.is_reported:
            return
        witness = Witness(
            reading=reading,
            sharpness=plate_sharpness(frame.picture, reading.box),
            at_s=frame.at_s,
            number=self._counted,
        )
        self._counted += 1
        self._witnesses.append(witness)
        self._frames[witness.number] = frame
        self._vote()
        if len(self._witnesses) > self._settings.max_readings:
            del self._witnesses[self._worst()]
            self._vote()
        self._let_frames_go()

    def refuse(self, candidates: Iterable[RefusedReading]) -> None:
        """Note what was seen beside the plate and not taken."""
        self.refused.extend(candidates)

    def best(self) -> tuple[Witness, Frame]:
        """The best witness of the text whose frame is held, and that frame."""
        for index in (*self.consensus.ranking, *range(len(self._witnesses))):
            witness = self._witnesses[index]
            if witness.number in self._frames:
                return witness, self._frames[witness.number]
        raise ValueError("no frame is held: this passage was reported already")

    def report(self) -> None:
        """It was handed on (or merged into another): let its frames go, read no more."""
        self.is_reported = True
        self._frames.clear()

    def candidate(self) -> Candidate:
        """What the rules judge."""
        first, last = self._first_box, self._last_box
        if first is None or last is None:
            raise ValueError("a passage is no candidate before its first reading")
        return Candidate(
            text=self.consensus.text,
            confidence=self.consensus.confidence,
            agreeing=self.consensus.agreeing,
            is_sure=self.consensus.is_sure,
            has_moved=has_moved(first, last),
            first_seen_s=self.first_seen_s,
            last_seen_s=self.last_seen_s,
            first_box=first,
            box=last,
            characters=self.consensus.characters,
            stands=self.last_read_s - self._still_since_s >= _STANDS_AFTER_S,
            is_left_behind=self._is_left_behind(first, last),
        )

    def _is_left_behind(self, first: Box, last: Box) -> bool:
        """Whether the region went on by more than the plate's width, as large as before, and the
        plate stayed where it was."""
        if self._regions is None or has_moved(first, last):
            return False
        before, after = self._regions
        is_one = 0.5 * before.area <= after.area <= 2.0 * before.area
        return is_one and math.dist(before.center, after.center) > max(first.width, last.width)

    def _vote(self) -> None:
        self._consensus = agree(
            [witness.reading for witness in self._witnesses],
            self._voting,
            [witness.sharpness for witness in self._witnesses],
        )

    def _worst(self) -> int:
        """An outlier (the oldest) before the lowest in rank."""
        outliers = self.consensus.outliers
        return outliers[0] if outliers else self.consensus.ranking[-1]

    def _let_frames_go(self) -> None:
        """The newest frame may stay beyond its rank only where no better one is held."""
        order = [self._witnesses[index].number for index in self.consensus.ranking]
        held = [number for number in order if number in self._frames][: self._settings.max_frames]
        if not held:
            held = [max(self._frames)]
        self._frames = {number: self._frames[number] for number in held}
