"""Rows move from SQLite to PostgreSQL: all of them, once, also when the move is broken off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner

from server import cli
from server.errors import StartRefused
from server.faces.database import GalleryDatabase
from server.faces.decision import Rule
from server.faces.gallery import Gallery
from server.faces.store import StoredFaces
from server.faces.vault import PictureVault
from server.storage.connection import open_second_writer, open_writer
from server.storage.gallery import SqliteGalleryDatabase
from server.storage.lock import DatabaseLock
from server.storage.postgres import holders, moving, seats
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.gallery import PostgresGalleryDatabase
from server.storage.postgres.pool import opened_pool
from server.storage.protocol import ServerStats, Stored
from server.storage.tokens import create_token
from tests.server.cameras import jpeg
from tests.server.faces.kept_faces import LAN, MODEL, compared, picture, vector
from tests.server.rows import accepted_health, accepted_plate, hello_of
from tests.server.storage.databases import Databases
from tests.server.storage.stores import NOW, InPostgres, Place

ROWS = 60


LOCKED = PictureVault((b"k" * 32,))


async def filled(place: Place) -> Path:
    """A SQLite database with rows of every kind, some of them as older programs leave them."""
    async with place.opened() as store:
        await store.greet(hello_of(), NOW)
        for begin in range(1, ROWS, 10):
            rows = [accepted_plate(n, image=jpeg(n)) for n in range(begin, begin + 5)]
            rows += [accepted_health(n) for n in range(begin + 5, begin + 10)]
            await store.commit_group(rows, NOW)
        stats = ServerStats(
            total_connections=1, active_connections=1, messages_received=2,
            messages_processed=2, errors=0,
        )  # fmt: skip
        await store.record_stats(stats, NOW)
    path = place.folder / "server.db"
    connection = open_writer(path)
    create_token(connection, "gate-1", NOW)
    connection.execute(
        "INSERT INTO lpr_detections (license_plate, checkpoint_id, confidence, lux, timestamp) "
        "VALUES ('OLD 1', 7, 0.5, 'dark', CAST('2024' AS BLOB)), (NULL, '7', NULL, 250, NULL);"
        "DELETE FROM health_monitors WHERE id < 3 OR id > 25;"
        "INSERT INTO corrections (sighting_id, plate, plate_before, corrected_by, corrected_at) "
        "VALUES (1, 'X', 'AB1', 'somchai', '2026-03-02T00:00:00+00:00');"
        "INSERT INTO users VALUES (7, 'somchai', '', 'admin', 'active', 'x', '2026', NULL);"
        "INSERT INTO api_tokens VALUES (3, 7, 'grafana', X'00ff', 'see', '2026', NULL, NULL, NULL);"
        "INSERT INTO audit_log VALUES (9, '2026', 'somchai', 'user', '', 'export', '', '');"
        "INSERT INTO watchlists VALUES (4, 'stolen', 'alert', 'plates', '', '[]', '', 60, NULL,"
        " 0.5, 1, 0, 3, 'somchai', '2026', NULL);"
        "INSERT INTO watchlist_entries VALUES (5, 4, 'exact:X', 'X', 'exact', NULL, '', NULL, NULL,"
        " '', '[]', NULL, 3, 'somchai', '2026', NULL);"
        "UPDATE watchlist_state SET revision = 3;"
        "UPDATE row_positions SET last_id = 27 WHERE name = 'alerts lpr_detections'"
    )
    connection.close()
    return path


@contextlib.asynccontextmanager
async def gallery_on(database: GalleryDatabase) -> AsyncIterator[StoredFaces]:
    store = StoredFaces(Gallery(database, MODEL, LOCKED))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def with_people(path: Path) -> None:
    """Two persons, of whom the second is forgotten, what is not the first one, and a visitor."""
    seen = "INSERT INTO face_detections (device_id) VALUES ('gate-1') RETURNING id"
    async with gallery_on(SqliteGalleryDatabase(path)) as store:
        lan = await store.enrol(LAN, [picture(1), picture(2)], NOW)
        gone = await store.enrol(LAN, [picture(3)], NOW)
        await store.forget(gone.person.class_id, NOW)
        await store.deny(lan.person.class_id, vector(4), "vera", NOW)
        for seed, person in ((5, None), (1, lan.person.class_id)):
            with contextlib.closing(open_second_writer(path)) as connection:
                number = int(connection.execute(seen).get)
            revision = (await store.counted()).revision
            assert await store.note(compared(number, seed, revision, person))


async def assert_people_are_there(url: str) -> None:
    async with opened_pool(url, connections=4) as pool:
        loop = asyncio.get_running_loop()
        async with gallery_on(PostgresGalleryDatabase(pool, loop)) as store:
            told = await store.who(vector(2), Rule(threshold=0.9, margin=0.0), most=1)
            assert told.decision.class_id == 1
            assert told.persons[1].details == LAN
            denied = await store.who(vector(4), Rule(threshold=0.1, margin=0.0), most=1)
            assert denied.decision.class_id is None
            assert await store.picture(1) == b"jpeg 1"
            ((sealed,), *_) = await InPostgres(pool).query("SELECT content FROM face_pictures")
            assert b"jpeg" not in sealed
            alike, _ = await store.alike(vector(5), 0.9)
            assert [each.sighting_id for each in alike] == [1]
            assert await store.position() == 2
            assert (await store.enrol(LAN, [picture(6)], NOW)).person.class_id == 3
            assert (await store.forget(1, NOW)).is_gone


async def assert_lists_are_there(target: Connection) -> None:
    assert await target.fetch("SELECT name, is_enabled FROM watchlists") == [("stolen", True)]
    assert await target.fetchval("SELECT plate FROM watchlist_entries WHERE list_id = 4") == "X"
    position = "SELECT last_id FROM row_positions WHERE name = 'alerts lpr_detections'"
    assert await target.fetchval(position) == 27


class _Cut(Exception):
    """The move is broken off."""


async def test_a_move_that_was_broken_off_goes_on_and_both_sides_are_equal(
    databases: Databases, tmp_path: Path
) -> None:
    source = await filled(Place(tmp_path, None))
    url = await asyncio.to_thread(databases.migrated)
    target = await opened(url)
    reports: list[int] = []

    def cut_after_ten(count: int) -> None:
        reports.append(count)
        if len(reports) == 10:
            raise _Cut

    assert await moving.begin(target) == {}
    with pytest.raises(_Cut):
        await moving.move(source, target, now=NOW, report=cut_after_ten, piece_rows=7)
    assert sum((await moving.begin(target)).values()) == sum(reports)
    await moving.move(source, target, now=NOW, report=reports.append, piece_rows=7)
    assert sum(reports) == sum(moving.rows_to_move(source).values())
    found = await moving.compare(source, target, report=lambda _: None)
    assert [each.table for each in found if not each.is_equal] == []
    counts = {each.table: each.target_rows for each in found}
    assert (counts["lpr_detections"], counts["message_ledger"]) == (ROWS // 2 + 2, ROWS)
    assert await target.fetch(
        "SELECT license_plate, checkpoint_id, lux, timestamp FROM lpr_detections "
        "WHERE message_id IS NULL ORDER BY id"
    ) == [("OLD 1", "7", None, "2024"), (None, "7", 250.0, None)]
    assert await target.fetch("SELECT rows_before FROM given_up") == [
        ("2026-03-01T00:00:00.000+00:00",)
    ]
    await target.execute("UPDATE lpr_detections SET license_plate = 'Y' WHERE id = 1")
    changed = await moving.compare(source, target, report=lambda _: None)
    assert [each.table for each in changed if not each.is_equal] == ["lpr_detections"]
    await target.close()


async def test_what_was_moved_goes_on_as_it_was(databases: Databases, tmp_path: Path) -> None:
    """Late duplicates stay out, ids go on, cameras find their books and tokens; people are found
    by their faces, and forgotten."""
    source = await filled(Place(tmp_path, None))
    await with_people(source)
    older_index = tmp_path / "faces" / "index.usearch"
    older_index.parent.mkdir()
    older_index.touch()
    url = await asyncio.to_thread(databases.migrated)
    said = await asyncio.to_thread(
        CliRunner(env={"SERVER_DATABASE_URL": url}).invoke,
        cli.app,
        ["migrate-store", f"sqlite:{source}"],
    )
    assert said.exit_code == 0, said.output
    assert "equal on both sides" in said.output
    assert not older_index.exists()
    async with Place(tmp_path, url).opened() as store:
        held = await store.greet(hello_of(), NOW)
        assert (held.last_sequence, held.rows_stored) == (ROWS, ROWS)
        late = await store.commit_group([accepted_health(60), accepted_health(61)], NOW)
        assert late == [Stored(30, True, ROWS), Stored(31, False, ROWS + 1)]
        assert len(await store.live_tokens()) == 1
    target = await opened(url)
    made = "INSERT INTO users (name, full_name, role, standing, password_hash, created_at) "
    made += "VALUES ('vera', '', 'viewer', 'active', 'x', '2026') RETURNING id"
    assert await target.fetchval(made) == 8
    await assert_lists_are_there(target)
    await target.close()
    await assert_people_are_there(url)
    again = await asyncio.to_thread(
        CliRunner().invoke, cli.app, ["migrate-store", f"sqlite:{source}", url]
    )
    assert isinstance(again.exception, StartRefused)
    assert "only into an empty one" in str(again.exception)


async def test_a_database_that_holds_as_much_as_a_token_is_not_moved_into(
    databases: Databases,
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    target = await opened(url)
    await holders.create_token(target, "gate-9", NOW)
    with pytest.raises(StartRefused, match="has rows in device_tokens already"):
        await moving.begin(target)
    async with seats.taken(url):  # as if nothing had been tried
        await target.close()


async def test_no_server_takes_rows_where_a_move_was_broken_off(databases: Databases) -> None:
    url = await asyncio.to_thread(databases.migrated)
    target = await opened(url)
    await moving.begin(target)
    with pytest.raises(StartRefused, match="run migrate-store again first"):
        async with seats.taken(url):
            pass
    await moving.finish(target)
    async with seats.taken(url):
        await target.close()


async def test_nothing_is_moved_while_a_server_runs(databases: Databases, tmp_path: Path) -> None:
    source = await filled(Place(tmp_path, None))
    url = await asyncio.to_thread(databases.migrated)
    arguments = ["migrate-store", f"sqlite:{source}", url]
    with DatabaseLock(source):
        refused = await asyncio.to_thread(CliRunner().invoke, cli.app, arguments)
    assert "in use by another server" in str(refused.exception)
    async with seats.taken(url):
        refused = await asyncio.to_thread(CliRunner().invoke, cli.app, arguments)
        assert "stop all first" in str(refused.exception)
    async with seats.alone(url):
        with pytest.raises(StartRefused, match="cameras keep theirs meanwhile"):
            async with seats.taken(url):
                pass


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("db.sqlite", "postgresql://x", "expected sqlite:PATH"),
        ("sqlite:nowhere.db", "postgresql://x", "no such file"),
        ("sqlite:{here}", "mysql://x", "expected postgresql://"),
        ("sqlite:{here}", "", "there is no TARGET: write SERVER_DATABASE_URL="),
    ],
)
def test_what_is_named_wrongly_is_said(
    tmp_path: Path, source: str, target: str, expected: str
) -> None:
    here = tmp_path / "server.db"
    apsw.Connection(str(here)).close()
    here.touch()
    refused = CliRunner().invoke(cli.app, ["migrate-store", source.format(here=here), target])
    assert expected in str(refused.exception)
