"""What goes on beside the questions asked of the face gallery goes on after a break."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.account_side import accounts_in_sqlite
from server.accounts.lifetimes import Lifetimes
from server.errors import StorageUnavailable, TookTooLong
from server.face_side import PREPARED_AGAIN_S, face_side, made_ready
from server.faces.history_contract import MatchFilter
from server.storage.adoption import prepare_database
from server.storage.ground import ground_on
from server.storage.reading.face_sightings import FaceSighting, FaceSightings
from tests.server.conftest import settings_in
from tests.server.faces.face_camera import FaceCamera
from tests.server.faces.test_service import ADA, LAN, NOW, upload
from tests.server.faces.tiny_faces import RED, networks, photo
from wire.errors import ErrorCode

PATIENCE_S = 30.0


class BreaksOnce:
    """Faces of cameras, of which the first look ends in what nobody foresaw."""

    def __init__(self, sightings: FaceSightings) -> None:
        self._sightings = sightings
        self.has_broken = False
        self.newest = sightings.newest
        self.one = sightings.one
        self.picture = sightings.picture

    async def following(self, sighting_id: int, *, limit: int) -> tuple[FaceSighting, ...]:
        if not self.has_broken:
            self.has_broken = True
            raise ValueError("unforeseen")
        return await self._sightings.following(sighting_id, limit=limit)


async def test_faces_of_cameras_are_compared_also_after_a_break(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, faces=True, models_folder=tmp_path / "models")
    prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    networks(tmp_path / "models").close()
    accounts = accounts_in_sqlite(settings.db_path, Lifetimes(), lambda: NOW)
    camera = FaceCamera(settings.db_path)
    breaking = BreaksOnce(camera.sightings)
    try:
        async with face_side(
            settings,
            ground_on(settings.db_path),
            auditor=accounts,
            sightings=breaking,
            now=lambda: NOW,
        ) as faces:
            await faces.enrol(ADA, LAN, [upload(photo(RED))], source="test")
            seen = await camera.sends(photo(RED, seed=4))
            async with asyncio.timeout(PATIENCE_S):
                while not (found := (await faces.matches(ADA, MatchFilter())).matches):  # noqa: ASYNC110 (a thread's work)
                    await asyncio.sleep(0.05)
    finally:
        await camera.close()
        await accounts.close()
    assert breaking.has_broken
    assert [each.sighting_id for each in found] == [seen]


class Slow:
    """Its database answers in time the third time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def prepare(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise TookTooLong("the database was asked for 5 s")
        if self.asked == 2:
            raise StorageUnavailable(ErrorCode.STORAGE_FAILED, "no database", retry_after_s=1.0)


async def test_an_index_that_cannot_be_read_in_time_is_made_ready_later() -> None:
    slow, waited_s = Slow(), []

    async def sleep(seconds: float) -> None:
        waited_s.append(seconds)

    await made_ready(slow, sleep=sleep)
    assert (slow.asked, waited_s) == (3, [PREPARED_AGAIN_S, PREPARED_AGAIN_S])
