"""Which face of a picture is meant, and whether it may be compared or enrolled. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from server.errors import QuestionInvalid
from server.faces.contract import Upload
from server.faces.gate import ENROLMENT, Demands, Verdict, judge
from server.faces.keeping import NewPicture
from server.faces.looking import Seen, SeenFace
from vision.geometry import Box

LEAST_OVERLAP: Final = 0.3
"""Of a face with where one was said to be (intersection over union): two detectors draw it
differently, two people who stand together overlap less."""


def meant(seen: Seen, upload: Upload) -> SeenFace:
    """The face where the upload says that it is, or the largest. Raises QuestionInvalid."""
    if not seen.faces:
        raise QuestionInvalid(f"{upload.name}: there is no face in it")
    if upload.at is None:
        return seen.faces[0]
    place = upload.at.denormalised(seen.width, seen.height)
    found = max(seen.faces, key=lambda face: face.box.iou(place))
    if not are_one(found.box, place):
        raise QuestionInvalid(f"{upload.name}: there is no face where one was said to be")
    return found


def are_one(box: Box, place: Box) -> bool:
    """Whether two boxes, in the same unit, are of one face."""
    return box.iou(place) >= LEAST_OVERLAP


def judged(face: SeenFace, demands: Demands) -> Verdict:
    """Whether the face is good enough."""
    return judge(
        face.quality, width_px=face.box.width, has_landmarks=face.has_landmarks, demands=demands
    )


def usable(seen: Seen, upload: Upload, demands: Demands) -> SeenFace:
    """The face that is meant, good enough to be compared. Raises QuestionInvalid saying why not."""
    face = meant(seen, upload)
    verdict = judged(face, demands)
    if not verdict.is_good:
        raise QuestionInvalid(f"{upload.name}: {'; '.join(verdict.reasons)}")
    if face.vector is None:
        raise QuestionInvalid(f"{upload.name}: the face cannot be laid upright by its landmarks")
    return face


def new_picture(seen: Seen, upload: Upload, source: str) -> NewPicture:
    """The one face of a picture, or the one that is meant, to be enrolled. Raises QuestionInvalid
    saying why not."""
    if len(seen.faces) > 1 and upload.at is None:
        raise QuestionInvalid(
            f"{upload.name}: there are {len(seen.faces)} faces in it, expected one: cut out the "
            "person to be enrolled"
        )
    face = usable(seen, upload, ENROLMENT)
    if face.vector is None:
        raise QuestionInvalid(f"{upload.name}: the face cannot be laid upright by its landmarks")
    return NewPicture(
        source_sha256=seen.sha256,
        content=face.cut_out,
        quality={
            **face.quality.as_json(),
            "total": round(face.quality.total, 3),
            **({"analyses": [asdict(each) for each in face.analyses]} if face.analyses else {}),
        },
        source=source,
        vector=face.vector,
    )
