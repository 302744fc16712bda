"""`server prune` from within a running server on PostgreSQL: a preview, and one run at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from server.errors import QuestionInvalid, ServerError, StartRefused
from server.storage.picture_stores.contract import PictureStore
from server.storage.postgres import seats
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.failures import storage_errors
from server.storage.postgres.pruning import measure, prune
from server.storage.pruner import begun, one_looks, preview_of, whole_days
from server.storage.pruning import Ages, Extent
from server.storage.reading.data import PrunePreview, PruneState

_log = structlog.get_logger(__name__)


class PostgresPruning:
    """Implements Pruning, on connections of its own. `state` is of this process; that no other
    prunes meanwhile, the database sees to."""

    def __init__(self, url: str, pictures: PictureStore) -> None:
        self._url = url
        self._pictures = pictures
        self._measuring: asyncio.Task[Extent] | None = None
        self._state: PruneState | None = None
        self._running: asyncio.Task[None] | None = None

    async def preview(self, *, older_than_days: int, now: datetime) -> PrunePreview:
        ages = whole_days(older_than_days, now)
        if self._measuring is not None and not self._measuring.done():
            raise one_looks()
        self._measuring = asyncio.create_task(self._measure(ages))
        return preview_of(ages, await asyncio.shield(self._measuring))

    async def start(self, *, older_than_days: int, now: datetime) -> PruneState:
        ages = whole_days(older_than_days, now)
        begun(self._state, ages, now)
        place = contextlib.AsyncExitStack()
        try:
            await place.enter_async_context(seats.pruning(self._url))
        except StartRefused as error:
            raise QuestionInvalid(str(error)) from error
        try:
            self._state = state = begun(self._state, ages, now)
        except QuestionInvalid:
            await place.aclose()
            raise
        self._running = asyncio.create_task(self._run(place, ages, now))
        return state

    def state(self) -> PruneState | None:
        return self._state

    async def finished(self) -> PruneState | None:
        """The state when the run in hand has ended."""
        if self._running is not None:
            await asyncio.wait([self._running])
        return self._state

    async def close(self) -> None:
        """Ends what is in hand after the statement that it is at; idempotent."""
        in_hand: list[asyncio.Task[Any]] = [
            task for task in (self._measuring, self._running) if task is not None
        ]
        for task in in_hand:
            task.cancel()
        await asyncio.gather(*in_hand, return_exceptions=True)

    async def _measure(self, ages: Ages) -> Extent:
        async with self._connected() as connection:
            return await measure(connection, self._pictures, ages)

    async def _run(self, place: contextlib.AsyncExitStack, ages: Ages, now: datetime) -> None:
        fault: str | None = None
        freed_bytes: int | None = None
        try:
            async with place, self._connected() as connection:
                extent = await measure(connection, self._pictures, ages)
                self._note(all_steps=extent.steps)
                freed = await prune(connection, self._pictures, ages, now=now, report=self._report)
            freed_bytes = freed.database_bytes + freed.gone.picture_bytes
        except asyncio.CancelledError:
            fault = "the server was stopped: what was given up by then is gone, start it again"
            raise
        except ServerError as error:
            fault = f"the database cannot be pruned: {error}; what was done stays done"
            _log.error("pruning ended before its time", reason=str(error))
        finally:
            self._note(
                is_running=False, ended_at=datetime.now(UTC), fault=fault, freed_bytes=freed_bytes
            )

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await opened(self._url)
        try:
            with storage_errors():
                yield connection
        finally:
            await connection.close()

    def _report(self, count: int) -> None:
        if self._state is not None:
            self._note(done_steps=self._state.done_steps + count)

    def _note(self, **changes: Any) -> None:
        if self._state is not None:
            self._state = replace(self._state, **changes)
