"""What tests of the outbox's upkeep share: flags set as a server's answers would, and looks."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import apsw

from agent.clock import SystemClock
from agent.delivery import RowRefused, Settlement, WaitingRow
from agent.outbox.books import SQL_TABLES
from agent.outbox.quota import Limits
from agent.outbox.spool import OLD_ENOUGH_S
from agent.outbox.store import Outbox
from agent.outbox.upkeep import Upkeep
from wire.rows import Table


def opened(folder: Path) -> Outbox:
    return Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1")


def upkeep(outbox: Outbox, *, quota_bytes: int = 0, floor_bytes: int = 0) -> Upkeep:
    limits = Limits(quota_bytes=quota_bytes, floor_bytes=floor_bytes)
    return Upkeep(outbox, limits=limits, clock=SystemClock())


def age(folder: Path) -> None:
    """Makes its files old enough to be swept."""
    long_ago = time.time() - OLD_ENOUGH_S - 60
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))


def waiting(outbox: Outbox, table: Table = Table.LPR_DETECTION) -> list[WaitingRow]:
    store = outbox.sending()
    try:
        return list(store.waiting(table, after_id=0, up_to_id=None, limit=100_000))
    finally:
        store.close()


def settle(outbox: Outbox, *, acknowledged: int = 0, refused: int = 0) -> None:
    """The oldest waiting plates become acknowledged, those after them refused."""
    keys = [row.key for row in waiting(outbox)]
    store = outbox.sending()
    store.settle(
        Settlement(
            acknowledged=keys[:acknowledged],
            refused=[
                RowRefused(key=key, error="no")
                for key in keys[acknowledged : acknowledged + refused]
            ],
        )
    )
    store.close()


def asked(database: Path, sql: str) -> list[tuple[Any, ...]]:
    reader = apsw.Connection(str(database))
    try:
        return reader.execute(sql).fetchall()
    finally:
        reader.close()


def assert_books_balance(outbox: Outbox) -> None:
    """The books agree among themselves, and with the rows."""
    counts = outbox.counts()
    settled = counts.waiting + counts.acknowledged + counts.refused + counts.evicted
    assert counts.captured == settled
    union = " UNION ALL ".join(
        f"SELECT sent_to_server AS flag FROM {table}"  # noqa: S608 - our own names
        for table in SQL_TABLES.values()
    )
    flags = dict(asked(outbox.path, f"SELECT flag, count(*) FROM ({union}) GROUP BY flag"))  # noqa: S608 - our own names
    assert (flags.get(0, 0), flags.get(2, 0)) == (counts.waiting, counts.refused)
