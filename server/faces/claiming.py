"""Unknown visitors who turn out to be somebody become their matches.

All visitors are looked at while others write, and those who may be that person are decided on like
any face. It is carried out only where the person is still who they were then, and of each visitor
only where it is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from server.faces import history_rows, vector_rows
from server.faces.calibration import Calibration
from server.faces.decision import Rule, Vectors
from server.faces.gallery import Face, Gallery
from server.faces.keeping import Look, ModelKey
from server.storage.asking import Reader, Writer

_ASKED_AT_ONCE: Final = 64
_COMPARED_AT_ONCE: Final = 4096
"""Faces that are decided on together are laid out beside all pictures of the person, each: so many
vectors at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A visitor who is that person."""

    look: Look
    score: float


def claim(gallery: Gallery, class_id: int, model: ModelKey, calibration: Calibration) -> int:
    """How many. Blocking; keeps others from writing only while what was found is written."""

    def look(rows: Reader) -> tuple[tuple[int, ...], list[Look]]:
        marks = vector_rows.marks_of(rows, class_id, model)
        return marks, _alike(rows, class_id, model, calibration.rule.threshold)

    while True:
        marks, alike = gallery.read(look)
        found = _found(gallery, class_id, alike, calibration.rule, held=len(marks))
        if not found:
            return 0
        claimed = gallery.note(partial(_carry_out, class_id, marks, found, model, calibration))
        if claimed is not None:
            return claimed


def _carry_out(
    class_id: int,
    marks: tuple[int, ...],
    found: list[_Found],
    model: ModelKey,
    calibration: Calibration,
    writer: Writer,
) -> int | None:
    """How many were still there; None, and nothing is done: the person was changed meanwhile."""
    if vector_rows.marks_of(writer, class_id, model) != marks:
        return None
    claimed = 0
    for each in found:
        if history_rows.drop_visitor(writer, each.look.sighting_id):
            probability = calibration.probability(each.score)
            history_rows.add_match(
                writer, class_id, each.look, model, score=each.score, probability=probability
            )
            claimed += 1
    return claimed


def _alike(reader: Reader, class_id: int, model: ModelKey, threshold: float) -> list[Look]:
    """Visitors who may be that person."""
    held = vector_rows.held_of(reader, class_id, model).vectors
    if not len(held):
        return []
    # Nobody's score is above the cosine with their nearest picture or their mean.
    return [
        _look(rows[place], vectors[place].copy())  # of thousands one or two are wanted
        for rows, vectors in history_rows.visitor_chunks(reader, model)
        for place in np.flatnonzero(_best_of(vectors, held) >= threshold)
    ]


def _found(
    gallery: Gallery, class_id: int, alike: Sequence[Look], rule: Rule, *, held: int
) -> list[_Found]:
    """Those of them who are: who is as alike to somebody else stays a visitor. `held` is how many
    vectors there are of the person."""
    at_once = max(1, min(_ASKED_AT_ONCE, _COMPARED_AT_ONCE // max(1, held)))
    found = []
    for start in range(0, len(alike), at_once):
        looks = alike[start : start + at_once]
        told = gallery.who([Face(vector=look.vector, rule=rule, most=1) for look in looks])
        found += [
            _Found(look=look, score=each.decision.scores[0].score)
            for look, each in zip(looks, told, strict=True)
            if each.decision.class_id == class_id
        ]
    return found


def _look(row: Any, vector: Vectors) -> Look:
    alike = history_rows.alike_of(row, 1.0)
    return Look(
        sighting_id=alike.sighting_id,
        device_id=alike.device_id,
        seen_at=alike.seen_at,
        vector=vector,
    )


def _best_of(vectors: Vectors, held: Vectors) -> Vectors:
    """Of each row: the cosine with the nearest picture or with the mean of all."""
    mean = held.mean(axis=0, keepdims=True)
    length = max(float(np.linalg.norm(mean)), 1e-6)
    best: Vectors = np.maximum((vectors @ held.T).max(axis=1), vectors @ (mean / length)[0])
    return best
