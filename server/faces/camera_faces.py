"""A face that a camera saw, as the gallery takes it: its own vector, or its picture. Pure."""

from __future__ import annotations

import numpy as np

from server.faces.contract import Upload
from server.faces.decision import Vector
from server.faces.keeping import ModelKey
from server.faces.vector_rows import vectors_of
from server.storage.reading.face_sightings import FaceSighting
from vision.faces.embedding import embedding_label
from vision.geometry import Box

_LENGTH_TOLERANCE = 1e-3


def vector_of(sighting: FaceSighting, model: ModelKey) -> Vector | None:
    """What the camera's own network made of it, where that is the gallery's, of the same version;
    None: the numbers of another one mean nothing here, and the picture has to be looked into."""
    if sighting.embedding is None:
        return None
    if sighting.embedding_model != embedding_label(model.name, model.version):
        return None
    if len(sighting.embedding) != 4 * model.numbers:
        return None
    vector: Vector = vectors_of([sighting.embedding], model.numbers)[0]
    length = float(np.linalg.norm(vector))
    return vector if abs(length - 1.0) < _LENGTH_TOLERANCE else None


def upload_of(sighting: FaceSighting, content: bytes) -> Upload:
    """Its picture, and where the face is."""
    return Upload(
        name=f"face {sighting.id}",
        content=content,
        at=None if sighting.box is None else Box.from_xywh(*sighting.box),
        sighting_id=sighting.id,
        device_id=sighting.device_id,
        seen_at=sighting.captured_at,
    )
