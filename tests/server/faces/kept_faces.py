"""A store of the gallery on each database, with cameras whose sightings it is told of.

Another database is another entry of STORES.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from server.faces.calibration import Calibration, calibration_of
from server.faces.contract import PersonDetails
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
