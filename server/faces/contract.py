"""What pages, REST and the command line meet of faces: values, and the promises of each method."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Final, Protocol

from server.accounts.contract import Caller
from server.faces.denied_contract import DeniedPage
from vision.geometry import Box

MOST_PERSONS: Final = 200
"""On one page of persons."""

MOST_PICTURES: Final = 20
"""Enrolment pictures in one request."""


class Outcome(Enum):
    """What can be said of a face."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDetails:
    """What is written down of a person. `age` in years, None: not known.

    `consent` says in words what they agreed to, `purpose` what they are recognised for; after
    `keep_until` they are forgotten, None: not by themselves.
    """

    name: str
    age: int | None = None
    gender: str = ""
    place: str = ""
    consent: str = ""
    purpose: str = ""
    keep_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody enrolled. `class_id` is never given twice."""

    class_id: int
    details: PersonDetails
    enrolled_at: datetime
    changed_at: datetime
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFilter:
    """Part of a name or place, whatever its case; ages inclusive."""

    name: str = ""
    place: str = ""
    least_age: int | None = None
    most_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """Persons by their ids; `total` match in all."""

    persons: tuple[Person, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCard:
    """An enrolment picture without its pixels. `quality` is 0..1."""

    image_id: int
    class_id: int
    quality: float
    source: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceQualityCard:
    """Parts 0..1; `reasons` say why the face is not good enough, none: it is."""

    size: float
    sharpness: float
    pose: float
    light: float
    total: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike a face is to a person: `score` is a cosine, -1..1.

    `probability` that both are one person, where either was as likely beforehand; None: nobody has
    calibrated the model.
    """

    person: Person
    score: float
    probability: float | None
    is_denied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What another model makes of a face, such as whether it is alive: `scores` are 0..1 by name.

    An estimate, never a fact: it decides nothing by itself.
    """

    task: str
    model: str
    model_version: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFace:
    """One face of a picture and who it may be, the likeliest first.

    `outcome` None: it was not compared, `reason` says why.
    """

    box: Box
    confidence: float
    quality: FaceQualityCard
    outcome: Outcome | None
    reason: str
    likenesses: tuple[Likeness, ...]
    analyses: tuple[Analysis, ...] = ()

    @property
    def match(self) -> Likeness | None:
        """Who it is, where that can be said."""
        return self.likenesses[0] if self.outcome is Outcome.KNOWN else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVector:
    """Who a face may be whose vector was given, the likeliest first."""

    outcome: Outcome
    reason: str
    likenesses: tuple[Likeness, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Every face of a picture, the largest first, in its pixels."""

    width: int
    height: int
    faces: tuple[FoundFace, ...]
    model: str


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture as it came; `name` is for messages.

    `at` is where the face is that is meant, in shares (0..1) of the picture; None: the largest, or
    where somebody is enrolled the only one. `sighting_id`: a camera, `device_id`, sent it, and saw
    that face at `seen_at`, None: it had no time.
    """

    name: str
    content: bytes
    at: Box | None = None
    sighting_id: int | None = None
    device_id: str | None = None
    seen_at: datetime | None = None

    @cached_property
    def sha256(self) -> str:
        """Worked out once: a picture may have many megabytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Whether a picture could be enrolled: a JPEG of what would be kept, None where there is no
    face, and why not in words; no reason: it could."""

    face: bytes | None
    quality: FaceQualityCard | None
    reason: str | None
    analyses: tuple[Analysis, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A picture that was not enrolled, and in words why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What became of the pictures of one person."""

    person: Person
    pictures: tuple[PictureCard, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the largest faces of two pictures are one person's."""

    is_same: bool
    score: float
    probability: float | None
    threshold: float
    boxes: tuple[Box, Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetReport:
    """What was held on a person and is gone; `left` counts what a search afterwards still found,
    by where, and `is_gone` says that it found nothing."""

    class_id: int
    pictures: int
    embeddings: int
    negatives: int
    matches: int
    index_entries: int
    left: dict[str, int]
    forgotten_at: datetime

    @property
    def is_gone(self) -> bool:
        return not any(self.left.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryStatus:
    """`model` None: there is no embedding model, and `problem` says how to get one.

    `indexed` vectors are found; `waiting` pictures have none of this model yet (`faces re-embed`).
    """

    model: str | None
    model_version: str | None
    detector: str | None
    numbers: int | None
    persons: int
    pictures: int
    indexed: int
    waiting: int
    revision: int
    problem: str | None


class ResetKind(Enum):
    """What `reset` begins anew."""

    INDEX = "rebuild"
    EVERYBODY = "forget-everybody"


class Faces(Protocol):
    """The face gallery. Who may do what was decided by the route or page that asks; every look at
    a person and every change is audited before it happens.

    All raise StorageUnavailable; those that look into a picture QuestionInvalid where it is none or
    shows no usable face, FacesUnavailable without models, and QueueFull where too much waits.
    """

    async def identify(self, caller: Caller, picture: Upload, *, most: int = 5) -> Identification:
        """Who is in a picture; each face with at most so many likenesses."""
        ...

    async def search(
        self, caller: Caller, vector: Sequence[float], model: str, *, most: int = 5
    ) -> FoundVector:
        """Whose face has that vector; `model` is `NAME@VERSION` of what made it. Raises
        QuestionInvalid where it is not the gallery's, or no vector of it."""
        ...

    async def of_sighting(self, caller: Caller, sighting_id: int) -> Upload:
        """The picture in which a camera saw a face, and where the face is. Raises NotThere."""
        ...

    async def examine(self, caller: Caller, picture: Upload) -> Examination:
        """Whether a picture could be enrolled; nobody is compared with it."""
        ...

    async def verify(self, caller: Caller, one: Upload, other: Upload) -> Verification:
        """Whether two pictures show one person; nobody enrolled is looked at."""
        ...

    async def enrol(
        self, caller: Caller, details: PersonDetails, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        """A new person; QuestionInvalid where not one picture is good enough: nobody is made."""
        ...

    async def add_pictures(
        self, caller: Caller, class_id: int, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        """More pictures of a person; those refused are told. Raises NotThere."""
        ...

    async def edit(self, caller: Caller, class_id: int, details: PersonDetails) -> Person:
        """Raises NotThere."""
        ...

    async def deny(self, caller: Caller, class_id: int, picture: Upload) -> None:
        """The largest face of the picture is not this person's; where a camera saw it, it is their
        match no more. Raises NotThere."""
        ...

    async def denied(
        self, caller: Caller, class_id: int, *, before: int | None = None, limit: int = 48
    ) -> DeniedPage:
        """What was said not to be this person; at most MOST_LISTED. Raises NotThere."""
        ...

    async def take_back(self, caller: Caller, class_id: int, denied_id: int) -> None:
        """A face that was said not to be this person's may be theirs again; where a camera saw it
        and it is alike enough, it is their match again, and so are unknown visitors. Raises
        NotThere."""
        ...

    async def merge(self, caller: Caller, kept_id: int, gone_id: int) -> Person:
        """Two numbers of one person: pictures, matches and what was said not to be them go over to
        the one that is kept, whose details stay; the other is gone. Raises NotThere."""
        ...

    async def delete_picture(self, caller: Caller, image_id: int) -> None:
        """Raises NotThere."""
        ...

    async def forget(self, caller: Caller, class_id: int) -> ForgetReport:
        """Takes away everything that is held on a person. Raises NotThere."""
        ...

    async def persons(
        self, caller: Caller, wanted: PersonFilter, *, offset: int = 0, limit: int = 50
    ) -> PersonPage:
        """Those that match, by id."""
        ...

    async def person(self, caller: Caller, class_id: int) -> Person:
        """Raises NotThere."""
        ...

    async def pictures_of(self, caller: Caller, class_id: int) -> tuple[PictureCard, ...]:
        """By id. Raises NotThere."""
        ...

    async def picture(self, caller: Caller, image_id: int) -> bytes:
        """A JPEG. Raises NotThere, PictureLocked."""
        ...

    async def covers(self, caller: Caller, class_ids: Sequence[int]) -> Mapping[int, bytes]:
        """By class id: a small JPEG of the first picture; who has none that can be shown is left
        out."""
        ...

    async def export(self, caller: Caller, class_id: int) -> bytes:
        """A ZIP of all that is held on a person. Raises NotThere."""
        ...

    async def status(self) -> GalleryStatus:
        """How many are enrolled, and with what they are found."""
        ...

    async def reset(self, caller: Caller, kind: ResetKind) -> GalleryStatus:
        """Builds the index anew, or first forgets everybody; searches see the old or the new."""
        ...
