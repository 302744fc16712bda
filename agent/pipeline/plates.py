"""Plates in moving regions: which to read, whose passage a reading belongs to, when one is over.

A passage is over when no moving region carries it any more, when its plate has moved out of the
picture, or when looks at its place find it no longer. Then it is reported if the rules let it;
where they do not, it waits for more readings until the plate's own track ends, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import structlog

from agent.camera.frame import Frame
from agent.pipeline.alignment import are_alike
from agent.pipeline.area import Area
from agent.pipeline.consensus import ConsensusSettings
from agent.pipeline.looks import PlateLooks
from agent.pipeline.motion import MotionLook
from agent.pipeline.passage import Passage, PassageSettings
from agent.pipeline.plate_sighting import sighting_of
from agent.pipeline.rules import Refusal, RuleSettings, SightingRules, is_time_to_report
from agent.pipeline.schedule import Due, Known, ReadSchedule, ScheduleSettings
from agent.pipeline.sighting import PlateInView, PlateSighting
from agent.pipeline.static_text import StaticTextSettings
from agent.pipeline.statistics import RefusedPlate, Tally
from agent.pipeline.tracker import Detection, Track, Tracker, TrackerSettings
from agent.pipeline.views import around, next_view
from vision.geometry import Box
from vision.reading import PlateReader, PlateReading, RefusedReading

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateSettings:
    """How plates are followed.

    A plate of whose place less than `min_changed_share` differs from the background belongs to
    the scene, and is refused; so is one that the background shows too, and one that `texts` has
    learned. A plate that `missed_looks`
    looks at its region did not find, for `missed_s`, has gone. A region wider or higher than
    `vehicle_plates` plates may be two vehicles. `tracks` says how readings join over
    time. At most `max_passages` go on at a time (the one unseen the longest is settled to make
    room), so at most that many times `PassageSettings.max_frames` frames are held.
    """

    min_changed_share: float = 0.2
    missed_looks: int = 2
    missed_s: float = 0.8
    vehicle_plates: float = 6.0
    max_passages: int = 12
    tracks: TrackerSettings = field(default_factory=lambda: TrackerSettings(gone_after_s=2.5))
    texts: StaticTextSettings = field(default_factory=StaticTextSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    reading: PlateReading
    region: Track


class PlatePassages:
    """Holds the passages that go on. Memory is bounded by its settings."""

    def __init__(
        self,
        reader: PlateReader,
        *,
        plates: PlateSettings,
        schedule: ScheduleSettings,
        passages: PassageSettings,
        voting: ConsensusSettings,
        rules: RuleSettings,
        area: Area,
        tally: Tally,
    ) -> None:
        self._looks = PlateLooks(
            reader,
            min_changed_share=plates.min_changed_share,
            texts=plates.texts,
            area=area,
            tally=tally,
        )
        self._settings = plates
        self._passage_settings = passages
        self._voting = voting
        self._rule_settings = rules
        self._rules = SightingRules(rules)
        self._area = area
        self._schedule = ReadSchedule(schedule)
        self._tracker = Tracker(plates.tracks)
        self._tally = tally
        self._passages: list[Passage] = []
        self._carried: set[int] = set()
        self._spent: set[int] = set()
        self._beside: dict[int, tuple[RefusedReading, ...]] = {}
        self._last: Frame | None = None

    @property
    def going_on(self) -> int:
        return len(self._passages)

    @property
    def in_view(self) -> tuple[PlateInView, ...]:
        """The plates that pass now, each where it should be in the last frame: not every frame is
        read. One that was lost is left out until it is found again."""
        if self._last is None:
            return ()
        found = []
        for passage in self._passages:
            box = self._expected(passage, self._last.at_s)
            if box is not None and not passage.is_over:
                one = passage.candidate()
                found.append(
                    PlateInView(
                        text=one.text, confidence=one.confidence, box=box, is_sure=one.is_sure
                    )
                )
        return tuple(found)

    def adjust(self, rules: RuleSettings, area: Area) -> None:
        """Judges by these from now on; what goes on and what is remembered stays."""
        self._rule_settings = rules
        self._rules.adjust(rules)
        self._area = area
        self._looks.adjust(area)

    def begin_anew(self, now_s: float) -> None:
        """The source's time begins anew there; nothing goes on."""
        self._rules.begin_anew(now_s)
        self._looks.begin_anew()

    def observe(
        self, frame: Frame, regions: Sequence[Track], look: MotionLook
    ) -> list[PlateSighting]:
        """Read what is due in `frame` and report the passages that are over."""
        self._last = frame
        now_s = frame.at_s
        alive = {region.id for region in regions}
        self._carried &= alive
        self._spent &= alive
        self._beside = {key: value for key, value in self._beside.items() if key in alive}
        self._looks.learn_texts(frame, look, is_calm=not look.regions)
        seen: list[_Seen] = []
        known = self._known_regions(regions)
        for due in self._schedule.due(now_s, regions, known):
            if not due.is_recheck:
                self._spent.discard(due.region.id)
            found = self._read(frame, due, look)
            is_doubtful = any(one.is_doubtful for one in self._beside[due.region.id])
            self._schedule.looked(now_s, due, has_plate=bool(found), is_doubtful=is_doubtful)
            seen.extend(found)
        sightings = self._assign(frame, _without_repeats(seen))
        return sightings + self._settle(frame, regions)

    def observe_still(self, frame: Frame) -> list[PlateSighting]:
        """Every plate in a picture that stands for itself."""
        readings = self._looks.still(frame)
        sightings = []
        for number, reading in enumerate(readings.plates):
            passage = self._new_passage(number, -1, frame.at_s)
            passage.refuse(readings.refused)
            passage.add(reading, frame)
            refusal = self._rules.judge_still(passage.consensus.confidence)
            if not self._area.counts(reading.box, frame.size):
                refusal = Refusal.OUT_OF_ZONE
            if refusal is None:
                sightings.append(self._sighting(passage, frame))
            else:
                self._refuse(refusal, passage)
        return sightings

    def finish(self) -> list[PlateSighting]:
        """The source has ended: report what goes on, refuse the rest."""
        if self._last is None:
            return []
        sightings = []
        for passage in self._passages:
            sightings += self._closed(passage, self._last)
        self._passages.clear()
        self._tracker.finish()
        return sightings

    def _view(self, due: Due, now_s: float) -> tuple[Box, str]:
        """Where to look, and the name of that: around the plates that are known there and were
        found at the last look, or for plates in parts of the region."""
        carried = [p for p in self._passages if p.region_id == due.region.id and not p.is_over]
        if due.is_recheck:
            return due.region.box, "recheck"
        if not carried or any(passage.missed_looks for passage in carried):
            return next_view(due.region.box, due.fruitless), "search"
        known = [self._expected(passage, now_s) for passage in carried]
        return around([box for box in known if box is not None] or [due.region.box]), "follow"

    def _expected(self, passage: Passage, now_s: float) -> Box | None:
        """Where the plate should be now; None where it was lost."""
        for track in self._tracker.alive:
            if track.id == passage.track_id:
                return track.predicted(now_s)
        return None

    def _read(self, frame: Frame, due: Due, look: MotionLook) -> list[_Seen]:
        """The plates of one region that may count, and a miss for its passages not found."""
        region = due.region
        view, method = self._view(due, frame.at_s)
        readings = self._looks.passing(frame, view, method, look)
        refused = readings.refused
        self._beside[region.id] = tuple(refused[-self._passage_settings.max_refused :])
        for passage in self._passages:
            if passage.region_id == region.id and not passage.is_over:
                expected = self._expected(passage, frame.at_s)
                passage.refuse(refused)
                passage.missed_looks += expected is None or view.holds(expected.center)
        return [_Seen(reading=reading, region=region) for reading in readings.plates]

    def _assign(self, frame: Frame, seen: Sequence[_Seen]) -> list[PlateSighting]:
        """Give each reading to its passage; begin one where there is none."""
        update = self._tracker.update(
            frame.at_s,
            [
                Detection(box=s.reading.box, text=s.reading.text, confidence=s.reading.confidence)
                for s in seen
            ],
        )
        sightings: list[PlateSighting] = []
        boxes = {track_id: one.reading.box for one, track_id in zip(seen, update.ids, strict=True)}
        for one, track_id in zip(seen, update.ids, strict=True):
            if track_id is None:
                continue
            passage = self._passage_of(track_id, one, boxes)
            if passage is None:
                sightings += self._made_room(frame)
                passage = self._begun(frame, track_id, one.region)
            passage.track_id, passage.region_id = track_id, one.region.id
            passage.add(one.reading, frame, one.region.box)
        return sightings

    def _passage_of(
        self, track_id: int, seen: _Seen, boxes: Mapping[int | None, Box]
    ) -> Passage | None:
        """That of the plate's track; of a plate that was lost, that of its region and text. `boxes`
        are this frame's, by track: what is read elsewhere at once is another plate."""
        for passage in self._passages:
            if passage.track_id == track_id:
                return passage
        for passage in self._passages:
            known, text = passage.consensus.text, seen.reading.text
            box = boxes.get(passage.track_id, seen.reading.box)
            is_one = known == text or box.intersection(seen.reading.box) > 0
            if is_one and passage.region_id == seen.region.id and are_alike(known, text):
                return passage
        return None

    def _begun(self, frame: Frame, track_id: int, region: Track) -> Passage:
        """What a region carries first has been in view as long as the region itself."""
        is_first = region.id not in self._carried
        first_seen_s = region.first_seen_s if is_first else frame.at_s
        self._carried.add(region.id)
        passage = self._new_passage(track_id, region.id, first_seen_s)
        passage.refuse(self._beside.get(region.id, ()))
        self._passages.append(passage)
        return passage

    def _new_passage(self, track_id: int, region_id: int, first_seen_s: float) -> Passage:
        return Passage(
            track_id=track_id,
            region_id=region_id,
            first_seen_s=first_seen_s,
            settings=self._passage_settings,
            voting=self._voting,
        )

    def _made_room(self, frame: Frame) -> list[PlateSighting]:
        if len(self._passages) < self._settings.max_passages:
            return []
        oldest = min(self._passages, key=lambda passage: passage.last_seen_s)
        self._passages.remove(oldest)
        return self._closed(oldest, frame)

    def _known_regions(self, regions: Sequence[Track]) -> dict[int, Known]:
        """Regions whose plates need no further look: all were found and are sure, or were carried
        out of the picture."""
        known: dict[int, Known] = {}
        for region in regions:
            carried = [p for p in self._passages if p.region_id == region.id and not p.is_over]
            if not carried:
                if region.id in self._spent:
                    known[region.id] = Known.SPENT
            elif not any(self._needs_look(passage) for passage in carried):
                widest = max(passage.width_px for passage in carried)
                reach = self._settings.vehicle_plates * widest
                is_small = region.box.width <= reach and region.box.height <= reach
                # Where a line is to be crossed, the plate is followed up to it.
                is_one = is_small and self._area.line is None
                known[region.id] = Known.ONE_VEHICLE if is_one else Known.SURE
        return known

    @staticmethod
    def _needs_look(passage: Passage) -> bool:
        return bool(passage.missed_looks) or not (passage.is_reported or passage.consensus.is_sure)

    def _settle(self, frame: Frame, regions: Sequence[Track]) -> list[PlateSighting]:
        """Report what is due, let go what is done."""
        followed = {track.id: track for track in self._tracker.alive}
        sightings, going_on = list[PlateSighting](), list[Passage]()
        for passage in self._passages:
            track = followed.get(passage.track_id)
            passage.is_over = self._is_over(passage, track, frame, regions)
            if passage.is_over and passage.consensus.is_sure:
                self._spent.add(passage.region_id)
            if not passage.is_over:
                passage.last_seen_s = frame.at_s
            sightings += self._settled(passage, frame)
            if passage.is_reported:
                self._rules.remember(passage.candidate())
            if not passage.is_over or track is not None:
                going_on.append(passage)
            else:
                sightings += self._closed(passage, frame)
        self._passages = going_on
        return sightings

    def _settled(self, passage: Passage, frame: Frame) -> list[PlateSighting]:
        """The passage's sighting where it is due and the rules let it."""
        candidate = passage.candidate()
        is_due = is_time_to_report(
            candidate, frame.at_s, is_over=passage.is_over, settings=self._rule_settings
        )
        if passage.is_reported or not is_due:
            return []
        if self._rules.judge(candidate, frame.at_s) is not None:
            return []
        return [self._reported(passage, frame)]

    def _is_over(
        self, passage: Passage, track: Track | None, frame: Frame, regions: Sequence[Track]
    ) -> bool:
        now_s = frame.at_s
        is_missed = passage.missed_looks >= self._settings.missed_looks
        if is_missed and now_s - passage.last_read_s >= self._settings.missed_s:
            return True
        centre = None
        if track is not None and track.hits > 1:
            centre = track.predicted(now_s).center
            width, height = frame.size
            if not (0 <= centre[0] <= width and 0 <= centre[1] <= height):
                return True
        if any(region.id == passage.region_id for region in regions):
            return False
        carrier = next((r for r in regions if centre is not None and r.box.holds(centre)), None)
        if carrier is None:
            return True
        passage.region_id = carrier.id
        return False

    def _closed(self, passage: Passage, frame: Frame) -> list[PlateSighting]:
        """The last word on a passage."""
        if passage.is_reported:
            return []
        refusal = self._rules.judge(passage.candidate(), frame.at_s)
        if refusal is None:
            return [self._reported(passage, frame)]
        self._refuse(refusal, passage)
        if refusal in {Refusal.SAME_PASSAGE, Refusal.STATIC_TEXT}:
            self._rules.remember_refused(passage.candidate())
        return []

    def _refuse(self, refusal: Refusal, passage: Passage) -> None:
        _, frame = passage.best()
        refused = RefusedPlate(
            text=passage.consensus.text,
            confidence=round(passage.consensus.confidence, 3),
            reason=refusal.value,
            readings=len(passage.witnesses),
            captured_at=frame.captured_at,
        )
        self._tally.refuse_plate(refused)
        _log.debug("plate_refused", **asdict(refused))

    def _reported(self, passage: Passage, frame: Frame) -> PlateSighting:
        sighting = self._sighting(passage, frame)
        self._rules.remember(passage.candidate())
        passage.report()
        return sighting

    def _sighting(self, passage: Passage, now: Frame) -> PlateSighting:
        return sighting_of(
            passage, now, model=self._looks.model, rules=self._rule_settings, area=self._area
        )


def _without_repeats(seen: Iterable[_Seen]) -> list[_Seen]:
    """Where regions overlap, a plate is found twice in one frame: keep the more confident one."""
    kept: list[_Seen] = []
    for one in sorted(seen, key=lambda s: (-s.reading.confidence, s.region.id)):
        if all(one.reading.box.iou(other.reading.box) < 0.3 for other in kept):
            kept.append(one)
    return kept
