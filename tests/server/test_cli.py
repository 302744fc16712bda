"""The command line, as it is typed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.app import running
from server.cli import app
from server.config import ServerSettings
from server.device_token import digest_of
from server.errors import ServerError
from server.storage.postgres import seats
from tests.server.cameras import classic_camera, classic_detection, jpeg
from tests.server.conftest import Query, settings_in
from tests.server.rows import accepted_health, accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.stores import Place

ROOT = Path(__file__).resolve().parents[2]

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What `python -m server ...` does in the test's folder, in this process: it starts sooner."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner(env=environ).invoke(app, arguments)
        if isinstance(done.exception, ServerError):  # as `main` tells it
            said = f"{done.stderr}ERROR {done.exception}\n"
            return subprocess.CompletedProcess(arguments, 2, done.stdout, said)
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def started(tmp_path: Path) -> Typed:
    """Runs `python -m server ...` in the test's folder."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def test_tokens_are_made_listed_and_revoked(typed: Typed) -> None:
    made = typed("token", "create", "gate-1")
    token = made.stdout.strip()
    assert made.returncode == 0
    assert len(token) == 43
    assert "not shown again" in made.stderr
    assert typed("token", "revoke", "gate-1").returncode == 0
    listed = typed("token", "list")
    assert "gate-1" in listed.stdout
    assert token not in listed.stdout
    kept = typed(
        "sql",
        "SELECT name, hex(token_sha256) AS kept FROM device_tokens",
        "--db",
        "db/websocket_server.db",
    )
    assert kept.stdout == f"name\tkept\ngate-1\t{digest_of(token).hex().upper()}\n"


def test_what_is_wrong_is_one_sentence_and_exit_code_2(started: Typed) -> None:
    for arguments, environ, words in (
        (("token", "list"), {}, "there is no database"),
        (("run",), {"SERVER_PORT": "abc"}, "SERVER_PORT='abc'"),
        (
            ("run", "--host", "0.0.0.0", "--port", "0", "--web-port", "0"),  # noqa: S104 (refused)
            {},
            "python -m server token create NAME",
        ),
    ):
        failed = started(*arguments, **environ)
        assert failed.returncode == 2, failed
        assert failed.stderr.startswith("ERROR ")
        assert words in failed.stderr
        assert "Traceback" not in failed.stderr


async def test_sql_reads_beside_a_running_server_and_writes_nothing(
    tmp_path: Path, typed: Typed
) -> None:
    settings = settings_in(tmp_path)
    async with running(settings) as server, classic_camera(server.ingest_port) as camera:
        await camera.ask(classic_detection())
        at = ("--db", "server.db")
        read = typed("sql", "SELECT license_plate, lux, vehicle_color FROM lpr_detections", *at)
        assert read.stdout == "license_plate\tlux\tvehicle_color\nABC1234\t250.0\t\n"
        picture = typed(
            "sql", "SELECT substr(image_data, 1, 4) FROM lpr_detections_with_images", *at
        )
        assert picture.stdout.splitlines()[1] == "/9j/"
        written = typed("sql", "DELETE FROM lpr_detections", *at)
        assert written.returncode == 2
        assert "this command only reads" in written.stderr
        made = typed("token", "create", "gate-1", *at)
        assert made.returncode == 0, made.stderr
        assert "in force" not in made.stderr


def test_sql_reads_postgresql_and_writes_nothing(databases: Databases) -> None:
    runner = CliRunner(env={"SERVER_DATABASE_URL": databases.cleaned()})
    assert runner.invoke(app, ["token", "create", "gate-1"]).exit_code == 0
    read = runner.invoke(app, ["sql", "SELECT name, revoked_at FROM device_tokens"])
    assert read.stdout == "name\trevoked_at\ngate-1\t\n"
    wrong = ("DELETE FROM device_tokens", "only reads"), ("SELECT nothing", "does not exist")
    for statement, words in wrong:
        refused = runner.invoke(app, ["sql", statement])
        assert (refused.exit_code, words in refused.output) == (2, True), refused.output
    assert "gate-1" in runner.invoke(app, ["token", "list"]).stdout


async def test_prune_shows_first_and_then_does_it(
    settings: ServerSettings, typed: Typed, query: Query
) -> None:
    at = ("--db", "server.db")
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    async with (
        running(settings, now=lambda: long_ago) as server,
        classic_camera(server.ingest_port) as camera,
    ):
        await camera.ask(classic_detection())
        preview = typed("prune", "--older-than", "30d", "--dry-run", *at)
        assert preview.returncode == 0, preview.stderr
        assert "Nothing was changed" in preview.stdout
        count = "SELECT count(*) FROM lpr_detections"
        assert query(count) == [(1,)]
        kept = typed("prune", *at)
        assert "SERVER_RETENTION_DAYS is 0: rows are kept" in kept.stdout
        assert query(count) == [(1,)]
        done = typed("prune", "--older-than", "30d", *at)
        assert "Gone: 1 rows, 1 days of pictures" in done.stdout, done
        assert query(count) == [(0,)]
        again = await camera.ask(classic_detection())
        assert again["record_id"] == 1
        for wrong in (("30",), ("0d",), ("30d", "--keep-ids", "1d")):
            refused = typed("prune", "--older-than", *wrong, *at)
            assert refused.returncode == 2
            assert "write a longer one" in refused.stderr or "at least 1d" in refused.stderr


async def test_prune_of_postgresql_says_the_same_and_leaves_files_alone(
    databases: Databases, typed: Typed, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    place = Place(tmp_path, url)
    rows = [accepted_plate(1, image=jpeg(1)), accepted_health(2)]

    async def pruned(*options: str) -> subprocess.CompletedProcess[str]:
        at = ("--older-than", "30d")
        given = {"SERVER_DATABASE_URL": url, "SERVER_DB_PATH": "server.db"}
        return await asyncio.to_thread(typed, "prune", *options, *at, **given)

    async with place.opened() as store, place.inside() as inside:
        await store.commit_group(rows, long_ago)
        preview = await pruned("--dry-run")
        assert preview.returncode == 0, preview.stderr
        assert "Nothing was changed" in preview.stdout
        assert await inside.query("SELECT count(*) FROM lpr_detections") == [(1,)]
        done = await pruned()
        assert "Gone: 2 rows, 1 days of pictures" in done.stdout, done
        assert "Ids of the rows that went are kept" in done.stdout
        assert await inside.query("SELECT count(*) FROM lpr_detections") == [(0,)]
        async with seats.pruning(url):
            refused = await pruned()
        assert refused.returncode == 2
        assert "given up by another 'prune' just now" in refused.stderr
    assert not list(place.pictures.iterdir())
    assert not (tmp_path / "server.db").exists()
