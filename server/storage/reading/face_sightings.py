"""Faces as the cameras sent them: listed, followed, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from server.storage.reading.sightings import Picture

MOST_FACES: Final = 200
"""On one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSighting:
    """A face that a camera saw. `box` is x, y, width, height in shares (0..1) of the picture, None
    where the camera did not say; `quality` is 0..1.

    `embedding` is 32-bit floats, lowest byte first, of `embedding_model`, where the camera sent it.
    """

    id: int
    device_id: str
    captured_at: datetime | None
    confidence_percent: float | None
    quality: float | None
    box: tuple[float, float, float, float] | None
    has_picture: bool
    embedding: bytes | None
    embedding_model: str | None


class FaceSightings(Protocol):
    """What cameras saw of faces. See the package for what all questions raise."""

    async def newest(
        self, *, device_id: str = "", before: int | None = None, limit: int = 48
    ) -> tuple[FaceSighting, ...]:
        """The last to arrive first, those with an id below `before`; of all cameras or of one."""
        ...

    async def following(self, sighting_id: int, *, limit: int) -> tuple[FaceSighting, ...]:
        """Those that arrived after that one, in order."""
        ...

    async def one(self, sighting_id: int) -> FaceSighting:
        """Raises NotThere."""
        ...

    async def picture(self, sighting_id: int) -> Picture:
        """What the camera sent with it. Raises NotThere saying why there is none."""
        ...
