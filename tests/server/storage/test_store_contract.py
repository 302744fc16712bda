"""What every store promises to ingest: record ids, idempotence, its books, who is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import msgspec
import pytest

from server.device_token import digest_of, new_token
from server.errors import GroupRefused
from server.storage.protocol import CentreStore, Conflict, ServerStats, Stored
from server.storage.times import text_of
from tests.server.cameras import jpeg
from tests.server.rows import accepted_health, accepted_plate, hello_of
from tests.server.storage.stores import KINDS, NOW, Inside, Place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    url = None
    if request.param == "postgres":
        url = request.getfixturevalue("databases").migrated()
    return Place(tmp_path, url)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[CentreStore]:
    async with place.opened() as opened:
        yield opened


@pytest.fixture
async def inside(place: Place, store: CentreStore) -> AsyncIterator[Inside]:
    async with place.inside() as opened:
        yield opened


async def test_outcomes_come_in_the_order_of_the_rows(store: CentreStore) -> None:
    assert await store.commit_group([], NOW) == []
    first = await store.commit_group([accepted_health(1), accepted_plate(2)], NOW)
    assert first == [Stored(1, False, 1), Stored(1, False, 2)]
    mixed = await store.commit_group(
        [
            accepted_health(3),
            accepted_health(1),
            accepted_health(1, message="other"),
            accepted_health(3),
            accepted_plate(2),
            accepted_health(4),
        ],
        NOW,
    )
    assert mixed == [
        Stored(2, False, 3),
        Stored(1, True, 3),
        Conflict(1),
        Stored(2, True, 3),
        Stored(1, True, 3),
        Stored(3, False, 4),
    ]
    again = await store.commit_group([accepted_plate(2), accepted_health(4)], NOW)
    assert again == [Stored(1, True, 4), Stored(3, True, 4)]


async def test_a_late_duplicate_of_a_deleted_record_stays_out(
    store: CentreStore, inside: Inside
) -> None:
    await store.commit_group([accepted_health(1), accepted_health(2)], NOW)
    await inside.execute("DELETE FROM health_monitors")
    outcomes = await store.commit_group([accepted_health(2), accepted_health(3)], NOW)
    assert outcomes == [Stored(2, True, 2), Stored(3, False, 3)]
    assert await inside.query("SELECT id FROM health_monitors") == [(3,)]


async def test_equal_pictures_are_kept_once_and_pictures_of_a_day_together(
    store: CentreStore, place: Place
) -> None:
    rows = [accepted_plate(number, image=jpeg(50)) for number in (1, 2)]
    await store.commit_group([*rows, accepted_plate(3, image=jpeg(200))], NOW)
    next_day = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    await store.commit_group([accepted_plate(4, image=jpeg(50))], next_day)
    assert pictures_by_day(place.pictures) == {"2026-03-01": 2, "2026-03-02": 1}


def pictures_by_day(folder: Path) -> dict[str, int]:
    counts = {}
    for file in folder.glob("*.db"):
        connection = apsw.Connection(str(file))
        counts[file.stem] = connection.execute("SELECT count(*) FROM pictures").get
        connection.close()
    return counts


async def test_every_value_of_a_row_is_kept(store: CentreStore, inside: Inside) -> None:
    await store.commit_group([accepted_plate(1, image=jpeg()), accepted_health(2)], NOW)
    assert await inside.query(
        "SELECT license_plate, confidence, confidence_percent, checkpoint_id, hostname, timestamp, "
        "captured_at, received_at, device_id, epoch, sequence, image_status, image_sha256 <> '', "
        "plate_key, vehicle_type, latitude, exposure_time, clock_state FROM lpr_detections"
    ) == [
        (
            *("AB1", 90.0, 90.0, "7", "gate-host", "2026-03-01T01:00:00+00:00"),
            *("2026-03-01T01:00:00.000+00:00", text_of(NOW), "gate-1", "epoch-1", 1, "present"),
            *(True, "A81", "", "", None, None),
        )
    ]
    assert await inside.query("SELECT component, status, sequence FROM health_monitors") == [
        ("camera", "PASS", 2)
    ]


async def test_the_books_agree_with_the_rows(store: CentreStore, inside: Inside) -> None:
    await store.greet(hello_of(), NOW)
    await store.commit_group([accepted_health(n) for n in (1, 2, 3)], NOW)
    await store.commit_group([accepted_health(n) for n in (2, 3, 4)], NOW)
    await store.commit_group([accepted_health(9, device_id="gate-2", epoch="e")], NOW)
    assert await inside.query(
        "SELECT device_id, c.epoch, e.epoch, rows_stored, last_sequence FROM camera_epochs e "
        "JOIN cameras c ON c.id = e.camera ORDER BY device_id"
    ) == [("gate-1", "epoch-1", "epoch-1", 4, 4), ("gate-2", "e", "e", 1, 9)]
    held = await store.greet(hello_of(), NOW)
    assert (held.last_sequence, held.rows_stored) == (4, 4)
    held = await store.greet(hello_of(epoch="new"), NOW)
    assert (held.last_sequence, held.rows_stored) == (0, 0)
    assert await inside.query(
        "SELECT count(*), count(DISTINCT camera), min(table_number), max(table_number) "
        "FROM message_ledger"
    ) == [(5, 2, 2, 2)]


async def test_the_count_of_a_row_is_that_of_its_own_device_and_epoch(store: CentreStore) -> None:
    """Also where it is looked up for the first time, and where the group is the first after."""
    group = [accepted_health(1), accepted_health(2, device_id="gate-2"), accepted_health(3)]
    assert await store.commit_group(group, NOW) == [
        Stored(1, False, 1),
        Stored(2, False, 1),
        Stored(3, False, 2),
    ]
    again = [accepted_health(1), accepted_health(4, epoch="e")]
    assert await store.commit_group(again, NOW) == [Stored(1, True, 2), Stored(4, False, 1)]


async def test_rows_numbered_before_their_epoch_are_counted_as_such(
    store: CentreStore, inside: Inside
) -> None:
    await store.commit_group([accepted_health(n) for n in (1, 2, 3, 5)], NOW)
    begun = msgspec.structs.replace(hello_of(epoch="new"), epoch_after=5)
    await store.greet(begun, NOW)
    await store.greet(begun, NOW)
    await store.commit_group([accepted_health(n, epoch="new") for n in (4, 6, 7)], NOW)
    assert await inside.query(
        "SELECT epoch, begins_after, rows_stored, rows_before, rows_later, last_sequence "
        "FROM camera_epochs ORDER BY epoch"
    ) == [("epoch-1", None, 4, 0, 1, 5), ("new", 5, 3, 1, 0, 7)]


async def test_a_row_of_another_device_conflicts_and_enters_no_camera(
    store: CentreStore, inside: Inside
) -> None:
    await store.commit_group([accepted_health(1)], NOW)
    stolen = await store.commit_group([accepted_health(1, device_id="gate-2")], NOW)
    assert stolen == [Conflict(1)]
    assert await inside.query("SELECT device_id FROM cameras") == [("gate-1",)]


async def test_runs_of_the_server_are_remembered_by_its_database(place: Place) -> None:
    runs: list[str] = []
    for _ in range(3):
        async with place.opened() as store:
            held = await store.greet(hello_of(runs=["stranger", *reversed(runs)]), NOW)
            assert held.known_run == (runs[-1] if runs else None)
            again = await store.greet(hello_of(runs=[held.run]), NOW)
            assert (again.run, again.known_run) == (held.run, held.run)
            runs.append(held.run)
    assert len(set(runs)) == 3


async def test_a_failed_group_leaves_no_trace(store: CentreStore, inside: Inside) -> None:
    await inside.refuse_messages("poison")
    with pytest.raises(GroupRefused):
        await store.commit_group([accepted_health(1), accepted_health(2, message="poison")], NOW)
    for table in ("health_monitors", "cameras", "camera_epochs", "message_ledger"):
        assert await inside.query(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 (names of the line above)
    await inside.allow_messages()
    group = [accepted_health(1), accepted_health(2, message="poison")]
    counts = [outcome.rows_stored for outcome in await store.commit_group(group, NOW)]
    assert counts == [1, 2]
    assert await inside.query("SELECT rows_stored FROM camera_epochs") == [(2,)]


async def test_two_stores_of_one_database_take_each_row_once(place: Place) -> None:
    """Two processes; in SQLite only one may be there, so its groups follow each other."""
    rows = [accepted_health(number) for number in range(1, 201)]
    async with place.opened() as store, place.inside() as inside:
        if place.url is None:
            outcomes = [await store.commit_group(rows, NOW) for _ in range(2)]
        else:
            async with place.opened() as other:
                outcomes = await asyncio.gather(
                    store.commit_group(rows, NOW),
                    other.commit_group(list(reversed(rows)), NOW),
                    store.commit_group(rows[50:150], NOW),
                )
        stored = [each for group in outcomes for each in group if isinstance(each, Stored)]
        assert sum(not each.is_duplicate for each in stored) == 200
        assert len(stored) == sum(len(group) for group in outcomes)
        assert await inside.query("SELECT count(*) FROM health_monitors") == [(200,)]
        assert await inside.query("SELECT rows_stored FROM camera_epochs") == [(200,)]
        by_row = await inside.query("SELECT sequence, id FROM health_monitors ORDER BY sequence")
        assert [record_id for _, record_id in by_row] == [
            each.record_id for each in outcomes[0] if isinstance(each, Stored)
        ]


async def test_tokens_are_found_by_their_hash(store: CentreStore, inside: Inside) -> None:
    digest = digest_of(new_token())
    quote = inside.bytes_of(digest)
    await inside.execute(
        "INSERT INTO device_tokens (name, token_sha256, created_at) "  # noqa: S608 (hex digits)
        f"VALUES ('gate-1', {quote}, '2026-03-01T00:00:00+00:00')"
    )
    found = await store.find_token(digest)
    assert found is not None
    assert (found.name, found.revoked_at) == ("gate-1", None)
    assert await store.find_token(digest[::-1]) is None
    assert await store.name_has_token("gate-1")
    assert await store.live_tokens() == {digest}
    await store.note_token_use(["gate-1", "nobody"], NOW)
    assert await inside.query("SELECT last_used_at FROM device_tokens") == [
        ("2026-03-01T23:59:59+00:00",)
    ]
    await inside.execute("UPDATE device_tokens SET revoked_at = '2026-03-02T00:00:00+00:00'")
    assert not await store.name_has_token("gate-1")
    assert await store.live_tokens() == frozenset()
    assert await store.find_token(digest) is not None


async def test_the_fleet_and_the_counts_of_the_server(store: CentreStore, inside: Inside) -> None:
    await store.check()
    await store.greet(hello_of(), NOW)
    await store.commit_group([accepted_health(1), accepted_health(2, device_id="gate-2")], NOW)
    fleet = await store.fleet(now=NOW + timedelta(hours=1), most=1)
    assert (fleet.count, fleet.silent) == (2, 2)
    (camera,) = fleet.cameras
    assert (camera.device_id, camera.last_seen_at, camera.rows_stored) == ("gate-1", NOW, 1)
    stats = ServerStats(
        total_connections=1, active_connections=1, messages_received=2, messages_processed=2,
        errors=0,
    )  # fmt: skip
    await store.record_stats(stats, NOW)
    assert await inside.query("SELECT messages_received FROM server_stats") == [(2,)]
