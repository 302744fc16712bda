"""When a passage becomes a sighting, and when not. Values only; time enters as `now_s`."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

from vision.geometry import Box
from vision.reading import CharacterReading
from vision.spelling import edit_distance


class Refusal(StrEnum):
    """Why something read was not handed on; stable words, they stand in the evidence."""

    LOW_CONFIDENCE = "low_confidence"
    TOO_FEW_READINGS = "too_few_readings"
    SAME_PASSAGE = "same_passage"
    STATIC_TEXT = "static_text"
    NOT_ALIKE = "not_alike"
    OUT_OF_ZONE = "out_of_zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """The thresholds of a sighting.

    `min_confidence` is the floor for the least certain character. A moving plate needs
    `min_readings` readings with exactly its text, or one when that reaches `single_confidence` and
    has `single_characters` (less may be half a plate). The same plate within `cooldown_s` of when
    it was last seen is the same passage, and so is one that begins within `standing_s` where it
    was left standing. Two texts are the same plate where one is the beginning or end of the other
    and not both are sure, or where they differ in one character that is contested: either vote had
    the other's character with `contested_share` or more. A text one edit off with less than
    `min_readings` readings within `echo_s` of the other is a misread echo of it. A plate that
    never moved and is read again in the same place within `static_s` is part of the scene, and so
    is one that stays while what seemed to carry it goes. A picture that stands for itself needs
    `min_confidence` only. Of both kinds `remembered` are remembered, the oldest forgotten first.
    `report_after_s` and `report_at_latest_s`: see `is_time_to_report`.
    """

    min_confidence: float = 0.5
    min_readings: int = 2
    single_confidence: float = 0.9
    single_characters: int = 5
    cooldown_s: float = 30.0
    standing_s: float = 900.0
    contested_share: float = 0.05
    echo_s: float = 2.0
    static_s: float = 3600.0
    remembered: int = 64
    report_after_s: float = 3.0
    report_at_latest_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the rules need to know of a passage.

    `characters` are those of `text` with their alternatives. `first_box` and `box` are where its
    plate was first and last read. `stands`: it was read in one place for a while up to the last
    reading. `is_left_behind`: the region that seemed to carry it moved, the plate did not.
    """

    text: str
    confidence: float
    agreeing: int
    is_sure: bool
    has_moved: bool
    first_seen_s: float
    last_seen_s: float
    first_box: Box
    box: Box
    characters: tuple[CharacterReading, ...] = ()
    stands: bool = False
    is_left_behind: bool = False


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
        self._static: deque[_Reported] = deque(maxlen=settings.remembered)
        self._standing: deque[_Reported] = deque(maxlen=settings.remembered)

    def adjust(self, settings: RuleSettings) -> None:
        """Judges by these from now on; what is remembered stays."""
        self._settings = settings

    def begin_anew(self, now_s: float) -> None:
        """The source's time begins anew there: what is remembered was seen then at the latest."""
        for memory in (self._recent, self._static, self._standing):
            known = tuple(memory)
            memory.clear()
            memory.extend(replace(s, last_seen_s=min(s.last_seen_s, now_s)) for s in known)

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
        if candidate.is_left_behind:
            return Refusal.STATIC_TEXT
        if self._is_same_passage(candidate):
            return Refusal.SAME_PASSAGE
        if self._is_part_of_scene(candidate, now_s):
            return Refusal.STATIC_TEXT
        return None

    def remember(self, candidate: Candidate) -> None:
        """Note a reported passage, or that it was seen again (which starts its cooldown anew)."""
        _note(self._recent, candidate)
        if not candidate.has_moved:
            _note(self._static, candidate)
        if candidate.stands:
            _note(self._standing, candidate)
        elif candidate.has_moved:
            _forget(self._standing, candidate.text)

    def remember_refused(self, candidate: Candidate) -> None:
        """Note that a plate already reported was seen again. Under another text nothing is noted:
        the next of a row of similar plates would be measured against a plate never reported."""
        if any(seen.candidate.text == candidate.text for seen in (*self._recent, *self._standing)):
            self.remember(candidate)

    def _is_same_passage(self, candidate: Candidate) -> bool:
        settings = self._settings
        for seen in self._recent:
            gap_s = candidate.first_seen_s - seen.last_seen_s
            if gap_s <= settings.cooldown_s and self._is_same_plate(seen, candidate, gap_s):
                return True
        for seen in self._standing:
            gap_s = candidate.first_seen_s - seen.last_seen_s
            is_there = _starts_at(seen.candidate.box, candidate.first_box)
            may_be = is_there and gap_s <= settings.standing_s
            if may_be and self._is_same_plate(seen, candidate, gap_s):
                return True
        return False

    def _is_same_plate(self, seen: _Reported, candidate: Candidate, gap_s: float) -> bool:
        known, text = seen.candidate, candidate.text
        if known.text == text:
            return True
        if known.is_sure and candidate.is_sure:
            return False
        if known.text.startswith(text) or known.text.endswith(text):
            return True
        if edit_distance(known.text, text) != 1:
            return False
        is_echo = (
            candidate.agreeing < self._settings.min_readings and gap_s <= self._settings.echo_s
        )
        return is_echo or len(known.text) != len(text) or self._is_contested(known, candidate)

    def _is_contested(self, one: Candidate, other: Candidate) -> bool:
        """For texts of one length that differ in one character: whether a vote had both there."""
        pairs = zip(one.text, other.text, strict=True)
        at = next(i for i, (a, b) in enumerate(pairs) if a != b)
        least = self._settings.contested_share
        return any(
            text == doubted and share >= least
            for candidate, doubted in ((one, other.text[at]), (other, one.text[at]))
            for character in candidate.characters[at : at + 1]
            for text, share in character.alternatives
        )

    def _is_part_of_scene(self, candidate: Candidate, now_s: float) -> bool:
        if candidate.has_moved:
            return False
        return any(
            now_s - static.last_seen_s <= self._settings.static_s
            and static.candidate.box.iou(candidate.box) > 0.4
            and edit_distance(static.candidate.text, candidate.text) <= 1
            for static in self._static
        )


def _note(memory: deque[_Reported], candidate: Candidate) -> None:
    """Put it last, in the place of what was known under its text."""
    known = _forget(memory, candidate.text)
    last_seen_s = candidate.last_seen_s
    if known is not None:
        last_seen_s = max(last_seen_s, known.last_seen_s)
    memory.append(_Reported(candidate=candidate, last_seen_s=last_seen_s))


def _forget(memory: deque[_Reported], text: str) -> _Reported | None:
    known = next((seen for seen in memory if seen.candidate.text == text), None)
    if known is not None:
        memory.remove(known)
    return known


def _starts_at(stood: Box, first: Box) -> bool:
    """Whether a plate first read at `first` set off from where one stood: the first reading may
    come when it has moved by up to twice its own width (about a metre)."""
    return math.dist(stood.center, first.center) <= 2 * max(stood.width, first.width)
