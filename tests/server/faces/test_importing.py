"""People of the older service are taken over with a report; other models are followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.errors import QuestionInvalid
from server.faces import history_rows, person_rows, picture_rows
from server.faces.contract import Upload
from server.faces.gallery import Gallery
from server.faces.history_contract import MatchFilter
from server.faces.importing import Importer, ImportReport
from server.faces.keeping import Look, ModelKey
from server.faces.looking import FaceLooker, Wanted, make_looker, models_here
from server.faces.reembedding import reembed
from server.storage.adoption import prepare_database
from server.storage.gallery import SqliteGalleryDatabase
from tests.server.faces.tiny_faces import BLUE, GREEN, RED, networks, photo
from vision.networks import Networks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINES = [
    "class_id,ten,tuoi,gioitinh,noio",
    "7,Nguyễn Thị Lan,34,nữ,Hà Nội",
    "9,Minh,,nam,Huế",
    "ten,No Number,30,,",
    "11,Nobody Seen,30,,",
]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Networks]:
    made = networks(tmp_path / "models")
    yield made
    made.close()


@pytest.fixture
def looker(tiny: Networks) -> FaceLooker:
    return make_looker(tiny, Wanted())


@pytest.fixture
def model(tiny: Networks) -> ModelKey:
    key = models_here(tiny, Wanted()).key
    assert key is not None
    return key


@pytest.fixture
def gallery(tmp_path: Path, model: ModelKey) -> Iterator[Gallery]:
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    made = Gallery(SqliteGalleryDatabase(database), model)
    made.open_index()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the older service leaves it: folders by number or by name, and what does not belong."""
    made = tmp_path / "older"
    for place, pictures in {
        "7": {"a.png": photo(RED), "b.png": photo(RED, seed=1), "broken.jpg": b"\xff\xd8nothing"},
        "Minh": {"1.png": photo(GREEN), "notes.txt": b"no picture"},
        "stray": {"1.png": photo(BLUE)},
    }.items():
        (made / place).mkdir(parents=True)
        for name, content in pictures.items():
            (made / place / name).write_bytes(content)
    (made / "class_info.csv").write_text("\n".join(LINES), encoding="utf-8-sig")
    return made


def taken_over(gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path) -> ImportReport:
    seen: list[str] = []
    importer = Importer(
        gallery=gallery, model=model, look=looker.look, keep_days={}, progress=seen.append
    )
    report = importer.run(folder, purpose="staff", consent="signed", now=NOW)
    assert len(seen) == 4
    return report


def test_people_keep_their_numbers_and_what_was_refused_is_told(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path
) -> None:
    report = taken_over(gallery, model, looker, folder)
    assert (report.persons, report.pictures, report.known) == (2, 3, 0)
    reasons = {each.name: each.reason for each in report.refused}
    assert "expected a number above 0" in reasons["class_info.csv line 4"]
    assert "not one picture" in reasons["class_info.csv line 5"]
    assert "damaged" in reasons["7/broken.jpg"] or "no picture" in reasons["7/broken.jpg"]
    assert "has no line" in reasons["stray"]
    assert len(reasons) == 4
    lan = gallery.read(lambda rows: person_rows.find(rows, 7))
    assert (lan.details.name, lan.details.age, lan.details.purpose) == (
        "Nguyễn Thị Lan",
        34,
        "staff",
    )
    assert gallery.indexed() == 3


def test_who_is_taken_over_takes_their_earlier_visits_along(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path
) -> None:
    (face,) = looker.look(Upload(name="a camera's", content=photo(RED, seed=9))).faces
    assert face.vector is not None
    look = Look(sighting_id=1, device_id="gate-1", seen_at=NOW, vector=face.vector)
    later = NOW + timedelta(days=9)
    gallery.note(lambda rows: history_rows.add_visitor(rows, look, model, keep_until=later))
    taken_over(gallery, model, looker, folder)
    wanted = MatchFilter()
    found = gallery.read(lambda rows: history_rows.matches(rows, wanted, before=None, limit=9))
    assert [each.person.class_id for each in found.matches] == [7]


def test_an_import_that_is_run_again_adds_nothing(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path
) -> None:
    taken_over(gallery, model, looker, folder)
    again = taken_over(gallery, model, looker, folder)
    assert (again.persons, again.pictures, again.known) == (0, 0, 3)


def test_a_number_that_is_somebody_elses_is_refused(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path
) -> None:
    taken_over(gallery, model, looker, folder)
    text = (folder / "class_info.csv").read_text(encoding="utf-8-sig")
    changed = text.replace("7,Nguyễn Thị Lan", "7,Minh").replace("9,Minh,,nam,Huế\n", "")
    (folder / "class_info.csv").write_text(changed, encoding="utf-8")
    importer = Importer(
        gallery=gallery, model=model, look=looker.look, keep_days={}, progress=lambda _: None
    )
    report = importer.run(folder, purpose="", consent="", now=NOW)
    assert report.persons == 0
    assert any("is Nguyễn Thị Lan's here" in each.reason for each in report.refused)


def test_a_folder_of_another_kind_is_told_as_such(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, tmp_path: Path
) -> None:
    importer = Importer(
        gallery=gallery, model=model, look=looker.look, keep_days={}, progress=lambda _: None
    )
    with pytest.raises(QuestionInvalid, match=r"expected a folder with a class_info\.csv"):
        importer.run(tmp_path, purpose="", consent="", now=NOW)


def test_another_model_gets_its_own_vectors_and_the_older_go(
    gallery: Gallery, model: ModelKey, looker: FaceLooker, folder: Path, tmp_path: Path
) -> None:
    taken_over(gallery, model, looker, folder)
    newer = replace(model, version="newer0000000")
    other = Gallery(SqliteGalleryDatabase(tmp_path / "server.db"), newer)
    assert other.indexed() == 0
    steps: list[int] = []
    done = reembed(other, newer, looker.look, keep_others=False, progress=steps.append)
    assert (done.pictures, done.dropped, done.refused, sum(steps)) == (3, 3, [], 3)
    assert other.indexed() == 3
    assert gallery.indexed() == 0
    counted = other.read(lambda rows: picture_rows.counted(rows, newer))
    assert counted.waiting == 0
    again = reembed(other, newer, looker.look, keep_others=False, progress=steps.append)
    assert again.pictures == 0
    assert gallery.indexed() == 0
    other.close()
