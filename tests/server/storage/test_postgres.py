"""What is PostgreSQL's own in the store: its schema, its months, and lines that are lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from structlog.testing import capture_logs

from server.errors import GroupRefused, StartRefused, StorageUnavailable
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres import seats
from server.storage.postgres.connection import opened
from server.storage.postgres.partitions import Month, first_id, months_around, partitions_of
from server.storage.postgres.pool import acquired, opened_pool
from server.storage.postgres.preparing import keep_months, prepare_database
from server.storage.postgres.store import PostgresStore
from server.storage.protocol import Stored
from tests.server.rows import accepted_health, accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.stores import Place
from wire.message_id import time_ordered_id

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
_SOCKET = ".s.PGSQL.5432"
_READY = b"Z\0\0\0\5I"
"""The database says that it waits for a statement."""
MONTHS = [Month(2026, 10), Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)]


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await opened(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("month", MONTHS)
def test_the_ids_of_a_month_lie_between_its_first_and_the_next_ones(month: Month) -> None:
    begin_ms = int(month.begin.timestamp() * 1000)
    end_ms = int(month.plus(1).begin.timestamp() * 1000)
    first, after = str(first_id(month)), str(first_id(month.plus(1)))
    assert first <= time_ordered_id(begin_ms, bytes(10)) < after
    assert first <= time_ordered_id(end_ms - 1, b"\xff" * 10) < after
    assert time_ordered_id(begin_ms - 1, b"\xff" * 10) < first
    assert time_ordered_id(end_ms, bytes(10)) >= after


def test_months_are_named_and_read_back() -> None:
    assert Month.named(Month(2026, 1).partition_of("evictions")) == Month(2026, 1)
    assert Month.named("evictions_other") is None
    assert Month(2026, 1).plus(-1) == Month(2025, 12)
    assert list(months_around(NOW)) == MONTHS


async def test_processes_that_start_together_make_the_schema_once(databases: Databases) -> None:
    url = await asyncio.to_thread(databases.empty)
    steps = await asyncio.gather(*(prepare_database(url, now=NOW) for _ in range(4)))
    assert sorted(len(each) for each in steps)[:3] == [0, 0, 0]
    assert sum(len(each) for each in steps) >= 1
    async with connected(url) as connection:
        for table in ("lpr_detections", "message_ledger"):
            assert list(await partitions_of(connection, table)) == MONTHS


async def test_a_month_made_late_takes_its_rows_from_the_others(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.empty)
    await prepare_database(url, now=NOW)
    place = Place(tmp_path, url)
    async with place.opened() as store, connected(url) as connection:
        early = [accepted_plate(1), accepted_health(2)]  # of 2024: their cameras' clocks say so
        await store.commit_group(early, NOW)
        assert await connection.fetchval("SELECT count(*) FROM lpr_detections_other") == 1
        await keep_months(connection, now=datetime(2024, 9, 20, tzinfo=UTC))
        assert await connection.fetchval("SELECT count(*) FROM lpr_detections_other") == 0
        assert (
            await connection.fetchval("SELECT license_plate FROM lpr_detections_y2024m09") == "AB1"
        )
        again = await store.commit_group([*early, accepted_health(3)], NOW)
        assert [each.is_duplicate for each in again if isinstance(each, Stored)] == [
            True, True, False,
        ]  # fmt: skip
        await keep_months(connection, now=datetime(2024, 9, 20, tzinfo=UTC))


async def test_a_row_that_comes_while_its_month_is_made_keeps_no_server_from_starting(
    databases: Databases,
) -> None:
    """It is among the others then, and moves over the next time."""
    url = await asyncio.to_thread(databases.migrated)
    row_id, later = str(first_id(Month(2024, 9))), datetime(2024, 10, 20, tzinfo=UTC)
    async with connected(url) as camera:
        await camera.execute("BEGIN")
        await camera.execute("INSERT INTO message_ledger VALUES ($1, 1, 1, 7, '', 0)", row_id)
        making = asyncio.create_task(prepare_database(url, now=later))
        await _until_somebody_waits(camera, "message_ledger_other")
        await camera.execute("COMMIT")
        await making
        assert Month(2024, 9) not in await partitions_of(camera, "message_ledger")
        await keep_months(camera, now=later)
        assert Month(2024, 9) in await partitions_of(camera, "message_ledger")
        assert await camera.fetch("SELECT record_id FROM message_ledger") == [(7,)]


async def test_what_is_wrong_with_a_row_is_told_from_what_is_wrong_with_the_database(
    databases: Databases,
) -> None:
    """A row at fault must not hold up the others, and the others are not tried one by one."""
    url = await asyncio.to_thread(databases.migrated)
    enter = "INSERT INTO cameras (device_id, first_seen, last_seen) VALUES ($1, '', '')"
    async with opened_pool(url, connections=1) as pool:
        for statement, value in (("SELECT $1::int", "x"), (enter, random.randbytes(9000).hex())):
            with pytest.raises(GroupRefused):
                async with acquired(pool) as connection:
                    await connection.fetch(statement, value)
        with pytest.raises(StorageUnavailable):
            async with acquired(pool) as connection:
                await connection.fetch("SELECT 1 FROM nowhere")


async def test_a_database_that_is_not_ours_or_newer_is_refused(databases: Databases) -> None:
    url = await asyncio.to_thread(databases.empty)
    async with connected(url) as connection:
        await connection.execute("CREATE TABLE invoices (number INTEGER)")
    with pytest.raises(StartRefused, match=r"another program's database \(tables invoices\)"):
        await prepare_database(url, now=NOW)
    url = await asyncio.to_thread(databases.migrated)
    async with connected(url) as connection:
        await connection.execute("INSERT INTO sightpost_schema VALUES (999, 'x', now())")
    with pytest.raises(StartRefused, match="written by a newer Sightpost"):
        await prepare_database(url, now=NOW)
    with pytest.raises(StartRefused, match="synchronous_commit off: a power cut takes rows"):
        await prepare_database(f"{url}&synchronous_commit=off", now=NOW)


async def test_tables_are_not_changed_under_processes_of_an_older_version(
    databases: Databases,
) -> None:
    """They do not say above which ids their rows will be, or whatever else newer ones rely on."""
    url = await asyncio.to_thread(databases.migrated)
    async with connected(url) as connection:
        (newest,) = await connection.fetchrow("SELECT max(number) FROM sightpost_schema")
        await connection.execute("DELETE FROM sightpost_schema WHERE number = $1", newest)
        tables = "SELECT array_agg(relname ORDER BY 1) FROM pg_class"
        before = await connection.fetchval(tables)
        async with seats.taken(url):
            with pytest.raises(StartRefused, match="stop all first"):
                await prepare_database(url, now=NOW)
            assert await connection.fetchval(tables) == before
        with pytest.raises(StartRefused, match=r"step .* failed, nothing was changed"):
            await prepare_database(url, now=NOW)  # its tables are there: it went ahead
        await connection.execute("INSERT INTO sightpost_schema VALUES ($1, '', now())", newest)
        async with seats.taken(url):
            assert await prepare_database(url, now=NOW) == ()


async def test_an_older_process_that_lost_its_place_does_not_come_back_beside_a_newer_one(
    databases: Databases,
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    async with connected(url) as connection, seats.taken(url, retry_s=0.01) as seat:
        await connection.execute("INSERT INTO sightpost_schema VALUES (999, 'x', now())")
        with capture_logs() as log:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
            async with asyncio.timeout(20):
                await _until(lambda: any("newer" in said.get("reason", "") for said in log))
        assert not seat.is_held
        await connection.execute("DELETE FROM sightpost_schema WHERE number = 999")
        await _until(lambda: seat.is_held)


async def test_where_no_database_is_the_start_says_so_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://sightpost:geheim@/nowhere?host={tmp_path}"
    with pytest.raises(StartRefused, match="check that PostgreSQL runs there") as refused:
        await prepare_database(url, now=NOW)
    assert "geheim" not in str(refused.value)
    with pytest.raises(StartRefused) as refused:
        async with opened_pool(url, connections=2):
            pass
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("password", ["geheim/ss", "ge[heim", "p@host:geheim"])
async def test_an_address_that_cannot_be_read_is_not_repeated(password: str) -> None:
    with pytest.raises(StartRefused, match="is no address: expected") as refused:
        await opened(f"postgresql://sightpost:{password}@127.0.0.1/db")
    assert "heim" not in str(refused.value)


async def test_a_line_that_is_lost_acknowledges_nothing_and_what_was_committed_stays(
    databases: Databases, tmp_path: Path
) -> None:
    """The database ends the session in the middle of a group."""
    url = await asyncio.to_thread(databases.migrated)
    place = Place(tmp_path, url)
    rows = [accepted_health(number) for number in range(1, 51)]
    async with place.opened() as store, connected(url) as other:
        await store.commit_group(rows[:10], NOW)
        await other.execute("BEGIN; LOCK TABLE camera_epochs IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(store.commit_group(rows, NOW))
        await _until_somebody_waits(other, "camera_epochs")
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        with pytest.raises(StorageUnavailable, match="cannot be used"):
            await waiting
        await other.execute("ROLLBACK")
        assert await other.fetchval("SELECT count(*) FROM health_monitors") == 10
        outcomes = await store.commit_group(rows, NOW)
        assert [each.is_duplicate for each in outcomes if isinstance(each, Stored)] == [
            *[True] * 10,
            *[False] * 40,
        ]
        assert await other.fetchval("SELECT count(*) FROM health_monitors") == 50


async def test_a_place_that_was_lost_is_taken_again_and_no_row_is_taken_until_then(
    databases: Databases, tmp_path: Path
) -> None:
    """As after a restart of PostgreSQL: else a move could begin under a running server."""
    url = await asyncio.to_thread(databases.migrated)
    is_seated = [False]
    async with (
        connected(url) as other,
        seats.taken(url, retry_s=0.01) as seat,
        opened_pool(url, connections=2) as pool,
        _pictures(tmp_path) as pictures,
    ):
        store = PostgresStore(pool, pictures, is_seated=lambda: seat.is_held and is_seated[0])
        with pytest.raises(StorageUnavailable, match="place on the database was lost"):
            await store.commit_group([accepted_health(1)], NOW)
        is_seated[0] = True
        before = await _holders(other)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
        async with asyncio.timeout(20):
            while await _holders(other) in ([], before):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)
            await _until(lambda: seat.is_held)
        with pytest.raises(StartRefused, match="stop all first"):
            async with seats.alone(url):
                pass
        assert len(await store.commit_group([accepted_health(1)], NOW)) == 1


async def test_a_place_is_taken_again_also_where_lines_are_lost_while_it_is_taken(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    parts, cuts = urlsplit(url), iter([False, True, True])
    lines: list[asyncio.StreamWriter] = []

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """To the database; cut when it is to be told its first statement, where that is next."""
        is_cut = next(cuts, False)
        theirs, ours = await asyncio.open_unix_connection(
            f"{parse_qs(parts.query)['host'][0]}/{_SOCKET}"
        )
        lines.append(writer)
        ours.write(await reader.read(65536))
        said = b""
        while not said.endswith(_READY):
            said += await theirs.read(65536)
        writer.write(said)
        if not is_cut:
            await asyncio.gather(_passed(reader, ours), _passed(theirs, writer))
        else:
            await reader.read(1)
        for each in (ours, writer):
            each.close()

    server = await asyncio.start_unix_server(line, tmp_path / _SOCKET)
    async with (
        server,
        asyncio.timeout(seats.LOOK_S / 2),
        seats.taken(f"{url.partition('?')[0]}?host={tmp_path}", retry_s=0.01) as seat,
    ):
        lines[0].close()
        await _until(lambda: len(lines) >= 4 and seat.is_held)


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while said := await reader.read(65536):
            writer.write(said)
    writer.close()


async def _holders(connection: Any) -> list[Any]:
    return await connection.fetch("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")


@contextlib.asynccontextmanager
async def _pictures(folder: Path) -> AsyncIterator[DailyPictures]:
    with contextlib.closing(DailyPictures(folder)) as pictures:
        yield pictures


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(0.01)


async def _until_somebody_waits(connection: asyncpg.Connection[Any], table: str) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(  # noqa: ASYNC110 (locks tell nobody)
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass($1)", table
        ):
            await asyncio.sleep(0.01)


async def test_a_correction_that_goes_is_looked_for_by_an_index(databases: Databases) -> None:
    """Whether another one takes it back is asked of each, when thousands are given up."""
    url = await asyncio.to_thread(databases.migrated)
    async with connected(url) as other, other.transaction():
        await other.execute("SET LOCAL enable_seqscan = off")
        plan = await other.fetch("EXPLAIN SELECT 1 FROM corrections WHERE undoes = 1 FOR KEY SHARE")
    assert "corrections_undoes" in "\n".join(line for (line,) in plan)
