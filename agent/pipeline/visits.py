"""Whose visit a face belongs to: the same person, back within a while, is no new visit. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vision.faces.embedding import Embedding, likeness
from vision.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSettings:
    """A face as like as `same_likeness` (cosine) to one of a visit that ended at most `gap_s` ago
    belongs to it. Without embeddings one at the same place, `same_place_s` later at most, does.
    At most `max_visits` are remembered, the latest. 0.42 lies between the best thresholds of three
    detectors with MobileFaceNet, 0.41 to 0.44 (`python -m benchmarks.faces`).
    """

    gap_s: float = 60.0
    same_likeness: float = 0.42
    same_place_s: float = 5.0
    same_place_iou: float = 0.3
    max_visits: int = 64


@dataclass(slots=True)
class Visit:
    """One stay of one person; `last_seen_s` moves on while it lasts."""

    last_seen_s: float
    box: Box
    embedding: Embedding | None

    def lasts(self, last_seen_s: float, box: Box) -> None:
        """It was seen again, there."""
        self.last_seen_s = max(self.last_seen_s, last_seen_s)
        self.box = box


class VisitBook:
    """Remembers the latest visits. Times are of the frames and do not run backwards."""

    def __init__(self, settings: VisitSettings) -> None:
        self._settings = settings
        self._visits: deque[Visit] = deque(maxlen=settings.max_visits)

    def visit_of(
        self, first_seen_s: float, last_seen_s: float, box: Box, embedding: Embedding | None
    ) -> tuple[Visit, bool]:
        """The visit of a face seen in that time, last in `box`, and whether it is a new one."""
        for visit in reversed(self._visits):
            if self._is_same(visit, first_seen_s, box, embedding):
                visit.lasts(last_seen_s, box)
                visit.embedding = visit.embedding if embedding is None else embedding
                return visit, False
        visit = Visit(last_seen_s=last_seen_s, box=box, embedding=embedding)
        self._visits.append(visit)
        return visit, True

    def forget(self) -> None:
        """The source began anew, with another time."""
        self._visits.clear()

    def _is_same(
        self, visit: Visit, first_seen_s: float, box: Box, embedding: Embedding | None
    ) -> bool:
        settings = self._settings
        gap_s = first_seen_s - visit.last_seen_s
        if gap_s < 0:
            return False  # both were in view at once
        if embedding is not None and visit.embedding is not None:
            is_alike = likeness(embedding, visit.embedding) >= settings.same_likeness
            return is_alike and gap_s <= settings.gap_s
        return gap_s <= settings.same_place_s and box.iou(visit.box) >= settings.same_place_iou
