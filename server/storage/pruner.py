"""`server prune` from within the running server: a preview, and one run at a time on a thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import apsw
import structlog

from server.errors import QuestionInvalid, TooBusy
from server.storage.connection import storage_errors
from server.storage.pruning import Ages, Extent, ages_of, measure, prune
from server.storage.reading.data import PrunePreview, PruneState

KEEP_IDS_DAYS: Final = 3 * 365
"""As `--keep-ids` has it."""
MOST_DAYS: Final = 100 * 365

_log = structlog.get_logger(__name__)


class _Stopped(Exception):
    """The server stops; what was given up stays so."""


class SqlitePruning:
    """Implements Pruning. A run that the server's stop ends is begun again by a person."""

    def __init__(self, path: Path, pictures: Path) -> None:
        self._path = path
        self._pictures = pictures
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sightpost-prune")
        self._is_stopping = threading.Event()
        self._measuring: asyncio.Future[Extent] | None = None
        self._state: PruneState | None = None
        self._running: Future[None] | None = None

    async def preview(self, *, older_than_days: int, now: datetime) -> PrunePreview:
        ages = whole_days(older_than_days, now)
        if self._measuring is not None and not self._measuring.done():
            raise one_looks()
        loop = asyncio.get_running_loop()
        self._measuring = loop.run_in_executor(None, self._measure, ages)
        # It reads a whole table, and goes on to its end also where whoever asked is gone.
        extent = await asyncio.shield(self._measuring)
        return preview_of(ages, extent)

    async def start(self, *, older_than_days: int, now: datetime) -> PruneState:
        ages = whole_days(older_than_days, now)
        self._state = state = begun(self._state, ages, now)
        self._running = self._executor.submit(self._run, ages)
        return state

    def state(self) -> PruneState | None:
        return self._state

    async def finished(self) -> PruneState | None:
        """The state when the run in hand has ended."""
        if self._running is not None:
            await asyncio.wrap_future(self._running)
        return self._state

    def close(self) -> None:
        """Ends a run after the transaction in hand; idempotent."""
        self._is_stopping.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _measure(self, ages: Ages) -> Extent:
        with storage_errors():
            return measure(self._path, self._pictures, ages)

    def _run(self, ages: Ages) -> None:
        fault: str | None = None
        freed_bytes: int | None = None
        try:
            self._note(all_steps=measure(self._path, self._pictures, ages).steps)
            freed = prune(
                self._path, self._pictures, ages, report=self._report, sleep=self._is_stopping.wait
            )
            freed_bytes = freed.database_bytes + freed.gone.picture_bytes
        except _Stopped:
            fault = "the server was stopped: what was given up by then is gone, start it again"
        except (apsw.Error, OSError) as error:
            fault = f"{self._path} cannot be pruned: {error}; what was done stays done"
            _log.error("pruning ended before its time", reason=str(error))
        self._note(
            is_running=False, ended_at=datetime.now(UTC), fault=fault, freed_bytes=freed_bytes
        )

    def _report(self, count: int) -> None:
        if self._is_stopping.is_set():
            raise _Stopped
        if self._state is not None:
            self._note(done_steps=self._state.done_steps + count)

    def _note(self, **changes: object) -> None:
        """Only the thread that prunes changes a state; others see one whole state or the next."""
        if self._state is not None:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]


def one_looks() -> TooBusy:
    return TooBusy("what would go is looked at for somebody already: ask again in a moment")


def begun(before: PruneState | None, ages: Ages, now: datetime) -> PruneState:
    """Of a run that begins. Raises QuestionInvalid where one is under way."""
    if before is not None and before.is_running:
        raise QuestionInvalid(
            f"pruning is under way since {before.started_at:%H:%M} UTC: wait for its end"
        )
    return PruneState(
        rows_before=ages.rows_before,
        is_running=True,
        done_steps=0,
        all_steps=0,
        started_at=now.astimezone(UTC),
    )


def preview_of(ages: Ages, extent: Extent) -> PrunePreview:
    return PrunePreview(
        rows_before=ages.rows_before,
        ids_before=ages.ids_before,
        rows=extent.rows,
        row_bytes=extent.row_bytes,
        picture_files=extent.picture_files,
        picture_bytes=extent.picture_bytes,
        ids=extent.ids,
    )


def whole_days(older_than_days: int, now: datetime) -> Ages:
    if not 1 <= older_than_days <= MOST_DAYS:
        raise QuestionInvalid(
            f"older_than_days={older_than_days}: expected 1 to {MOST_DAYS}, such as 30"
        )
    rows = timedelta(days=older_than_days)
    return ages_of(
        now, rows_older_than=rows, ids_older_than=max(rows, timedelta(days=KEEP_IDS_DAYS))
    )
