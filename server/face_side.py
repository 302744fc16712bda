"""Builds the face gallery from its parts and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from server.accounts.contract import Auditor
from server.config import ServerSettings
from server.errors import StorageUnavailable
from server.faces.desk import LookingDesk
from server.faces.gallery import Gallery
from server.faces.looking import Models, make_looker, models_here
from server.faces.service import FaceService, Parts
from server.storage.reading.sightings import Pictures
from vision.networks import Networks, NetworkSettings

SAVED_EVERY_S: Final = 600.0
"""So much of the index, at most, a server that was killed has to build again at its start."""

LOOKING_THREADS: Final = 2
"""Pictures looked into at once: while one waits for its network the other is decoded."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingPictureBytes:
    """The pictures of sightings as the gallery asks for them."""

    pictures: Pictures

    async def content(self, sighting_id: int) -> bytes:
        return (await self.pictures.picture(sighting_id)).content


def networks_of(settings: ServerSettings) -> Networks:
    """Networks with the models of SERVER_MODELS_DIR; loads none."""
    return Networks(
        NetworkSettings(threads=settings.face_threads, models_folder=settings.models_folder)
    )


def models_of(settings: ServerSettings, networks: Networks) -> Models:
    """What serves. Blocking: loads the networks once."""
    return models_here(networks, detector=settings.face_detector, embedder=settings.face_embedder)


def gallery_of(settings: ServerSettings, models: Models) -> Gallery:
    """On a migrated database."""
    return Gallery(settings.db_path, settings.face_index_path, models.key)


@contextlib.asynccontextmanager
async def face_side(
    settings: ServerSettings,
    *,
    auditor: Auditor,
    pictures: Pictures,
    now: Callable[[], datetime],
) -> AsyncIterator[FaceService]:
    """A gallery on a migrated database. Its index is made ready beside everything else."""
    networks = networks_of(settings)
    models = await asyncio.to_thread(models_of, settings, networks)
    if models.problem is not None:
        _log.info("faces are not looked for", reason=models.problem)
    desk = LookingDesk(
        lambda: make_looker(
            networks, detector=settings.face_detector, embedder=settings.face_embedder
        ),
        threads=LOOKING_THREADS,
        waiting=settings.face_queue,
    )
    service = FaceService(
        Parts(
            gallery=await asyncio.to_thread(gallery_of, settings, models),
            desk=desk,
            models=models,
            auditor=auditor,
            sightings=SightingPictureBytes(pictures=pictures),
            keep_days=settings.face_keep_days,
            now=now,
        )
    )
    keeping = asyncio.create_task(_keep(service))
    try:
        yield service
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        with contextlib.suppress(StorageUnavailable):  # the index is built anew then
            await service.close()
        await asyncio.to_thread(networks.close)


async def _keep(service: FaceService) -> None:
    """Makes the index ready, then forgets who is due and saves it, again and again."""
    is_ready = False
    while True:
        try:
            if not is_ready:
                await service.prepare()
                is_ready = True
            for class_id in await service.forget_overdue():
                _log.info("a person was forgotten: their time is over", class_id=class_id)
            await service.save()
        except StorageUnavailable as error:
            _log.warning("the face gallery could not be kept", reason=str(error))
        await asyncio.sleep(SAVED_EVERY_S)
