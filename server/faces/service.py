"""The face gallery as pages, REST and the command line use it: implements the contracts.

Each part audits before it acts.
"""

from __future__ import annotations

from server.faces.asking import Asking
from server.faces.enrolling import Enrolling
from server.faces.history import History
from server.faces.register import Register


class FaceService(Asking, Enrolling, Register, History):
    """See `history_contract.FaceGallery`."""

    async def prepare(self) -> None:
        """Makes the index ready; who asks meanwhile is told to come again."""
        self._place.is_preparing = True
        try:
            await self._place.store.open()
        finally:
            self._place.is_preparing = False

    async def follow(self) -> None:
        """Brings the index up to date with what other processes changed, also where nobody asks."""
        await self._place.store.open()

    async def close(self) -> None:
        await self._place.close()
