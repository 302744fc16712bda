"""Opens the outbox whatever state it was left in, and looks now and then whether it is sound."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import apsw
import structlog

from agent.clock import Clock
from agent.errors import DatabaseCorrupt, DatabaseUnusable
from agent.outbox.naming import MessageIds, system_random
from agent.outbox.recovery import Recovered, aside_name, recover
from agent.outbox.reserve import reserve_beside
from agent.outbox.state import Left, State, StateFile
from agent.outbox.store import Outbox
from agent.outbox.trouble import CORRUPT

log = structlog.get_logger(__name__)

CHECK_EVERY: Final = timedelta(days=1)
STEPS_BETWEEN_LOOKS: Final = 20_000
"""Of SQLite's virtual machine, between two looks whether a check is to end: some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`recovered`: what was saved of a corrupt database, if it was one."""

    outbox: Outbox
    soundness: Soundness
    recovered: Recovered | None


def open_outbox(
    path: Path, device_id: str, *, clock: Clock, open_with: Callable[[], Outbox]
) -> Opened:
    """What `open_with` opens at `path`; a corrupt database is set aside first, and that reported.

    Only one that we have opened before is set aside: any other file may be somebody's.
    Raises DatabaseUnusable.
    """
    file = StateFile(path)
    state = file.read()
    recovered = None
    if state is not None and state.left is Left.CORRUPT:
        recovered = _recover(path, file, state, device_id, clock)
    try:
        outbox = open_with()
    except DatabaseUnusable as error:
        if state is None or recovered is not None or not _is_corruption(error):
            raise
        log.error("the database is corrupt", error=str(error))
        recovered = _recover(path, file, marked(path, state, clock.now()), device_id, clock)
        outbox = open_with()
    was_left_running = state is not None and state.left is Left.RUNNING
    checked_at = state.checked_at if state is not None and recovered is None else clock.now()
    file.write(State(left=Left.RUNNING, checked_at=checked_at))
    if recovered is not None:
        _report(outbox, recovered)
    soundness = Soundness(outbox, file, clock=clock, is_due=was_left_running and recovered is None)
    return Opened(outbox=outbox, soundness=soundness, recovered=recovered)


def marked(path: Path, state: State | None, now: datetime) -> State:
    """The state of a database that is corrupt, with where it will go."""
    checked_at = state.checked_at if state else None
    return State(left=Left.CORRUPT, checked_at=checked_at, aside=aside_name(path, now))


class Soundness:
    """Checks the database on a connection of its own: after an unclean stop, and daily."""

    def __init__(self, outbox: Outbox, file: StateFile, *, clock: Clock, is_due: bool) -> None:
        self._outbox = outbox
        self._file = file
        self._clock = clock
        self._is_due = is_due
        self._checked_at: datetime | None = None
        self._closing = threading.Event()

    def check_if_due(self) -> bool:
        """Whether a check was made. Raises DatabaseCorrupt; takes minutes at an SD card's speed."""
        state = self._file.read()
        now = self._clock.now()
        checked_at = self._checked_at or (state.checked_at if state else None)
        is_old = checked_at is None or not now - CHECK_EVERY < checked_at <= now
        if not (self._is_due or is_old or self._outbox.is_suspect):
            return False
        fault = self._fault()
        if self._outbox.is_suspect:
            fault = fault or "a statement failed"
        if self._closing.is_set():
            return False
        if fault is not None:
            reserve_beside(self._outbox.path).release()  # on a full disk, room for the mark
            self._file.write(marked(self._outbox.path, state, now))
            raise DatabaseCorrupt(
                f"{self._outbox.path} is corrupt ({fault}): it is set aside at the next start, and "
                "what can be read of it saved; check the card or disk"
            )
        self._is_due = False
        self._checked_at = now  # where it cannot be written, too: else it would be checked again
        self._file.write(State(left=Left.RUNNING, checked_at=now))
        return True

    def close(self) -> None:
        """Ends a check under way, and notes that the program ended in order."""
        self._closing.set()
        state = self._file.read()
        if state is None or state.left is Left.RUNNING:
            left = Left.RUNNING if self._is_due else Left.STOPPED
            checked_at = state.checked_at if state else None
            self._file.write(State(left=left, checked_at=checked_at))

    def _fault(self) -> str | None:
        """What is wrong; None where nothing is, or the check was ended early."""
        try:
            connection = apsw.Connection(str(self._outbox.path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.Error as error:
            return str(error) if isinstance(error, CORRUPT) else None
        try:
            connection.set_progress_handler(self._closing.is_set, STEPS_BETWEEN_LOOKS)
            said = str(connection.execute("PRAGMA quick_check(1)").get)
            return None if said == "ok" else said
        except apsw.Error as error:
            return str(error) if isinstance(error, CORRUPT) else None
        finally:
            connection.close()


def _is_corruption(error: DatabaseUnusable) -> bool:
    return isinstance(error.__cause__, CORRUPT) or isinstance(error.__context__, CORRUPT)


def _recover(
    path: Path, file: StateFile, state: State, device_id: str, clock: Clock
) -> Recovered | None:
    now = clock.now()
    aside = path.with_name(state.aside or aside_name(path, now))
    reserve_beside(path).release()  # on a full disk, room for the mark and the new database
    if not file.write(State(left=Left.CORRUPT, checked_at=state.checked_at, aside=aside.name)):
        # Moved without the mark, it would be forgotten where no new database could be made.
        raise DatabaseUnusable(
            f"{path} is corrupt, and {file.path} cannot be written: free disk space, check the "
            "folder's permissions, change the card or disk"
        )
    epoch = MessageIds(clock, system_random).fresh(now)
    try:
        return recover(path, aside, device_id=device_id, epoch=epoch, now=now)
    except (OSError, apsw.Error) as error:
        raise DatabaseUnusable(
            f"{path} is corrupt and no new database can be made ({error}): free disk space, check "
            "the folder's permissions, change the card or disk"
        ) from error


def _report(outbox: Outbox, recovered: Recovered) -> None:
    message = recovered.as_message()
    outbox.record_health(component="database", status="FAIL", message=message)
    if recovered.lost != 0:
        outbox.record_eviction(
            kind="row",
            reason="corrupt_database",
            evicted_table="all",
            count=recovered.lost or 0,
            message=message,
        )
