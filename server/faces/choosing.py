"""Which face of a picture is meant, and whether it may be compared or enrolled. Pure."""

from __future__ import annotations

from server.errors import QuestionInvalid
from server.faces.contract import Upload
from server.faces.gate import ENROLMENT, Demands, judge
from server.faces.ledger import NewPicture
from server.faces.looking import Seen, SeenFace


def usable(seen: Seen, upload: Upload, demands: Demands) -> SeenFace:
    """The largest face, good enough to be compared. Raises QuestionInvalid saying why not."""
    if not seen.faces:
        raise QuestionInvalid(f"{upload.name}: there is no face in it")
    face = seen.faces[0]
    verdict = judge(
        face.quality, width_px=face.box.width, has_landmarks=face.has_landmarks, demands=demands
    )
    if not verdict.is_good:
        raise QuestionInvalid(f"{upload.name}: {'; '.join(verdict.reasons)}")
    if face.vector is None:
        raise QuestionInvalid(f"{upload.name}: the face cannot be laid upright by its landmarks")
    return face


def new_picture(seen: Seen, upload: Upload, source: str) -> NewPicture:
    """The one face of a picture, to be enrolled. Raises QuestionInvalid saying why not."""
    if len(seen.faces) > 1:
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
        quality={**face.quality.as_json(), "total": round(face.quality.total, 3)},
        source=source,
        vector=face.vector,
    )
