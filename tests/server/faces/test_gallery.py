"""The gallery and its index say the same, whoever changed what, and whatever lay on the disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from server.errors import NotThere
from server.faces import holdings, person_rows, vector_rows
from server.faces.calibration import CAUTIOUS
from server.faces.contract import PersonDetails
from server.faces.decision import Vector, Vectors
from server.faces.gallery import Face, Gallery
from server.faces.index import FaceIndex, Found, Keys, Owners
from server.faces.keeping import ModelKey, NewPicture
from server.faces.ledger import Ledger
from server.storage.adoption import prepare_database
from server.storage.asking import Reader
from server.storage.gallery import SqliteGalleryDatabase

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = ModelKey(name="tiny", version="0123456789ab", numbers=16)
HELD = "SELECT embedding_id FROM face_embeddings WHERE model = ? AND model_version = ?"


def vector(seed: int) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal(MODEL.numbers)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


def picture(seed: int) -> NewPicture:
    return NewPicture(
        source_sha256=f"{seed:064x}",
        content=b"jpeg",
        quality={"total": 0.9},
        source="upload",
        vector=vector(seed),
    )


def enrol(gallery: Gallery, *seeds: int, name: str = "Lan") -> int:
    def work(book: Ledger) -> int:
        class_id = book.add_person(PersonDetails(name=name), NOW)
        for seed in seeds:
            book.add_picture(class_id, picture(seed), MODEL, NOW)
        return class_id

    return gallery.change(work)


def nearest(gallery: Gallery, seed: int) -> int | None:
    """Whose vector is exactly that one."""
    for candidate in gallery.near(vector(seed)[np.newaxis])[0]:
        if float(np.max(candidate.vectors @ vector(seed))) > 0.999:
            return candidate.class_id
    return None


def is_consistent(gallery: Gallery) -> bool:
    """Index and database hold the same embeddings."""
    held = gallery.read(lambda rows: rows.rows(HELD, (MODEL.name, MODEL.version)))
    return gallery.indexed() == len(held) == gallery.index_has(tuple(key for (key,) in held))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    return path


def open_gallery(database: Path, model: ModelKey | None = MODEL) -> Gallery:
    made = Gallery(SqliteGalleryDatabase(database), model)
    made.open_index()
    return made


@pytest.fixture
def gallery(database: Path) -> Iterator[Gallery]:
    made = open_gallery(database)
    yield made
    made.close()


def test_who_is_enrolled_is_found_at_once(gallery: Gallery) -> None:
    first, second = enrol(gallery, 1, 2), enrol(gallery, 3)
    assert [nearest(gallery, seed) for seed in (1, 2, 3)] == [first, first, second]
    assert is_consistent(gallery)


def test_a_deleted_picture_is_found_no_more_and_the_others_are(gallery: Gallery) -> None:
    class_id = enrol(gallery, 1, 2)
    gallery.change(lambda book: book.delete_picture(1, NOW))
    assert nearest(gallery, 1) is None
    assert nearest(gallery, 2) == class_id
    assert is_consistent(gallery)


def test_a_number_is_never_given_twice(gallery: Gallery) -> None:
    gone = enrol(gallery, 1)
    holdings.forget(gallery, gone, NOW)
    assert enrol(gallery, 2) > gone
    with pytest.raises(NotThere, match=f"there is no person {gone}"):
        gallery.read(lambda rows: person_rows.find(rows, gone))


def test_a_change_that_fails_changes_nothing(gallery: Gallery) -> None:
    enrol(gallery, 1)

    def work(book: Ledger) -> None:
        book.forget(1)
        book.forget(99)

    with pytest.raises(NotThere):
        gallery.change(work)
    assert nearest(gallery, 1) == 1
    assert is_consistent(gallery)


def test_the_same_picture_is_not_enrolled_twice(gallery: Gallery) -> None:
    class_id = enrol(gallery, 1)
    assert gallery.change(lambda book: book.add_picture(class_id, picture(1), MODEL, NOW)) is None
    assert gallery.indexed() == 1


def test_who_was_enrolled_is_found_after_the_next_start(database: Path) -> None:
    first = open_gallery(database)
    enrol(first, 1)
    first.close()
    again = open_gallery(database)
    assert nearest(again, 1) == 1
    again.close()


def test_what_another_program_changes_is_seen_by_the_next_search(
    database: Path, gallery: Gallery
) -> None:
    enrol(gallery, 1)
    other = open_gallery(database)
    added = enrol(other, 2)
    other.change(lambda book: book.forget(1))
    assert nearest(gallery, 2) == added
    assert nearest(gallery, 1) is None
    assert is_consistent(gallery)
    other.close()


def test_people_whom_another_program_made_one_are_one_for_the_next_search(
    database: Path, gallery: Gallery
) -> None:
    kept, gone = enrol(gallery, 1), enrol(gallery, 2, name="Lan again")
    assert nearest(gallery, 2) == gone
    other = open_gallery(database)
    other.change(lambda book: book.merge(kept, gone, NOW))
    assert [nearest(gallery, seed) for seed in (1, 2)] == [kept, kept]
    assert is_consistent(gallery)
    other.close()


def test_who_is_made_one_with_another_while_the_index_follows_is_missed_by_no_search(
    database: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_gallery(database)
    kept, gone = enrol(other, 1), enrol(other, 2)
    revision, vectors = vector_rows.revision, vector_rows.those_of
    has_begun, has_followed = threading.Event(), threading.Event()
    searching = threading.Thread(target=lambda: found.append(nearest(gallery, 2)))
    found: list[int | None] = []

    def slow(reader: Reader) -> int:
        number = revision(reader)
        if threading.current_thread() is searching:
            has_begun.set()
            assert has_followed.wait(30)
        return number

    def merged_before(
        reader: Reader, wanted: Keys, model: ModelKey
    ) -> tuple[Keys, Owners, Vectors]:
        other.change(lambda book: book.merge(kept, gone, NOW))
        return vectors(reader, wanted, model)

    monkeypatch.setattr(vector_rows, "revision", slow)
    searching.start()
    assert has_begun.wait(30)
    with monkeypatch.context() as patch:
        patch.setattr(vector_rows, "those_of", merged_before)
        gallery.open_index()
    has_followed.set()
    searching.join()
    assert found == [kept]
    assert is_consistent(gallery)
    other.close()


@pytest.mark.parametrize("times", [1, 100], ids=["once", "all the time"])
def test_a_search_is_of_one_moment_also_where_people_come_in_its_midst(
    database: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    enrol(gallery, 1)
    other = open_gallery(database)
    find = FaceIndex.people
    comers = iter(range(2, 2 + times))

    def people(index: FaceIndex, vectors: Vectors, most: Sequence[int]) -> Found:
        if (seed := next(comers, None)) is not None:
            enrol(gallery if seed <= 4 else other, seed)
        return find(index, vectors, most)

    monkeypatch.setattr(FaceIndex, "people", people)
    (told,) = gallery.who([Face(vector=vector(2), rule=CAUTIOUS, most=5)])
    assert told.decision.class_id == 2
    assert {score.class_id for score in told.decision.scores} == set(told.persons)
    assert told.revision == len(told.persons)
    other.close()


def test_who_is_forgotten_leaves_the_index_at_once_also_after_another_programs_change(
    database: Path, gallery: Gallery
) -> None:
    gone = enrol(gallery, 1)
    other = open_gallery(database)
    enrol(other, 2)
    report = holdings.forget(gallery, gone, NOW)
    assert report.is_gone, report.left
    stays = enrol(gallery, 3)
    assert [nearest(gallery, seed) for seed in (1, 2, 3)] == [None, 2, stays]
    assert is_consistent(gallery)
    other.close()


def test_vectors_of_another_model_are_not_compared(database: Path) -> None:
    first = open_gallery(database)
    enrol(first, 1)
    first.close()
    other = open_gallery(database, ModelKey(name="tiny", version="ffffffffffff", numbers=16))
    assert other.near(vector(1)[np.newaxis])[0] == ()
    other.close()


def test_everybody_is_forgotten_in_one_step(gallery: Gallery) -> None:
    enrol(gallery, 1)
    enrol(gallery, 2)
    gallery.change(lambda book: book.forget_everybody())
    assert gallery.near(vector(1)[np.newaxis])[0] == ()
    assert gallery.indexed() == 0
    assert enrol(gallery, 3) == 3


def test_an_index_built_anew_finds_the_same(gallery: Gallery) -> None:
    enrol(gallery, 1, 2)
    gallery.rebuild()
    assert nearest(gallery, 2) == 1
    assert is_consistent(gallery)


@contextmanager
def searching(gallery: Gallery, seed: int, expected: int) -> Iterator[list[object]]:
    """Two threads that look for a vector all the while; the list is of wrong answers."""
    wrong: list[object] = []
    is_over = threading.Event()

    def search() -> None:
        while not is_over.is_set():
            found = nearest(gallery, seed)
            if found != expected:
                wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for each in threads:
        each.start()
    try:
        yield wrong
    finally:
        is_over.set()
        for each in threads:
            each.join()


def test_searches_go_on_while_people_come_and_go(gallery: Gallery) -> None:
    stays = enrol(gallery, 1)
    with searching(gallery, 1, stays) as wrong:
        for seed in range(2, 30):
            class_id = enrol(gallery, seed)
            assert nearest(gallery, seed) == class_id
            if seed % 2:
                holdings.forget(gallery, class_id, NOW)
                assert nearest(gallery, seed) is None
            if seed == 20:
                gallery.rebuild()
    assert wrong == []
    assert is_consistent(gallery)


def test_being_forgotten_leaves_nothing_and_says_so(gallery: Gallery) -> None:
    class_id = enrol(gallery, 1, 2)
    gallery.change(lambda book: book.deny(class_id, vector(9), "ada", NOW))
    report = holdings.forget(gallery, class_id, NOW)
    assert (report.pictures, report.embeddings, report.negatives, report.index_entries) == (
        2,
        2,
        1,
        2,
    )
    assert report.is_gone
    assert set(report.left) == {
        "face_persons",
        "face_pictures",
        "face_embeddings",
        "face_negatives",
        "face_matches",
        "watchlist_entries",
        "alerts",
        "index",
    }
    assert nearest(gallery, 1) is None


def test_two_numbers_of_one_person_become_one_and_all_pictures_stay_found(
    gallery: Gallery,
) -> None:
    kept, gone = enrol(gallery, 1, 2), enrol(gallery, 2, 3, name="Lan again")
    gallery.change(lambda book: book.deny(gone, vector(9), "ada", NOW))
    gallery.change(lambda book: book.merge(kept, gone, NOW))
    assert [nearest(gallery, seed) for seed in (1, 2, 3)] == [kept] * 3
    person = gallery.read(lambda rows: person_rows.find(rows, kept))
    assert (person.details.name, person.pictures) == ("Lan", 3)  # the picture of both is there once
    held = gallery.read(lambda rows: vector_rows.held_of(rows, kept, MODEL))
    assert len(held.negatives) == 1
    with pytest.raises(NotThere):
        gallery.read(lambda rows: person_rows.find(rows, gone))
    assert is_consistent(gallery)
