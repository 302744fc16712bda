"""Open pages that follow the live board, each at the pace at which it shows what it gets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog
from nicegui import Client, core

from server.web.pages.live import LiveBoard, Snapshot

PATIENCE_S: Final = 15.0
"""For a browser to say that it has shown a snapshot."""
_log = structlog.get_logger(__name__)


class Viewers:
    """Has a task for each open page, for as long as it is open."""

    def __init__(self, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # one after the other: whoever else has the loop comes between

    def show(self, client: Client, board: LiveBoard, update: Callable[[Snapshot], None]) -> None:
        """Calls `update`, within the page, with each snapshot that this viewer has time for."""
        task = asyncio.create_task(self._follow(client, board, update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        client.on_delete(lambda: task.cancel() and None)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(
        self, client: Client, board: LiveBoard, update: Callable[[Snapshot], None]
    ) -> None:
        await client.connected()
        async with contextlib.aclosing(board.follow()) as snapshots:
            async for snapshot in snapshots:
                await client.connected()  # a line that broke may come back
                async with self._turn:
                    with client:
                        update(snapshot)
                    await asyncio.sleep(0)
                if not await self._has_shown(client):
                    await let_go(client)

    async def _has_shown(self, client: Client) -> bool:
        """Answers come in order: this one comes after what was sent before it was drawn."""
        try:
            await client.run_javascript("true", timeout=self._patience_s)
        except TimeoutError:
            return False
        return True


async def let_go(client: Client) -> None:
    """Closes a page's line. Its browser may open another; the page goes if it does not."""
    _log.info("a viewer was too slow and was let go", address=client.ip)
    for _, line in tuple(core.sio.manager.get_participants("/", client.id)):
        await core.sio.eio.disconnect(line)
