"""What the centre's disk holds, what would be given up, and what the server counted of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """Rows of one table, of large ones estimated; `about_bytes` is about what they take."""

    name: str
    rows: int
    about_bytes: int
    oldest_at: datetime | None
    newest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySize:
    """What arrived on a day (UTC): sightings, and the file of that day's pictures (None: pictures
    are in a store that does not tell)."""

    day: date
    sightings: int
    picture_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSizes:
    """Sizes in bytes. `database_bytes` is all with its indexes, `log_bytes` what is still to be
    moved into it. What pictures take is None where they are in a store that does not tell, and the
    disk's sizes where nothing is on a disk of this machine. `days` are the newest first.
    `retention_days` 0: everything is kept."""

    database: str
    database_bytes: int
    log_bytes: int
    picture_bytes: int | None
    picture_files: int
    disk_free_bytes: int | None
    disk_total_bytes: int | None
    retention_days: int
    tables: tuple[TableSize, ...]
    days: tuple[DaySize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePreview:
    """What giving up all that arrived before `rows_before` (first moment of a day, UTC) takes.

    Ids before `ids_before` go too; the others are kept, so that a late duplicate stays out.
    """

    rows_before: date
    ids_before: date
    rows: Mapping[str, int]
    row_bytes: int
    picture_files: int
    picture_bytes: int
    ids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneState:
    """How far giving up has come; `fault` says why it ended before its time."""

    rows_before: date
    is_running: bool
    done_steps: int
    all_steps: int
    started_at: datetime
    ended_at: datetime | None = None
    freed_bytes: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsPoint:
    """What the server did within one step of time, beginning `at`.

    `active_connections` are the most at once, the others are differences of the counters, which
    begin again at 0 with each start of the server.
    """

    at: datetime
    active_connections: int
    new_connections: int
    messages_received: int
    messages_processed: int
    errors: int


class DataOverview(Protocol):
    """Databases and pictures of the centre."""

    async def sizes(self, *, days: int = 31) -> DataSizes:
        """What is on the disk; by day for the last `days` (1 to 366) that have any."""
        ...

    async def stats(
        self, *, since: datetime, until: datetime, points: int = 240
    ) -> tuple[StatsPoint, ...]:
        """`server_stats` between two times, in at most `points` (10 to 1000) steps."""
        ...


class Pruning(Protocol):
    """Giving up what is old, as `python -m server prune` does."""

    async def preview(self, *, older_than_days: int, now: datetime) -> PrunePreview:
        """What `start` would take. Looks at every row: seconds on a large database. One at a
        time: raises TooBusy."""
        ...

    async def start(self, *, older_than_days: int, now: datetime) -> PruneState:
        """Begins, beside the running server. Raises QuestionInvalid where one is under way."""
        ...

    def state(self) -> PruneState | None:
        """Of the last one since the server was started."""
        ...
