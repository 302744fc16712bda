"""Reads the camera's database for whoever looks: a connection of its own that cannot write."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apsw

from agent.web import queries
from agent.web.errors import QuestionFailed
from agent.web.queries import DetectionFilter, Order, Page, Values

BUSY_TIMEOUT_MS: Final = 1_000
LONGEST_S: Final = 5.0
"""A question that takes longer is broken off: looking must not wear out a small device."""
STEPS_BETWEEN_LOOKS: Final = 20_000
EXPORT_ROWS: Final = 500
"""Read at a time while exporting, so that no long read holds up the write-ahead log."""

Row = dict[str, Any]


class Records:
    """One connection on one thread. Opened with the first question; `close` may be repeated."""

    def __init__(self, path: Path, *, longest_s: float = LONGEST_S) -> None:
        self._path = path
        self._longest_s = longest_s
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._connection: apsw.Connection | None = None
        self._deadline_s = 0.0

    def close(self) -> None:
        """Ends a question under way."""
        self._deadline_s = 0.0
        with contextlib.suppress(RuntimeError):
            self._executor.submit(self._close)
        self._executor.shutdown(wait=True)

    async def detections(self, chosen: DetectionFilter, order: Order, page: Page) -> Sequence[Row]:
        return await self._ask(*queries.detections(chosen, order, page))

    async def count_detections(self, chosen: DetectionFilter) -> int:
        return int((await self._ask(*queries.detection_count(chosen)))[0]["total"])

    async def detection(self, row_id: int) -> Row | None:
        """The whole row with its evidence; None where there is none of this id."""
        if not 0 < row_id <= queries.LARGEST_ID:
            return None
        found = await self._ask(*queries.one_detection(row_id))
        return found[0] if found else None

    async def recent(self, limit: int) -> Sequence[Row]:
        """The newest sightings with their evidence."""
        return await self._ask(queries.RECENT, {"limit": limit})

    async def every_detection(self, chosen: DetectionFilter) -> AsyncIterator[Sequence[Row]]:
        """All that are chosen, newest first, in pieces."""
        before_id: int | None = None
        while True:
            question = queries.detections_after(chosen, before_id=before_id, limit=EXPORT_ROWS)
            rows = await self._ask(*question)
            if rows:
                yield rows
            if len(rows) < EXPORT_ROWS:
                return
            before_id = rows[-1]["id"]

    async def statistics(self, *, today: str) -> tuple[Row, Sequence[Row]]:
        """Totals, and the five commonest plates; `today` is the local date."""
        totals = await self._ask(queries.STATISTICS, {"today": today})
        return totals[0], await self._ask(queries.COMMONEST_PLATES, {})

    async def health(self, *, component: str, status: str, page: Page) -> tuple[Sequence[Row], int]:
        rows, count, row_values, count_values = queries.health_checks(
            component=component, status=status, page=page
        )
        found = await self._ask(rows, row_values)
        return found, int((await self._ask(count, count_values))[0]["total"])

    async def latest_health(self) -> Sequence[Row]:
        return await self._ask(queries.LATEST_HEALTH, {})

    async def health_history(self, *, since: str, limit: int) -> Sequence[Row]:
        return await self._ask(queries.HEALTH_HISTORY, {"since": since, "limit": limit})

    async def unsent(self) -> Row:
        return (await self._ask(queries.UNSENT, {}))[0]

    async def waiting(self) -> Sequence[Row]:
        """How many rows wait, by `kind`."""
        return await self._ask(queries.WAITING, {})

    async def refused(self, limit: int) -> Sequence[Row]:
        return await self._ask(queries.REFUSED, {"limit": limit})

    async def _ask(self, sql: str, values: Values) -> Sequence[Row]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._answer, sql, values)

    def _answer(self, sql: str, values: Values) -> list[Row]:
        self._deadline_s = time.monotonic() + self._longest_s
        try:
            cursor = self._opened().execute(sql, values)
            # Of an empty answer the names cannot be asked for, and are not needed.
            return [
                dict(zip((column[0] for column in cursor.get_description()), row, strict=True))
                for row in cursor
            ]
        except apsw.InterruptError as error:
            raise QuestionFailed(
                f"the answer took longer than {self._longest_s:g} s: ask for a shorter time, or "
                "leave the search out"
            ) from error
        except apsw.Error as error:
            raise QuestionFailed(f"{self._path} cannot be read now: {error}") from error

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.set_progress_handler(
                lambda: time.monotonic() > self._deadline_s, STEPS_BETWEEN_LOOKS
            )
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
