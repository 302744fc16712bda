"""The command line, as it is typed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.app import running
from server.config import ServerSettings
from server.device_token import digest_of
from server.storage.postgres import seats
from tests.server.cameras import classic_camera, classic_detection, jpeg
from tests.server.commands import ROOT, Ended, started, typed
from tests.server.conftest import Query, settings_in
from tests.server.rows import accepted_health, accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.stores import Place

AT = ("--db", "server.db")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tokens_are_made_listed_and_revoked(folder: Path) -> None:
    made = started("token", "create", "gate-1", folder=folder)
    token = made.out.strip()
    assert made.code == 0
    assert len(token) == 43
    assert "not shown again" in made.errors
    assert made.errors.endswith("\nAGENT_DEVICE_ID=gate-1\nAGENT_TOKEN=(the token)\n")
    assert typed("token", "revoke", "gate-1").code == 0
    listed = typed("token", "list")
    assert "gate-1" in listed.out
    assert token not in listed.out
    kept = typed(
        "sql",
        "SELECT name, hex(token_sha256) AS kept FROM device_tokens",
        "--db",
        "db/websocket_server.db",
    )
    assert kept.out == f"name\tkept\ngate-1\t{digest_of(token).hex().upper()}\n"


def test_lines_for_the_camera_can_be_copied_from_a_terminal() -> None:
    terminal, errors = os.openpty()
    with os.fdopen(errors, "w") as shown:
        made = subprocess.run(
            [sys.executable, "-m", "server", "token", "create", "gate-2"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=shown,
            text=True,
            check=True,
        )
        said = os.read(terminal, 4096).decode().splitlines()
    os.close(terminal)
    assert said[-2:] == ["AGENT_DEVICE_ID=gate-2", f"AGENT_TOKEN={made.stdout.strip()}"]


def test_what_is_wrong_is_one_sentence_and_exit_code_2(folder: Path) -> None:
    everywhere = ("run", "--host", "0.0.0.0", "--port", "0", "--web-port", "0")  # noqa: S104 (refused)
    for failed, words in (
        (
            typed("token", "list"),
            "there is no database db/websocket_server.db: python -m server run",
        ),
        (typed("sql"), 'such as: python -m server sql "SELECT license_plate, captured_at FROM'),
        (typed("run", SERVER_PORT="abc"), "SERVER_PORT='abc'"),
        (started(*everywhere, folder=folder), "python -m server token create NAME"),
    ):
        assert failed.code == 2, failed
        assert failed.errors.startswith("ERROR ")
        assert words in failed.errors
        assert "Traceback" not in failed.errors


def test_where_no_server_ran_the_demonstrations_database_is_named(folder: Path) -> None:
    demo = folder / "demo-data" / "server" / "db" / "websocket_server.db"
    demo.parent.mkdir(parents=True)
    demo.touch()
    for failed in (typed("export"), typed("sql", "SELECT 1"), typed("faces", "status")):
        assert failed.code == 2, failed
        assert "--db demo-data/server/db/websocket_server.db" in failed.errors


async def test_sql_reads_beside_a_running_server_and_writes_nothing(folder: Path) -> None:
    settings = settings_in(folder)
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_detection())
        columns = "SELECT license_plate, lux, vehicle_color FROM lpr_detections"
        read = started("sql", columns, *AT, folder=folder)
        assert read.out == "license_plate\tlux\tvehicle_color\nABC1234\t250.0\t\n"
        picture = typed(
            "sql", "SELECT substr(image_data, 1, 4) FROM lpr_detections_with_images", *AT
        )
        assert picture.out.splitlines()[1] == "/9j/"
        written = typed("sql", "DELETE FROM lpr_detections", *AT)
        assert written.code == 2
        assert "this command only reads" in written.errors
        made = typed("token", "create", "gate-1", *AT)
        assert made.code == 0, made.errors
        assert "in force" not in made.errors


def test_sql_reads_postgresql_and_writes_nothing(databases: Databases) -> None:
    place = {"SERVER_DATABASE_URL": databases.cleaned()}
    assert typed("token", "create", "gate-1", **place).code == 0
    read = typed("sql", "SELECT name, revoked_at FROM device_tokens", **place)
    assert read.out == "name\trevoked_at\ngate-1\t\n"
    wrong = (
        ("DELETE FROM device_tokens", "only reads"),
        ("DELETE FROM device_tokens RETURNING name", "only reads"),
        ("COPY (SELECT 1) TO PROGRAM 'cat > written'", "only reads"),
        ("SELECT nothing", "does not exist"),
        ("SELECT $1::int", "expects 1 argument"),
    )
    for statement, words in wrong:
        refused = typed("sql", statement, **place)
        assert (refused.code, words in refused.errors) == (2, True), refused
    assert "gate-1" in typed("token", "list", **place).out


def test_sql_brings_no_database_to_this_version_and_ends_what_takes_too_long(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = "SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public'"
    place = {"SERVER_DATABASE_URL": databases.empty()}
    for _ in range(2):
        assert typed("sql", tables, **place).out == "tables\n0\n"
    monkeypatch.setattr("server.cli_database.LONG_ANSWER_S", 0.3)
    ended = typed("sql", "SELECT pg_sleep(600)", **place)
    assert (ended.code, "ask for less" in ended.errors) == (2, True), ended


async def test_prune_shows_first_and_then_does_it(
    settings: ServerSettings, folder: Path, query: Query
) -> None:
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    async with (
        running(settings, now=lambda: long_ago) as server,
        classic_camera(server.ingest_port) as camera,
    ):
        await camera.ask(classic_detection())
        preview = typed("prune", "--older-than", "30d", "--dry-run", *AT)
        assert preview.code == 0, preview.errors
        assert "Nothing was changed" in preview.out
        count = "SELECT count(*) FROM lpr_detections"
        assert query(count) == [(1,)]
        kept = typed("prune", *AT)
        assert "SERVER_RETENTION_DAYS is 0: rows are kept" in kept.out
        assert query(count) == [(1,)]
        done = started("prune", "--older-than", "30d", *AT, folder=folder)
        assert "Gone: 1 rows, 1 days of pictures" in done.out, done
        assert query(count) == [(0,)]
        again = await camera.ask(classic_detection())
        assert again["record_id"] == 1
        for wrong in (("30",), ("0d",), ("30d", "--keep-ids", "1d")):
            refused = typed("prune", "--older-than", *wrong, *AT)
            assert refused.code == 2
            assert "write a longer one" in refused.errors or "at least 1d" in refused.errors


async def test_prune_of_postgresql_says_the_same_and_leaves_files_alone(
    databases: Databases, folder: Path
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    place = Place(folder, url)
    rows = [accepted_plate(1, image=jpeg(1)), accepted_health(2)]

    def prune(*options: str) -> Ended:
        given = {"SERVER_DATABASE_URL": url, "SERVER_DB_PATH": "server.db"}
        return typed("prune", *options, "--older-than", "30d", **given)

    async def pruned(*options: str) -> Ended:
        return await asyncio.to_thread(prune, *options)

    async with place.opened() as store, place.inside() as inside:
        await store.commit_group(rows, long_ago)
        preview = await pruned("--dry-run")
        assert preview.code == 0, preview.errors
        assert "Nothing was changed" in preview.out
        assert await inside.query("SELECT count(*) FROM lpr_detections") == [(1,)]
        done = await pruned()
        assert "Gone: 2 rows, 1 days of pictures" in done.out, done
        assert "Ids of the rows that went are kept" in done.out
        assert await inside.query("SELECT count(*) FROM lpr_detections") == [(0,)]
        async with seats.pruning(url):
            refused = await pruned()
        assert refused.code == 2
        assert "given up by another 'prune' just now" in refused.errors
    assert not list(place.pictures.iterdir())
    assert not (folder / "server.db").exists()
