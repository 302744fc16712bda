"""Sightings as they are searched, listed, looked at in full, and corrected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

MOST_CARDS: Final = 200
"""On one page."""


class Matching(StrEnum):
    """How a plate is compared. Case, spaces, dashes and dots never count.

    LIKELY takes characters that readers confuse for equal: 0 O Q D, 1 I L, 8 B, 5 S, 2 Z.
    """

    LIKELY = "likely"
    EXACT = "exact"


class Order(StrEnum):
    """NEWEST: by the time of capture. LIKELIEST: what was rather meant first, then the newest;
    among the newest thousand that match, then the thousand before them, and so on."""

    NEWEST = "newest"
    LIKELIEST = "likeliest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingFilter:
    """Which sightings; what is empty or None does not count.

    `plate` is what people hold the plate to be (corrected where it was), with `*` for any
    characters and `?` for one. `since` is included, `until` is not; both are times of capture.
    Of `device_ids`, `regions` and `directions` any one is enough. Confidence is in percent, both
    ends included; a sighting without a confidence is in no range.
    """

    plate: str = ""
    matching: Matching = Matching.LIKELY
    since: datetime | None = None
    until: datetime | None = None
    device_ids: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    least_percent: float | None = None
    most_percent: float | None = None
    has_picture: bool | None = None
    is_corrected: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingCard:
    """A sighting in a list. `plate` is what to show: the correction where there is one.

    `read_plate` is what the camera read. `captured_at` is None where an old camera's time cannot
    be understood; `timestamp` is the camera's own text. `image_status` is present, missing,
    invalid or evicted; `has_picture`: there is one to ask for. `likelihood`, 0..1, is how likely
    the plate is the one that was searched for; None where none was.
    """

    id: int
    plate: str
    read_plate: str
    is_corrected: bool
    device_id: str
    checkpoint_id: str
    hostname: str
    captured_at: datetime | None
    timestamp: str
    received_at: datetime | None
    confidence_percent: float | None
    region: str | None
    direction: str | None
    image_status: str
    has_picture: bool
    likelihood: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingPage:
    """Some sightings in order. `next_cursor` asks for those that follow; None: there are none.

    Where a search has so little to find that it was broken off to stay quick, the page is short,
    `searched_back_to` says how far back it looked, and `next_cursor` goes on from there.
    """

    cards: tuple[SightingCard, ...]
    next_cursor: str | None
    searched_back_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many there are; not `is_exact`: estimated from the part that was counted in time."""

    count: int
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingEvidence:
    """One look at the plate. `confidence` 0..1; `box` is x, y, width, height in pixels of its
    frame, None where the camera did not say."""

    text: str
    confidence: float | None
    at: datetime | None
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterEvidence:
    """One character of the plate, and what else it may be: (text, share 0..1), likeliest first."""

    text: str
    confidence: float | None
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEvidence:
    """What was seen beside the plate and not taken; `reason` is the camera's word for why."""

    text: str
    confidence: float | None
    reason: str
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How the reading came about, as far as the camera said. `whole` is all that it sent."""

    readings: tuple[ReadingEvidence, ...]
    characters: tuple[CharacterEvidence, ...]
    refused: tuple[RefusedEvidence, ...]
    model: str | None
    thresholds: Mapping[str, float]
    first_seen: datetime | None
    last_seen: datetime | None
    region: str | None
    region_certainty: float | None
    format: str | None
    is_partial: bool
    province: str | None
    whole: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person held the plate to be. `plate` None: as the camera read it, after all.

    `plate_before` is what it was held to be until then; `by` is the person's name for the audit.
    `undoes` is the correction that this one takes back, None of a correction proper.
    """

    id: int
    sighting_id: int
    plate: str | None
    plate_before: str
    by: str
    at: datetime
    note: str
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingDetail:
    """Everything about one sighting. `corrections` are in order of time, the last is in force.

    `dwell_s` and `exposure_time_s` are in seconds; latitude and longitude are the camera's text.
    `sequence` counts the rows of the camera's `epoch`; old cameras have neither.
    """

    card: SightingCard
    evidence: Evidence | None
    corrections: tuple[Correction, ...]
    vehicle_type: str
    vehicle_color: str
    latitude: str
    longitude: str
    exposure_time_s: float | None
    analog_gain: float | None
    lux: float | None
    dwell_s: float | None
    clock_state: str | None
    message_id: str | None
    epoch: str | None
    sequence: int | None
    image_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture's bytes; `sha256` names its content for ever, so it may be kept by whoever asks."""

    content: bytes
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCount:
    """Sightings captured within the minute that begins `at`."""

    at: datetime
    count: int


class Sightings(Protocol):
    """What was seen."""

    async def page(
        self,
        chosen: SightingFilter,
        *,
        order: Order = Order.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> SightingPage:
        """Up to `limit` (1 to MOST_CARDS) sightings. The latest ones: an empty filter.

        A cursor belongs to its filter and order, and shows what was stored when its first page was
        asked for: rows that arrive meanwhile shift nothing. Raises QuestionInvalid.
        """
        ...

    async def count(self, chosen: SightingFilter) -> Count:
        """How many match, in a fraction of a second, estimated where they are very many."""
        ...

    async def detail(self, sighting_id: int) -> SightingDetail:
        """One sighting with its evidence. Raises NotThere."""
        ...

    async def per_minute(self, *, until: datetime, minutes: int = 60) -> tuple[MinuteCount, ...]:
        """Each of the last `minutes` (1 to 1440), the oldest first, also those without any."""
        ...

    def every(
        self, chosen: SightingFilter, *, with_evidence: bool = False
    ) -> AsyncIterator[Sequence[SightingDetail]]:
        """All that match and were stored when it began, the newest first, in pieces.

        Holds a piece at a time in memory and no lock between two. Without `with_evidence` the
        details have none.
        """
        ...


class Pictures(Protocol):
    """The pictures of sightings."""

    async def picture(self, sighting_id: int) -> Picture:
        """The sighting's picture as it came. Raises NotThere, saying why there is none."""
        ...


class Corrections(Protocol):
    """Readings put right by people. The camera's own reading is never changed."""

    async def correct(
        self, sighting_id: int, plate: str, *, by: str, now: datetime, note: str = ""
    ) -> Correction:
        """Holds the plate to be `plate` from now on: it is shown so, and found so.

        Raises NotThere, or QuestionInvalid where it says nothing new or nothing readable.
        """
        ...

    async def undo(self, sighting_id: int, *, by: str, now: datetime) -> Correction:
        """Takes back the last correction that still stands; this too is kept in the history.

        Raises NotThere, or QuestionInvalid where there is nothing to undo.
        """
        ...
