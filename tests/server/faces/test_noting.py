"""What every store of the gallery keeps of those whom cameras saw: matches and visitors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import numpy as np
import pytest

from server.errors import NotThere
from server.faces.history_contract import DayCount, MatchFilter
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
    assert await place.store.match_days(EVERYBODY, UTC) == (DayCount(day=NOW.date(), count=1),)
    for hours, day in ((11.75, NOW.date()), (12, NOW.date() + timedelta(days=1))):
        clock = timezone(timedelta(hours=hours))
        assert [each.day for each in await place.store.match_days(EVERYBODY, clock)] == [day]
    for name, found in (("LA", [known]), ("minh", [])):
        wanted = MatchFilter(name=name)
        page = await place.store.matches(wanted, before=None, limit=5)
        assert [each.sighting_id for each in page.matches] == found
        assert len(await place.store.match_days(wanted, UTC)) == len(found)


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
    people = {seed: await place.enrol(seed) for seed in (1, 2)}
    seen = {(people[seed], (await place.note(seed))[0]) for seed in (1, 2, 1, 2, 1, 2)}

    async def change(class_id: int) -> None:
        for seed in range(20, 24):
            await place.store.add_pictures(class_id, [picture(seed)], NOW)

    claims = [place.store.claim(each, CALIBRATION) for each in people.values() for _ in range(3)]
    claimed, *_ = await asyncio.gather(asyncio.gather(*claims), *map(change, people.values()))
    assert sum(claimed) == len(seen)
    assert set(await place.matches()) == seen
    assert await place.visitors() == []


async def test_a_visitor_who_is_as_alike_to_two_stays_one_until_it_is_told_who(
    place: Place,
) -> None:
    number, _ = await place.note(1)
    one, other = await place.enrol(1), await place.enrol(1, name="a twin")
    assert [await place.store.claim(each, CALIBRATION) for each in (one, other)] == [0, 0]
    assert (await place.matches(), await place.visitors()) == ([], [number])
    await place.store.merge(one, other, NOW)
    assert await place.store.claim(one, CALIBRATION) == 1
    assert await place.matches() == [(one, number)]


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


async def test_a_match_that_was_denied_is_gone_and_comes_back_where_that_is_taken_back(
    place: Place,
) -> None:
    near = (vector(1) + 0.3 * vector(2)) / np.linalg.norm(vector(1) + 0.3 * vector(2))
    store, rule = place.store, CALIBRATION.rule
    class_id = (await store.enrol(LAN, [replace(picture(1), vector=near)], NOW)).person.class_id
    sighting, _ = await place.note(1, class_id)
    (match,) = (await store.matches(EVERYBODY, before=None, limit=5)).matches
    assert await store.match(match.match_id) == match
    await store.deny(class_id, vector(1), "ada", NOW, sighting_id=sighting)
    await store.deny(class_id, vector(7), "vera", NOW)
    shown, seen = (await store.record(class_id, most=5, denied_before=None)).denied.denied
    assert (shown.denied_by, shown.source, shown.device_id) == ("vera", "upload", None)
    told = (seen.denied_by, seen.denied_at, seen.source, seen.sighting_id, seen.device_id)
    assert told == ("ada", NOW, "camera", sighting, "gate-1")
    before = await store.who(vector(1), rule, most=1)
    assert (before.decision.class_id, await place.matches()) == (None, [])
    other = await place.enrol(30)
    with pytest.raises(NotThere, match="was taken back"):
        await store.take_back(other, seen.denied_id, NOW)
    await store.take_back(class_id, seen.denied_id, NOW)
    after = await store.who(vector(1), rule, most=1)
    assert (after.decision.class_id, await place.matches()) == (class_id, [(class_id, sighting)])
    assert after.revision > before.revision + 1
    assert (await store.denied(class_id, before=None, limit=5)).denied == (shown,)
    with pytest.raises(NotThere, match="was taken back"):
        await store.take_back(class_id, seen.denied_id, NOW)
    report = await store.forget(class_id, NOW)
    assert (report.negatives, report.matches, report.is_gone) == (1, 1, True)


async def test_what_is_taken_back_is_no_match_where_another_is_as_much_alike(place: Place) -> None:
    near = (vector(1) + 0.1 * vector(2)) / np.linalg.norm(vector(1) + 0.1 * vector(2))
    await place.enrol(1)
    other = await place.store.enrol(LAN, [replace(picture(2), vector=near)], NOW)
    class_id, sighting = other.person.class_id, await place.sighting()
    await place.store.deny(class_id, vector(1), "ada", NOW, sighting_id=sighting)
    (denied,) = (await place.store.denied(class_id, before=None, limit=5)).denied
    await place.store.take_back(class_id, denied.denied_id, NOW)
    left = await place.store.denied(class_id, before=None, limit=5)
    assert (await place.matches(), left.denied) == ([], ())


async def test_what_was_denied_is_told_page_by_page(place: Place) -> None:
    class_id, other = await place.enrol(1), await place.enrol(2)
    for seed in (5, 6, 7):
        await place.store.deny(class_id, vector(seed), "ada", NOW)
        await place.store.deny(other, vector(seed), "ada", NOW)
    first = await place.store.denied(class_id, before=None, limit=2)
    then = await place.store.denied(class_id, before=first.next_before, limit=2)
    record = await place.store.record(class_id, most=2, denied_before=first.next_before)
    assert (len(first.denied), len(then.denied), then.next_before) == (2, 1, None)
    numbers = [each.denied_id for each in (*first.denied, *then.denied)]
    assert numbers == sorted(numbers, reverse=True)
    assert {each.class_id for each in (*first.denied, *then.denied)} == {class_id}
    assert record.denied == then


async def test_a_face_of_theirs_is_denied_no_more_where_two_numbers_become_one(
    place: Place,
) -> None:
    near = np.asarray((vector(1) + 0.1 * vector(9)) / np.linalg.norm(vector(1) + 0.1 * vector(9)))
    kept, gone = await place.enrol(1), await place.enrol(2)
    for class_id, face in ((gone, vector(1)), (kept, vector(2)), (gone, near), (kept, vector(7))):
        await place.store.deny(class_id, face, "ada", NOW)
    stays = {
        each.denied_id
        for class_id in (kept, gone)
        for each in (await place.store.denied(class_id, before=None, limit=1)).denied
    }
    await place.store.merge(kept, gone, NOW)
    left = (await place.store.denied(kept, before=None, limit=9)).denied
    assert {each.denied_id for each in left} == stays
