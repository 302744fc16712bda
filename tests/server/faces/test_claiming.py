"""Visitors become somebody's matches by what the person is when that is written, not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from server.faces import history_rows
from server.faces.calibration import calibration_of
from server.faces.claiming import claim
from server.faces.gallery import Gallery
from server.faces.history_contract import MatchFilter
from server.faces.keeping import Look
from server.storage.adoption import prepare_database
from server.storage.asking import Writer
from server.storage.gallery import SqliteGalleryDatabase
from tests.server.faces.test_gallery import MODEL, NOW, enrol, vector

T = TypeVar("T")
CALIBRATION = calibration_of(MODEL.version)
VISITORS = 3


class MeddledGallery(Gallery):
    """Somebody else changes it after visitors were looked at and before that is written down."""

    meddle: Callable[[], object] | None = None
    written = 0

    def note(self, work: Callable[[Writer], T]) -> T:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle()
        self.written += 1
        return super().note(work)


@pytest.fixture
def gallery(tmp_path: Path) -> MeddledGallery:
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    made = MeddledGallery(SqliteGalleryDatabase(database), MODEL)
    made.open_index()

    def visit(rows: Writer) -> None:
        for number in range(VISITORS):
            look = Look(sighting_id=number + 1, device_id="gate-1", seen_at=NOW, vector=vector(1))
            history_rows.add_visitor(rows, look, MODEL, keep_until=NOW + timedelta(days=30))

    Gallery.note(made, visit)
    return made


def left(gallery: Gallery) -> tuple[int, int]:
    """How many matches and visitors there are."""
    wanted = MatchFilter()
    matches = gallery.read(lambda rows: history_rows.matches(rows, wanted, before=None, limit=50))
    visitors, _ = gallery.read(lambda rows: history_rows.visitors(rows, before=None, limit=50))
    return len(matches.matches), len(visitors)


def test_who_was_said_not_to_be_them_meanwhile_is_not_claimed(gallery: MeddledGallery) -> None:
    class_id = enrol(gallery, 1)
    gallery.meddle = lambda: gallery.change(
        lambda book: (book.delete_picture(1, NOW), book.deny(class_id, vector(1), "ada", NOW))
    )
    assert claim(gallery, class_id, MODEL, CALIBRATION) == 0
    assert (left(gallery), gallery.written) == ((0, VISITORS), 1)
    gallery.close()


def test_another_picture_meanwhile_has_all_looked_at_once_more(gallery: MeddledGallery) -> None:
    class_id = enrol(gallery, 1)
    other = enrol(gallery, 2)
    gallery.meddle = lambda: gallery.change(lambda book: book.merge(class_id, other, NOW))
    assert claim(gallery, class_id, MODEL, CALIBRATION) == VISITORS
    assert (left(gallery), gallery.written) == ((VISITORS, 0), 2)
    gallery.close()


def test_a_visitor_whose_time_ended_meanwhile_is_nobodys(gallery: MeddledGallery) -> None:
    class_id = enrol(gallery, 1)
    gallery.meddle = lambda: Gallery.note(
        gallery, lambda rows: history_rows.drop_visitor(rows, sighting_id=2)
    )
    assert claim(gallery, class_id, MODEL, CALIBRATION) == VISITORS - 1
    assert left(gallery) == (VISITORS - 1, 0)
    gallery.close()


def test_somebody_forgotten_meanwhile_claims_nobody(gallery: MeddledGallery) -> None:
    class_id = enrol(gallery, 1)
    gallery.meddle = lambda: gallery.change(lambda book: book.forget(class_id))
    assert claim(gallery, class_id, MODEL, CALIBRATION) == 0
    assert left(gallery) == (0, VISITORS)
    gallery.close()
