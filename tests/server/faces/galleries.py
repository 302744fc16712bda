"""A face service as the server joins it, on a database of the test's and tiny models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from server.accounts.contract import Auditor
from server.faces.desk import LookingDesk
from server.faces.gallery import Gallery
from server.faces.looking import Wanted, make_looker, models_here
from server.faces.meter import FaceMeter
from server.faces.service import FaceService
from server.faces.store import StoredFaces
from server.faces.vault import PictureVault
from server.faces.workplace import Parts, Workplace
from server.storage.gallery import SqliteGalleryDatabase
from server.storage.reading.face_sightings import FaceSightings
from vision.networks import Networks

ANY = Wanted()
"""Whatever models are there."""


def service_on(
    database: Path,
    networks: Networks,
    auditor: Auditor,
    now: Callable[[], datetime],
    *,
    sightings: FaceSightings,
    **given: Any,
) -> FaceService:
    """To be closed by who asked; `given` as `place_on` takes it."""
    return FaceService(place_on(database, networks, auditor, now, sightings=sightings, **given))


def place_on(
    database: Path,
    networks: Networks,
    auditor: Auditor,
    now: Callable[[], datetime],
    *,
    sightings: FaceSightings,
    waiting: int = 8,
    keep_days: dict[str, int] | None = None,
    visitor_days: int = 0,
    wanted: Wanted = ANY,
    vault: PictureVault | None = None,
    meter: FaceMeter | None = None,
) -> Workplace:
    """To be closed by who asked."""
    models = models_here(networks, wanted)
    parts = Parts(
        store=StoredFaces(Gallery(SqliteGalleryDatabase(database), models.key, vault, meter=meter)),
        desk=LookingDesk(lambda: make_looker(networks, wanted), threads=1, waiting=waiting),
        models=models,
        auditor=auditor,
        sightings=sightings,
        keep_days=keep_days or {},
        visitor_days=visitor_days,
        now=now,
    )
    return Workplace(parts)
