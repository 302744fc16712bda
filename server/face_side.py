"""Builds the face gallery from its parts and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import structlog

from server.accounts.contract import Auditor
from server.config import ServerSettings
from server.errors import StorageUnavailable, TookTooLong
from server.faces.database import GalleryDatabase
from server.faces.desk import LookingDesk
from server.faces.following import Follower
from server.faces.gallery import Gallery
from server.faces.looking import Models, Wanted, make_looker, models_here
from server.faces.meter import FaceMeter
from server.faces.metered import MeteredFaceService
from server.faces.older_index import drop_older_index
from server.faces.service import FaceService
from server.faces.store import StoredFaces
from server.faces.vault import PictureVault, read_keys
from server.faces.workplace import Parts, Workplace
from server.storage.access import SqliteAccess
from server.storage.gallery import SqliteGalleryDatabase
from server.storage.ground import Ground
from server.storage.postgres.gallery import PostgresGalleryDatabase
from server.storage.postgres.leading import Duty
from server.storage.reading.face_sightings import FaceSightings
from server.supervision import Sleep, Work, beside
from vision.networks import Networks, NetworkSettings

LOOKED_EVERY_S: Final = 600.0
"""For whose time is over, and whom another process forgot."""

PREPARED_AGAIN_S: Final = 10.0
"""After the database could not be read."""

LOOKING_THREADS: Final = 2
"""Pictures looked into at once: while one waits for its network the other is decoded."""

_log = structlog.get_logger(__name__)


def networks_of(settings: ServerSettings) -> Networks:
    """Networks with the models of SERVER_MODELS_DIR; loads none."""
    return Networks(
        NetworkSettings(threads=settings.face_threads, models_folder=settings.models_folder)
    )


def models_of(settings: ServerSettings, networks: Networks) -> Models:
    """What serves. Blocking: loads the networks once."""
    return models_here(networks, wanted_of(settings))


def wanted_of(settings: ServerSettings) -> Wanted:
    return Wanted(
        detector=settings.face_detector,
        embedder=settings.face_embedder,
        analysers=settings.face_analysers,
    )


def vault_of(settings: ServerSettings) -> PictureVault:
    """Raises ConfigInvalid where the file of keys cannot be used."""
    path = settings.face_key_file
    return PictureVault(() if path is None else read_keys(path))


def gallery_of(
    settings: ServerSettings, models: Models, *, meter: FaceMeter | None = None
) -> Gallery:
    """In a migrated SQLite file. Raises ConfigInvalid."""
    drop_older_index(settings.db_path)
    vault = vault_of(settings)
    database = SqliteGalleryDatabase(settings.db_path)
    return Gallery(database, models.key, vault, meter=meter)


def shared_gallery_of(
    settings: ServerSettings,
    database: GalleryDatabase,
    models: Models,
    *,
    meter: FaceMeter | None = None,
) -> Gallery:
    """In a database of several processes, each with an index of its own. Raises ConfigInvalid."""
    return Gallery(database, models.key, vault_of(settings), meter=meter)


@contextlib.asynccontextmanager
async def face_side(
    settings: ServerSettings,
    ground: Ground,
    *,
    auditor: Auditor,
    sightings: FaceSightings,
    now: Callable[[], datetime],
    meter: FaceMeter | None = None,
) -> AsyncIterator[FaceService]:
    """A gallery on a migrated database. Its index is made ready beside everything else. `meter`
    is told what is asked of it, where somebody looks at figures. Of several processes one compares
    what cameras see and forgets who is due."""
    networks = networks_of(settings)
    models = await asyncio.to_thread(models_of, settings, networks)
    if models.problem is not None:
        _log.info("faces are not looked for", reason=models.problem)
    if isinstance(ground.access, SqliteAccess):
        gallery = await asyncio.to_thread(gallery_of, settings, models, meter=meter)
    else:
        access, loop = ground.access, asyncio.get_running_loop()
        database = PostgresGalleryDatabase(access.pool, loop, pages=access.pages)
        gallery = shared_gallery_of(settings, database, models, meter=meter)
    desk = LookingDesk(
        lambda: make_looker(networks, wanted_of(settings)),
        threads=LOOKING_THREADS,
        waiting=settings.face_queue,
    )
    place = Workplace(
        Parts(
            store=StoredFaces(gallery),
            desk=desk,
            models=models,
            auditor=auditor,
            sightings=sightings,
            keep_days=settings.face_keep_days,
            visitor_days=settings.face_visitor_days,
            now=now,
        )
    )
    service = FaceService(place) if meter is None else MeteredFaceService(place, meter)
    works: dict[str, Work] = {"forgetting": partial(_forget, service)}
    if settings.face_matching and models.key is not None:
        works["faces of cameras"] = Follower(place).run
    try:
        async with beside({"face gallery": partial(_keep, service, ground.led(Duty.FACES, works))}):
            yield service
    finally:
        await service.close()
        await asyncio.to_thread(networks.close)


async def _keep(service: FaceService, works: Mapping[str, Work]) -> None:
    """Makes the index ready, then follows the cameras and other processes and forgets who is due:
    each for itself, so that a face that breaks the one keeps nobody from being forgotten."""
    await made_ready(service)
    async with beside({**works, "face index": partial(_follow, service)}):
        await asyncio.Event().wait()  # until this is cancelled


class Preparing(Protocol):
    """Part of a face service."""

    async def prepare(self) -> None:
        """Makes the index ready. Raises StorageUnavailable, TookTooLong."""
        ...


async def made_ready(service: Preparing, *, sleep: Sleep = asyncio.sleep) -> None:
    """However long the database cannot be read, or not in time."""
    while True:
        try:
            return await service.prepare()
        except (StorageUnavailable, TookTooLong) as error:
            _log.warning("the face index could not be made ready", reason=str(error))
        await sleep(PREPARED_AGAIN_S)


async def _forget(service: FaceService) -> None:
    """Whose time is over, again and again."""
    while True:
        try:
            for class_id in await service.forget_overdue():
                _log.info("a person was forgotten: their time is over", class_id=class_id)
        except (StorageUnavailable, TookTooLong) as error:
            _log.warning("nobody could be forgotten", reason=str(error))
        await asyncio.sleep(LOOKED_EVERY_S)


async def _follow(service: FaceService) -> None:
    """Other processes, again and again, where no search does it."""
    while True:
        await asyncio.sleep(LOOKED_EVERY_S)
        try:
            await service.follow()
        except (StorageUnavailable, TookTooLong) as error:
            _log.warning("the face index could not be brought up to date", reason=str(error))
