"""Tracks: which boxes of successive frames are the same thing. A state machine on plain values.

Serves moving regions, plates (which carry a text) and faces alike. Never looks at pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.pipeline.alignment import are_alike
from vision.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """When boxes belong together.

    A track ends when nothing was seen of it for `gone_after_s`. Boxes join within `reach` box
    sizes of where the track should be now. Of two tracks that one box covers, the second is
    carried on for `hidden_s`. Within `same_place_s` two things cannot have stood in the same place,
    so that overlapping boxes join there whatever their texts say. Beyond `max_tracks` a new box is
    counted in `Tracker.turned_away` and waits until another track has ended.
    """

    gone_after_s: float = 0.5
    reach: float = 0.8
    hidden_s: float = 1.0
    same_place_s: float = 0.35
    max_tracks: int = 24
    max_growth: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A box seen in one frame; `text` where it is a plate, with its confidence 0..1."""

    box: Box
    text: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing over time; a snapshot after an update.

    `velocity` is of the centre in pixels per second, `growth` of the size in relative change per
    second. `text` is the most confident one so far. `hits` counts updates in which it was seen;
    `seen_s` is the last time it had a box of its own, `last_seen_s` counts being covered too.
    """

    id: int
    box: Box
    first_box: Box
    first_seen_s: float
    last_seen_s: float
    seen_s: float
    hits: int = 1
    velocity: tuple[float, float] = (0.0, 0.0)
    growth: float = 0.0
    text: str | None = None
    confidence: float = 0.0

    def predicted(self, now_s: float) -> Box:
        """Where it should be at `now_s`, moving as before."""
        elapsed_s = max(0.0, now_s - self.last_seen_s)
        moved = self.box.shifted(self.velocity[0] * elapsed_s, self.velocity[1] * elapsed_s)
        factor = min(max(1.0 + self.growth * elapsed_s, 0.5), 2.0) - 1.0
        return moved.grown(self.box.width * factor / 2, self.box.height * factor / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackUpdate:
    """`ids[i]` is the track that detection `i` joined or began; None when turned away."""

    alive: tuple[Track, ...]
    ended: tuple[Track, ...]
    ids: tuple[int | None, ...]


class Tracker:
    """Births, matches, misses and ends. At most `max_tracks` tracks live at a time."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._tracks: dict[int, Track] = {}
        self._next_id = 1
        self.turned_away = 0

    @property
    def alive(self) -> tuple[Track, ...]:
        return tuple(self._tracks.values())

    def update(self, now_s: float, detections: Sequence[Detection]) -> TrackUpdate:
        """Take in what one frame showed; `now_s` does not run backwards."""
        ended = self._take_gone(now_s)
        ids: list[int | None] = [None] * len(detections)
        predicted = {track.id: track.predicted(now_s) for track in self._tracks.values()}
        for index, track_id in self._matches(now_s, detections, predicted):
            ids[index] = track_id
        self._absorb_pieces(detections, predicted, ids)
        self._move(now_s, detections, ids)
        self._carry_covered(now_s, detections, predicted, ids)
        for index, detection in enumerate(detections):
            if ids[index] is None:
                ids[index] = self._begun(now_s, detection)
        return TrackUpdate(alive=self.alive, ended=ended, ids=tuple(ids))

    def finish(self) -> tuple[Track, ...]:
        """End everything that lives."""
        ended = self.alive
        self._tracks.clear()
        return ended

    def _take_gone(self, now_s: float) -> tuple[Track, ...]:
        limit = self._settings.gone_after_s
        ended = tuple(t for t in self._tracks.values() if now_s - t.last_seen_s > limit)
        for track in ended:
            del self._tracks[track.id]
        return ended

    def _matches(
        self, now_s: float, detections: Sequence[Detection], predicted: dict[int, Box]
    ) -> list[tuple[int, int]]:
        """Best pairs first, each detection and each track once."""
        scored = []
        for index, detection in enumerate(detections):
            for track in self._tracks.values():
                score = self._score(now_s, track, predicted[track.id], detection)
                if score > 0:
                    scored.append((-score, track.id, index))
        taken: set[int] = set()
        pairs: dict[int, int] = {}
        for _, track_id, index in sorted(scored):
            if track_id not in taken and index not in pairs:
                taken.add(track_id)
                pairs[index] = track_id
        return sorted(pairs.items())

    def _score(self, now_s: float, track: Track, expected: Box, detection: Detection) -> float:
        """0 where they cannot be the same; at most 3."""
        box = detection.box
        overlap = expected.iou(box)
        elapsed_s = now_s - track.last_seen_s
        if detection.text is not None and track.text is not None:
            in_place = overlap > 0.3 and elapsed_s <= self._settings.same_place_s
            if not in_place and not are_alike(detection.text, track.text):
                return 0.0
            reach = self._text_reach(track, detection.text, elapsed_s)
            sameness = 1.0 if detection.text == track.text else 0.0
        else:
            reach, sameness = self._settings.reach, 0.0
        size = max(1.0, (_length(expected) + _length(box)) / 2)
        distance = math.dist(expected.center, box.center) / size
        ratio = max(_size(box), 1.0) / max(_size(expected), 1.0)
        fits = 1 / self._settings.max_growth <= ratio <= self._settings.max_growth
        if overlap < 0.1 and (distance > reach or not fits):
            return 0.0
        return overlap + max(0.01, 1.0 - distance / reach) + sameness

    def _text_reach(self, track: Track, text: str, elapsed_s: float) -> float:
        """The same text says more than a position that is guessed from too few looks."""
        unsure = 3.0 if track.hits < 2 else 1.0
        return self._settings.reach + elapsed_s * unsure * (8.0 if text == track.text else 3.0)

    @staticmethod
    def _absorb_pieces(
        detections: Sequence[Detection], predicted: dict[int, Box], ids: list[int | None]
    ) -> None:
        """A box without track inside a track that is seen anyway is a piece of that thing."""
        matched = {track_id for track_id in ids if track_id is not None}
        for index, detection in enumerate(detections):
            if ids[index] is not None or detection.text is not None:
                continue
            for track_id in sorted(matched):
                if detection.box.intersection(predicted[track_id]) > 0.6 * detection.box.area:
                    ids[index] = track_id
                    break

    def _move(
        self, now_s: float, detections: Sequence[Detection], ids: Sequence[int | None]
    ) -> None:
        for track in self.alive:
            pieces = [
                d for d, track_id in zip(detections, ids, strict=True) if track_id == track.id
            ]
            if not pieces:
                continue
            box = pieces[0].box
            for piece in pieces[1:]:
                box = box.united(piece.box)
            best = max(pieces, key=lambda piece: piece.confidence)
            self._tracks[track.id] = _moved(track, now_s, box, best)

    def _carry_covered(
        self,
        now_s: float,
        detections: Sequence[Detection],
        predicted: dict[int, Box],
        ids: Sequence[int | None],
    ) -> None:
        """Two things that melt into one box for a while both live on."""
        seen = set(ids)
        for track in self.alive:
            if track.id in seen or now_s - track.seen_s > self._settings.hidden_s:
                continue
            expected = predicted[track.id]
            for detection in detections:
                is_text = detection.text is not None
                if not is_text and expected.intersection(detection.box) > 0.6 * expected.area:
                    self._tracks[track.id] = replace(track, box=expected, last_seen_s=now_s)
                    break

    def _begun(self, now_s: float, detection: Detection) -> int | None:
        if len(self._tracks) >= self._settings.max_tracks:
            self.turned_away += 1
            return None
        track_id, self._next_id = self._next_id, self._next_id + 1
        self._tracks[track_id] = Track(
            id=track_id,
            box=detection.box,
            first_box=detection.box,
            first_seen_s=now_s,
            last_seen_s=now_s,
            seen_s=now_s,
            text=detection.text,
            confidence=detection.confidence,
        )
        return track_id


def _size(box: Box) -> float:
    """Side of the square of the same area, in pixels."""
    return math.sqrt(box.area)


def _length(box: Box) -> float:
    return max(box.width, box.height)


def _moved(track: Track, now_s: float, box: Box, detection: Detection) -> Track:
    """The track with its new box; velocity and growth follow half of each new look."""
    elapsed_s = now_s - track.last_seen_s
    velocity, growth = track.velocity, track.growth
    if elapsed_s > 0:
        share = 1.0 if track.hits == 1 else 0.5
        was, now = track.box.center, box.center
        velocity = (
            velocity[0] + share * ((now[0] - was[0]) / elapsed_s - velocity[0]),
            velocity[1] + share * ((now[1] - was[1]) / elapsed_s - velocity[1]),
        )
        relative = _size(box) / max(_size(track.box), 1.0) - 1.0
        growth = growth + share * (relative / elapsed_s - growth)
    is_better = track.text is None or detection.confidence > track.confidence
    return replace(
        track,
        box=box,
        last_seen_s=now_s,
        seen_s=now_s,
        hits=track.hits + 1,
        velocity=velocity,
        growth=growth,
        text=detection.text if is_better else track.text,
        confidence=max(track.confidence, detection.confidence),
    )
