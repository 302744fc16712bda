"""Who is in a picture, and whether two show one person: the part of the service that looks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from server.accounts.contract import Action, Caller
from server.errors import QuestionInvalid
from server.faces.calibration import calibration_of
from server.faces.camera_faces import upload_of
from server.faces.choosing import judged, meant, usable
from server.faces.contract import (
    FoundFace,
    FoundVector,
    Identification,
    Likeness,
    Upload,
    Verification,
)
from server.faces.decision import Decision, Vector
from server.faces.gate import QUERY
from server.faces.keeping import ModelKey
from server.faces.looking import Seen, SeenFace
from server.faces.quality_card import card_of
from server.faces.workplace import Workplace
from vision.faces.embedding import embedding_label

_SHORTEST: Final = 1e-6


class Asking:
    """See `contract.Faces`."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def identify(self, caller: Caller, picture: Upload, *, most: int = 5) -> Identification:
        model = self._place.ready_model()
        seen = await self._place.desk.look(picture)
        faces = _in_order(seen, picture)
        found = await asyncio.gather(*(self._found(face, most, model) for face in faces))
        await self._place.audit(
            caller, Action.PERSON_SEEN, f"picture {seen.sha256[:12]}", _summary(found)
        )
        return Identification(
            width=seen.width, height=seen.height, faces=tuple(found), model=model.name
        )

    async def search(
        self, caller: Caller, vector: Sequence[float], model: str, *, most: int = 5
    ) -> FoundVector:
        key = self._place.ready_model()
        decision, likenesses = await self._decided(_vector_of(vector, model, key), most, key)
        shown = sorted(each.person.class_id for each in likenesses)
        await self._place.audit(
            caller, Action.PERSON_SEEN, "a vector", f"{decision.outcome.value}, shown {shown}"
        )
        return FoundVector(outcome=decision.outcome, reason=decision.reason, likenesses=likenesses)

    async def of_sighting(self, caller: Caller, sighting_id: int) -> Upload:
        sighting = await self._place.sightings.one(sighting_id)
        picture = await self._place.sightings.picture(sighting_id)
        await self._place.audit(caller, Action.PERSON_SEEN, f"face {sighting_id} of a camera")
        return upload_of(sighting, picture.content)

    async def verify(self, caller: Caller, one: Upload, other: Upload) -> Verification:
        calibration = calibration_of(self._place.model().version)
        faces = [usable(await self._place.desk.look(each), each, QUERY) for each in (one, other)]
        vectors = [face.vector for face in faces if face.vector is not None]
        score = float(vectors[0] @ vectors[1])
        await self._place.audit(
            caller, Action.PERSON_SEEN, "two pictures compared", f"score {score:.3f}"
        )
        return Verification(
            is_same=score >= calibration.rule.threshold,
            score=score,
            probability=calibration.probability(score),
            threshold=calibration.rule.threshold,
            boxes=(faces[0].box, faces[1].box),
        )

    async def _found(self, face: SeenFace, most: int, model: ModelKey) -> FoundFace:
        verdict = judged(face, QUERY)
        decision: Decision | None = None
        likenesses: tuple[Likeness, ...] = ()
        reason = "; ".join(verdict.reasons) or "the face cannot be compared"
        if verdict.is_good and face.vector is not None:
            decision, likenesses = await self._decided(face.vector, most, model)
            reason = decision.reason
        return FoundFace(
            box=face.box,
            confidence=face.confidence,
            quality=card_of(face.quality, verdict),
            outcome=None if decision is None else decision.outcome,
            reason=reason,
            likenesses=likenesses,
            analyses=face.analyses,
        )

    async def _decided(
        self, face: Vector, most: int, model: ModelKey
    ) -> tuple[Decision, tuple[Likeness, ...]]:
        """Who it is, and at most so many of whom it resembles, the best first."""
        calibration = calibration_of(model.version)
        found = await self._place.store.who(face, calibration.rule, most=most)
        decision = found.decision
        likenesses = tuple(
            Likeness(
                person=found.persons[each.class_id],
                score=each.score,
                probability=calibration.probability(each.score),
                is_denied=each.is_denied,
            )
            for each in decision.scores[:most]
        )
        return decision, likenesses


def _vector_of(numbers: Sequence[float], label: str, model: ModelKey) -> Vector:
    """Raises QuestionInvalid."""
    ours = embedding_label(model.name, model.version)
    if label != ours:
        raise QuestionInvalid(
            f"model={label[:80]!r}: vectors of different models do not compare; this gallery's is "
            f"{ours!r}"
        )
    length = math.hypot(*numbers)
    if len(numbers) != model.numbers or not math.isfinite(length) or length < _SHORTEST:
        raise QuestionInvalid(
            f"vector: expected {model.numbers} finite numbers that are not all zero, got "
            f"{len(numbers)}"
        )
    return np.asarray(np.asarray(numbers) / length, np.float32)


def _in_order(seen: Seen, picture: Upload) -> tuple[SeenFace, ...]:
    """The one that is meant first, then the largest."""
    if picture.at is None:
        return seen.faces
    try:
        first = meant(seen, picture)
    except QuestionInvalid:
        return seen.faces
    return (first, *(face for face in seen.faces if face is not first))


def _summary(found: Sequence[FoundFace]) -> str:
    """For the audit log: whose faces were told."""
    people = [each.match.person.class_id for each in found if each.match is not None]
    shown = sorted({one.person.class_id for each in found for one in each.likenesses})
    return f"faces: {len(found)}, known {people}, shown {shown}"
