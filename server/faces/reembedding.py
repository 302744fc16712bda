"""Gives every enrolment picture a vector of the model in use, where another one was before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from server.errors import QuestionInvalid
from server.faces import picture_rows
from server.faces.choosing import usable
from server.faces.contract import Refusal, Upload
from server.faces.gallery import Gallery
from server.faces.gate import QUERY
from server.faces.keeping import ModelKey
from server.faces.ledger import Ledger
from server.faces.looking import Seen

AT_ONCE: Final = 16
"""Pictures of one transaction: what was done stays done when it is broken off."""


@dataclass(slots=True)
class Reembedded:
    """How many got a vector, which did not and why, and how many older vectors went."""

    pictures: int = 0
    dropped: int = 0
    refused: list[Refusal] = field(default_factory=list)


def reembed(
    gallery: Gallery,
    model: ModelKey,
    look: Callable[[Upload], Seen],
    *,
    keep_others: bool,
    progress: Callable[[int], None],
) -> Reembedded:
    """Goes on where it was broken off. Vectors of other models go at the end, unless they are kept
    or a picture could not be done."""
    done = Reembedded()
    batch = _next(gallery, model, after=0)
    while batch:
        _embed(gallery, model, look, batch, done)
        progress(len(batch))
        batch = _next(gallery, model, after=batch[-1][0])
    if not keep_others and not done.refused:
        done.dropped = gallery.change(lambda book: book.drop_other_models(model))
    return done


def _next(gallery: Gallery, model: ModelKey, *, after: int) -> list[tuple[int, int, bytes]]:
    """Pictures without a vector: id, class id, content."""
    return gallery.read(
        lambda rows: picture_rows.without(rows, model, gallery.vault, after=after, limit=AT_ONCE)
    )


def _embed(
    gallery: Gallery,
    model: ModelKey,
    look: Callable[[Upload], Seen],
    batch: list[tuple[int, int, bytes]],
    done: Reembedded,
) -> None:
    vectors = []
    for image_id, class_id, content in batch:
        upload = Upload(name=f"picture {image_id} of person {class_id}", content=content)
        try:
            vectors.append((class_id, image_id, usable(look(upload), upload, QUERY).vector))
        except QuestionInvalid as error:
            done.refused.append(Refusal(name=upload.name, reason=str(error)))

    def work(book: Ledger) -> None:
        for class_id, image_id, vector in vectors:
            if vector is not None and picture_rows.is_there(book.writer, image_id):
                book.add_embedding(class_id, image_id, model, vector)
                done.pictures += 1

    gallery.change(work)
