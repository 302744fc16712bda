"""Faces in moving regions: their tracks, the best shot of each, one sighting a visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from agent.camera.frame import Frame
from agent.pipeline.direction import direction
from agent.pipeline.evidence import presence
from agent.pipeline.sighting import FaceSighting
from agent.pipeline.statistics import Tally
from agent.pipeline.tracker import Detection, Track, Tracker, TrackerSettings
from agent.pipeline.visits import Visit, VisitBook, VisitSettings
from vision.errors import ModelError
from vision.faces.embedding import Embedding, FaceEmbedder
from vision.faces.quality import FaceQuality, quality_of
from vision.geometry import Box
from vision.reading import FaceDetection, FaceDetector

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """Faces are looked for every `interval_s` where something moves.

    One seen in `min_looks` looks with at least `min_confidence` and `min_quality` becomes a
    sighting; a picture that stands for itself needs one look. Who stays is reported after
    `report_after_s`. Embeddings tell a visit from a new one; they are part of the sighting, and so
    leave the device, with `keeps_embeddings` only.
    """

    interval_s: float = 0.2
    min_confidence: float = 0.6
    min_quality: float = 0.1
    min_looks: int = 2
    report_after_s: float = 10.0
    keeps_embeddings: bool = False
    tracks: TrackerSettings = field(default_factory=lambda: TrackerSettings(gone_after_s=1.0))
    visits: VisitSettings = field(default_factory=VisitSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    face: FaceDetection
    quality: FaceQuality
    frame: Frame

    @property
    def value(self) -> float:
        """0..1: the best shot is the one with the most of it."""
        return self.face.confidence * self.quality.total


class FacePassages:
    """One frame is held for each live track, of which there are at most `tracks.max_tracks`."""

    def __init__(
        self,
        detector: FaceDetector,
        settings: FaceSettings,
        tally: Tally,
        *,
        embedder: FaceEmbedder | None = None,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._settings = settings
        self._tally = tally
        self._tracker = Tracker(settings.tracks)
        self._visits = VisitBook(settings.visits)
        self._best: dict[int, _Look] = {}
        self._reported: dict[int, Visit] = {}
        self._looked_s: float | None = None
        self._last: Frame | None = None

    @property
    def frames_held(self) -> int:
        return len(self._best)

    def observe(self, frame: Frame, regions: Sequence[Box]) -> list[FaceSighting]:
        """Look where it is due; report the faces that have gone, and those that stay long."""
        self._last = frame
        looks: list[_Look] = []
        waited = self._looked_s is None or frame.at_s - self._looked_s >= self._settings.interval_s
        if regions and waited:
            self._looked_s = frame.at_s
            looks = self._looks(frame, _around(regions))
        update = self._tracker.update(
            frame.at_s,
            [Detection(box=look.face.box, confidence=look.face.confidence) for look in looks],
        )
        for look, track_id in zip(looks, update.ids, strict=True):
            if track_id is not None and self._is_better(track_id, look):
                self._best[track_id] = look
        staying = [s for track in update.alive for s in self._stayed(track, frame)]
        return staying + [s for track in update.ended for s in self._closed(track, frame)]

    def observe_still(self, frame: Frame) -> list[FaceSighting]:
        width, height = frame.size
        everywhere = Box(x1=0, y1=0, x2=width, y2=height)
        return [
            self._sighting(look, frame, (frame.at_s, frame.at_s), None, 1, self._embedding(look))
            for look in self._looks(frame, everywhere)
            if self._is_good(look)
        ]

    def finish(self) -> list[FaceSighting]:
        if self._last is None:
            return []
        found = [s for track in self._tracker.finish() for s in self._closed(track, self._last)]
        self._visits.forget()
        self._looked_s = None
        return found

    def _looks(self, frame: Frame, within: Box) -> list[_Look]:
        width, height = frame.size
        part = within.clipped(width, height)
        x, y, part_width, part_height = part.as_xywh()
        with self._tally.stage("faces"):
            faces = self._detector.detect(frame.picture[y : y + part_height, x : x + part_width])
        return [self._look(frame, _shifted(face, x, y)) for face in faces]

    def _look(self, frame: Frame, face: FaceDetection) -> _Look:
        return _Look(face=face, quality=quality_of(frame.picture, face), frame=frame)

    def _is_better(self, track_id: int, look: _Look) -> bool:
        best = self._best.get(track_id)
        return best is None or look.value > best.value

    def _is_good(self, look: _Look) -> bool:
        return (
            look.face.confidence >= self._settings.min_confidence
            and look.quality.total >= self._settings.min_quality
        )

    def _stayed(self, track: Track, now: Frame) -> list[FaceSighting]:
        """The sighting of one who is still there, once it is due."""
        look = self._best.get(track.id)
        is_due = now.at_s - track.first_seen_s >= self._settings.report_after_s
        if track.id in self._reported or look is None or not is_due:
            return []
        if track.hits < self._settings.min_looks or not self._is_good(look):
            return []
        return self._visit(track, look, now)

    def _closed(self, track: Track, now: Frame) -> list[FaceSighting]:
        look = self._best.pop(track.id, None)
        if look is None:
            return []
        visit = self._reported.pop(track.id, None)
        if visit is not None:
            visit.lasts(track.last_seen_s, track.box)
            return []
        if track.hits < self._settings.min_looks or not self._is_good(look):
            self._tally.refuse("poor_face")
            return []
        found = self._visit(track, look, now)
        del self._reported[track.id]
        return found

    def _visit(self, track: Track, look: _Look, now: Frame) -> list[FaceSighting]:
        """The sighting that begins a visit; nothing where the visit goes on."""
        embedding = self._embedding(look)
        seen_s = track.first_seen_s, track.last_seen_s
        visit, is_new = self._visits.visit_of(*seen_s, track.box, embedding)
        self._reported[track.id] = visit
        if not is_new:
            self._tally.refuse("same_visit")
            return []
        way = direction(track.first_box, track.box)
        return [self._sighting(look, now, seen_s, way, track.hits, embedding)]

    def _embedding(self, look: _Look) -> Embedding | None:
        """Of the best shot only; None without a model or landmarks, or where the model fails: the
        face passed all the same."""
        if self._embedder is None or look.face.landmarks is None:
            return None
        try:
            with self._tally.stage("embed"):
                return self._embedder.embed(look.frame.picture, look.face.landmarks)
        except (ModelError, ValueError) as error:
            _log.error("a face is recorded without its embedding", error=str(error))
            return None

    def _sighting(
        self,
        look: _Look,
        now: Frame,
        seen_s: tuple[float, float],
        way: str | None,
        looks: int,
        embedding: Embedding | None,
    ) -> FaceSighting:
        first, last = (now.captured_at + timedelta(seconds=at - now.at_s) for at in seen_s)
        is_kept = embedding is not None and self._settings.keeps_embeddings
        return FaceSighting(
            confidence=look.face.confidence,
            quality=look.quality.total,
            box=look.face.box,
            landmarks=look.face.landmarks,
            captured_at=look.frame.captured_at,
            first_seen_at=first,
            last_seen_at=last,
            picture=look.frame.picture,
            sensor=look.frame.sensor,
            embedding=tuple(embedding.tolist()) if embedding is not None and is_kept else None,
            embedding_model=self._embedder.label if self._embedder and is_kept else None,
            evidence={
                "model": self._detector.model,
                **presence((first, last), way),
                "looks": looks,
                "quality": look.quality.as_json(),
            },
        )


def _around(regions: Sequence[Box]) -> Box:
    box = regions[0]
    for other in regions[1:]:
        box = box.united(other)
    return box


def _shifted(face: FaceDetection, dx: float, dy: float) -> FaceDetection:
    marks = face.landmarks
    if marks is not None:
        a, b, c, d, e = ((x + dx, y + dy) for x, y in marks)
        marks = (a, b, c, d, e)
    return replace(face, box=face.box.shifted(dx, dy), landmarks=marks)
