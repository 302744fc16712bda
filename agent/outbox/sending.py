"""The sender's side of the database: what waits, its pictures, and flags for what was settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from itertools import groupby
from pathlib import Path
from typing import Final, Self

import apsw
import structlog

from agent.clock import Clock, SystemClock
from agent.delivery import (
    OutboxCounts,
    RowKey,
    RowRefused,
    ServerHolds,
    Settlement,
    StoreIdentity,
    WaitingRow,
)
from agent.errors import OutboxError, PictureNotWritten
from agent.outbox import books, resending, waiting, watching
from agent.outbox.adoption import connect_adopted
from agent.outbox.database import Purpose, broken_text_as_corrupt, connect, transaction
from agent.outbox.naming import MessageIds, system_random
from agent.outbox.spool import PictureFormat, PictureSpool
from agent.outbox.trouble import advice
from agent.outbox.waiting import Columns, Reading
from wire.rows import Table
from wire.watchlist import WholeWatchlist

log = structlog.get_logger(__name__)

RESENDS: Final = 3
"""So often when a server says the same; one that goes on doing so does not count."""
SMALL_SHARE: Final = 0.5
ERROR_CHARACTERS: Final = 1_000


class SendingStore:
    """An `agent.delivery.DeliveryStore`. Blocking; one thread at a time."""

    def __init__(
        self,
        connection: apsw.Connection,
        *,
        spool: PictureSpool,
        clock: Clock,
        ids: MessageIds,
        zone: tzinfo | None,
        on_fault: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """`on_fault` is told what the database says is wrong with it."""
        self._connection = connection
        self._path = Path(connection.filename)
        self._spool = spool
        self._clock = clock
        self._ids = ids
        self._zone = zone
        self._on_fault = on_fault
        self._resends: tuple[tuple[str, int] | None, int] = (None, 0)
        self._file = _file_at(self._path)

    @classmethod
    def open(
        cls,
        path: Path,
        captured_images: Path,
        device_id: str,
        *,
        clock: Clock | None = None,
        picture_format: PictureFormat | None = None,
        zone: tzinfo | None = None,
        is_default_name: bool = False,
    ) -> Self:
        """For a sender that runs alone: creates or adopts the database as `Outbox.open` does.

        A corrupt one it leaves to the recording program.
        """
        clock = clock or SystemClock()
        ids = MessageIds(clock, system_random)
        connection = connect_adopted(
            path,
            Purpose.SENDING,
            device_id=device_id,
            epoch=ids.fresh(),
            now=clock.now(),
            is_default_name=is_default_name,
        )
        spool = PictureSpool(captured_images, picture_format or PictureFormat())
        return cls(connection, spool=spool, clock=clock, ids=ids, zone=zone)

    def identity(self) -> StoreIdentity:
        """Opens the database anew where the recording program has put another in its place."""
        if self._is_replaced():
            log.warning("the database was replaced: the new one is opened", path=self._path)
            self._connection.close()
            self._connection = connect(self._path, Purpose.SENDING)
            self._file = _file_at(self._path)
        with self._using() as connection:
            return books.read_identity(connection)

    def counts(self) -> OutboxCounts:
        with self._using() as connection:
            return books.read_counts(connection)

    def retry_refused(self) -> int:
        """Queues again what the server refused for good; returns how many rows."""
        with self._using() as connection, transaction(connection):
            return books.retry_refused(connection)

    def resend_since(self, since: datetime) -> int:
        """Queues again what was acknowledged at or after that time; returns how many rows."""
        reading = Reading(zone=self._zone, now=self._clock.now())
        with self._using() as connection:
            return resending.resend_since(connection, since, reading)

    def resend_missing(self, server: ServerHolds) -> int:
        said = (server.run, server.rows)
        before, times = self._resends
        if said == before and times >= RESENDS:
            log.error("the server does not keep count of rows: none is sent again", said=said)
            return 0
        with self._using() as connection:
            queued = resending.resend_missing(connection, server)
        if queued:
            self._resends = (said, times + 1 if said == before else 1)
            log.warning(
                "the server is an older backup, or another one: what it lacks is sent again",
                rows=queued,
                held=server.rows,
            )
        return queued

    def newest(self) -> Mapping[Table, int]:
        with self._using() as connection:
            return {
                table: connection.execute(f"SELECT coalesce(max(id), 0) FROM {name}").get  # noqa: S608 - our own names
                for table, name in books.SQL_TABLES.items()
            }

    def waiting(
        self,
        table: Table,
        *,
        after_id: int,
        up_to_id: int | None,
        limit: int,
        watched: bool | None = None,
    ) -> Sequence[WaitingRow]:
        last_id = waiting.LAST_ROW_ID if up_to_id is None else up_to_id
        bindings = (after_id, last_id, limit)
        reading = Reading(zone=self._zone, now=self._clock.now())
        select = waiting.select_of(table, watched=watched)
        with self._using() as connection:
            try:
                found: list[Columns] = connection.execute(select, bindings).fetchall()
                unnamed = [row for row in found if row[waiting.MESSAGE_ID_COLUMN] is None]
                if unnamed:
                    self._name(table, unnamed, reading)
                    found = connection.execute(select, bindings).fetchall()
                return [waiting.read_row(table, row, reading) for row in found]
            except waiting.UNREADABLE:
                self._set_aside_unreadable(table, bindings, reading)
        return self.waiting(
            table, after_id=after_id, up_to_id=up_to_id, limit=limit, watched=watched
        )

    def read_picture(self, row: WaitingRow, *, small: bool = False) -> bytes | None:
        if not row.pictures:
            return None
        content = self._spool.read(row.pictures)
        if content is None or not (small or row.may_need_scaling):
            return content
        try:
            return self._spool.scaled(content, share=SMALL_SHARE if small else 1.0)
        except PictureNotWritten as error:
            log.warning("a row goes without its picture", row=row.key.row_id, error=str(error))
            return None

    def settle(self, settlement: Settlement) -> None:
        at = self._local_now()
        with self._using() as connection, transaction(connection):
            for table, keys in groupby(settlement.acknowledged, key=_table_of):
                connection.executemany(
                    f"UPDATE {books.SQL_TABLES[table]} SET sent_to_server = 1, "  # noqa: S608 - our own names
                    "sent_timestamp = ?, send_error = NULL, server_rows = ? "
                    "WHERE id = ? AND sent_to_server <> 1",
                    [(at, settlement.server_rows, key.row_id) for key in keys],
                )
            if settlement.acknowledged and settlement.server_rows is not None:
                connection.execute(
                    "UPDATE store SET server_rows = max(server_rows, ?)", (settlement.server_rows,)
                )
            for refused in settlement.refused:
                if refused.is_id_known and self._was_delivered(connection, refused.key, at):
                    continue
                connection.execute(
                    f"UPDATE {books.SQL_TABLES[refused.key.table]} SET sent_to_server = 2, "  # noqa: S608 - our own names
                    "send_error = ?, send_attempts = send_attempts + 1 "
                    "WHERE id = ? AND sent_to_server = 0",
                    (refused.error[:ERROR_CHARACTERS], refused.key.row_id),
                )

    def note_failure(self, key: RowKey, error: str, *, delay_s: float) -> float:
        now = self._clock.now()
        with self._using() as connection, transaction(connection):
            row = connection.execute(
                f"UPDATE {books.SQL_TABLES[key.table]} SET send_attempts = send_attempts + 1, "  # noqa: S608 - our own names
                "send_error = ?, retry_since = coalesce(retry_since, ?), "
                "retry_waited_s = retry_waited_s + ? WHERE id = ? RETURNING retry_waited_s",
                (error[:ERROR_CHARACTERS], now.isoformat(), delay_s, key.row_id),
            ).fetchone()
        return 0.0 if row is None else max(0.0, float(row[0]) - delay_s)

    def count_waiting(self, tables: Iterable[Table]) -> int:
        with self._using() as connection:
            return sum(
                connection.execute(
                    f"SELECT count(*) FROM {name} INDEXED BY {name}_waiting "  # noqa: S608 - our own names
                    "WHERE sent_to_server = 0"
                ).get
                for name in (books.SQL_TABLES[table] for table in tables)
            )

    def keep_watchlist(self, whole: WholeWatchlist) -> None:
        with self._using() as connection, transaction(connection):
            watching.keep(connection, whole)
        log.info("watchlist kept", plates=len(whole.plates))

    def data_version(self) -> int:
        if self._is_replaced():
            raise OutboxError(f"{self._path} was replaced: the connection is made anew with it")
        with self._using() as connection:
            return int(connection.execute("PRAGMA data_version").get)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _using(self) -> Iterator[apsw.Connection]:
        try:
            with broken_text_as_corrupt():
                yield self._connection
        except apsw.Error as error:
            self._on_fault(error)
            raise OutboxError(
                f"{self._path} cannot be read or written ({error}): {advice(error)}; nothing is "
                "lost, what was sent is sent again"
            ) from error

    def _is_replaced(self) -> bool:
        """Whether another file has the database's name: a corrupt one was set aside."""
        there = _file_at(self._path)
        return there is not None and there != self._file

    def _local_now(self) -> str:
        return self._clock.now().astimezone(self._zone).isoformat(timespec="milliseconds")

    def _was_delivered(self, connection: apsw.Connection, key: RowKey, at: str) -> bool:
        """Flags a row whose id the server knows from under our former name: it has it already.

        Nobody else gives our ids, so only a row numbered in this epoch can be another row.
        """
        name = books.SQL_TABLES[key.table]
        connection.execute(
            f"UPDATE {name} SET sent_to_server = 1, sent_timestamp = ?, send_error = NULL "  # noqa: S608 - our own names
            "WHERE id = ? AND sent_to_server = 0 "
            "AND sequence <= (SELECT epoch_after_sequence FROM store)",
            (at, key.row_id),
        )
        return connection.changes() > 0

    def _set_aside_unreadable(
        self, table: Table, bindings: tuple[int, int, int], reading: Reading
    ) -> None:
        """Rows in which some tool left what no text or number is must not hold up the others."""
        name = books.SQL_TABLES[table]
        ids: list[Columns] = self._connection.execute(
            f"SELECT id FROM {name} WHERE sent_to_server = 0 AND id > ? AND id <= ? "  # noqa: S608 - our own names
            "ORDER BY id LIMIT ?",
            bindings,
        ).fetchall()
        refused: list[RowRefused] = []
        for (row_id,) in ids:
            one = self._connection.execute(waiting.SELECTS[table], (row_id - 1, row_id, 1))
            error = _fault_of(one, table, reading)
            if error is not None:
                refused.append(RowRefused(key=RowKey(table, row_id), error=error))
        if not refused:
            raise OutboxError(f"{name} cannot be read, though each of its rows can")
        log.error("rows cannot be read and are set aside", table=name, count=len(refused))
        self.settle(Settlement(refused=refused))

    def _name(self, table: Table, rows: Sequence[Columns], reading: Reading) -> None:
        """Gives rows of older tools their id and sequence, before they are sent for the first time.

        With fsync: an id that a power cut took back after it was sent would make a second row.
        """
        self._connection.pragma("synchronous", "FULL")
        try:
            with transaction(self._connection):
                first = books.next_sequences(self._connection, len(rows))
                self._connection.executemany(
                    f"UPDATE {books.SQL_TABLES[table]} SET message_id = ?, sequence = ? "  # noqa: S608 - our own names
                    "WHERE id = ? AND message_id IS NULL",
                    [
                        (
                            self._ids.fresh(
                                waiting.captured_at(row[waiting.TIMESTAMP_COLUMN], reading)
                            ),
                            first + index,
                            row[waiting.ID_COLUMN],
                        )
                        for index, row in enumerate(rows)
                    ],
                )
        finally:
            self._connection.pragma("synchronous", Purpose.SENDING.synchronous)


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file has that name, None where there is none at the moment."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _fault_of(cursor: apsw.Cursor, table: Table, reading: Reading) -> str | None:
    """Why the one row of this cursor cannot be read; None where it can."""
    try:
        for row in cursor:
            waiting.read_row(table, row, reading)
    except waiting.UNREADABLE as error:
        return f"the row cannot be read here, it was never sent: {error}"
    return None


def _table_of(key: RowKey) -> Table:
    return key.table
