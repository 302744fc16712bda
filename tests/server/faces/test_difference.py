"""An index that follows another process reads what is new and what is gone, and little else."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from server.faces.difference import PIECE, difference
from server.faces.gallery import Gallery
from server.faces.keeping import NewPicture
from server.faces.vector_rows import blob_of
from server.storage.asking import Dialect, Reader, T, Values, Writer
from server.storage.gallery import SqliteGalleryDatabase
from tests.server.faces.test_gallery import (
    MODEL,
    NOW,
    database,  # noqa: F401 - the fixture of that name
    enrol,
    is_consistent,
    nearest,
    open_gallery,
    vector,
)

MANY = 3 * PIECE


class Counting:
    """A reader that counts the rows that it answers with."""

    def __init__(self, reader: Reader, count: Callable[[int], None]) -> None:
        self._reader = reader
        self._count = count

    @property
    def dialect(self) -> Dialect:
        return self._reader.dialect

    def rows(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        found = self._reader.rows(sql, values)
        self._count(len(found))
        return found

    def row(self, sql: str, values: Values | tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        self._count(1)
        return self._reader.row(sql, values)

    def rows_of(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        found = self._reader.rows_of(sql, values)
        self._count(len(found))
        return found


class CountedDatabase:
    """Implements GalleryDatabase; `read_rows` since it was last set to 0."""

    def __init__(self, path: Path) -> None:
        self._held = SqliteGalleryDatabase(path)
        self.read_rows = 0
        self.change = self._held.change
        self.close = self._held.close

    def read(self, work: Callable[[Reader], T]) -> T:
        return self._held.read(lambda reader: work(Counting(reader, self._add)))

    def _add(self, count: int) -> None:
        self.read_rows += count


def import_many(gallery: Gallery) -> None:
    """People with a picture each, numbered on from those who are there."""

    def work(writer: Writer) -> None:
        numbers = (
            "WITH RECURSIVE n(n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM n "  # noqa: S608 (our own numbers)
            f"WHERE n < {100 + MANY}) "
        )
        writer.change(
            f"{numbers} INSERT INTO face_pictures (image_id, class_id, source_sha256, content, "  # noqa: S608
            "quality, source, added_at) SELECT n, 1, 'x' || n, x'00', '{}', 'import', '' FROM n"
        )
        writer.change(
            f"{numbers} INSERT INTO face_embeddings (image_id, class_id, model, model_version, "  # noqa: S608
            "vector) SELECT n, 1, ?, ?, ? FROM n",
            (MODEL.name, MODEL.version, blob_of(vector(5))),
        )

    gallery.change(lambda book: work(book.writer))


def test_what_another_process_changes_is_read_and_not_everything(database: Path) -> None:  # noqa: F811
    counted = CountedDatabase(database)
    ours, theirs = Gallery(counted, MODEL), open_gallery(database)
    enrol(theirs, 1)
    import_many(theirs)
    ours.open_index()
    assert counted.read_rows >= MANY
    for seed in (2, 3):
        class_id = enrol(theirs, seed)
        counted.read_rows = 0
        assert nearest(ours, seed) == class_id
        assert counted.read_rows < 100
    theirs.change(lambda book: book.delete_picture(100 + MANY // 2, NOW))
    theirs.change(lambda book: book.forget(class_id))
    counted.read_rows = 0
    assert nearest(ours, 3) is None
    assert PIECE / 2 < counted.read_rows < 2.5 * PIECE
    assert is_consistent(ours)
    theirs.change(lambda book: book.forget_everybody())
    assert ours.indexed() == 0
    ours.close()
    theirs.close()


def test_an_index_of_any_moment_is_brought_up_to_date(database: Path) -> None:  # noqa: F811
    gallery, drawn = open_gallery(database), random.Random(1)
    class_id = enrol(gallery, 0)
    moments = [held_by(gallery)]
    for seed in range(1, 60):
        one = NewPicture(
            source_sha256=f"{seed:064x}",
            content=b"jpeg",
            quality={},
            source="test",
            vector=vector(seed),
        )
        gallery.change(lambda book, one=one: book.add_picture(class_id, one, MODEL, NOW))
        for key in drawn.sample(held_by(gallery), drawn.choice((0, 0, 0, 1, 2))):
            gallery.change(lambda book, key=key: book.delete_picture(key, NOW))
        moments.append(held_by(gallery))
    now = set(moments[-1])
    for then in moments:
        held = np.asarray(drawn.sample(then, len(then)), np.uint64)
        found = gallery.read(lambda reader, held=held: difference(reader, held, MODEL, piece=4))
        assert set(found.missing.tolist()) == now - set(then)
        assert set(found.gone.tolist()) == set(then) - now
    gallery.close()


def held_by(gallery: Gallery) -> list[int]:
    """Embeddings; here each has its picture's number."""
    return gallery.read(
        lambda reader: [int(key) for (key,) in reader.rows("SELECT image_id FROM face_embeddings")]
    )
