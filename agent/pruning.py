"""Deletes what was sent long ago at a person's command: `python -m agent prune`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

import apsw

from agent.building import picture_format_of
from agent.clock import SystemClock
from agent.config import AgentSettings
from agent.errors import AgentError, DatabaseUnusable, OutboxError
from agent.outbox.database import Purpose, broken_text_as_corrupt, connect, transaction
from agent.outbox.retention import Pruned, measure_old, prune
from agent.outbox.spool import PictureSpool
from agent.outbox.trouble import advice
from agent.outbox.waiting import Reading
from db import migrations

BUSY_TIMEOUT_MS: Final = 30_000
_UNIT_DAYS: Final = {"d": 1, "w": 7, "y": 365}
_DURATION: Final = re.compile(r"(\d{1,5})([dwy])", re.ASCII)


class _Store:
    """A connection beside those of a running agent, or of nobody."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        with broken_text_as_corrupt(), transaction(self._connection):
            yield self._connection


def age_of(text: str) -> timedelta:
    """`30d`, `8w`, `1y`; raises AgentError for anything else, and for less than a day."""
    found = _DURATION.fullmatch(text.strip())
    days = int(found[1]) * _UNIT_DAYS[found[2]] if found else 0
    if not 1 <= days <= 100 * 365:
        raise AgentError(f"--older-than {text}: expected a time such as 30d, 8w or 1y, at least 1d")
    return timedelta(days=days)


def prune_now(settings: AgentSettings, *, older_than: timedelta, dry_run: bool) -> str:
    """Deletes rows that the server acknowledged before then, and their pictures; what to tell.

    A row that waits or was refused is never touched. Raises OutboxError.
    """
    path = settings.db_path
    if not path.exists():
        raise DatabaseUnusable(f"there is no database {path}: python -m agent run makes it")
    now = SystemClock().now()
    spool = PictureSpool(settings.images_dir, picture_format_of(settings))
    with closing(connect(path, Purpose.KEEPING)) as connection:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        if not migrations.schema_version(connection):
            raise DatabaseUnusable(f"{path} is an older system's still: start the agent once first")
        work = measure_old if dry_run else prune
        try:
            done = work(
                _Store(connection),
                spool,
                before=now - older_than,
                reading=Reading(zone=None, now=now),
            )
        except apsw.Error as error:
            raise OutboxError(f"{path} cannot be pruned ({error}): {advice(error)}") from error
    return _told(done, dry_run=dry_run)


def _told(done: Pruned, *, dry_run: bool) -> str:
    what = f"{done.rows:,} rows that the server has, {done.picture_bytes / 1e6:,.1f} MB of pictures"
    if dry_run:
        return f"Would go: {what}. Nothing was changed (--dry-run)."
    return f"Gone: {what}."
