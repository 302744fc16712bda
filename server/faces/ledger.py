"""Every change of the gallery, inside one transaction, and what it means for the index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server.errors import FacesUnavailable, NotThere
from server.faces import denials, person_rows, picture_rows, vector_rows
from server.faces.contract import PersonDetails
from server.faces.decision import Candidate, Vector
from server.faces.keeping import Enrolled, ModelKey, NewPicture
from server.faces.vault import PictureVault
from server.row_id import is_id
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

TABLES: Final = (
    *("face_matches", "face_negatives", "face_embeddings", "face_pictures", "face_persons"),
)
"""In which something is held on a person, by class_id; in the order in which it goes."""

WATCHED: Final = {"watchlist_entries": " AND deleted_at IS NULL", "alerts": ""}
"""In which a person is named who is watched for: triggers take that away with the person. Of an
entry the number stays, so that cameras hear that it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many rows went, by table, and the ids of the embeddings among them."""

    rows: dict[str, int]
    embeddings: tuple[int, ...]


class Ledger:
    """On a connection within a transaction. For the index, after it: `added` are ids of embeddings,
    class ids and vectors, `removed` ids."""

    def __init__(self, writer: Writer, model: ModelKey | None, vault: PictureVault) -> None:
        self.writer = writer
        self._vault = vault
        self.added: list[tuple[int, int, Vector]] = []
        self.removed: list[int] = []
        self.is_emptied = False
        self._model = model

    def add_person(
        self, details: PersonDetails, now: datetime, *, class_id: int | None = None
    ) -> int:
        """The class id: that one, which nobody has, or the next."""
        return person_rows.insert(self.writer, details, now, class_id=class_id)

    def edit_person(self, class_id: int, details: PersonDetails, now: datetime) -> None:
        """Raises NotThere."""
        person_rows.update(self.writer, class_id, details, now)

    def add_picture(
        self, class_id: int, picture: NewPicture, model: ModelKey, now: datetime
    ) -> int | None:
        """The picture's id; None where the person has that picture already. Raises NotThere."""
        person_rows.find(self.writer, class_id)
        row = self.writer.row(
            "INSERT INTO face_pictures (class_id, source_sha256, content, quality, source, "
            "added_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING image_id",
            (
                class_id,
                picture.source_sha256,
                self._vault.sealed(picture.content, name=picture.source_sha256),
                json.dumps(picture.quality),
                picture.source,
                stamp(now),
            ),
        )
        if row is None:
            return None
        image_id = int(row[0])
        self.add_embedding(class_id, image_id, model, picture.vector)
        person_rows.touch(self.writer, class_id, now)
        return image_id

    def add_embedding(self, class_id: int, image_id: int, model: ModelKey, vector: Vector) -> None:
        """Of a picture that has none of this model."""
        key = vector_rows.insert(self.writer, class_id, image_id, model, vector)
        if model == self._model:
            self.added.append((key, class_id, vector))

    def enrol(self, class_id: int, pictures: Sequence[NewPicture], now: datetime) -> Enrolled:
        """Adds pictures of the ledger's model. Raises NotThere."""
        person_rows.find(self.writer, class_id)
        added: list[int] = []
        known = []
        for picture in pictures:
            image_id = self.add_picture(class_id, picture, self._must_have_model(), now)
            if image_id is None:
                known.append(picture.source_sha256)
            else:
                added.append(image_id)
        cards = picture_rows.those_of(self.writer, class_id)
        return Enrolled(
            person=person_rows.find(self.writer, class_id),
            added=tuple(card for card in cards if card.image_id in added),
            known=tuple(known),
        )

    def deny(
        self,
        class_id: int,
        vector: Vector,
        by: str,
        now: datetime,
        *,
        sighting_id: int | None = None,
    ) -> None:
        """A face that is not this person's, of the ledger's model; `sighting_id` where a camera saw
        it. Raises NotThere."""
        model = self._must_have_model()
        denials.note(self.writer, class_id, vector, model, by=by, now=now, sighting_id=sighting_id)

    def take_back(
        self, class_id: int, denied_id: int, now: datetime, *, others: Sequence[Candidate]
    ) -> None:
        """What was denied so may be theirs again; `others` are those whom it resembles too. Raises
        NotThere."""
        denials.take_back(self.writer, class_id, denied_id, self._model, now, others=others)

    def _must_have_model(self) -> ModelKey:
        if self._model is None:
            raise FacesUnavailable("there is no embedding model")
        return self._model

    def merge(self, kept_id: int, gone_id: int, now: datetime) -> None:
        """All that is held on the one goes over to the other, also being watched for and the
        alerts that were raised; of a picture that both have, one stays. What was said not to be the
        one and has exactly the vector of a picture of the other is dropped: they are one person.
        Embeddings get new ids, as an id means a vector of one person. Raises NotThere.
        """
        person_rows.find(self.writer, kept_id)
        person_rows.find(self.writer, gone_id)
        twice = self.writer.rows(
            "SELECT image_id FROM face_pictures WHERE class_id = ? AND source_sha256 IN "
            "(SELECT source_sha256 FROM face_pictures WHERE class_id = ?)",
            (gone_id, kept_id),
        )
        for (image_id,) in twice:
            self.delete_picture(image_id, now)
        denials.drop_own(self.writer, kept_id, gone_id)
        denials.drop_own(self.writer, gone_id, kept_id)
        embeddings = self.writer.rows(
            "SELECT image_id, model, model_version, vector FROM face_embeddings WHERE class_id = ? "
            "ORDER BY embedding_id",
            (gone_id,),
        )
        self._drop_embeddings("class_id = ?", gone_id)
        for image_id, name, version, vector in embeddings:
            held = vector_rows.vectors_of([bytes(vector)], len(vector) // 4)[0]
            model = ModelKey(name=name, version=version, numbers=len(held))
            self.add_embedding(kept_id, image_id, model, held)
        for table in TABLES:
            if table not in ("face_persons", "face_embeddings"):
                self.writer.change(
                    f"UPDATE {table} SET class_id = ? WHERE class_id = ?",  # noqa: S608 (our own tables)
                    (kept_id, gone_id),
                )
        person_rows.watch_on(self.writer, kept_id, gone_id)
        self._delete("face_persons", "class_id = ?", gone_id)
        person_rows.touch(self.writer, kept_id, now)

    def delete_picture(self, image_id: int, now: datetime) -> int:
        """The class id of whose it was. Raises NotThere."""
        class_id = owner_of(self.writer, image_id)
        self._drop_embeddings("image_id = ?", image_id)
        self.writer.change("DELETE FROM face_pictures WHERE image_id = ?", (image_id,))
        person_rows.touch(self.writer, class_id, now)
        return class_id

    def forget(self, class_id: int) -> Taken:
        """Everything that is held on a person. Raises NotThere."""
        person_rows.find(self.writer, class_id)
        gone = self._drop_embeddings("class_id = ?", class_id)
        rows = {"face_embeddings": len(gone)}
        for table in TABLES:
            if table not in rows:
                rows[table] = self._delete(table, "class_id = ?", class_id)
        return Taken(rows=rows, embeddings=gone)

    def forget_everybody(self) -> None:
        """The gallery is empty; numbers go on from where they were."""
        self.is_emptied = True
        self.added.clear()
        for table in (*TABLES, "face_visitors"):
            self.writer.change(f"DELETE FROM {table}")  # noqa: S608 (our own tables)

    def drop_other_models(self, model: ModelKey) -> int:
        """Vectors of any but this model go; how many."""
        gone = self._drop_embeddings("(model, model_version) <> (?, ?)", model.name, model.version)
        self._delete(
            "face_negatives", "(model, model_version) <> (?, ?)", model.name, model.version
        )
        return len(gone)

    def _drop_embeddings(self, condition: str, *values: int | str) -> tuple[int, ...]:
        rows = self.writer.rows(
            f"DELETE FROM face_embeddings WHERE {condition} RETURNING embedding_id",  # noqa: S608 (our own conditions)
            values,
        )
        gone = tuple(int(row[0]) for row in rows)
        self.removed += gone
        return gone

    def _delete(self, table: str, condition: str, *values: int | str) -> int:
        return self.writer.change(f"DELETE FROM {table} WHERE {condition}", values)  # noqa: S608 (our own names)


def owner_of(reader: Reader, image_id: int) -> int:
    """The class id of a picture's person. Raises NotThere."""
    row: Any = None
    if is_id(image_id):
        row = reader.row("SELECT class_id FROM face_pictures WHERE image_id = ?", (image_id,))
    if row is None:
        raise NotThere(f"there is no picture {image_id}: there never was, or it was deleted")
    return int(row[0])


def left_of(reader: Reader, class_id: int) -> dict[str, int]:
    """How many rows are still held on a person, by table."""
    found = {}
    for table in (*TABLES, *WATCHED):
        ((count,),) = reader.rows(
            f"SELECT count(*) FROM {table} WHERE class_id = ?{WATCHED.get(table, '')}",  # noqa: S608 (our own tables)
            (class_id,),
        )
        found[table] = int(count)
    return found
