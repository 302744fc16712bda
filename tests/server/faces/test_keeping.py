"""Every store of the gallery keeps the contract of `server/faces/keeping.py`.

`stores` opens one on what a test may have for itself; another database is another entry of STORES.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from server.errors import NotThere
from server.faces.calibration import Calibration, calibration_of
from server.faces.contract import PersonDetails, PersonFilter
from server.faces.decision import Rule, Vector
from server.faces.gallery import Gallery
from server.faces.history_contract import MatchFilter
from server.faces.keeping import Compared, FaceStore, Look, ModelKey, NewPicture, Recognised, Told
from server.faces.store import StoredFaces
from server.storage.adoption import prepare_database
from server.storage.gallery import SqliteGalleryDatabase
from server.storage.postgres.gallery import PostgresGalleryDatabase
from server.storage.postgres.pool import Pool, acquired, opened_pool
from tests.server.faces.face_camera import FaceCamera
from tests.server.storage.databases import Databases

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = ModelKey(name="tiny", version="0123456789ab", numbers=16)
CALIBRATION: Calibration = calibration_of(MODEL.version)
LAN = PersonDetails(name="Nguyễn Thị Lan", age=34, gender="nữ", place="Hà Nội", purpose="staff")
EVERYBODY = MatchFilter()


class Place:
    """A store, and cameras whose sightings it is told of."""

    def __init__(self, store: FaceStore, sees: Callable[[], Awaitable[int]]) -> None:
        self.store = store
        self.sighting = sees
        """The number of a face that a camera has just sent."""

    async def enrol(self, *seeds: int, name: str = "Lan") -> int:
        details = replace(LAN, name=name)
        done = await self.store.enrol(details, [picture(seed) for seed in seeds], NOW)
        return done.person.class_id

    async def nearest(self, seed: int) -> int | None:
        """Whose vector is exactly that one."""
        return (await self.who(seed)).decision.class_id

    async def who(self, seed: int) -> Told:
        """With no lead demanded: where two have the same picture, the first of them."""
        return await self.store.who(vector(seed), Rule(threshold=0.999, margin=0.0), most=5)

    async def note(self, seed: int, person: int | None = None) -> tuple[int, bool]:
        """Notes a face of a camera as that person's or a visitor's; the sighting, and whether."""
        number = await self.sighting()
        revision = (await self.who(seed)).revision
        return number, await self.store.note(compared(number, seed, revision, person))

    async def visitors(self) -> list[int]:
        found, _ = await self.store.visitors(before=None, limit=50)
        return [each.sighting_id for each in found]

    async def matches(self) -> list[tuple[int, int]]:
        found = (await self.store.matches(EVERYBODY, before=None, limit=50)).matches
        return [(each.person.class_id, each.sighting_id) for each in found]


def vector(seed: int) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal(MODEL.numbers)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


def picture(seed: int) -> NewPicture:
    return NewPicture(
        source_sha256=f"{seed:064x}",
        content=f"jpeg {seed}".encode(),
        quality={"total": 0.9},
        source="upload",
        vector=vector(seed),
    )


def compared(number: int, seed: int, revision: int, person: int | None = None) -> Compared:
    known = None if person is None else Recognised(class_id=person, score=0.9, probability=0.99)
    return Compared(
        sighting_id=number,
        look=Look(sighting_id=number, device_id="gate-1", seen_at=NOW, vector=vector(seed)),
        person=known,
        keep_until=NOW + timedelta(days=30),
        revision=revision,
    )


@contextlib.asynccontextmanager
async def on_sqlite(folder: Path, url: str) -> AsyncIterator[Place]:
    del url
    database = folder / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    store = StoredFaces(Gallery(SqliteGalleryDatabase(database), MODEL))
    camera = FaceCamera(database)
    try:
        await store.open()
        yield Place(store, partial(camera.sends, None))
    finally:
        await store.close()
        await store.close()
        await camera.close()


@contextlib.asynccontextmanager
async def on_postgres(folder: Path, url: str) -> AsyncIterator[Place]:
    del folder
    async with opened_pool(url, connections=6) as pool, shared_store(pool) as store:
        yield Place(store, partial(seen, pool))


async def seen(pool: Pool) -> int:
    async with acquired(pool) as connection:
        number: int = await connection.fetchval(SEEN_BY_A_CAMERA)
        return number


@contextlib.asynccontextmanager
async def shared_store(pool: Pool) -> AsyncIterator[StoredFaces]:
    """As each process with pages has one."""
    database = PostgresGalleryDatabase(pool, asyncio.get_running_loop())
    store = StoredFaces(Gallery(database, MODEL))
    try:
        await store.open()
        yield store
    finally:
        await store.close()
        await store.close()


SEEN_BY_A_CAMERA = (
    "INSERT INTO face_detections (message_id, device_id) "
    "VALUES (gen_random_uuid(), 'gate-1') RETURNING id"
)
STORES: dict[str, Callable[[Path, str], AbstractAsyncContextManager[Place]]] = {
    "sqlite": on_sqlite,
    "postgres": on_postgres,
}


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    """Of a database in PostgreSQL, where there is to be one."""
    if kind == "sqlite":
        return ""
    databases: Databases = request.getfixturevalue("databases")
    return databases.cleaned()


@pytest.fixture
async def place(kind: str, url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with STORES[kind](tmp_path, url) as made:
        yield made


async def test_who_is_enrolled_is_found_at_once_and_told_with_who_they_are(place: Place) -> None:
    first, second = await place.enrol(1, 2), await place.enrol(3, name="Minh")
    assert [await place.nearest(seed) for seed in (1, 2, 3)] == [first, first, second]
    told = await place.who(1)
    assert {each.class_id for each in told.decision.scores} == {first, second}
    assert told.persons[second].details.name == "Minh"
    few = await place.store.who(vector(1), CALIBRATION.rule, most=1)
    assert list(few.persons) == [first]
    assert await place.store.indexed() == 3


async def test_many_who_ask_at_once_are_each_answered_for_themselves(place: Place) -> None:
    people = [await place.enrol(seed) for seed in range(1, 8)]
    found = await asyncio.gather(*(place.nearest(1 + turn % 7) for turn in range(100)))
    assert found == [people[turn % 7] for turn in range(100)]


async def test_an_empty_gallery_finds_nobody(place: Place) -> None:
    told = await place.who(1)
    assert (told.decision.scores, told.persons) == ((), {})


async def test_a_picture_is_enrolled_once_and_shown_as_it_came(place: Place) -> None:
    done = await place.store.enrol(LAN, [picture(1), picture(2)], NOW)
    class_id = done.person.class_id
    assert (done.person.details, done.person.pictures) == (LAN, 2)
    again = await place.store.add_pictures(class_id, [picture(2), picture(3)], NOW)
    assert ([len(again.added), *again.known]) == [1, picture(2).source_sha256]
    cards = await place.store.pictures_of(class_id)
    assert [card.quality for card in cards] == [0.9] * 3
    assert [await place.store.picture(card.image_id) for card in cards] == [
        b"jpeg 1",
        b"jpeg 2",
        b"jpeg 3",
    ]
    assert await place.store.first_pictures([class_id, 99]) == {class_id: b"jpeg 1"}


async def test_a_deleted_picture_is_found_no_more_and_the_others_are(place: Place) -> None:
    class_id = await place.enrol(1, 2)
    (first, _) = await place.store.pictures_of(class_id)
    await place.store.delete_picture(first.image_id, NOW)
    assert (await place.nearest(1), await place.nearest(2)) == (None, class_id)
    with pytest.raises(NotThere):
        await place.store.picture(first.image_id)


async def test_persons_are_listed_by_parts_of_their_words_and_by_age(place: Place) -> None:
    await place.enrol(1, name="Đặng Lan")
    minh = await place.enrol(2, name="Minh")
    await place.store.edit(minh, replace(LAN, name="Minh", age=70, place="Huế"), NOW)
    for wanted, names in (
        (PersonFilter(), ["Đặng Lan", "Minh"]),
        (PersonFilter(name="đặng"), ["Đặng Lan"]),
        (PersonFilter(place="HUẾ"), ["Minh"]),
        (PersonFilter(least_age=70, most_age=70), ["Minh"]),
    ):
        found = await place.store.page(wanted, offset=0, limit=50)
        assert ([each.details.name for each in found.persons], found.total) == (names, len(names))
    assert len((await place.store.page(PersonFilter(), offset=1, limit=1)).persons) == 1


async def test_a_face_that_is_not_theirs_is_not_told_as_theirs_again(place: Place) -> None:
    class_id = await place.enrol(1)
    near = (vector(1) + 0.3 * vector(2)) / np.linalg.norm(vector(1) + 0.3 * vector(2))
    assert (await place.store.who(near, CALIBRATION.rule, most=5)).decision.class_id == class_id
    await place.store.deny(class_id, near, "ada", NOW)
    told = await place.store.who(near, CALIBRATION.rule, most=5)
    assert [each.is_denied for each in told.decision.scores] == [True]
    assert told.decision.class_id is None
    assert await place.nearest(1) == class_id


async def test_two_numbers_become_one_with_all_that_is_held_on_both(place: Place) -> None:
    kept, gone = await place.enrol(1, 2), await place.enrol(2, 3)
    sighting, _ = await place.note(3, gone)
    person = await place.store.merge(kept, gone, NOW)
    assert (person.class_id, person.pictures) == (kept, 3)
    assert [await place.nearest(seed) for seed in (1, 2, 3)] == [kept] * 3
    assert await place.matches() == [(kept, sighting)]
    with pytest.raises(NotThere):
        await place.store.person(gone)


async def test_being_forgotten_leaves_nothing_and_no_number_comes_back(place: Place) -> None:
    class_id = await place.enrol(1, 2)
    await place.store.deny(class_id, vector(9), "ada", NOW)
    await place.note(1, class_id)
    report = await place.store.forget(class_id, NOW)
    held = (report.pictures, report.embeddings, report.negatives, report.matches)
    assert (held, report.is_gone) == ((2, 2, 1, 1), True)
    assert (await place.nearest(1), await place.matches()) == (None, [])
    assert await place.enrol(3) > class_id
    with pytest.raises(NotThere):
        await place.store.forget(class_id, NOW)


async def test_what_is_asked_of_somebody_who_is_not_there_says_so(place: Place) -> None:
    for asked in (
        place.store.person(99),
        place.store.pictures_of(99),
        place.store.picture(99),
        place.store.edit(99, LAN, NOW),
        place.store.add_pictures(99, [picture(1)], NOW),
        place.store.deny(99, vector(1), "ada", NOW),
        place.store.delete_picture(99, NOW),
        place.store.archive(99, NOW),
        place.store.match(99),
    ):
        with pytest.raises(NotThere):
            await asked
    assert await place.store.indexed() == 0


async def test_a_change_that_fails_changes_nothing(place: Place) -> None:
    kept = await place.enrol(1)
    with pytest.raises(NotThere):
        await place.store.merge(kept, 99, NOW)
    assert await place.nearest(1) == kept


async def test_everybody_is_forgotten_in_one_step_and_so_are_visitors(place: Place) -> None:
    await place.enrol(1)
    await place.note(5)
    await place.store.forget_everybody()
    assert (await place.nearest(1), await place.visitors()) == (None, [])
    assert (await place.store.counted()).persons == 0


async def test_those_whose_time_is_over_are_named(place: Place) -> None:
    await place.enrol(1)
    due = await place.enrol(2)
    await place.store.edit(due, replace(LAN, keep_until=NOW), NOW)
    assert await place.store.overdue(NOW) == (due,)


async def test_all_that_is_held_on_one_person_is_in_their_archive(place: Place) -> None:
    class_id = await place.enrol(1, 2)
    await place.store.deny(class_id, vector(9), "ada", NOW)
    sighting, _ = await place.note(1, class_id)
    packed = zipfile.ZipFile(io.BytesIO(await place.store.archive(class_id, NOW)))
    told = json.loads(packed.read("person.json"))
    assert told["person"]["details"]["name"] == "Lan"
    assert [packed.read(each["file"]) for each in told["pictures"]] == [b"jpeg 1", b"jpeg 2"]
    assert len(told["embeddings"]) == 2
    assert len(told["faces_said_not_to_be_this_person"]) == 1
    assert [each["sighting_id"] for each in told["seen_by_cameras"]] == [sighting]


async def test_what_was_counted_is_there_and_found_after_it_is_made_anew(place: Place) -> None:
    class_id = await place.enrol(1, 2)
    counted = await place.store.counted()
    assert (counted.persons, counted.pictures, counted.waiting) == (1, 2, 0)
    await place.store.rebuild()
    await place.store.open()
    assert await place.nearest(2) == class_id


async def test_a_sighting_is_noted_once_and_the_position_goes_with_it(place: Place) -> None:
    class_id = await place.enrol(1)
    known, _ = await place.note(1, class_id)
    unknown, _ = await place.note(5)
    revision = (await place.who(1)).revision
    assert await place.store.note(compared(known, 1, revision, class_id))
    assert await place.store.note(compared(unknown, 5, revision))
    assert (await place.matches(), await place.visitors()) == ([(class_id, known)], [unknown])
    assert await place.store.position() == unknown
    assert await place.store.note(Compared(sighting_id=unknown + 1))
    assert await place.store.note(compared(known, 1, revision, class_id))  # by who was slower
    assert await place.store.position() == unknown + 1
    assert [each.count for each in await place.store.match_days(EVERYBODY)] == [1]


async def test_what_was_compared_with_an_older_gallery_is_not_noted(place: Place) -> None:
    revision = (await place.who(1)).revision
    number = await place.sighting()
    await place.enrol(1)
    before = await place.store.position()
    assert not await place.store.note(compared(number, 1, revision))
    assert (await place.visitors(), await place.store.position()) == ([], before)


async def test_who_is_enrolled_takes_their_earlier_visits_along(place: Place) -> None:
    (first, _), (other, _) = await place.note(1), await place.note(5)
    class_id = await place.enrol(1)
    assert await place.store.claim(class_id, CALIBRATION) == 1
    assert (await place.matches(), await place.visitors()) == ([(class_id, first)], [other])
    assert await place.store.claim(class_id, CALIBRATION) == 0


async def test_a_visitor_who_was_said_not_to_be_them_stays_one(place: Place) -> None:
    number, _ = await place.note(1)
    near = (vector(1) + 0.3 * vector(2)) / np.linalg.norm(vector(1) + 0.3 * vector(2))
    done = await place.store.enrol(LAN, [replace(picture(1), vector=near)], NOW)
    await place.store.deny(done.person.class_id, vector(1), "ada", NOW)
    assert await place.store.claim(done.person.class_id, CALIBRATION) == 0
    assert await place.visitors() == [number]


async def test_of_many_who_claim_one_visitor_one_gets_them(place: Place) -> None:
    """While more visitors come, and the people who claim them are changed."""
    people = [await place.enrol(1), await place.enrol(1, name="a twin")]
    seen = {number for number, _ in [await place.note(1) for _ in range(6)]}

    async def change(class_id: int) -> None:
        for seed in range(20, 24):
            await place.store.add_pictures(class_id, [picture(seed)], NOW)

    claims = [place.store.claim(class_id, CALIBRATION) for class_id in people for _ in range(3)]
    claimed = await asyncio.gather(*claims)
    await asyncio.gather(*(change(class_id) for class_id in people))
    assert sum(claimed) == len(seen)
    assert {number for _, number in await place.matches()} == seen
    assert await place.visitors() == []


async def test_somebody_forgotten_claims_nobody(place: Place) -> None:
    class_id = await place.enrol(1)
    number, _ = await place.note(1)
    await asyncio.gather(
        place.store.forget(class_id, NOW), place.store.claim(class_id, CALIBRATION)
    )
    assert await place.matches() == []
    assert set(await place.visitors()) <= {number}


async def test_visitors_are_found_by_a_vector_and_go_when_their_time_is_over(place: Place) -> None:
    number, _ = await place.note(1)
    await place.note(5)
    alike, compared_with = await place.store.alike(vector(1), 0.9)
    assert ([each.sighting_id for each in alike], compared_with) == ([number], 2)
    assert await place.store.drop_old(NOW) == 0
    assert await place.store.drop_old(NOW + timedelta(days=30)) == 2
    assert await place.visitors() == []


async def test_a_match_that_was_denied_is_gone_and_noted(place: Place) -> None:
    class_id = await place.enrol(1)
    await place.note(1, class_id)
    (match,) = (await place.store.matches(EVERYBODY, before=None, limit=5)).matches
    assert await place.store.match(match.match_id) == match
    await place.store.deny_match(match, vector(7), "ada", NOW)
    assert await place.matches() == []
    report = await place.store.forget(class_id, NOW)
    assert (report.negatives, report.matches) == (1, 0)


async def test_whom_one_process_enrols_or_forgets_others_find_or_do_not_at_once(
    databases: Databases,
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    async with (
        opened_pool(url, connections=3) as one_pool,
        opened_pool(url, connections=3) as other_pool,
        shared_store(one_pool) as one,
        shared_store(other_pool) as other,
    ):
        here = Place(one, partial(seen, one_pool))
        there = Place(other, partial(seen, other_pool))
        people = await asyncio.gather(
            *(place.enrol(seed) for seed, place in enumerate((here, there) * 3, start=1))
        )
        assert len(set(people)) == len(people)
        for place in (here, there):
            assert [await place.nearest(1 + turn) for turn in range(len(people))] == people
        revision = (await there.who(1)).revision
        report = await one.forget(people[0], NOW)
        assert report.is_gone
        assert await there.nearest(1) is None
        assert not await other.note(compared(await there.sighting(), 1, revision))
        await one.forget(people[1], NOW)
        await other.open()
        assert other._gallery.index_has((2,)) == 0  # noqa: SLF001 - its memory, unasked
