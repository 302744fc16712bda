"""Makes sightings, health checks and evictions durable: the picture first, then one transaction."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, tzinfo
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Final, Literal, Self

import apsw
import msgspec
import structlog

from agent.clock import Clock, SystemClock
from agent.delivery import OutboxCounts
from agent.errors import OutboxClosed, OutboxError, PictureNotWritten, RecordingFailed
from agent.outbox import books, recording
from agent.outbox.adoption import connect_adopted, make_shrinkable
from agent.outbox.database import (
    LOG_BYTES,
    Purpose,
    broken_text_as_corrupt,
    connect,
    transaction,
)
from agent.outbox.eviction import GivenUp
from agent.outbox.naming import MessageIds, system_random
from agent.outbox.orphans import has_strangers, sweep_orphans
from agent.outbox.ownership import claim
from agent.outbox.recording import RecordedRow, Values
from agent.outbox.sending import SendingStore
from agent.outbox.spool import BgrPicture, PictureFormat, PictureSpool, SpooledPicture
from agent.outbox.timekeeper import Timekeeper
from agent.outbox.trouble import CORRUPT, recording_failed
from agent.outbox.truetime import Seen
from agent.outbox.waiting import UNREADABLE
from agent.outbox.watching import Watch
from agent.pipeline.sighting import FaceSighting, PlateSighting, Sighting

log = structlog.get_logger(__name__)

ROOM_TRIES: Final = 8


class Outbox:
    """The recording side of the agent's database. Blocking; safe from any thread."""

    def __init__(
        self,
        connection: apsw.Connection,
        *,
        path: Path,
        spool: PictureSpool,
        clock: Clock,
        ids: MessageIds,
        zone: tzinfo | None,
    ) -> None:
        self.path = path
        self.spool = spool
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self._zone = zone
        self._lock = threading.Lock()
        self._make_room: Callable[[bool], bool] | None = None
        self._watch = Watch()
        self._timekeeper = Timekeeper(clock, zone)
        self.is_suspect = False
        """Whether the database said itself that it is corrupt."""
        self._listeners: list[Callable[[], None]] = []
        self._is_open = True

    @classmethod
    def open(
        cls,
        path: Path,
        captured_images: Path,
        device_id: str,
        *,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = system_random,
        picture_format: PictureFormat | None = None,
        zone: tzinfo | None = None,
        is_default_name: bool = False,
    ) -> Self:
        """Creates the database, or adopts what lies there (an older one after a backup).

        `random(n)` gives n bytes. `zone` is that of naive timestamps and of those we write; None
        is this machine's. `is_default_name`: nobody chose `device_id`, so that a database which
        bears a name keeps it. Raises `agent.errors.DatabaseUnusable`.
        """
        clock = clock or SystemClock()
        ids = MessageIds(clock, random)
        connection = connect_adopted(
            path,
            Purpose.RECORDING,
            device_id=device_id,
            epoch=ids.fresh(),
            now=clock.now(),
            is_default_name=is_default_name,
        )
        make_shrinkable(connection)
        spool = PictureSpool(captured_images, picture_format or PictureFormat())
        outbox = cls(connection, path=path, spool=spool, clock=clock, ids=ids, zone=zone)
        outbox._claim_pictures()  # before the first picture is put there
        return outbox

    def sending(self) -> SendingStore:
        """A second connection for a sender, to be used (and closed) by that sender alone."""
        return SendingStore(
            connect(self.path, Purpose.SENDING),
            spool=self.spool,
            clock=self._clock,
            ids=self._ids,
            zone=self._zone,
            on_fault=self._note_fault,
        )

    def on_commit(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` after each commit, in the committing thread: it must not block.

        Returns what ends that.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_full(self, make_room: Callable[[bool], bool]) -> None:
        """What to call, in the recording thread, when the disk is full: whether to try again.

        Its argument: whether rows may be given up too.
        """
        self._make_room = make_room

    def record(self, sighting: Sighting) -> RecordedRow:
        """Makes a sighting of either kind durable."""
        if isinstance(sighting, PlateSighting):
            return self.record_plate(sighting)
        return self.record_face(sighting)

    def record_plate(self, sighting: PlateSighting) -> RecordedRow:
        """Makes a plate durable. A picture that cannot be written does not lose the sighting."""
        message_id = self._ids.fresh(sighting.captured_at)
        picture = self._spooled(sighting.picture, message_id, sighting.captured_at)
        timestamp = recording.timestamp_text(sighting.captured_at, self._zone)
        return self._insert(
            "detection_results",
            message_id,
            recording.plate_values(
                sighting,
                message_id,
                timestamp,
                picture,
                is_watched=self._is_watched(sighting),
            ),
            recording.metadata_values(message_id, timestamp, sighting.sensor, picture),
            picture,
        )

    def record_face(self, sighting: FaceSighting) -> RecordedRow:
        """Makes a face durable, as `record_plate` does."""
        message_id = self._ids.fresh(sighting.captured_at)
        picture = self._spooled(sighting.picture, message_id, sighting.captured_at)
        timestamp = recording.timestamp_text(sighting.captured_at, self._zone)
        return self._insert(
            "face_results",
            message_id,
            recording.face_values(sighting, message_id, timestamp, picture),
            recording.metadata_values(message_id, timestamp, sighting.sensor, picture),
            picture,
        )

    def record_health(
        self,
        *,
        component: str,
        status: str,
        message: str,
        system_info: dict[str, Any] | None = None,
        at: datetime | None = None,
    ) -> RecordedRow:
        """Makes a health check durable; `at` defaults to now."""
        moment = at or self._clock.now()
        values: Values = {
            "timestamp": recording.timestamp_text(moment, self._zone),
            "component": component,
            "status": status,
            "message": message,
            "system_info": msgspec.json.encode(system_info).decode() if system_info else None,
        }
        return self._insert("health_checks", self._ids.fresh(moment), values)

    def record_eviction(
        self,
        *,
        kind: Literal["picture", "row"],
        reason: str,
        evicted_table: str,
        count: int,
        size_bytes: int = 0,
        first_sequence: int | None = None,
        last_sequence: int | None = None,
        message: str = "",
    ) -> RecordedRow:
        """Makes known what had to be given up; removing it is the caller's."""
        given_up = GivenUp(
            kind=kind,
            reason=reason,
            evicted_table=evicted_table,
            count=count,
            size_bytes=size_bytes,
            first_sequence=first_sequence,
            last_sequence=last_sequence,
            message=message,
        )
        return self._insert("evictions", *self._eviction(given_up))

    def note_given_up(self, connection: apsw.Connection, given_up: GivenUp) -> None:
        """Inserts the row that tells of it, in the transaction that gives it up."""
        message_id, values = self._eviction(given_up)
        self._insert_in(connection, "evictions", message_id, values)

    def counts(self) -> OutboxCounts:
        """The books; cheap at any size."""
        with self._asking() as connection:
            return books.read_counts(connection)

    def retry_refused(self) -> int:
        """Queues again what the server refused for good; returns how many rows."""
        with self._asking() as connection, transaction(connection):
            queued = books.retry_refused(connection)
        self._tell()
        return queued

    def checkpoint(self) -> None:
        """Moves a write-ahead log that has grown into the database; cheap when it has not.

        To be called now and then: the log also grows by a sender's flags, and no commit of ours
        moves it while nothing passes.
        """
        log_file = self.path.with_name(self.path.name + "-wal")
        try:
            if log_file.stat().st_size < LOG_BYTES:
                return
        except FileNotFoundError:
            return
        with self._asking() as connection:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def sweep(self) -> int:
        """Removes pictures whose row a crash prevented; once, at start (see `sweep_orphans`).

        Where folder or database fail meanwhile the rest stays.
        """
        now = self._clock.now()
        try:
            store = self._store_name()
            return sweep_orphans(self.spool, store=store, is_known=self._knows, now=now)
        except (OSError, apsw.Error, OutboxError) as error:
            log.error("pictures without a row stay: not all could be looked at", error=str(error))
            return 0

    def close(self) -> None:
        """Closes the connection. May be repeated."""
        with self._lock:
            self._is_open = False
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """One durable transaction for what keeps house here; raises apsw.Error as it comes."""
        with self._using() as connection, transaction(connection):
            yield connection

    @contextmanager
    def _using(self) -> Iterator[apsw.Connection]:
        with self._lock:
            if not self._is_open:
                raise OutboxClosed(f"{self.path} was closed; nothing can be recorded in it")
            try:
                with broken_text_as_corrupt():
                    yield self._connection
            except apsw.Error as error:
                self._note_fault(error)
                raise

    @contextmanager
    def _asking(self) -> Iterator[apsw.Connection]:
        """`_using` for all but recording: what the database refuses becomes OutboxError."""
        try:
            with self._using() as connection:
                yield connection
        except apsw.Error as error:
            raise OutboxError(f"{self.path} cannot be read or written: {error}") from error

    def _claim_pictures(self) -> None:
        try:
            claim(
                self.spool.folder,
                self._store_name(),
                has_strangers=lambda: has_strangers(self.spool, is_known=self._knows),
            )
        except (apsw.Error, OutboxError) as error:
            log.error("the picture folder is not claimed", error=str(error))

    def _store_name(self) -> str:
        """Names the database for ever, whatever the device is called: when it was begun."""
        with self._asking() as connection:
            return books.created_at(connection)

    def _knows(self, message_id: str) -> bool:
        with self._using() as connection:
            return books.is_known(connection, message_id)

    def _is_watched(self, sighting: PlateSighting) -> bool:
        """A watchlist that cannot be read costs the mark, not the sighting."""
        try:
            with self._using() as connection:
                return self._watch.covers(connection, sighting.plate, sighting.captured_at)
        except (apsw.Error, *UNREADABLE) as error:
            log.error("the watchlist cannot be read: a sighting goes unmarked", error=str(error))
            return False

    def _spooled(self, picture: BgrPicture, message_id: str, at: datetime) -> SpooledPicture | None:
        for may_retry in (True, False):
            try:
                return self.spool.store(picture, message_id=message_id, at=at)
            except PictureNotWritten as error:
                cause = error.__cause__
                is_full = isinstance(cause, OSError) and cause.errno in (ENOSPC, EDQUOT)
                if may_retry and is_full and self._room_was_made(for_row=False):
                    continue
                log.error("sighting goes without its picture", error=str(error))
                return None
        return None

    def _insert(
        self,
        table: str,
        message_id: str,
        values: Values,
        metadata: Values | None = None,
        picture: SpooledPicture | None = None,
    ) -> RecordedRow:
        """One transaction: the sequence, the camera's metadata, the row."""
        tries = 0
        while True:
            try:
                with self._using() as connection, transaction(connection):
                    sequence, row_id = self._insert_in(
                        connection, table, message_id, values, metadata
                    )
                break
            except apsw.Error as error:
                tries += 1
                is_full = isinstance(error, apsw.FullError)
                if is_full and tries < ROOM_TRIES and self._room_was_made(for_row=True):
                    continue
                self._discard_orphan(message_id, picture)
                raise RecordingFailed(recording_failed(error, table, self.path)) from error
        self._tell()
        return RecordedRow(
            message_id=message_id,
            sequence=sequence,
            row_id=row_id,
            picture=picture.name if picture else None,
        )

    def _insert_in(
        self,
        connection: apsw.Connection,
        table: str,
        message_id: str,
        values: Values,
        metadata: Values | None = None,
    ) -> tuple[int, int]:
        """The row in the caller's transaction: its sequence and id."""
        stamp = self._timekeeper.stamp(datetime.fromisoformat(values["timestamp"]))
        row = {**values, **stamp, "message_id": message_id}
        return recording.insert_next(connection, table, row, metadata)

    def _note_fault(self, error: Exception) -> None:
        self.is_suspect = self.is_suspect or isinstance(error, CORRUPT)

    def look_at_clock(self) -> Seen:
        """Notes how the clock stands; now and then, so that a step is noticed."""
        return self._timekeeper.look()

    def _eviction(self, given_up: GivenUp) -> tuple[str, Values]:
        moment = self._clock.now()
        timestamp = recording.timestamp_text(moment, self._zone)
        return self._ids.fresh(moment), {"timestamp": timestamp, **asdict(given_up)}

    def _room_was_made(self, *, for_row: bool) -> bool:
        return self._make_room is not None and self._make_room(for_row)

    def _discard_orphan(self, message_id: str, picture: SpooledPicture | None) -> None:
        """After a failed transaction; where even that is uncertain, `sweep` decides later."""
        if picture is None:
            return
        with contextlib.suppress(apsw.Error):
            if not self._knows(message_id):
                self.spool.discard(picture)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
