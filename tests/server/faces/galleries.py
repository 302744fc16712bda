"""A face service as the server joins it, on a database of the test's and tiny models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from server.accounts.contract import Auditor
from server.errors import NotThere
from server.faces.desk import LookingDesk
from server.faces.gallery import Gallery
from server.faces.looking import make_looker, models_here
from server.faces.service import FaceService, Parts
from vision.networks import Networks


class SightingPictures:
    """Pictures by the number of their sighting."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}

    async def content(self, sighting_id: int) -> bytes:
        if sighting_id not in self.held:
            raise NotThere(f"there is no sighting {sighting_id}")
        return self.held[sighting_id]


def service_on(
    database: Path,
    networks: Networks,
    auditor: Auditor,
    now: Callable[[], datetime],
    *,
    sightings: SightingPictures | None = None,
    waiting: int = 8,
    keep_days: dict[str, int] | None = None,
) -> FaceService:
    """To be closed by who asked."""
    models = models_here(networks, detector="auto", embedder="auto")
    return FaceService(
        Parts(
            gallery=Gallery(database, database.parent / "faces" / "index.usearch", models.key),
            desk=LookingDesk(
                lambda: make_looker(networks, detector="auto", embedder="auto"),
                threads=1,
                waiting=waiting,
            ),
            models=models,
            auditor=auditor,
            sightings=sightings or SightingPictures(),
            keep_days=keep_days or {},
            now=now,
        )
    )
