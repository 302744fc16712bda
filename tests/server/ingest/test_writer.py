"""Group commits on a real store: what waits together shares a transaction, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from structlog.testing import capture_logs

from server.ingest.budget import ByteBudget
from server.ingest.stats import Counters
from server.ingest.writer import GroupWriter, NotStored
from server.storage.adoption import prepare_database
from server.storage.protocol import Stored
from server.storage.sqlite import SqliteStore
from telemetry.tracing import trace_context_of, tracer_with
from tests.server.cameras import jpeg, row_id
from tests.server.conftest import connections_to
from tests.server.rows import accepted_health, accepted_plate
from wire.accepted import AcceptedRow
from wire.errors import ErrorCode

NOW = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    path = tmp_path / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    opened = SqliteStore(path, tmp_path / "pictures")
    yield opened
    await opened.close()


async def test_what_waits_together_is_one_transaction(store: SqliteStore, tmp_path: Path) -> None:
    budget, counters = ByteBudget(1000), Counters()
    writer = GroupWriter(store, budget, counters, now=lambda: NOW)
    commits: list[int] = []

    def commit_noted() -> bool:
        commits.append(1)
        return False  # let it commit

    for connection in connections_to(tmp_path / "server.db"):
        connection.set_commit_hook(commit_noted)
    futures = []
    for number in range(1, 51):
        budget.take(10)
        futures.append(writer.submit([accepted_health(number)], 10))
    writer.stop()
    with capture_logs() as said:
        await writer.run()
    outcomes = [outcome for future in futures for outcome in await future]
    assert outcomes == [Stored(number, False, number) for number in range(1, 51)]
    assert said[0]["event"] == "SUCCESS stored 50 rows"
    assert (said[0]["first_id"], said[0]["last_id"]) == (row_id(1), row_id(50))
    assert budget.free_bytes == 1000
    assert counters.rows_received == 50
    assert len(commits) == 1


async def test_small_rows_count_with_what_they_take_in_memory(store: SqliteStore) -> None:
    rows = [accepted_health(number) for number in range(1, 101)]
    budget = ByteBudget(1_000_000)
    writer = GroupWriter(store, budget, Counters(), now=lambda: NOW)
    budget.take(10)
    outcomes = writer.submit(rows, 10)
    assert budget.used_bytes >= 100 * 500
    writer.stop()
    await writer.run()
    assert len(await outcomes) == 100
    assert budget.used_bytes == 0


async def test_pictures_that_cannot_be_kept_are_answered_with_their_rows(
    store: SqliteStore, tmp_path: Path
) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    budget = ByteBudget(1000)
    writer = GroupWriter(store, budget, Counters(), now=lambda: NOW)
    budget.take(10)
    pictured = writer.submit([accepted_plate(1, image=jpeg(10))], 10)
    writer.stop()
    await writer.run()
    [outcome] = await pictured
    assert isinstance(outcome, NotStored)
    assert budget.free_bytes == 1000


async def test_what_comes_after_the_stop_is_sent_back(store: SqliteStore) -> None:
    budget = ByteBudget(1000)
    writer = GroupWriter(store, budget, Counters(), now=lambda: NOW)
    writer.stop()
    await writer.run()
    budget.take(10)
    [outcome] = await writer.submit([accepted_health(1)], 10)
    assert isinstance(outcome, NotStored)
    assert outcome.code is ErrorCode.SHUTTING_DOWN
    assert budget.free_bytes == 1000


async def test_a_writer_that_is_killed_leaves_nobody_waiting(store: SqliteStore) -> None:
    budget = ByteBudget(1000)
    writer = GroupWriter(store, budget, Counters(), now=lambda: NOW)
    budget.take(10)
    running = asyncio.create_task(writer.run())
    await asyncio.sleep(0)
    future = writer.submit([accepted_health(1)], 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    [outcome] = await future
    assert isinstance(outcome, NotStored)
    assert budget.free_bytes == 1000


class BrokenProcessor(SpanProcessor):
    """Takes no span."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise ValueError("no more room for spans")


async def test_a_tracer_that_breaks_costs_no_row(store: SqliteStore) -> None:
    tracer = tracer_with(BrokenProcessor(), service="test", instance="here")
    writer = GroupWriter(store, ByteBudget(100_000), Counters(), now=lambda: NOW, tracer=tracer)
    rows = [traced(accepted_plate(number)) for number in (1, 2)]
    outcomes = [writer.submit([row], 0) for row in rows]
    writer.stop()
    await writer.run()
    assert [await each for each in outcomes] == [[Stored(1, False, 1)], [Stored(2, False, 2)]]
    assert tracer.spans_lost == 4


def traced(row: AcceptedRow) -> AcceptedRow:
    """As of a camera that traces."""
    begun = msgspec.structs.replace(row.row, trace=trace_context_of(row.id))
    return msgspec.structs.replace(row, row=begun)
