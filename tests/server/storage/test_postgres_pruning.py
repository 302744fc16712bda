"""Old months of a real PostgreSQL go as partitions, other rows one by one, then their pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.partitions import Month, partitions_of
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.preparing import prepare_database
from server.storage.postgres.pruning import measure, prune
from server.storage.postgres.store import PostgresStore
from server.storage.protocol import Stored
from server.storage.pruning import Ages, Freed
from tests.server.cameras import jpeg
from tests.server.rows import accepted_health, hello_of
from tests.server.storage.databases import Databases
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.message_id import time_ordered_id
from wire.rows import LprDetection, LprRow

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
AGES = Ages(rows_before=date(2026, 9, 15), ids_before=date(2026, 7, 10))
JUNE, JULY = Month(2026, 6), Month(2026, 7)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


def plate(sequence: int, captured_at: datetime, *, image: bytes | None = None) -> AcceptedRow:
    """With the id that a camera gives it at that time."""
    made_ms = int(captured_at.timestamp() * 1000)
    row = LprRow(
        id=time_ordered_id(made_ms, sequence.to_bytes(10, "big")),
        sequence=sequence,
        captured_at=captured_at,
        data=LprDetection(license_plate=f"AB{sequence}", confidence=90.0, image=image),
    )
    return accept_v1(row, hello_of(), Limits())


@dataclass(frozen=True, slots=True)
class House:
    """A store with partitions from June on, and a connection that looks into it."""

    url: str
    store: PostgresStore
    pictures: DailyPictures
    connection: Connection

    async def pruned(self) -> tuple[Freed, int]:
        """What went, and how many steps were told."""
        steps: list[int] = []

        async def at_once(_seconds: float) -> None:
            pass

        freed = await prune(
            self.connection, self.pictures, AGES, now=NOW, report=steps.append, sleep=at_once
        )
        return freed, sum(steps)

    async def sequences(self, table: str) -> list[int]:
        rows = await self.connection.fetch(f"SELECT sequence FROM {table} ORDER BY 1")  # noqa: S608 (our own names)
        return [number for (number,) in rows]


@asynccontextmanager
async def house_in(folder: Path, databases: Databases) -> AsyncIterator[House]:
    url = await asyncio.to_thread(databases.empty)
    for moment in (day(7, 1), NOW):
        await prepare_database(url, now=moment)
    pictures = DailyPictures(folder)
    connection = await opened(url)
    try:
        async with opened_pool(url, connections=2) as pool:
            yield House(url, PostgresStore(pool, pictures), pictures, connection)
    finally:
        await connection.close()
        pictures.close()


async def test_what_is_old_goes_by_months_and_rows_and_nothing_else(
    databases: Databases, tmp_path: Path
) -> None:
    async with house_in(tmp_path, databases) as house:
        june = plate(1, day(6, 20), image=jpeg(1))
        await house.store.commit_group([june, accepted_health(2)], day(6, 20))
        await house.store.commit_group([plate(3, day(7, 5), image=jpeg(3))], day(7, 20))
        await house.store.commit_group([plate(4, day(9, 10))], day(9, 14))
        kept = [plate(5, day(7, 6)), accepted_health(6), plate(7, day(11, 2), image=jpeg(7))]
        await house.store.commit_group(kept, day(11, 2))
        for sighting in (1, 2):  # the records of 1 and 3
            await house.connection.execute(
                "INSERT INTO corrections (sighting_id, plate, plate_before, corrected_by, "
                "corrected_at) VALUES ($1, 'X', 'AB', 'eva', '2026-06-21')",
                sighting,
            )

        before = await measure(house.connection, house.pictures, AGES)
        freed, steps = await house.pruned()

        assert before.rows == {
            "lpr_detections": 3, "health_monitors": 1, "face_detections": 0, "evictions": 0,
            "server_stats": 0,
        }  # fmt: skip
        assert (before.picture_files, before.ids) == (2, 2)
        assert before.picture_bytes == len(jpeg(1)) + len(jpeg(3))
        assert freed.gone.rows == before.rows
        assert (freed.gone.picture_files, freed.gone.ids) == (2, 2)
        assert freed.database_bytes > before.row_bytes > 0
        assert steps == before.steps == 8
        assert await house.sequences("lpr_detections") == [5, 7]
        assert await house.sequences("health_monitors") == [6]
        assert house.pictures.days() == [date(2026, 11, 2)]
        assert await house.connection.fetchval("SELECT count(*) FROM corrections") == 0
        for table in ("lpr_detections", "evictions"):
            months = await partitions_of(house.connection, table)
            assert JUNE not in months
            assert (JULY in months) == (table == "lpr_detections")  # 5 came late
            assert {Month(2026, 9), Month(2026, 10), Month(2026, 11)} <= set(months)
        ids = await partitions_of(house.connection, "message_ledger")
        assert JUNE not in ids
        assert JULY in ids
        late = await house.store.commit_group([plate(4, day(9, 10)), june], NOW)
        assert [each.is_duplicate for each in late if isinstance(each, Stored)] == [True, False]
        assert (await measure(house.connection, house.pictures, AGES)).steps == 0


_LATE = (
    "INSERT INTO lpr_detections (message_id, sequence, received_at) "
    "VALUES ($1, $2, '2026-11-27') RETURNING id"
)


async def test_rows_that_come_while_their_month_goes_are_kept_with_what_was_said_of_them(
    databases: Databases, tmp_path: Path
) -> None:
    """One comes before what was said of the month's rows goes, one before the month itself."""
    async with house_in(tmp_path, databases) as house:
        await house.store.commit_group([plate(1, day(6, 20))], day(6, 20))
        early, late = await opened(house.url), await opened(house.url)
        await late.execute("BEGIN")
        await late.fetchval(_LATE, plate(9, day(6, 21)).id, 9)
        await early.execute("BEGIN; LOCK TABLE corrections IN ACCESS EXCLUSIVE MODE")
        number = await early.fetchval(_LATE, plate(8, day(6, 21)).id, 8)
        await early.execute(
            "INSERT INTO corrections (sighting_id, plate, plate_before, corrected_by, "
            "corrected_at) VALUES ($1, 'X', 'AB', 'eva', '2026-11-27')",
            number,
        )
        at_work = asyncio.create_task(house.pruned())
        for writer, table in ((early, "corrections"), (late, "lpr_detections")):
            await _until_somebody_waits_for(writer, table)
            await writer.execute("COMMIT")
            await writer.close()
        freed, _ = await at_work
        assert freed.gone.rows["lpr_detections"] == 1
        assert await house.sequences("lpr_detections") == [8, 9]
        assert await house.connection.fetch("SELECT sighting_id FROM corrections") == [(number,)]


async def _until_somebody_waits_for(connection: Connection, table: str) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(  # noqa: ASYNC110 (locks tell nobody)
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass($1)", table
        ):
            await asyncio.sleep(0.01)
