"""What is on the disk, what pruning would take and takes, what the server counted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import date, timedelta

import apsw
import pytest

from server.errors import QuestionInvalid, TooBusy
from server.storage.protocol import ServerStats
from tests.server.cameras import jpeg
from tests.server.storage.history import NOON, Centre, Site, plate

DAY = timedelta(days=1)


@pytest.fixture
async def centre(either: Site) -> Site:
    await either.take(*(plate(n, "OLD", image=jpeg(n)) for n in range(1, 6)), at=NOON)
    await either.take(*(plate(n, "NEW") for n in range(6, 9)), at=NOON + 2 * DAY)
    return either


async def test_sizes_by_table_and_day(centre: Site) -> None:
    sizes = await centre.data.sizes()
    sightings = next(each for each in sizes.tables if each.name == "lpr_detections")
    assert (sightings.rows, sightings.oldest_at, sightings.newest_at) == (
        8,
        NOON,
        NOON + 2 * DAY,
    )
    # PostgreSQL counts pages, and maps of free room from its first vacuum on.
    most = 8 * 1000 if isinstance(centre, Centre) else 256 * 1024
    assert 8 * 100 < sightings.about_bytes < most
    assert [(day.day, day.sightings, bool(day.picture_bytes)) for day in sizes.days] == [
        (date(2026, 3, 3), 3, False),
        (date(2026, 3, 1), 5, True),
    ]
    assert sizes.picture_files == 1
    assert sizes.picture_bytes == sum(day.picture_bytes or 0 for day in sizes.days)
    assert 0 < (sizes.disk_free_bytes or 0) < (sizes.disk_total_bytes or 0)
    assert [day.day for day in (await centre.data.sizes(days=1)).days] == [date(2026, 3, 3)]


async def test_an_empty_centre_has_sizes_too(either: Site) -> None:
    sizes = await either.data.sizes()
    assert sizes.days == ()
    assert all(table.rows == 0 for table in sizes.tables)


async def test_one_looks_at_a_time_at_what_pruning_would_take(centre: Site) -> None:
    found = await asyncio.gather(
        *(centre.pruning.preview(older_than_days=1, now=NOON) for _ in range(3)),
        return_exceptions=True,
    )
    assert [isinstance(each, TooBusy) for each in found] == [False, True, True]
    assert (await centre.pruning.preview(older_than_days=1, now=NOON)).ids == 0


async def test_pruning_takes_what_its_preview_says(centre: Site) -> None:
    now = NOON + 3 * DAY
    preview = await centre.pruning.preview(older_than_days=1, now=now)
    assert preview.rows["lpr_detections"] == 5
    assert (preview.picture_files, preview.rows_before, preview.ids) == (1, date(2026, 3, 3), 0)
    assert centre.pruning.state() is None
    started = await centre.pruning.start(older_than_days=1, now=now)
    assert started.is_running
    state = await centre.pruning.finished()
    assert state is not None
    assert (state.fault, state.done_steps, state.all_steps) == (None, 6, 6)
    assert state.freed_bytes is not None
    assert state.freed_bytes >= preview.picture_bytes
    again = await centre.pruning.preview(older_than_days=1, now=now)
    assert (again.rows["lpr_detections"], again.picture_files) == (0, 0)
    left = next(t for t in (await centre.data.sizes()).tables if t.name == "lpr_detections")
    assert left.rows == 3


@contextlib.contextmanager
def nothing_written(centre: Site) -> Iterator[None]:
    """Into SQLite, where a thread prunes; in PostgreSQL it does not come to an end before its task
    has had a turn."""
    if not isinstance(centre, Centre):
        yield
        return
    with contextlib.closing(apsw.Connection(str(centre.database))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def test_one_pruning_at_a_time(centre: Site) -> None:
    with nothing_written(centre):
        await centre.pruning.start(older_than_days=1, now=NOON + 3 * DAY)
        with pytest.raises(QuestionInvalid, match="under way since"):
            await centre.pruning.start(older_than_days=1, now=NOON)
    state = await centre.pruning.finished()
    assert state is not None
    assert (state.fault, state.done_steps) == (None, 6)
    await centre.pruning.start(older_than_days=1, now=NOON)
    for days in (0, 40_000):
        with pytest.raises(QuestionInvalid, match="older_than_days"):
            await centre.pruning.preview(older_than_days=days, now=NOON)


async def test_what_the_server_counted_is_shown_as_differences(centre: Site) -> None:
    minute = timedelta(minutes=1)
    counts = [(1, 10), (3, 30), (2, 45), (1, 5), (4, 9)]  # the server was started anew
    for number, (active, received) in enumerate(counts):
        stats = ServerStats(
            total_connections=active,
            active_connections=active,
            messages_received=received,
            messages_processed=received,
            errors=0,
        )
        await centre.store.record_stats(stats, NOON + number * minute)
    found = await centre.data.stats(since=NOON, until=NOON + 10 * minute, points=10)
    assert [(each.at, each.active_connections, each.messages_received) for each in found[-4:]] == [
        (NOON + 1 * minute, 3, 20),
        (NOON + 2 * minute, 2, 15),
        (NOON + 3 * minute, 1, 5),
        (NOON + 4 * minute, 4, 4),
    ]
    with pytest.raises(QuestionInvalid, match="points=5"):
        await centre.data.stats(since=NOON, until=NOON + minute, points=5)
