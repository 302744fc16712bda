"""The face gallery as pages, REST and the command line use it: implements the contracts.

Each part audits before it acts.
"""

from __future__ import annotations

from server.faces.asking import Asking
from server.faces.enrolling import Enrolling
from server.faces.history import History
from server.faces.register import Register


class FaceService(Asking, Enrolling, Register, History):
    """See `history_contract.FaceGallery`. `close` saves the index."""

    async def prepare(self) -> None:
        """Makes the index ready; who asks meanwhile is told to come again."""
        self._place.is_preparing = True
        try:
            await self._place.store.open()
        finally:
            self._place.is_preparing = False

    async def save(self) -> None:
        """Writes the index where it changed, so that the next start loads it."""
        await self._place.store.save()

    async def close(self) -> None:
        await self._place.close()
