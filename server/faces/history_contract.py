"""What pages and REST meet of faces seen by cameras: matches over time, unknown visitors, and
whether somebody was here before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Final, Protocol

from server.accounts.contract import Caller
from server.faces.contract import Faces, Person, PictureCard, Upload
from server.faces.denied_contract import DeniedPage
from server.storage.reading.face_sightings import FaceSighting

MOST_LISTED: Final = 200
"""Of matches, visitors or visits at once."""

MOST_DAYS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchFilter:
    """Which matches; what is empty or None does not count. `name` is part of a person's, whatever
    its case. `since` is included, `until` is not."""

    class_id: int | None = None
    name: str = ""
    device_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A camera saw somebody who is enrolled: `score` is a cosine, `probability` as in Likeness."""

    match_id: int
    person: Person
    sighting_id: int
    device_id: str
    seen_at: datetime
    score: float
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPage:
    """The last to arrive first; `next_before` asks for those that follow, None: there are none."""

    matches: tuple[Match, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """One person with what is held on them, all of one moment: their pictures, what was said not
    to be them, page by page, and the last matches; `faces` are small JPEGs by sighting, of what
    cameras saw and is still kept."""

    person: Person
    pictures: tuple[PictureCard, ...]
    denied: DeniedPage
    matches: MatchPage
    faces: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """A day of the clock that was asked for."""

    day: date
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A camera saw somebody who is not enrolled; what is held of them goes after `keep_until`."""

    visitor_id: int
    sighting_id: int
    device_id: str
    seen_at: datetime
    keep_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorPage:
    """The last to arrive first. `keep_days` 0: none are kept, nor was it asked for."""

    visitors: tuple[Visitor, ...]
    next_before: int | None
    keep_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A camera saw a face that is alike; `person` None: as somebody unknown."""

    sighting_id: int
    device_id: str
    seen_at: datetime
    score: float
    probability: float | None
    person: Person | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """When the face of a picture was seen before, the last time first; at most MOST_LISTED.

    `compared` faces of unknown visitors were looked at, which are all that are kept.
    """

    visits: tuple[Visit, ...]
    compared: int
    keep_days: int


class FaceHistory(Protocol):
    """Faces that cameras saw. Who may do what was decided by the route or page that asks; every
    look at a person is audited before it happens. All raise StorageUnavailable."""

    async def sightings(
        self, caller: Caller, *, device_id: str = "", before: int | None = None, limit: int = 48
    ) -> tuple[FaceSighting, ...]:
        """The last to arrive first; of all cameras or of one."""
        ...

    async def face_of_sighting(self, caller: Caller, sighting_id: int) -> bytes:
        """A JPEG of the face and what is close around it. Raises NotThere."""
        ...

    async def thumbnails(self, caller: Caller, sighting_ids: Sequence[int]) -> Mapping[int, bytes]:
        """By sighting: a small JPEG of the face; those whose picture is gone are left out."""
        ...

    async def record(
        self, caller: Caller, class_id: int, *, most: int = 12, denied_before: int | None = None
    ) -> PersonRecord:
        """What a person's page shows, with at most so many matches and as many faces that are not
        theirs: one look. Raises NotThere."""
        ...

    async def matches(
        self, caller: Caller, wanted: MatchFilter, *, before: int | None = None, limit: int = 48
    ) -> MatchPage:
        """Who was recognised."""
        ...

    async def match_days(
        self, caller: Caller, wanted: MatchFilter, zone: tzinfo
    ) -> tuple[DayCount, ...]:
        """How many were recognised on each day that has any, by a clock in that zone; the last
        MOST_DAYS of them, in order."""
        ...

    async def deny_match(self, caller: Caller, match_id: int) -> None:
        """That was not this person: the match goes, and the face is noted as not theirs. Raises
        NotThere, and what looking into its picture raises."""
        ...

    async def visitors(
        self, caller: Caller, *, before: int | None = None, limit: int = 48
    ) -> VisitorPage:
        """Who was seen and is not enrolled."""
        ...

    async def seen_before(self, caller: Caller, picture: Upload) -> Earlier:
        """When the face of a picture was seen by a camera. Raises as `Faces.identify`."""
        ...


class FaceGallery(Faces, FaceHistory, Protocol):
    """Both together, as the server hands them out."""
