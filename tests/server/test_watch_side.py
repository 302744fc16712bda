"""What breaks a part of watching is reported, and the part starts anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.account_side import accounts_in_sqlite
from server.accounts.lifetimes import Lifetimes
from server.storage.ground import ground_on
from server.watch_side import watch_side
from telemetry.error_book import ErrorBook
from telemetry.logging import configure_logging
from tests.server.conftest import settings_in
from tests.server.storage.history import NOON, plate
from tests.server.watchlist.watching import watching_in
from tests.telemetry.own_log import own_log

PATIENCE_S = 20


async def test_a_rule_that_cannot_be_read_holds_alerts_up_until_it_is_mended(
    tmp_path: Path,
) -> None:
    errors = ErrorBook()
    with own_log():
        configure_logging(file=tmp_path / "log", level="info", to_stderr=False, errors=errors)
        async with watching_in(tmp_path) as watch:
            database = watch.centre.database
            accounts = accounts_in_sqlite(database, Lifetimes(), lambda: NOON)
            await watch.list_of("AB1")
            await watch.centre.execute("UPDATE watchlists SET schedule = 'of another version'")
            async with watch_side(
                settings_in(tmp_path, db_path=database),
                ground_on(database),
                auditor=accounts,
                pictures=watch.centre.sightings,
                now=lambda: NOON,
            ) as side:
                await watch.centre.take(plate(1, "AB 1"))
                async with asyncio.timeout(PATIENCE_S):
                    while not errors.summary().reports:  # noqa: ASYNC110 (it only holds them)
                        await asyncio.sleep(0.01)
                await watch.centre.execute("UPDATE watchlists SET schedule = ''")
                await side.alerted.heard(0, within_s=PATIENCE_S)
                assert side.engine.raised == 1
            await accounts.close()
    (report,) = errors.summary().reports
    assert "part=alerts" in report.details
