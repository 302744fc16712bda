"""The pipeline: frames in, sightings out. Blocking, for one thread; holds no clock but for timing.

Per frame: motion gate, tracks of moving regions, plates (and faces) read in the regions that are
due, the vote of each passage, sightings of the passages that are over. A plate is reported within
`TrackerSettings.gone_after_s` (half a second) of its vehicle leaving, at the latest
`RuleSettings.report_after_s` after it came into view where it stays and its text is sure.

Memory is bounded: `regions.max_tracks` regions, `plates.max_passages` passages with
`passages.max_readings` readings and `passages.max_frames` frames each, a frame per face track.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from agent.camera.frame import Frame
from agent.pipeline.area import Area
from agent.pipeline.faces import FacePassages
from agent.pipeline.motion import MotionGate
from agent.pipeline.plates import PlatePassages
from agent.pipeline.rules import RuleSettings
from agent.pipeline.settings import PipelineSettings
from agent.pipeline.sighting import FaceSighting, PlateInView, Sighting
from agent.pipeline.statistics import PipelineStats, SummaryTimer, Tally, report, summary
from agent.pipeline.tracker import Detection, Tracker
from vision.faces.embedding import FaceEmbedder
from vision.performance import Clock, Performance
from vision.reading import FaceDetector, PlateReader

_log = structlog.get_logger(__name__)


class Pipeline:
    """From frames to sightings.

    A failing model raises `vision.errors.ModelFailed` out of `process` (that of embeddings does
    not: a face goes without); the pipeline may then be used on: the frame counts as seen, what it
    would have shown is lost, and what was complete by then comes with the next call. Frames come in
    the order of their time; where time runs backwards the source has begun anew, and what went on
    is over.
    """

    def __init__(
        self,
        *,
        reader: PlateReader,
        settings: PipelineSettings | None = None,
        face_detector: FaceDetector | None = None,
        face_embedder: FaceEmbedder | None = None,
        performance: Performance | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        """`performance` is where the networks' runs are noted, if they are; `clock` times the
        stages where it is not given."""
        self.model = reader.model
        self._settings = settings or PipelineSettings()
        self._tally = Tally(performance or Performance(clock))
        self._summaries = SummaryTimer(clock)
        self._gate = MotionGate(self._settings.motion)
        self._regions = Tracker(self._settings.regions)
        self._plates = PlatePassages(
            reader,
            plates=self._settings.plates,
            schedule=self._settings.schedule,
            passages=self._settings.passages,
            voting=self._settings.consensus,
            rules=self._settings.rules,
            area=self._settings.area,
            tally=self._tally,
        )
        self._faces: FacePassages | None = None
        self.use_faces(face_detector, face_embedder)
        self._area = self._settings.area
        self._adjusted: tuple[RuleSettings, Area] | None = None
        self._at_s: float | None = None
        self._complete: list[Sighting] = []

    @property
    def stats(self) -> PipelineStats:
        return self._tally.snapshot()

    @property
    def performance(self) -> Performance:
        """How long stages and networks take. From any thread."""
        return self._tally.performance

    @property
    def passages_going_on(self) -> int:
        """Plates that are in view now (or were, a moment ago)."""
        return self._plates.going_on

    @property
    def in_view(self) -> tuple[PlateInView, ...]:
        """The plates that pass now. For the thread that processes."""
        return self._plates.in_view

    def adjust(self, *, rules: RuleSettings, area: Area) -> None:
        """From the next frame on; what goes on and what is remembered stays. From any thread."""
        self._adjusted = rules, area

    def use_faces(
        self, detector: FaceDetector | None, embedder: FaceEmbedder | None = None
    ) -> None:
        """Looks for faces from now on, or no longer; faces in view are let go then."""
        self._faces = None
        if detector is not None:
            self._faces = FacePassages(
                detector, self._settings.faces, self._tally, embedder=embedder
            )

    def process(self, frame: Frame) -> list[Sighting]:
        """The sightings that are complete with this frame, in no promised order."""
        self._tally.frames += 1
        if (adjusted := self._adjusted) is not None:
            self._adjusted = None
            self._area = adjusted[1]
            self._plates.adjust(*adjusted)
        with self._tally.stage("frame"):
            if frame.is_still:
                self._still(frame)
            else:
                self._moving(frame)
        sightings = self._handed_out()
        if self._summaries.is_due(self._tally.frames):
            _log.info("pipeline summary", **summary(self.stats))
        return sightings

    def finish(self) -> list[Sighting]:
        """The source has ended or the program stops: settle all that goes on. May be repeated."""
        self._flush()
        sightings = self._handed_out()
        if self._summaries.is_due(self._tally.frames, at_end=True):
            _log.info("pipeline report", json=report(self.stats))
        return sightings

    def _handed_out(self) -> list[Sighting]:
        sightings, self._complete = self._complete, []
        self._tally.sightings += len(sightings)
        return sightings

    def _still(self, frame: Frame) -> None:
        self._complete += self._plates.observe_still(frame)
        if self._faces is not None:
            self._complete += self._in_area(self._faces.observe_still(frame))

    def _moving(self, frame: Frame) -> None:
        if self._at_s is not None and frame.at_s < self._at_s:
            self._flush()
            self._plates.begin_anew(frame.at_s)
            self._gate = MotionGate(self._settings.motion)
        self._at_s = frame.at_s
        with self._tally.stage("motion"):
            look = self._gate.look(frame.picture, frame.at_s, luma=frame.luma)
        width, height = frame.size
        regions = [box for box in look.regions if self._area.touches(box, (width, height))]
        if not regions:
            self._tally.gated_frames += 1
        update = self._regions.update(frame.at_s, [Detection(box=box) for box in regions])
        self._complete += self._plates.observe(frame, update.alive, look)
        if self._faces is not None:
            self._complete += self._in_area(self._faces.observe(frame, regions))

    def _in_area(self, faces: Sequence[FaceSighting]) -> list[FaceSighting]:
        """Those that count by where they are."""
        return [
            face
            for face in faces
            if self._area.counts(face.box, (face.picture.shape[1], face.picture.shape[0]))
        ]

    def _flush(self) -> None:
        self._regions.finish()
        self._complete += self._plates.finish()
        if self._faces is not None:
            self._complete += self._in_area(self._faces.finish())
