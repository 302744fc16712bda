"""Faces that somebody said are not a person's, as the database has them: noted, listed, taken
back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from server.errors import NotThere
from server.faces import history_rows, person_rows, vector_rows
from server.faces.calibration import calibration_of
from server.faces.decision import Candidate, Vector, decide
from server.faces.denied_contract import DeniedFace, DeniedPage
from server.faces.history_contract import MOST_LISTED
from server.faces.keeping import Look, ModelKey
from server.row_id import is_id
from server.storage.asking import Reader, Writer
from server.storage.times import moment_of, own_moment, stamp

CAMERA: Final = "camera"
UPLOAD: Final = "upload"
_DENIED: Final = (
    "SELECT n.negative_id, n.class_id, n.noted_by, n.noted_at, n.source, n.sighting_id, "
    "d.device_id, d.captured_at FROM face_negatives n "
    "LEFT JOIN face_detections d ON d.id = n.sighting_id WHERE n.class_id = ?"
)


def note(
    writer: Writer,
    class_id: int,
    vector: Vector,
    model: ModelKey,
    *,
    by: str,
    now: datetime,
    sighting_id: int | None,
) -> None:
    """`sighting_id`: a camera saw it, and where that was this person's match, it is no more; None:
    it is of a picture that was shown. Raises NotThere."""
    person_rows.find(writer, class_id)
    writer.change(
        "INSERT INTO face_negatives (class_id, model, model_version, vector, noted_by, noted_at, "
        "source, sighting_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            class_id,
            model.name,
            model.version,
            vector_rows.blob_of(vector),
            by,
            stamp(now),
            UPLOAD if sighting_id is None else CAMERA,
            sighting_id,
        ),
    )
    if sighting_id is not None:
        history_rows.drop_match(writer, class_id, sighting_id)


def page(reader: Reader, class_id: int, *, before: int | None, limit: int) -> DeniedPage:
    """At most MOST_LISTED. Raises NotThere."""
    person_rows.find(reader, class_id)
    limit = max(1, min(limit, MOST_LISTED))
    earlier, values = ("", ()) if before is None else (" AND n.negative_id < ?", (before,))
    rows = reader.rows(
        f"{_DENIED}{earlier} ORDER BY n.negative_id DESC LIMIT ?", (class_id, *values, limit + 1)
    )
    found = tuple(_denied(row) for row in rows[:limit])
    return DeniedPage(denied=found, next_before=found[-1].denied_id if len(rows) > limit else None)


def one(reader: Reader, class_id: int, denied_id: int) -> DeniedFace:
    """Raises NotThere."""
    person_rows.find(reader, class_id)
    row: Any = None
    if is_id(denied_id):
        row = reader.row(f"{_DENIED} AND n.negative_id = ?", (class_id, denied_id))
    if row is None:
        raise NotThere(
            f"person {class_id} has no face {denied_id} that was said not to be theirs: there "
            "never was one, or it was taken back"
        )
    return _denied(row)


def _denied(row: Sequence[Any]) -> DeniedFace:
    denied_id, class_id, noted_by, noted_at, source, sighting_id, device_id, captured_at = row
    return DeniedFace(
        denied_id=denied_id,
        class_id=class_id,
        denied_by=noted_by,
        denied_at=own_moment(noted_at),
        source=source,
        sighting_id=sighting_id,
        device_id=device_id,
        seen_at=moment_of(captured_at),
    )


def vector_of(reader: Reader, class_id: int, denied_id: int, model: ModelKey) -> Vector | None:
    """None where it is of another model. Raises NotThere."""
    one(reader, class_id, denied_id)
    row = reader.row(
        "SELECT vector FROM face_negatives "
        "WHERE negative_id = ? AND model = ? AND model_version = ?",
        (denied_id, model.name, model.version),
    )
    return None if row is None else vector_rows.vectors_of([bytes(row[0])], model.numbers)[0]


def drop_own(writer: Writer, class_id: int, other_id: int) -> None:
    """Of what was said not to be this person: faces whose vectors are those of pictures of the
    other, who is the same person. One that is only alike may be a third person's, and stays."""
    writer.change(
        "DELETE FROM face_negatives WHERE class_id = ? AND EXISTS (SELECT 1 FROM face_embeddings e "
        "WHERE e.class_id = ? AND e.model = face_negatives.model "
        "AND e.model_version = face_negatives.model_version AND e.vector = face_negatives.vector)",
        (class_id, other_id),
    )


def take_back(
    writer: Writer,
    class_id: int,
    denied_id: int,
    model: ModelKey | None,
    now: datetime,
    *,
    others: Sequence[Candidate],
) -> None:
    """The face may be theirs again; where a camera saw it, it is their match again where it is
    alike enough, and more so than to those `others`. Raises NotThere."""
    denied = one(writer, class_id, denied_id)
    ((name, version, blob),) = writer.rows(
        "DELETE FROM face_negatives WHERE negative_id = ? RETURNING model, model_version, vector",
        (denied_id,),
    )
    if denied.sighting_id is None or denied.device_id is None or model is None:
        return
    if (model.name, model.version) == (name, version):
        look = Look(
            sighting_id=denied.sighting_id,
            device_id=denied.device_id,
            seen_at=denied.seen_at or now,
            vector=vector_rows.vectors_of([bytes(blob)], model.numbers)[0],
        )
        _match_again(writer, class_id, look, model, others)


def _match_again(
    writer: Writer, class_id: int, look: Look, model: ModelKey, others: Sequence[Candidate]
) -> None:
    """By what is held on them now. It may have become an unknown visitor meanwhile."""
    held = vector_rows.held_of(writer, class_id, model)
    if not len(held.vectors):
        return
    calibration = calibration_of(model.version)
    found = decide(look.vector, [held, *others], calibration.rule)
    if found.class_id != class_id:
        return
    score = found.scores[0].score
    probability = calibration.probability(score)
    history_rows.drop_visitor(writer, look.sighting_id)
    history_rows.add_match(writer, class_id, look, model, score=score, probability=probability)
