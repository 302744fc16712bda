"""What the face service asks of whoever keeps the gallery. One contract for every database:
`tests/server/faces/test_keeping.py` holds each to it.

Of every method: it raises StorageUnavailable; a change is carried out whole or not at all, and the
next search knows of it once it returns; what one call reads is of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

from server.faces.calibration import Calibration
from server.faces.contract import (
    ForgetReport,
    Person,
    PersonDetails,
    PersonFilter,
    PersonPage,
    PictureCard,
)
from server.faces.decision import Decision, Rule, Vector
from server.faces.denied_contract import DeniedFace, DeniedPage
from server.faces.history_contract import (
    DayCount,
    Match,
    MatchFilter,
    MatchPage,
    PersonRecord,
    Visitor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKey:
    """An embedding model: name, the first 12 digits of its file's SHA-256, numbers in a vector."""

    name: str
    version: str
    numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """A face to be enrolled: a JPEG of it, what it was cut from, how good it is, its vector."""

    source_sha256: str
    content: bytes
    quality: dict[str, Any]
    source: str
    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The person afterwards, the pictures that were added, and those that they had already, by the
    SHA-256 of what they were cut from."""

    person: Person
    added: tuple[PictureCard, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whose a face is, decided on all that is held at that moment on those whose vectors are
    nearest, and who the likeliest of them are, by class id. `revision` is how often the gallery
    was changed by then."""

    revision: int
    decision: Decision
    persons: Mapping[int, Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """`waiting` pictures have no vector of the gallery's model."""

    persons: int
    pictures: int
    waiting: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A face that a camera saw, with its vector."""

    sighting_id: int
    device_id: str
    seen_at: datetime
    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Whose face it is: `score` is a cosine, `probability` as in Likeness."""

    class_id: int
    score: float
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is to be noted of one sighting. `look` None: it could not be compared. `person` is who
    it is; nobody: an unknown visitor to be kept until `keep_until`, None: not at all. `revision`
    is that of the gallery with which it was compared."""

    sighting_id: int
    look: Look | None = None
    person: Recognised | None = None
    keep_until: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A look at somebody unknown and its score against what was asked for."""

    sighting_id: int
    device_id: str
    seen_at: datetime
    score: float


class PersonsKept(Protocol):
    """Who is enrolled."""

    async def page(self, wanted: PersonFilter, *, offset: int, limit: int) -> PersonPage:
        """Those that match, by id; at most MOST_PERSONS."""
        ...

    async def person(self, class_id: int) -> Person:
        """Raises NotThere."""
        ...

    async def record(self, class_id: int, *, most: int, denied_before: int | None) -> PersonRecord:
        """One person with what is held on them, at most so many matches and as many faces that
        are not theirs; no pictures of faces. Raises NotThere."""
        ...

    async def edit(self, class_id: int, details: PersonDetails, now: datetime) -> Person:
        """Raises NotThere."""
        ...

    async def merge(self, kept_id: int, gone_id: int, now: datetime) -> Person:
        """All that is held on the one goes over to the other, being watched for and alerts too; of
        a picture that both have, one stays. Raises NotThere."""
        ...


class Forgetting(Protocol):
    """All that is held on one person, and its end."""

    async def overdue(self, now: datetime) -> tuple[int, ...]:
        """Class ids of those who are to be forgotten by now."""
        ...

    async def archive(self, class_id: int, now: datetime) -> bytes:
        """A ZIP of all that is held on a person. Raises NotThere, PictureLocked."""
        ...

    async def forget(self, class_id: int, now: datetime) -> ForgetReport:
        """Takes everything away, then looks for it wherever it could be. Raises NotThere."""
        ...

    async def forget_everybody(self) -> None:
        """Persons, what is held on them, and unknown visitors."""
        ...


class PicturesKept(Protocol):
    """Enrolment pictures."""

    async def pictures_of(self, class_id: int) -> tuple[PictureCard, ...]:
        """By id. Raises NotThere."""
        ...

    async def picture(self, image_id: int) -> bytes:
        """A JPEG. Raises NotThere, PictureLocked."""
        ...

    async def first_pictures(self, class_ids: Sequence[int]) -> Mapping[int, bytes]:
        """By class id: a JPEG of each one's first picture; who has none that can be opened is left
        out."""
        ...

    async def owner_of(self, image_id: int) -> int:
        """The class id of whose picture it is. Raises NotThere."""
        ...

    async def delete_picture(self, image_id: int, now: datetime) -> None:
        """With its vector. Raises NotThere."""
        ...

    async def counted(self) -> Counted:
        """How much there is."""
        ...


class VectorsKept(Protocol):
    """Vectors of the gallery's model, and who is near. Without a model nobody is."""

    async def enrol(
        self, details: PersonDetails, pictures: Sequence[NewPicture], now: datetime
    ) -> Enrolled:
        """A new person; their number was never given before."""
        ...

    async def add_pictures(
        self, class_id: int, pictures: Sequence[NewPicture], now: datetime
    ) -> Enrolled:
        """Raises NotThere."""
        ...

    async def deny(
        self,
        class_id: int,
        vector: Vector,
        by: str,
        now: datetime,
        *,
        sighting_id: int | None = None,
    ) -> None:
        """A face that is not this person's. `sighting_id`: a camera saw it; it is no match of this
        person any more. Raises NotThere."""
        ...

    async def denied(self, class_id: int, *, before: int | None, limit: int) -> DeniedPage:
        """What was said not to be this person; at most MOST_LISTED. Raises NotThere."""
        ...

    async def denied_face(self, class_id: int, denied_id: int) -> DeniedFace:
        """One of them. Raises NotThere."""
        ...

    async def take_back(self, class_id: int, denied_id: int, now: datetime) -> None:
        """A face that was said not to be this person's may be theirs again, and is their match
        again where a camera saw it and it is alike enough. Raises NotThere."""
        ...

    async def who(self, vector: Vector, rule: Rule, *, most: int) -> Told:
        """Whose face that is, of those who are enrolled at that moment; `persons` has at most so
        many, the likeliest."""
        ...

    async def indexed(self) -> int:
        """Vectors that are found."""
        ...


class SeenKept(Protocol):
    """Faces that cameras saw: how far they were compared, who was recognised, who is unknown."""

    async def position(self) -> int:
        """The last sighting that was compared."""
        ...

    async def note(self, compared: Compared) -> bool:
        """Keeps what came of one sighting and moves the position to it, in one step; one at or
        below the position was noted before. False, and nothing was noted: the gallery was changed
        since it was compared, which is to be done again."""
        ...

    async def claim(self, class_id: int, calibration: Calibration) -> int:
        """Unknown visitors who are this person become their matches; how many. By the person's
        vectors of the moment at which that is carried out."""
        ...

    async def alike(self, vector: Vector, least: float) -> tuple[list[Alike], int]:
        """Unknown visitors whose cosine reaches `least`, and how many were compared."""
        ...

    async def drop_old(self, now: datetime) -> int:
        """Visitors whose time is over, and what belongs to sightings that were given up."""
        ...


class MatchesKept(Protocol):
    """What was noted, for people to look at."""

    async def matches(self, wanted: MatchFilter, *, before: int | None, limit: int) -> MatchPage:
        """The last to arrive first; at most MOST_LISTED."""
        ...

    async def match_days(self, wanted: MatchFilter, zone: tzinfo) -> tuple[DayCount, ...]:
        """The last MOST_DAYS that have any, by a clock in that zone, in order."""
        ...

    async def match(self, match_id: int) -> Match:
        """Raises NotThere."""
        ...

    async def visitors(
        self, *, before: int | None, limit: int
    ) -> tuple[tuple[Visitor, ...], int | None]:
        """The last to arrive first, and where to go on."""
        ...


class FaceStore(
    PersonsKept, Forgetting, PicturesKept, VectorsKept, SeenKept, MatchesKept, Protocol
):
    """Everything, as the service is handed it; of one model, or none."""

    async def open(self) -> None:
        """Makes what searches need ready; nobody is found before. May be called again: whom another
        process forgot, this one's memory holds no more then."""
        ...

    async def rebuild(self) -> None:
        """Makes what searches need anew from what is enrolled; they see the old or the new."""
        ...

    async def close(self) -> None:
        """Waits for the work in hand; idempotent."""
        ...
