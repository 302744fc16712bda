"""`python -m server pictures` on a database and a folder of pictures."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from server import cli
from server.errors import StartRefused
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres import moving
from server.storage.postgres.connection import opened
from tests.server.cameras import jpeg
from tests.server.rows import accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.stores import Place
from wire.checks import CheckedPicture

ORPHAN = CheckedPicture(b"of no row", hashlib.sha256(b"of no row").hexdigest())


async def test_a_sweep_leaves_what_rows_name_and_that_is_copied_and_listed(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.migrated)
    received = datetime.now(UTC) - timedelta(days=3)
    rows = [accepted_plate(number, image=jpeg(number)) for number in (1, 2)]
    async with Place(tmp_path, url).opened() as store:
        await store.commit_group(rows, received)
    keeper = DailyPictures(tmp_path / "pictures")
    await keeper.add(received, [ORPHAN])
    keeper.close()
    daily = CliRunner(
        env={"SERVER_DB_PATH": str(tmp_path / "server.db"), "SERVER_DATABASE_URL": url}
    )
    folder = CliRunner(env={**daily.env, "SERVER_IMAGE_STORE": f"file://{tmp_path}/copy"})

    target = await opened(url)
    await target.execute("CREATE TABLE store_move (table_name TEXT)")  # a move is under way
    refused = await asyncio.to_thread(daily.invoke, cli.app, ["pictures", "sweep"])
    assert isinstance(refused.exception, StartRefused)
    await moving.finish(target)
    await target.close()
    swept = await asyncio.to_thread(daily.invoke, cli.app, ["pictures", "sweep"])
    assert "1 pictures that no row names are gone" in swept.output
    copied = await asyncio.to_thread(folder.invoke, cli.app, ["pictures", "copy", "daily:"])
    assert "2 pictures copied" in copied.output
    listed = await asyncio.to_thread(folder.invoke, cli.app, ["pictures", "list"])
    assert received.date().isoformat() in listed.output
    kept = {path.name for path in (tmp_path / "copy" / received.date().isoformat()).iterdir()}
    assert kept == {row.picture.sha256 for row in rows if row.picture is not None}
