"""Faces that cameras saw: matches, unknown visitors, who was here before, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from server.account_side import accounts_in_sqlite
from server.accounts.lifetimes import Lifetimes
from server.errors import FacesUnavailable, NotThere, QuestionInvalid, StorageUnavailable
from server.faces.contract import Outcome, Upload
from server.faces.following import AT_ONCE, TRIES, Follower
from server.faces.history_contract import MatchFilter
from server.faces.looking import Seen, models_here
from server.faces.service import FaceService
from server.faces.vault import PictureVault
from server.faces.workplace import Workplace
from server.storage.adoption import prepare_database
from server.storage.connection import open_reader
from server.storage.picture_stores.folder import FolderPictures
from tests.server.faces.face_camera import SEEN_AT, FaceCamera
from tests.server.faces.galleries import ANY, place_on
from tests.server.faces.test_service import ADA, LAN, NOW, upload
from tests.server.faces.tiny_faces import BLUE, GREEN, RED, face, networks, photo, png
from vision.faces.embedding import embedding_label
from vision.geometry import Box
from vision.networks import Networks

EVERYBODY = MatchFilter()
DAYS = 30


@dataclass
class Site:
    """A gallery, a camera and what compares the one with the other."""

    faces: FaceService
    place: Workplace
    follower: Follower
    camera: FaceCamera
    networks: Networks
    database: Path
    moment: datetime = NOW

    async def enrol(self, colour: tuple[float, float, float], name: str = "Lan") -> int:
        details = replace(LAN, name=name)
        done = await self.faces.enrol(ADA, details, [upload(photo(colour))], source="test")
        return done.person.class_id

    async def follow(self) -> None:
        while await self.follower.follow():
            pass

    async def matched(self, wanted: MatchFilter = EVERYBODY) -> list[tuple[int, int]]:
        """Who, in which sighting; the last first."""
        found = await self.faces.matches(ADA, wanted)
        return [(each.person.class_id, each.sighting_id) for each in found.matches]

    async def unknown(self) -> list[int]:
        return [each.sighting_id for each in (await self.faces.visitors(ADA)).visitors]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    accounts = accounts_in_sqlite(database, Lifetimes(), lambda: NOW)
    camera = FaceCamera(database)
    made = networks(tmp_path / "models")
    site: Site
    place = place_on(
        database,
        made,
        accounts,
        lambda: site.moment,
        sightings=camera.sightings,
        visitor_days=DAYS,
        vault=PictureVault([b"k" * 32]),
    )
    site = Site(FaceService(place), place, Follower(place), camera, made, database)
    yield site
    await site.faces.close()
    made.close()
    await camera.close()
    await accounts.close()


async def test_who_is_enrolled_is_matched_where_a_camera_sees_them(site: Site) -> None:
    red = await site.enrol(RED)
    seen = await site.camera.sends(photo(RED, seed=4))
    stranger = await site.camera.sends(photo(BLUE), device_id="gate-2")
    await site.follow()
    assert await site.matched() == [(red, seen)]
    assert await site.unknown() == [stranger]
    (match,) = (await site.faces.matches(ADA, MatchFilter(device_id="gate-1"))).matches
    assert (match.device_id, match.seen_at) == ("gate-1", SEEN_AT)
    assert await site.matched(MatchFilter(since=SEEN_AT + timedelta(seconds=1))) == []
    assert [each.count for each in await site.faces.match_days(ADA, EVERYBODY, UTC)] == [1]


async def test_each_face_is_compared_once_also_after_a_restart(site: Site) -> None:
    red = await site.enrol(RED)
    seen = [await site.camera.sends(photo(RED, seed=seed)) for seed in range(AT_ONCE + 2)]
    assert await site.follower.follow() == AT_ONCE
    await Follower(site.place).follow()
    assert await Follower(site.place).follow() == 0
    assert await site.matched() == [(red, number) for number in reversed(seen)]


async def test_faces_that_cannot_be_told_do_not_hold_up_the_next(site: Site) -> None:
    red = await site.enrol(RED)
    await site.camera.sends(None)
    await site.camera.sends(png(face(RED, side=64)), box=(0, 0, 20, 20))
    seen = await site.camera.sends(photo(RED, seed=2))
    await site.follow()
    assert await site.matched() == [(red, seen)]


async def test_a_face_that_breaks_whoever_looks_at_it_does_not_hold_up_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    red = await site.enrol(RED)
    strange = await site.camera.sends(photo(RED, seed=2))
    seen = await site.camera.sends(photo(RED, seed=3))
    look = site.place.desk.look

    async def breaks(picture: Upload) -> Seen:
        if picture.sighting_id == strange:
            raise ZeroDivisionError("a decoder's fault")
        return await look(picture)

    monkeypatch.setattr(site.place.desk, "look", breaks)
    with capture_logs() as said:
        await site.follow()
    assert await site.matched() == [(red, seen)]
    assert [each["sighting_id"] for each in said if "passed over" in each["event"]] == [strange]


async def test_a_picture_that_alone_cannot_be_looked_into_is_passed_over_and_a_store_waited_for(
    site: Site, tmp_path: Path
) -> None:
    """As of a disk that cannot read a file any more."""
    red = await site.enrol(RED)
    pictures = [photo(RED, seed=seed) for seed in (2, 3, 4)]
    numbers = [await site.camera.sends(each) for each in pictures]
    day = tmp_path / "store" / SEEN_AT.date().isoformat()
    files = [day / hashlib.sha256(each).hexdigest() for each in pictures]
    for file in files:
        file.mkdir(parents=True)
    store = FolderPictures(tmp_path / "store")
    site.place.sightings = site.camera.sightings_in(store)
    for _ in range(2 * TRIES):  # nothing of the store can be read
        with pytest.raises(StorageUnavailable):
            await site.follower.follow()
    files[2].rmdir()
    files[2].write_bytes(pictures[2])
    with capture_logs() as said:
        for _ in range(TRIES):
            with contextlib.suppress(StorageUnavailable):
                await site.follower.follow()
    store.close()
    assert await site.matched() == [(red, numbers[2])]
    assert [each["sighting_id"] for each in said if "passed over" in each["event"]] == numbers[:2]


async def test_a_picture_at_which_a_model_breaks_is_passed_over_once_others_are_looked_into(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    red = await site.enrol(RED)
    strange = await site.camera.sends(photo(RED, seed=2))
    look, breaks_always = site.place.desk.look, True

    async def breaks(picture: Upload) -> Seen:
        if breaks_always or picture.sighting_id == strange:
            raise FacesUnavailable("the vector of a face has the length 0")
        return await look(picture)

    monkeypatch.setattr(site.place.desk, "look", breaks)
    seen = await site.camera.sends(photo(RED, seed=3))
    for _ in range(2 * TRIES):
        with pytest.raises(FacesUnavailable):
            await site.follower.follow()
    breaks_always = False
    await site.follow()
    assert await site.matched() == [(red, seen)]


async def test_a_face_whose_picture_is_not_where_it_should_be_is_passed_over_and_said(
    site: Site,
) -> None:
    await site.enrol(RED)
    await site.camera.sends(None)
    lost = await site.camera.sends(photo(RED, seed=2))
    shutil.rmtree(site.database.parent / "pictures")
    with capture_logs() as said:
        await site.follow()
    passed_over = [each for each in said if each["event"] == "a face is passed over"]
    assert [each["sighting_id"] for each in passed_over] == [lost]
    assert "its file cannot be read" in passed_over[0]["reason"]


async def test_an_embedding_of_a_camera_counts_only_for_the_gallerys_model_and_version(
    site: Site,
) -> None:
    red, blue = await site.enrol(RED), await site.enrol(BLUE, "Minh")
    key = models_here(site.networks, ANY).key
    assert key is not None
    said_blue = np.array(BLUE, "<f4") / np.linalg.norm(BLUE)
    own = await site.camera.sends(
        photo(RED, seed=2),
        embedding=said_blue.astype("<f4").tobytes(),
        embedding_model=embedding_label(key.name, key.version),
    )
    other = [
        await site.camera.sends(
            photo(RED, seed=seed),
            embedding=said_blue.astype("<f4").tobytes(),
            embedding_model=label,
        )
        for seed, label in enumerate((key.name, embedding_label(key.name, "0" * 12)), 10)
    ]
    await site.follow()
    # Its own numbers speak for the first; the pictures of the others do.
    assert sorted(await site.matched()) == sorted(
        [(blue, own), *((red, number) for number in other)]
    )


async def test_who_was_here_before_is_found_by_photo_and_naming_them_enrols(site: Site) -> None:
    first = await site.camera.sends(photo(BLUE, seed=1))
    second = await site.camera.sends(photo(BLUE, seed=2), at=SEEN_AT + timedelta(hours=2))
    other = await site.camera.sends(photo(GREEN))
    await site.follow()
    earlier = await site.faces.seen_before(ADA, upload(photo(BLUE, seed=3)))
    assert [each.sighting_id for each in earlier.visits] == [second, first]
    assert (earlier.compared, earlier.keep_days) == (3, DAYS)
    picture = await site.faces.of_sighting(ADA, first)
    done = await site.faces.enrol(ADA, LAN, [picture], source="camera")
    number = done.person.class_id
    assert await site.unknown() == [other]
    assert sorted(await site.matched()) == [(number, first), (number, second)]
    known = await site.faces.seen_before(ADA, upload(photo(BLUE, seed=5)))
    assert {each.person.class_id for each in known.visits if each.person} == {number}


async def test_not_this_person_takes_the_match_and_is_remembered(site: Site) -> None:
    red = await site.enrol(RED)
    double = photo((0.3, 0.3, 1.0), seed=3)
    await site.camera.sends(double)
    await site.follow()
    (match,) = (await site.faces.matches(ADA, EVERYBODY)).matches
    assert match.person.class_id == red
    await site.faces.deny_match(ADA, match.match_id)
    assert await site.matched() == []
    (found,) = (await site.faces.identify(ADA, upload(double))).faces
    assert found.outcome is Outcome.UNKNOWN
    with pytest.raises(NotThere):
        await site.faces.deny_match(ADA, match.match_id)


async def test_not_this_person_is_shown_with_the_face_and_taken_back_with_its_match(
    site: Site,
) -> None:
    red = await site.enrol(RED)
    seen = await site.camera.sends(photo((0.3, 0.3, 1.0), seed=3))
    await site.follow()
    picture = await site.faces.of_sighting(ADA, seen)
    away = replace(picture, at=Box(x1=0.2, y1=0.2, x2=0.4, y2=0.4))
    with pytest.raises(QuestionInvalid, match="no face where one was said to be"):
        await site.faces.deny(ADA, red, away)
    await site.faces.deny(ADA, red, picture)
    record = await site.faces.record(ADA, red)
    assert (record.matches.matches, set(record.faces)) == ((), {seen})
    (denied,) = record.denied.denied
    assert (denied.denied_by, denied.sighting_id, denied.seen_at) == ("ada", seen, SEEN_AT)
    await site.faces.take_back(ADA, red, denied.denied_id)
    assert await site.matched() == [(red, seen)]
    assert (await site.faces.denied(ADA, red)).denied == ()


async def test_what_is_taken_back_turns_visitors_into_matches_and_none_stays_both(
    site: Site,
) -> None:
    twice = [await site.camera.sends(photo((0.1, 0.3, 1.0), seed=3)) for _ in range(2)]
    await site.follow()
    person = await site.enrol(BLUE)
    await site.faces.deny(ADA, person, await site.faces.of_sighting(ADA, twice[0]))
    await site.faces.add_pictures(ADA, person, [upload(photo(RED))], source="test")
    assert sorted(await site.unknown()) == twice
    (denied,) = (await site.faces.denied(ADA, person)).denied
    await site.faces.take_back(ADA, person, denied.denied_id)
    assert sorted(await site.matched()) == [(person, seen) for seen in twice]
    assert await site.unknown() == []


async def test_matches_go_with_their_person_and_over_to_whom_they_are_merged_into(
    site: Site,
) -> None:
    red = await site.enrol(RED)
    seen = await site.camera.sends(photo(RED, seed=4))
    await site.follow()
    kept = await site.enrol(GREEN, "Lan too")
    await site.faces.merge(ADA, kept, red)
    assert await site.matched() == [(kept, seen)]
    report = await site.faces.forget(ADA, kept)
    assert (report.matches, report.is_gone) == (1, True)
    assert await site.matched() == []


async def test_unknown_visitors_go_when_their_time_is_over(site: Site) -> None:
    seen = await site.camera.sends(photo(BLUE))
    await site.follow()
    site.moment = NOW + timedelta(days=DAYS - 1)
    await site.faces.forget_overdue()
    assert await site.unknown() == [seen]
    site.moment = NOW + timedelta(days=DAYS + 1)
    await site.faces.forget_overdue()
    assert await site.unknown() == []


async def test_of_a_face_of_a_camera_only_what_is_close_is_shown(site: Site) -> None:
    number = await site.camera.sends(photo(RED))
    assert (await site.faces.face_of_sighting(ADA, number))[:2] == b"\xff\xd8"
    missing = await site.camera.sends(None)
    assert set(await site.faces.thumbnails(ADA, [number, missing, 99])) == {number}
    listed = await site.faces.sightings(ADA, device_id="gate-1")
    assert [each.id for each in listed] == [missing, number]
    assert listed[1].box == (0.25, 0.25, 0.5, 0.5)


async def test_cameras_wait_while_people_fill_the_queue(site: Site) -> None:
    red = await site.enrol(RED)
    seen = await site.camera.sends(photo(RED, seed=2))
    paused: list[float] = []
    done = asyncio.Event()

    async def sleep(pause_s: float) -> None:
        paused.append(pause_s)
        if await site.matched():
            done.set()
            await asyncio.Event().wait()
        await asyncio.gather(*asked, return_exceptions=True)

    asked = [
        asyncio.ensure_future(site.faces.identify(ADA, upload(photo(RED, seed=seed))))
        for seed in range(20, 40)
    ]
    await asyncio.sleep(0)
    following = asyncio.create_task(Follower(site.place, sleep=sleep).run())
    await asyncio.wait_for(done.wait(), 60)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert await site.matched() == [(red, seen)]
    assert paused[0] >= 0.5


async def test_pictures_lie_encrypted_and_are_shown_and_exported_whole(site: Site) -> None:
    red = await site.enrol(RED)
    kept: Any = open_reader(site.database).execute("SELECT content FROM face_pictures").get
    assert b"\xff\xd8" not in bytes(kept)[:200]
    (card,) = await site.faces.pictures_of(ADA, red)
    assert (await site.faces.picture(ADA, card.image_id))[:2] == b"\xff\xd8"
    assert (await site.faces.covers(ADA, [red]))[red][:2] == b"\xff\xd8"
    assert b"pictures/1.jpg" in await site.faces.export(ADA, red)
