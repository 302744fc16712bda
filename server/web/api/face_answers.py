"""What is told of persons and faces, in today's words and in those of the older face service.

A box is `[x, y, width, height]` in the picture's pixels.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from server.faces.contract import (
    Analysis,
    Enrolment,
    FoundFace,
    Identification,
    Likeness,
    Person,
    PersonDetails,
    PictureCard,
)
from vision.geometry import Box

UNKNOWN = "unknown"


class OlderPerson(BaseModel):
    """`ten` is the name, `tuoi` the age, `gioitinh` the gender, `noio` the place."""

    class_id: int
    ten: str
    tuoi: int | None
    gioitinh: str
    noio: str


class OlderMatch(OlderPerson):
    """`score` is a cosine, -1..1; `probability` null: nobody has calibrated the model."""

    score: float
    probability: float | None


class OlderFace(BaseModel):
    """Of one face: who it is, or `unknown`, with the reason."""

    class_id: int | None
    ten: str = Field(examples=["Nguyễn Thị Lan", UNKNOWN])
    tuoi: int | None = None
    gioitinh: str = ""
    noio: str = ""
    score: float | None = Field(description="of the best likeness, -1..1")
    probability: float | None
    box: tuple[int, int, int, int]
    quality: float
    reason: str


class OlderAnswer(OlderFace):
    """The largest face; `faces` has all."""

    status: str = "success"
    faces: tuple[OlderFace, ...]


class OlderTopFive(BaseModel):
    """The five likeliest for the largest face, whether or not one is sure."""

    status: str = "success"
    class_id: int | None
    ten: str
    reason: str
    box: tuple[int, int, int, int]
    results: tuple[OlderMatch, ...]


class PersonAnswer(BaseModel):
    """Somebody enrolled."""

    class_id: int
    name: str
    age: int | None
    gender: str
    place: str
    consent: str
    purpose: str
    keep_until: datetime | None
    enrolled_at: datetime
    changed_at: datetime
    pictures: int


class PersonsAnswer(BaseModel):
    """`total` match in all."""

    persons: tuple[PersonAnswer, ...]
    total: int


class RefusedPicture(BaseModel):
    """A picture that was not enrolled."""

    name: str
    reason: str


class EnrolmentAnswer(BaseModel):
    """What became of the pictures."""

    person: PersonAnswer
    pictures: tuple[PictureCard, ...]
    refused: tuple[RefusedPicture, ...]


class LikenessAnswer(BaseModel):
    """How alike the face and a person are; `is_denied`: it was said not to be them."""

    person: PersonAnswer
    score: float
    probability: float | None
    is_denied: bool


class SearchAnswer(BaseModel):
    """`outcome` is known, unknown or ambiguous."""

    outcome: str
    reason: str
    likenesses: tuple[LikenessAnswer, ...]


class FaceAnswer(BaseModel):
    """`outcome` is known, unknown, ambiguous, or null where the face was not compared."""

    box: tuple[int, int, int, int]
    confidence: float
    quality: float
    quality_reasons: tuple[str, ...]
    outcome: str | None
    reason: str
    likenesses: tuple[LikenessAnswer, ...]
    analyses: tuple[Analysis, ...] = Field(
        description="What other models estimate, such as liveness; never a fact."
    )


class IdentificationAnswer(BaseModel):
    """Every face of a picture, the largest first."""

    width: int
    height: int
    model: str
    faces: tuple[FaceAnswer, ...]


class VerificationAnswer(BaseModel):
    """Whether the largest faces of two pictures are one person's."""

    is_same: bool
    score: float
    probability: float | None
    threshold: float
    boxes: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]


def older_person(person: Person) -> OlderPerson:
    return OlderPerson(
        class_id=person.class_id,
        ten=person.details.name,
        tuoi=person.details.age,
        gioitinh=person.details.gender,
        noio=person.details.place,
    )


def older_match(likeness: Likeness) -> OlderMatch:
    return OlderMatch(
        **older_person(likeness.person).model_dump(),
        score=likeness.score,
        probability=likeness.probability,
    )


def older_face(face: FoundFace) -> OlderFace:
    best = next((each for each in face.likenesses if not each.is_denied), None)
    match = face.match
    told = OlderFace(
        class_id=None,
        ten=UNKNOWN,
        score=None if best is None else best.score,
        probability=None if best is None else best.probability,
        box=box_answer(face.box),
        quality=face.quality.total,
        reason=face.reason,
    )
    if match is None:
        return told
    return told.model_copy(update=older_person(match.person).model_dump())


def person_answer(person: Person) -> PersonAnswer:
    details: PersonDetails = person.details
    return PersonAnswer(
        class_id=person.class_id,
        name=details.name,
        age=details.age,
        gender=details.gender,
        place=details.place,
        consent=details.consent,
        purpose=details.purpose,
        keep_until=details.keep_until,
        enrolled_at=person.enrolled_at,
        changed_at=person.changed_at,
        pictures=person.pictures,
    )


def enrolment_answer(enrolment: Enrolment) -> EnrolmentAnswer:
    return EnrolmentAnswer(
        person=person_answer(enrolment.person),
        pictures=enrolment.pictures,
        refused=tuple(
            RefusedPicture(name=each.name, reason=each.reason) for each in enrolment.refused
        ),
    )


def identification_answer(found: Identification) -> IdentificationAnswer:
    return IdentificationAnswer(
        width=found.width,
        height=found.height,
        model=found.model,
        faces=tuple(_face_answer(face) for face in found.faces),
    )


def likeness_answer(likeness: Likeness) -> LikenessAnswer:
    return LikenessAnswer(
        person=person_answer(likeness.person),
        score=likeness.score,
        probability=likeness.probability,
        is_denied=likeness.is_denied,
    )


def box_answer(box: Box) -> tuple[int, int, int, int]:
    return box.as_xywh()


def _face_answer(face: FoundFace) -> FaceAnswer:
    return FaceAnswer(
        box=box_answer(face.box),
        confidence=face.confidence,
        quality=face.quality.total,
        quality_reasons=face.quality.reasons,
        outcome=None if face.outcome is None else face.outcome.value,
        reason=face.reason,
        likenesses=tuple(likeness_answer(each) for each in face.likenesses),
        analyses=face.analyses,
    )
