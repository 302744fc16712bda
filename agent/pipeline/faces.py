"""Faces in moving regions: their tracks, the best picture of each, one sighting a passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import cv2
import numpy as np

from agent.camera.frame import Frame
from agent.pipeline.direction import direction
from agent.pipeline.evidence import presence
from agent.pipeline.sighting import FaceSighting
from agent.pipeline.statistics import Tally
from agent.pipeline.tracker import Detection, Track, Tracker, TrackerSettings
from vision.geometry import Box
from vision.reading import FaceDetection, FaceDetector, Picture

_SHARP_SIDE_PX = 64
_SHARP_VARIANCE = 400.0
"""Laplacian variance of a 64 x 64 face that counts as sharp. 33 faces of 48 pixels and more in
photographs gave 700 to 1600 (tenth to ninetieth percentile), the same at half the resolution
80 to 200, blurred with a sigma of 2 of those pixels 10 to 26."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """Faces are looked for every `interval_s` where something moves.

    One seen in `min_looks` looks with at least `min_confidence` and `min_quality` becomes a
    sighting; a picture that stands for itself needs one. Quality is 0 at `smallest_px` of face
    width (below which recognition fails) and not limited by size from `full_px` on.
    """

    interval_s: float = 0.2
    min_confidence: float = 0.6
    min_quality: float = 0.1
    min_looks: int = 2
    smallest_px: float = 16.0
    full_px: float = 64.0
    tracks: TrackerSettings = field(default_factory=lambda: TrackerSettings(gone_after_s=1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    face: FaceDetection
    quality: float
    sharpness: float
    frame: Frame


class FacePassages:
    """One frame is held for each live track, of which there are at most `tracks.max_tracks`."""

    def __init__(self, detector: FaceDetector, settings: FaceSettings, tally: Tally) -> None:
        self._detector = detector
        self._settings = settings
        self._tally = tally
        self._tracker = Tracker(settings.tracks)
        self._best: dict[int, _Look] = {}
        self._looked_s: float | None = None
        self._last: Frame | None = None

    def observe(self, frame: Frame, regions: Sequence[Box]) -> list[FaceSighting]:
        """Look where it is due; report the faces that have gone."""
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
        return [s for track in update.ended for s in self._closed(track, frame)]

    def observe_still(self, frame: Frame) -> list[FaceSighting]:
        height, width = frame.picture.shape[:2]
        everywhere = Box(x1=0, y1=0, x2=width, y2=height)
        return [
            self._sighting(look, frame, (frame.at_s, frame.at_s), None, 1)
            for look in self._looks(frame, everywhere)
            if self._is_good(look)
        ]

    def finish(self) -> list[FaceSighting]:
        if self._last is None:
            return []
        return [s for track in self._tracker.finish() for s in self._closed(track, self._last)]

    def _looks(self, frame: Frame, within: Box) -> list[_Look]:
        height, width = frame.picture.shape[:2]
        part = within.clipped(width, height)
        x, y, part_width, part_height = part.as_xywh()
        with self._tally.stage("faces"):
            faces = self._detector.detect(frame.picture[y : y + part_height, x : x + part_width])
        return [self._look(frame, _shifted(face, x, y)) for face in faces]

    def _look(self, frame: Frame, face: FaceDetection) -> _Look:
        settings = self._settings
        sharp = sharpness(frame.picture, face.box)
        reach = settings.full_px - settings.smallest_px
        size = min(max((face.box.width - settings.smallest_px) / reach, 0.0), 1.0)
        quality = face.confidence * size * sharp**0.5
        return _Look(face=face, quality=quality, sharpness=sharp, frame=frame)

    def _is_better(self, track_id: int, look: _Look) -> bool:
        best = self._best.get(track_id)
        return best is None or look.quality > best.quality

    def _is_good(self, look: _Look) -> bool:
        return (
            look.face.confidence >= self._settings.min_confidence
            and look.quality >= self._settings.min_quality
        )

    def _closed(self, track: Track, now: Frame) -> list[FaceSighting]:
        look = self._best.pop(track.id, None)
        if look is None:
            return []
        if track.hits < self._settings.min_looks or not self._is_good(look):
            self._tally.refuse("poor_face")
            return []
        way = direction(track.first_box, track.box)
        return [self._sighting(look, now, (track.first_seen_s, track.last_seen_s), way, track.hits)]

    def _sighting(
        self, look: _Look, now: Frame, seen_s: tuple[float, float], way: str | None, looks: int
    ) -> FaceSighting:
        first, last = (now.captured_at + timedelta(seconds=at - now.at_s) for at in seen_s)
        return FaceSighting(
            confidence=look.face.confidence,
            quality=look.quality,
            box=look.face.box,
            landmarks=look.face.landmarks,
            captured_at=look.frame.captured_at,
            first_seen_at=first,
            last_seen_at=last,
            picture=look.frame.picture,
            sensor=look.frame.sensor,
            embedding=None,
            embedding_model=None,
            evidence={
                "model": self._detector.model,
                **presence((first, last), way),
                "looks": looks,
                "sharpness": round(look.sharpness, 3),
            },
        )


def sharpness(picture: Picture, box: Box) -> float:
    """Contrast in fine detail of that part, 0..1, at a fixed size so that near and far compare."""
    height, width = picture.shape[:2]
    x, y, part_width, part_height = box.clipped(width, height).as_xywh()
    if part_width < 2 or part_height < 2:
        return 0.0
    grey = cv2.cvtColor(picture[y : y + part_height, x : x + part_width], cv2.COLOR_BGR2GRAY)
    side = (_SHARP_SIDE_PX, _SHARP_SIDE_PX)
    small = cv2.resize(grey, side, interpolation=cv2.INTER_AREA)
    variance = float(np.var(cv2.Laplacian(small, cv2.CV_32F)))
    return min(1.0, variance / _SHARP_VARIANCE)


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
    return FaceDetection(box=face.box.shifted(dx, dy), confidence=face.confidence, landmarks=marks)
