"""Everything that is asked of the centre's store, whichever it is; the same for pages and REST."""

from __future__ import annotations

from dataclasses import dataclass

from server.storage.reading.cameras import Cameras
from server.storage.reading.data import DataOverview, Pruning
from server.storage.reading.face_sightings import FaceSightings
from server.storage.reading.services import ServiceHistory
from server.storage.reading.sightings import Corrections, Pictures, Sightings
from server.storage.reading.usage import UsageCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What is read, and what is put right or given up by those who read."""

    sightings: Sightings
    face_sightings: FaceSightings
    pictures: Pictures
    corrections: Corrections
    cameras: Cameras
    data: DataOverview
    pruning: Pruning
    services: ServiceHistory
    usage: UsageCounts
