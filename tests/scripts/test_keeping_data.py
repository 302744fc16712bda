"""backup_database.sh and cleanup_old_data.sh beside programs that have the databases open."""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from agent.outbox.store import Outbox
from tests.agent.outbox.ends import asked, settle
from tests.agent.outbox.sightings import plate
from tests.scripts.operating import Operator, operator
from tests.server.conftest import databases
from tests.server.storage.databases import Databases

__all__ = ["databases"]

LONG_AGO = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Operator]:
    with operator(tmp_path) as made:
        yield made


@pytest.fixture
def outbox(person: Operator) -> Iterator[Outbox]:
    """A running camera's: one old row acknowledged, one old row waiting."""
    database = person.data / "db" / "lpr_data.db"
    with Outbox.open(database, person.data / "captured_images", "camera") as opened:
        for text in ("SENT111", "WAIT222"):
            opened.record(plate(text))
        settle(opened, acknowledged=1)
        with opened.writing() as connection:
            connection.execute(
                "UPDATE detection_results SET timestamp = ?, sent_timestamp = ?",
                (LONG_AGO, LONG_AGO),
            )
        yield opened


def backups(person: Operator) -> list[Path]:
    return sorted((person.data / "backups").glob("lpr_data-*.db"))


def plates(database: Path) -> list[str]:
    return [text for (text,) in asked(database, "SELECT license_plate_text FROM detection_results")]


def test_copy_is_whole_and_its_own_while_the_camera_goes_on(
    person: Operator, outbox: Outbox
) -> None:
    done = person.types("scripts/backup_database.sh", "--with-pictures")
    assert done.code == 0, done.said
    outbox.record(plate("LATE333"))
    [copy] = backups(person)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    assert done.out == f"SUCCESS {copy} ({copy.stat().st_size / 1e6:.1f} MB)\n"
    assert plates(copy) == ["SENT111", "WAIT222"]
    assert [path.name for path in copy.parent.iterdir() if "-wal" in path.name] == []
    pictures = {path.name for path in (person.data / "captured_images").glob("*.jpg")}
    copied = {path.name for path in (copy.parent / "captured_images").glob("*.jpg")}
    assert len(copied) == 2
    assert copied < pictures


def test_only_so_many_copies_are_kept(person: Operator, outbox: Outbox) -> None:
    folder = person.data / "backups"
    folder.mkdir()
    for day in ("20240101", "20240102"):
        (folder / f"lpr_data-{day}T000000Z.db").touch()
    (folder / "lpr_data-of-mine.db").touch()
    done = person.types("scripts/backup_database.sh", "--keep", "2")
    assert done.code == 0, done.said
    names = [path.name for path in backups(person)]
    assert names[0] == "lpr_data-20240102T000000Z.db"
    assert names[-1] == "lpr_data-of-mine.db"
    assert len(names) == 3


def test_damaged_database_gives_no_backup(person: Operator, outbox: Outbox) -> None:
    outbox.close()
    database = person.data / "db" / "lpr_data.db"
    content = bytearray(database.read_bytes())
    content[4096 : 4096 * 4] = b"\xff" * 4096 * 3
    database.write_bytes(content)
    done = person.types("scripts/backup_database.sh")
    assert done.code == 1
    assert "could not be backed up" in done.said
    assert list((person.data / "backups").iterdir()) == []


def test_cleanup_shows_then_copies_and_deletes_and_never_what_waits(
    person: Operator, outbox: Outbox
) -> None:
    shown = person.types("cleanup_old_data.sh", "--dry-run")
    assert shown.code == 0, shown.said
    assert "Would go: 1 rows that the server has" in shown.out
    assert backups(person) == []
    done = person.types("cleanup_old_data.sh", "--older-than", "30")
    assert done.code == 0, done.said
    assert "Gone: 1 rows that the server has" in done.out
    assert plates(outbox.path) == ["WAIT222"]
    [copy] = backups(person)
    assert plates(copy) == ["SENT111", "WAIT222"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account: run as root")
def test_links_in_an_accounts_folder_lead_root_nowhere() -> None:
    account = 1234
    with tempfile.TemporaryDirectory() as name, operator(Path(name)) as person:
        Path(name).chmod(0o755)
        database = person.data / "db" / "lpr_data.db"
        with Outbox.open(database, person.data / "captured_images", "camera") as opened:
            opened.record(plate("KEPT111"))
        roots = Path(name) / "roots"
        roots.mkdir()
        # SQLite would make its log at the end of that link, and the copy would go to root's folder.
        Path(f"{database}-wal").unlink(missing_ok=True)
        Path(f"{database}-wal").symlink_to(roots / "made-by-root")
        (person.data / "backups").symlink_to(roots)
        for path in (person.data, *person.data.rglob("*")):
            os.chown(path, account, account, follow_symlinks=False)
        assert person.types("scripts/backup_database.sh").code == 1
        assert list(roots.iterdir()) == []

        Path(f"{database}-wal").unlink()
        (person.data / "backups").unlink()
        done = person.types("scripts/backup_database.sh")
        assert done.code == 0, done.said
        [copy] = backups(person)
        assert copy.stat().st_uid == account
        elsewhere = person.types("scripts/backup_database.sh", "--to", str(roots / "own"))
        assert elsewhere.code == 0, elsewhere.said
        [copy] = (roots / "own").iterdir()
        assert (plates(copy), copy.stat().st_uid) == (["KEPT111"], 0)
        assert sorted(person.data.glob(".backup-*")) == []


def test_what_the_server_has_in_postgresql_is_given_up_there(
    person: Operator, databases: Databases
) -> None:
    url = databases.cleaned()
    (person.data / ".env.production").write_text(f"SERVER_DATABASE_URL={url}\n")
    asyncio.run(_one_old_row(url))
    done = person.types("cleanup_old_data.sh", "--older-than", "30")
    assert done.code == 0, done.said
    assert "PostgreSQL, which is not copied here: use pg_dump" in done.said
    assert "Gone: 1 rows" in done.out


async def _one_old_row(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO evictions (received_at) VALUES ($1)", LONG_AGO)
    finally:
        await connection.close()


@pytest.mark.parametrize("script", ["scripts/backup_database.sh", "cleanup_old_data.sh"])
def test_where_nothing_is_yet_it_says_so(person: Operator, script: str) -> None:
    done = person.types(script)
    assert done.code == 1
    assert "there is no database here yet" in done.said
