"""When a passage becomes a sighting, and when not. Values only; time enters as `now_s`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from agent.pipeline.alignment import edit_distance
from vision.geometry import Box


class Refusal(StrEnum):
    """Why something read was not handed on; stable words, they stand in the evidence."""

    LOW_CONFIDENCE = "low_confidence"
    TOO_FEW_READINGS = "too_few_readings"
    SAME_PASSAGE = "same_passage"
    STATIC_TEXT = "static_text"
    NOT_ALIKE = "not_alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """The thresholds of a sighting.

    `min_confidence` is the floor for the least certain character. A moving plate needs
    `min_readings` readings with exactly its text, or one when that reaches `single_confidence` and
    has `single_characters` (less may be half a plate). The same plate within `cooldown_s` of when
    it was last seen is the same passage; so is one that is its beginning or end, or differs by a
    single edit, unless both texts are sure. A plate that never moved and is read again
    in the same place within `static_s` is part of the scene. A picture that stands for itself needs
    `min_confidence` only. Of both kinds `remembered` are remembered, the oldest forgotten first.
    `report_after_s` and `report_at_latest_s`: see `is_time_to_report`.
    """

    min_confidence: float = 0.5
    min_readings: int = 2
    single_confidence: float = 0.9
    single_characters: int = 5
    cooldown_s: float = 30.0
    static_s: float = 3600.0
    remembered: int = 64
    report_after_s: float = 3.0
    report_at_latest_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the rules need to know of a passage. `box` is where its plate was last read."""

    text: str
    confidence: float
    agreeing: int
    is_sure: bool
    has_moved: bool
    first_seen_s: float
    last_seen_s: float
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    candidate: Candidate
    last_seen_s: float


def is_time_to_report(
    candidate: Candidate, now_s: float, *, is_over: bool, settings: RuleSettings
) -> bool:
    """A passage is reported when it is over; one that stays, `report_after_s` after it was first
    seen once its text is sure, or `report_at_latest_s` after it whatever its text is."""
    if is_over:
        return True
    stayed_s = now_s - candidate.first_seen_s
    if candidate.is_sure:
        return stayed_s >= settings.report_after_s
    return stayed_s >= settings.report_at_latest_s


class SightingRules:
    """Judges candidates; remembers what was reported, for the cooldown."""

    def __init__(self, settings: RuleSettings) -> None:
        self._settings = settings
        self._recent: deque[_Reported] = deque(maxlen=settings.remembered)
        self._standing: deque[_Reported] = deque(maxlen=settings.remembered)

    def judge_still(self, confidence: float) -> Refusal | None:
        """For a picture that stands for itself."""
        return Refusal.LOW_CONFIDENCE if confidence < self._settings.min_confidence else None

    def judge(self, candidate: Candidate, now_s: float) -> Refusal | None:
        """None where `candidate` is a sighting, else why not. Changes nothing."""
        settings = self._settings
        if candidate.confidence < settings.min_confidence:
            return Refusal.LOW_CONFIDENCE
        suffices = candidate.agreeing >= settings.min_readings or (
            candidate.agreeing >= 1
            and candidate.confidence >= settings.single_confidence
            and len(candidate.text) >= settings.single_characters
        )
        if not suffices:
            return Refusal.TOO_FEW_READINGS
        if any(self._is_same_passage(seen, candidate) for seen in self._recent):
            return Refusal.SAME_PASSAGE
        if self._is_part_of_scene(candidate, now_s):
            return Refusal.STATIC_TEXT
        return None

    def remember(self, candidate: Candidate) -> None:
        """Note a reported passage, or that it was seen again (which starts its cooldown anew)."""
        self._note(self._recent, candidate)
        if not candidate.has_moved:
            self._note(self._standing, candidate)

    def _is_same_passage(self, seen: _Reported, candidate: Candidate) -> bool:
        if candidate.first_seen_s - seen.last_seen_s > self._settings.cooldown_s:
            return False
        known, text = seen.candidate.text, candidate.text
        if known == text:
            return True
        is_near = edit_distance(known, text) == 1 or known.startswith(text) or known.endswith(text)
        return is_near and not (seen.candidate.is_sure and candidate.is_sure)

    def _is_part_of_scene(self, candidate: Candidate, now_s: float) -> bool:
        if candidate.has_moved:
            return False
        return any(
            now_s - standing.last_seen_s <= self._settings.static_s
            and edit_distance(standing.candidate.text, candidate.text) <= 1
            and standing.candidate.box.iou(candidate.box) > 0.4
            for standing in self._standing
        )

    @staticmethod
    def _note(memory: deque[_Reported], candidate: Candidate) -> None:
        known = next((seen for seen in memory if seen.candidate.text == candidate.text), None)
        last_seen_s = candidate.last_seen_s
        if known is not None:
            memory.remove(known)
            last_seen_s = max(last_seen_s, known.last_seen_s)
        memory.append(_Reported(candidate=candidate, last_seen_s=last_seen_s))
