"""What every store of the gallery keeps of those whom cameras saw: matches and visitors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np

from server.faces.keeping import Compared
from tests.server.faces.kept_faces import (
    CALIBRATION,
    EVERYBODY,
    LAN,
    NOW,
    Place,
    compared,
    picture,
    vector,
)


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
