"""Every store of the gallery keeps the contract of `server/faces/keeping.py`: who is enrolled."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from server.errors import NotThere
from server.faces.contract import PersonFilter
from server.faces.decision import Rule
from server.storage.postgres.pool import opened_pool
from tests.server.faces.kept_faces import (
    CALIBRATION,
    LAN,
    NOW,
    Place,
    compared,
    picture,
    seen,
    shared_store,
    vector,
)
from tests.server.storage.databases import Databases


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
        place.store.denied(99, before=None, limit=5),
        place.store.take_back(99, 1, NOW),
        place.store.record(99, most=5, denied_before=None),
        place.store.owner_of(99),
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
    (denied,) = told["faces_said_not_to_be_this_person"]
    assert (denied["source"], denied["denied_at"]) == ("upload", NOW.isoformat())
    assert [each["sighting_id"] for each in told["seen_by_cameras"]] == [sighting]


async def test_what_was_counted_is_there_and_found_after_it_is_made_anew(place: Place) -> None:
    class_id = await place.enrol(1, 2)
    counted = await place.store.counted()
    assert (counted.persons, counted.pictures, counted.waiting) == (1, 2, 0)
    await place.store.rebuild()
    await place.store.open()
    assert await place.nearest(2) == class_id


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
        near = (vector(1) + 0.3 * vector(9)) / np.linalg.norm(vector(1) + 0.3 * vector(9))
        sure = Rule(threshold=0.9, margin=0.0)
        await one.deny(people[0], near, "ada", NOW)
        assert (await other.who(near, sure, most=1)).decision.class_id is None
        (denied,) = (await other.denied(people[0], before=None, limit=5)).denied
        await one.take_back(people[0], denied.denied_id, NOW)
        assert (await other.who(near, sure, most=1)).decision.class_id == people[0]
        revision = (await there.who(1)).revision
        report = await one.forget(people[0], NOW)
        assert report.is_gone
        assert await there.nearest(1) is None
        assert not await other.note(compared(await there.sighting(), 1, revision))
        await one.forget(people[1], NOW)
        await other.open()
        assert other._gallery.index_has((2,)) == 0  # noqa: SLF001 - its memory, unasked
