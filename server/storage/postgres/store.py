"""The store in PostgreSQL: a bounded pool of connections, and every promise of the contract."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from server.analytics.work import Work
from server.device_token import DeviceToken
from server.errors import StorageUnavailable
from server.storage.accuracy import LATEST
from server.storage.fleet import CameraSeen, Fleet
from server.storage.picture_stores.contract import PictureStore
from server.storage.postgres import notes
from server.storage.postgres.group import commit_group
from server.storage.postgres.pool import Pool, acquired
from server.storage.postgres.preparing import keep_months
from server.storage.protocol import Held, Outcome, ServerStats
from server.storage.reading.cameras import SILENT_AFTER
from server.storage.times import text_of
from wire.accepted import AcceptedRow
from wire.errors import ErrorCode
from wire.v1 import Hello

_HOLDERS: Final = (
    "SELECT name, token_sha256, created_at, revoked_at, last_used_at FROM device_tokens"
)
_FLEET_COUNT: Final = "SELECT count(*), count(*) FILTER (WHERE last_seen < $1) FROM cameras"
_FLEET: Final = (
    "SELECT c.device_id, c.last_seen, c.waiting_rows, c.clock_offset_s, "
    "(SELECT e.rows_stored FROM camera_epochs e WHERE e.camera = c.id AND e.epoch = c.epoch) "
    "AS rows_stored FROM cameras c ORDER BY c.id LIMIT $1"
)

_ACTIVE: Final = "SELECT count(DISTINCT user_id) FROM sessions WHERE last_used_at >= $1"
_ENDS: Final = "SELECT (SELECT min(id) FROM lpr_detections), (SELECT max(id) FROM lpr_detections)"
_CORRECTED: Final = (
    "SELECT count(*), count(*) FILTER (WHERE corrected_plate IS NOT NULL) FROM lpr_detections "
    "WHERE id IN (SELECT sighting_id FROM corrections WHERE sighting_id > $1)"
)


class PostgresStore:
    """Implements RowStore, TokenLookup and StatsStore on a migrated database.

    Any number of processes may have one each on the same database. Pool and pictures belong to
    whoever made them.
    """

    def __init__(
        self,
        pool: Pool,
        pictures: PictureStore,
        is_seated: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_seated`: nobody moves rows in meanwhile (`seats.Seat`)."""
        self._is_seated = is_seated
        self._pool = pool
        self._pictures = pictures
        self._run_name = secrets.token_hex(8)

    async def commit_group(
        self, rows: Sequence[AcceptedRow], received_at: datetime
    ) -> list[Outcome]:
        if not rows:
            return []
        if not self._is_seated():
            raise StorageUnavailable(
                ErrorCode.BUSY,
                "the server's place on the database was lost and is taken again",
                retry_after_s=1.0,
            )
        async with acquired(self._pool) as connection:
            return await commit_group(connection, rows, received_at.astimezone(UTC), self._pictures)

    async def greet(self, hello: Hello, now: datetime) -> Held:
        async with acquired(self._pool) as connection, notes.written(connection):
            await notes.greet(connection, hello, now.astimezone(UTC))
            last_sequence, rows_stored = await notes.held(connection, hello.device_id, hello.epoch)
            known_run = await notes.first_known(connection, hello.runs)
            await notes.note_run(connection, self._run_name, now)
        return Held(
            last_sequence=last_sequence,
            rows_stored=rows_stored,
            run=self._run_name,
            known_run=known_run,
        )

    async def find_token(self, token_sha256: bytes) -> DeviceToken | None:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(f"{_HOLDERS} WHERE token_sha256 = $1", token_sha256)
        return DeviceToken(**row) if row else None

    async def name_has_token(self, name: str) -> bool:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                f"{_HOLDERS} WHERE name = $1 AND revoked_at IS NULL", name
            )
        return row is not None

    async def live_tokens(self) -> frozenset[bytes]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT token_sha256 FROM device_tokens WHERE revoked_at IS NULL"
            )
        return frozenset(digest for (digest,) in rows)

    async def note_token_use(self, names: Collection[str], now: datetime) -> None:
        async with acquired(self._pool) as connection, notes.written(connection):
            await notes.note_token_use(connection, names, now)

    async def record_stats(self, stats: ServerStats, now: datetime) -> None:
        async with acquired(self._pool) as connection, notes.written(connection):
            await notes.record_stats(connection, self._run_name, stats, now)

    async def check(self) -> None:
        async with acquired(self._pool) as connection:
            await connection.fetch("SELECT 1 FROM cameras LIMIT 1")

    async def fleet(self, *, now: datetime, most: int) -> Fleet:
        """All cameras together, at most so many one by one. Raises StorageUnavailable."""
        async with acquired(self._pool) as connection:
            counts: Any = await connection.fetchrow(_FLEET_COUNT, text_of(now - SILENT_AFTER))
            rows = await connection.fetch(_FLEET, most)
        cameras = tuple(
            CameraSeen(
                device_id=row["device_id"],
                last_seen_at=datetime.fromisoformat(row["last_seen"]),
                waiting_rows=row["waiting_rows"],
                clock_offset_s=row["clock_offset_s"],
                rows_stored=row["rows_stored"],
            )
            for row in rows
        )
        return Fleet(count=counts[0], silent=counts[1], cameras=cameras)

    async def keep_minutes(self, works: Mapping[str, Work]) -> None:
        """Writes down what services did in a minute. Raises StorageUnavailable."""
        async with acquired(self._pool) as connection, notes.written(connection):
            await notes.keep_minutes(connection, self._run_name, works)

    async def keep_months(self, now: datetime) -> None:
        """Makes partitions ahead; may be repeated. Raises StorageUnavailable."""
        async with acquired(self._pool) as connection:
            await keep_months(connection, now=now)

    async def release_memory(self) -> None:
        """PostgreSQL keeps nothing of the database in this process."""

    async def active_users(self, since: datetime) -> int:
        """People at work since then. Raises StorageUnavailable."""
        async with acquired(self._pool) as connection:
            count: int = await connection.fetchval(_ACTIVE, text_of(since))
        return count

    async def uncorrected_share(self) -> float | None:
        """How many of the latest readings stand, 0..1. Raises StorageUnavailable."""
        async with acquired(self._pool) as connection:
            ends: Any = await connection.fetchrow(_ENDS)
            oldest, newest = ends
            if newest is None:
                return None
            before = max(newest - LATEST, oldest - 1)
            looked_at, corrected = await connection.fetchrow(_CORRECTED, before) or (0, 0)
        return 1.0 - corrected / (newest - before) if looked_at else None
