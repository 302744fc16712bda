"""The gallery as pages and REST use it: enrolled, found, denied, forgotten; every look audited."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pytest
from PIL import Image

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Action, Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Role
from server.accounts.store import AccountStore
from server.errors import FacesUnavailable, NotThere, QuestionInvalid, QueueFull
from server.faces.contract import Outcome, PersonDetails, PersonFilter, ResetKind, Upload
from server.faces.history_contract import MatchFilter
from server.faces.looking import Wanted
from server.faces.service import FaceService
from server.storage.adoption import prepare_database
from tests.server.faces.face_camera import FaceCamera
from tests.server.faces.galleries import service_on
from tests.server.faces.tiny_faces import (
    BLUE,
    GREEN,
    RED,
    SIDE,
    blind,
    face,
    networks,
    photo,
    png,
)
from vision.networks import Networks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Caller(
    kind=CallerKind.USER,
    name="ada",
    address="192.0.2.7",
    permissions=TABLE[Role.ADMIN],
    role=Role.ADMIN,
)
LAN = PersonDetails(name="Nguyễn Thị Lan", age=34, gender="nữ", place="Hà Nội")


@dataclass
class House:
    """The service, its clock and where things lie."""

    faces: FaceService
    accounts: AccountStore
    camera: FaceCamera
    database: Path
    moment: datetime = NOW

    async def actions(self) -> list[tuple[str, str]]:
        page = await self.accounts.audit_page()
        return [(each.action.value, each.subject) for each in reversed(page.entries)]

    async def who(self, content: bytes) -> int | None:
        found = await self.faces.identify(ADA, upload(content))
        match = found.faces[0].match
        return None if match is None else match.person.class_id


Opening = Callable[..., House]


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens a service on networks; closes all of them at the end."""
    database = tmp_path / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    accounts = accounts_in_sqlite(database, Lifetimes(), lambda: NOW)
    camera = FaceCamera(database)
    opened: list[tuple[FaceService, Networks]] = []

    def open_(made: Networks | None = None, **given: Any) -> House:
        made = made or networks(tmp_path / "models")
        house: House

        def now() -> datetime:
            return house.moment

        service = service_on(database, made, accounts, now, sightings=camera.sightings, **given)
        house = House(service, accounts, camera, database)
        opened.append((service, made))
        return house

    yield open_
    for service, made in opened:
        await service.close()
        made.close()
    await camera.close()
    await accounts.close()


@pytest.fixture
def house(opening: Opening) -> House:
    return opening()


def upload(content: bytes, name: str = "photo.png") -> Upload:
    return Upload(name=name, content=content)


async def enrolled(house: House, colour: tuple[float, float, float], name: str = "Lan") -> int:
    details = replace(LAN, name=name)
    done = await house.faces.enrol(ADA, details, [upload(photo(colour))], source="test")
    return done.person.class_id


async def test_people_are_told_apart_by_other_pictures_of_them(house: House) -> None:
    red, green = await enrolled(house, RED), await enrolled(house, GREEN)
    assert await house.who(photo(RED, seed=7)) == red
    assert await house.who(photo(GREEN, seed=8)) == green


async def test_a_stranger_is_unknown_with_the_reason_and_the_likeliest(house: House) -> None:
    red = await enrolled(house, RED)
    (found,) = (await house.faces.identify(ADA, upload(photo(BLUE)))).faces
    assert found.outcome is Outcome.UNKNOWN
    assert "expected at least" in found.reason
    assert [each.person.class_id for each in found.likenesses] == [red]
    assert found.likenesses[0].probability is None  # nobody calibrated the tiny model


async def test_a_face_said_not_to_be_somebody_is_not_taken_for_them_again(house: House) -> None:
    red = await enrolled(house, RED)
    double = photo((0.3, 0.3, 1.0), seed=3)
    assert await house.who(double) == red
    await house.faces.deny(ADA, red, upload(double))
    assert await house.who(double) is None
    assert await house.who(photo(RED, seed=9)) == red


async def test_every_look_and_change_is_in_the_audit_log(house: House) -> None:
    red = await enrolled(house, RED)
    await house.who(photo(RED, seed=1))
    await house.faces.person(ADA, red)
    await house.faces.persons(ADA, PersonFilter())
    (card,) = await house.faces.pictures_of(ADA, red)
    await house.faces.picture(ADA, card.image_id)
    await house.faces.edit(ADA, red, LAN)
    await house.faces.export(ADA, red)
    await house.faces.forget(ADA, red)
    actions = await house.actions()
    seen = Action.PERSON_SEEN.value
    assert actions[:2] == [
        (Action.PERSON_ENROLLED.value, "a new person"),
        (Action.PERSON_ENROLLED.value, f"person {red}"),
    ]
    assert [action for action, _ in actions[2:7]] == [seen] * 5
    assert [action for action, _ in actions[7:]] == [
        Action.PERSON_CHANGED.value,
        Action.PERSON_EXPORTED.value,
        Action.PERSON_FORGOTTEN.value,
        Action.PERSON_FORGOTTEN.value,
    ]


async def test_a_person_with_all_that_their_page_shows_is_one_look(house: House) -> None:
    red = await enrolled(house, RED)
    before = len(await house.actions())
    record = await house.faces.record(ADA, red)
    assert (record.person.class_id, len(record.pictures)) == (red, 1)
    assert (await house.actions())[before:] == [(Action.PERSON_SEEN.value, f"person {red}")]


async def test_what_is_not_there_is_not_changed_and_not_said_to_be(house: House) -> None:
    red = await enrolled(house, RED)
    before = await house.actions()
    for asked in (
        house.faces.delete_picture(ADA, 99),
        house.faces.take_back(ADA, red, 99),
        house.faces.deny(ADA, 99, upload(photo(BLUE))),
        house.faces.edit(ADA, 99, LAN),
        house.faces.merge(ADA, red, 99),
        house.faces.record(ADA, 99),
    ):
        with pytest.raises(NotThere):
            await asked
    assert await house.actions() == before


async def test_lists_that_show_nobody_are_no_looks_but_a_search_is_one(house: House) -> None:
    assert not (await house.faces.persons(ADA, PersonFilter())).persons
    assert not await house.faces.covers(ADA, [])
    assert not await house.faces.thumbnails(ADA, [])
    assert not (await house.faces.matches(ADA, MatchFilter())).matches
    assert not await house.faces.match_days(ADA, MatchFilter(), UTC)
    assert not (await house.faces.visitors(ADA)).visitors
    assert not await house.faces.sightings(ADA)
    assert await house.actions() == []
    assert not (await house.faces.persons(ADA, PersonFilter(name="Lan"))).persons
    assert not (await house.faces.matches(ADA, MatchFilter(class_id=7))).matches
    assert await house.actions() == [
        (Action.PERSON_SEEN.value, "list of persons"),
        (Action.PERSON_SEEN.value, "matches"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "no picture in a known format"),
        (photo()[:2000], "damaged or truncated"),
        (b"x" * (20 * 1024 * 1024 + 1), "bytes, expected at most"),
    ],
)
async def test_what_is_no_usable_picture_is_told_in_words(
    house: House, content: bytes, said: str
) -> None:
    with pytest.raises(QuestionInvalid, match=said):
        await house.faces.identify(ADA, upload(content))


def converted(kind: str) -> bytes:
    """The red person's picture, in that form."""
    picture = face(RED)
    image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    packed = io.BytesIO()
    if kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6
        image.rotate(90, expand=True).save(packed, "JPEG", quality=95, exif=exif)
    elif kind == "cmyk":
        image.convert("CMYK").save(packed, "JPEG", quality=95)
    elif kind == "animated":
        other = Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8))
        image.save(packed, "PNG", save_all=True, append_images=[other])
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["rotated", "cmyk", "animated"])
async def test_unusual_files_are_taken_as_what_they_show(house: House, kind: str) -> None:
    red = await enrolled(house, RED)
    assert await house.who(converted(kind)) == red


async def test_a_picture_of_16_bits_is_taken_as_grey(house: House) -> None:
    grey = face((1.0, 1.0, 1.0))[..., 0].astype(np.uint16) * 257
    packed = io.BytesIO()
    Image.fromarray(grey).save(packed, "PNG")
    known = await enrolled(house, (1.0, 1.0, 1.0))
    assert await house.who(packed.getvalue()) == known


async def test_without_a_face_nobody_is_found_and_nobody_enrolled(
    opening: Opening, tmp_path: Path
) -> None:
    house = opening(blind(tmp_path / "blind"))
    assert (await house.faces.identify(ADA, upload(photo()))).faces == ()
    with pytest.raises(QuestionInvalid, match="there is no face in it"):
        await enrolled(house, RED)
    assert (await house.faces.status()).persons == 0


async def test_of_several_faces_each_is_told_and_none_enrolled(
    opening: Opening, tmp_path: Path
) -> None:
    house = opening(networks(tmp_path / "two", (1, 2), (4, 2)))
    assert len((await house.faces.identify(ADA, upload(photo()))).faces) == 2
    with pytest.raises(QuestionInvalid, match="there are 2 faces in it, expected one"):
        await enrolled(house, RED)


async def test_a_blurred_face_is_refused_with_the_reason_and_the_good_one_taken(
    house: House,
) -> None:
    flat = np.full((SIDE, SIDE, 3), 128, np.uint8)
    flat[::20] = 150
    done = await house.faces.enrol(
        ADA, LAN, [upload(photo()), upload(png(flat), "flat.png")], source="test"
    )
    assert len(done.pictures) == 1
    assert [each.name for each in done.refused] == ["flat.png"]
    assert "contrast" in done.refused[0].reason or "blurred" in done.refused[0].reason


async def test_without_an_embedding_model_the_command_is_named(
    opening: Opening, tmp_path: Path
) -> None:
    house = opening(networks(tmp_path / "few", with_embedder=False))
    with pytest.raises(FacesUnavailable, match=" -m agent models fetch"):
        await house.faces.identify(ADA, upload(photo()))
    status = await house.faces.status()
    assert status.model is None
    place = f"AGENT_MODELS_DIR={tmp_path / 'few'} {quote(sys.executable)}"
    assert f"{place} -m agent models fetch yunet" in (status.problem or "")


async def test_beyond_the_bound_callers_are_told_when_to_come_again(opening: Opening) -> None:
    house = opening(waiting=1)
    asked = [house.faces.identify(ADA, upload(photo(RED, seed=seed))) for seed in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, QueueFull)]
    assert len(refused) == 4
    assert all(each.retry_after_s >= 1 for each in refused)
    assert [each for each in answers if isinstance(each, BaseException)] == refused


async def test_while_the_index_is_made_ready_callers_are_told_to_come_again(house: House) -> None:
    red = await enrolled(house, RED)
    preparing = asyncio.create_task(house.faces.prepare())
    await asyncio.sleep(0)
    with pytest.raises(QueueFull, match="made ready after the start"):
        await house.who(photo(RED, seed=6))
    await preparing
    assert await house.who(photo(RED, seed=6)) == red


async def test_an_identical_picture_is_not_looked_into_twice(opening: Opening) -> None:
    house = opening(waiting=0)
    await house.who(photo())
    asked = [house.faces.identify(ADA, upload(photo())) for _ in range(8)]
    assert len(await asyncio.gather(*asked)) == 8  # none found the queue full


async def test_who_is_forgotten_is_not_found_and_nothing_is_left(house: House) -> None:
    red = await enrolled(house, RED)
    seen = photo(RED, seed=5)
    assert await house.who(seen) == red
    report = await house.faces.forget(ADA, red)
    assert report.is_gone
    assert report.pictures == 1
    assert await house.who(seen) is None
    with pytest.raises(NotThere):
        await house.faces.person(ADA, red)
    told = [each.detail for each in (await house.accounts.audit_page()).entries]
    assert "pictures: 1; nothing is left" in told


async def test_the_audit_log_does_not_keep_the_name_of_who_is_forgotten(house: House) -> None:
    red = await enrolled(house, RED, "Ngọc Ánh")
    await house.faces.persons(ADA, PersonFilter(name="Ngọc Ánh"))
    await house.faces.forget(ADA, red)
    page = await house.accounts.audit_page()
    assert len(page.entries) == 5
    assert not [each for each in page.entries if "Ngọc" in each.subject + each.detail]


async def test_all_that_is_held_on_a_person_is_exported(house: House) -> None:
    red = await enrolled(house, RED)
    packed = zipfile.ZipFile(io.BytesIO(await house.faces.export(ADA, red)))
    told = json.loads(packed.read("person.json"))
    assert told["person"]["details"]["name"] == "Lan"
    assert len(told["embeddings"]) == 1
    (picture,) = told["pictures"]
    assert Image.open(io.BytesIO(packed.read(picture["file"]))).format == "JPEG"


async def test_only_the_face_and_what_is_close_is_kept(house: House) -> None:
    red = await enrolled(house, RED)
    (card,) = await house.faces.pictures_of(ADA, red)
    kept = Image.open(io.BytesIO(await house.faces.picture(ADA, card.image_id)))
    assert max(kept.size) <= SIDE


async def test_people_are_forgotten_when_their_time_is_over(opening: Opening) -> None:
    house = opening(keep_days={"visitors": 30})
    visitor = replace(LAN, purpose="Visitors")
    done = await house.faces.enrol(ADA, visitor, [upload(photo())], source="test")
    stays = await enrolled(house, GREEN)
    assert done.person.details.keep_until == NOW + timedelta(days=30)
    house.moment = NOW + timedelta(days=29)
    assert await house.faces.forget_overdue() == ()
    house.moment = NOW + timedelta(days=31)
    assert await house.faces.forget_overdue() == (done.person.class_id,)
    due = [
        (await house.faces.enrol(ADA, visitor, [upload(photo(each))], source="test")).person
        for each in (RED, BLUE)
    ]
    house.moment = NOW + timedelta(days=62)
    # Each finds that the other forgot somebody since both looked who is due.
    found = await asyncio.gather(house.faces.forget_overdue(), house.faces.forget_overdue())
    assert sorted(sum(found, ())) == [each.class_id for each in due]
    assert (await house.faces.persons(ADA, PersonFilter())).persons[0].class_id == stays


async def test_persons_are_found_by_parts_of_names_in_any_case_and_by_age(house: House) -> None:
    await house.faces.enrol(ADA, LAN, [upload(photo(RED))], source="test")
    await house.faces.enrol(
        ADA, replace(LAN, name="Đặng Minh", age=60, place="Huế"), [upload(photo(GREEN))], source="t"
    )

    async def names(**given: str | int) -> list[str]:
        page = await house.faces.persons(ADA, PersonFilter(**given))  # type: ignore[arg-type]
        assert page.total == len(page.persons)
        return [each.details.name for each in page.persons]

    assert await names(name="đặng") == ["Đặng Minh"]
    assert await names(place="hà") == ["Nguyễn Thị Lan"]
    assert await names(least_age=35) == ["Đặng Minh"]
    assert await names(most_age=34) == ["Nguyễn Thị Lan"]
    assert await names(name="%") == []


async def test_two_pictures_are_verified(house: House) -> None:
    same = await house.faces.verify(ADA, upload(photo(RED)), upload(photo(RED, seed=4)))
    other = await house.faces.verify(ADA, upload(photo(RED)), upload(photo(BLUE)))
    assert (same.is_same, other.is_same) == (True, False)
    assert same.score > other.score


async def test_a_face_that_a_camera_saw_is_asked_about(house: House) -> None:
    red = await enrolled(house, RED)
    number = await house.camera.sends(photo(RED, seed=2))
    found = await house.faces.identify(ADA, await house.faces.of_sighting(ADA, number))
    match = found.faces[0].match
    assert match is not None
    assert match.person.class_id == red
    with pytest.raises(NotThere):
        await house.faces.of_sighting(ADA, number + 1)


async def test_an_index_built_anew_forgets_nobody_and_the_other_reset_everybody(
    house: House,
) -> None:
    red = await enrolled(house, RED)
    assert (await house.faces.reset(ADA, ResetKind.INDEX)).indexed == 1
    assert await house.who(photo(RED, seed=1)) == red
    status = await house.faces.reset(ADA, ResetKind.EVERYBODY)
    assert (status.persons, status.pictures, status.indexed) == (0, 0, 0)
    assert await house.who(photo(RED, seed=1)) is None


async def test_a_wrong_detail_is_refused_before_anybody_is_made(house: House) -> None:
    with pytest.raises(QuestionInvalid, match="age=200"):
        await house.faces.enrol(ADA, replace(LAN, age=200), [upload(photo())], source="test")
    with pytest.raises(QuestionInvalid, match="name: expected"):
        await house.faces.enrol(ADA, replace(LAN, name=" "), [upload(photo())], source="test")
    over = replace(LAN, keep_until=NOW)
    with pytest.raises(QuestionInvalid, match=r"keep_until=.*: expected a time to come"):
        await house.faces.enrol(ADA, over, [upload(photo())], source="test")
    assert (await house.faces.status()).persons == 0
    red = await enrolled(house, RED)
    with pytest.raises(QuestionInvalid, match="expected a time to come"):
        await house.faces.edit(ADA, red, over)
    assert await house.faces.forget_overdue() == ()


async def test_a_picture_that_a_person_has_already_is_told_by_its_name(house: House) -> None:
    files = [upload(photo(), "first.png"), upload(photo(seed=1), "second.png")]
    red = (await house.faces.enrol(ADA, LAN, files[:1], source="test")).person.class_id
    done = await house.faces.add_pictures(ADA, red, files, source="test")
    assert [(each.name, each.reason) for each in done.refused] == [
        ("first.png", "the person has it already")
    ]


async def test_what_another_model_says_of_a_face_is_told_with_its_version_and_kept(
    opening: Opening, tmp_path: Path
) -> None:
    made = networks(tmp_path / "models", with_liveness=True)
    house = opening(made, wanted=Wanted(analysers=("tiny-liveness",)))
    red = await enrolled(house, RED)
    (found,) = (await house.faces.identify(ADA, upload(photo(RED, seed=1)))).faces
    (said,) = found.analyses
    assert (said.task, said.model) == ("t", "tiny-liveness")
    assert max(said.scores, key=lambda name: said.scores[name]) == "live"
    packed = zipfile.ZipFile(io.BytesIO(await house.faces.export(ADA, red)))
    (picture,) = json.loads(packed.read("person.json"))["pictures"]
    assert picture["quality"]["analyses"][0]["model_version"] == said.model_version


async def test_an_analyser_that_is_not_there_is_named(opening: Opening, tmp_path: Path) -> None:
    house = opening(networks(tmp_path / "models"), wanted=Wanted(analysers=("no-such",)))
    with pytest.raises(FacesUnavailable, match=r"SERVER_FACE_ANALYSERS=no-such.*no-such"):
        await house.faces.identify(ADA, upload(photo()))
