"""The two ends of the wire, stepped by hand: real outbox, sessions and store, no event loop.

A step is what the programs do between two moments at which they may be killed. `crash` leaves the
files exactly as they lie and opens a copy of them, as the next process would find them.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import apsw

from agent.delivery import RowKey, RowRefused, Settlement
from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from agent.uplink.greeting import holdings
from agent.uplink.intake import Intake, PutOff
from agent.uplink.message import PreparedRow, V1Encoder
from server.storage.adoption import prepare_database
from server.storage.pictures import PictureArchive
from server.storage.protocol import Outcome, Stored
from server.storage.sqlite import SqliteStore
from wire.client_session import ClientSession, EncodedRow, FrameRefused, RowsAnswered, Welcomed
from wire.errors import ErrorCode
from wire.limits import Credit, Limits
from wire.rows import ClockState
from wire.server_session import FrameRefused as ServerRefused
from wire.server_session import HelloReceived, RowsReceived, ServerSession
from wire.v1 import Hello, RowResult

NOON: Final = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_DEVICE: Final = "cam-1"


@dataclass(slots=True)
class SetClock:
    """A clock that a test moves; the time since the boot only grows."""

    time: datetime = NOON
    since_boot_s: float = 100.0
    boot_id: str = "boot-1"

    def now(self) -> datetime:
        return self.time

    def boot_time_s(self) -> float:
        return self.since_boot_s

    def state(self) -> ClockState:
        return "unsynchronised"

    def tick(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.since_boot_s += seconds


@dataclass(slots=True)
class Link:
    """One connection: frames on their way, each direction in order. A cut link loses or delays."""

    client: ClientSession
    server: ServerSession
    to_server: list[bytes] = field(default_factory=list)
    to_agent: list[bytes] = field(default_factory=list)
    is_cut: bool = False
    is_welcomed: bool = False


def copied_as_it_lies(folder: Path, name: str) -> Path:
    """A copy beside it; the shared memory of WAL is gone with the process."""
    target = folder.with_name(name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*-shm"))
    return target


def name_after(folder: Path) -> str:
    """The name of the next folder of the same end: centre-3 after centre-2."""
    stem, number = folder.name.split("-")
    return f"{stem}-{int(number) + 1}"


class Camera:
    """Outbox, intake and the client's session, as the sender joins them."""

    def __init__(self, folder: Path, clock: SetClock, seed: int) -> None:
        self.folder = folder
        self.clock = clock
        self._random = random.Random(seed)
        self.link: Link | None = None
        self._open()

    @property
    def database(self) -> Path:
        return self.folder / "lpr_data.db"

    def _open(self) -> None:
        self.outbox = Outbox.open(
            self.database,
            self.folder / "captured",
            _DEVICE,
            clock=self.clock,
            random=self._random.randbytes,
        )
        self.store: SendingStore = self.outbox.sending()
        self._remembered: dict[RowKey, PutOff] = {}
        self._reader = _reader(self.database)

    @property
    def can_send(self) -> bool:
        return self.link is not None and bool(self._ready) and self.link.client.room().rows > 0

    @property
    def has_heard(self) -> bool:
        """Whether there is anything to write."""
        return self.link is not None and bool(self._acknowledged or self._refused or self._put_off)

    def connect(self) -> Link:
        """Dials: hello is on its way."""
        identity = self.store.identity()
        hello = Hello(
            device_id=identity.device_id,
            epoch=identity.epoch,
            hostname="host",
            checkpoint_id="7",
            agent_version="0.1",
            time=self.clock.now(),
            clock_state=self.clock.state(),
            runs=list(identity.server_runs),
            epoch_after=identity.epoch_after,
        )
        link = Link(ClientSession(hello), ServerSession(limits=Limits()))
        link.to_server.append(link.client.hello())
        self.link = link
        self._intake = Intake(
            self.store,
            V1Encoder(),
            put_off=self._remembered,
            check_interval_s=0.0,
            now_s=self.clock.boot_time_s(),
        )
        self._in_flight: dict[str, RowKey] = {}
        self._acknowledged: list[RowKey] = []
        self._refused: list[RowRefused] = []
        self._put_off: list[PutOff] = []
        self._server_rows: int | None = None
        self._ready: list[PreparedRow] = []
        return link

    def hang_up(self) -> None:
        """What was heard is written, as the sender does whenever a link ends."""
        if self.link is not None:
            self.settle()
            self.link = None

    def read(self, rows: int) -> None:
        """Takes waiting rows out of the database."""
        batch = self._intake.take(
            rows=rows,
            size_bytes=100_000,
            max_row_bytes=1_000_000,
            woken=True,
            now_s=self.clock.boot_time_s(),
        )
        self._ready += batch.rows

    def send(self) -> int:
        """One frame of what was read, as far as the credit goes; how many rows."""
        if self.link is None or not self._ready:
            return 0
        room = self.link.client.room()
        count = min(room.rows, len(self._ready))
        if not count:
            return 0
        alone = next((i for i, row in enumerate(self._ready[:count]) if row.alone), None)
        count = count if alone is None else max(alone, 1)
        rows, self._ready = self._ready[:count], self._ready[count:]
        content = self.link.client.send([EncodedRow(row.id, row.content) for row in rows])
        self._in_flight.update((row.id, row.key) for row in rows)
        self.link.to_server.append(content)
        return count

    def hear(self) -> None:
        """Takes in the next frame of the server; nothing is written yet."""
        if self.link is None or not self.link.to_agent:
            return
        match self.link.client.receive(self.link.to_agent.pop(0)):
            case RowsAnswered(results=results, unanswered=unanswered, rows_stored=count):
                self._server_rows = count if count is not None else self._server_rows
                for result in results:
                    self._note(self._in_flight.pop(result.id), result)
                assert not unanswered
            case FrameRefused(ids=ids, refusal=refusal):
                keys = [self._in_flight.pop(row_id) for row_id in ids]
                if len(keys) == 1:
                    self._refused.append(RowRefused(key=keys[0], error=refusal.message))
                else:
                    due_s = self.clock.boot_time_s()
                    self._put_off += [PutOff(due_s, key, alone=True) for key in keys]
            case Welcomed(welcome=welcome):
                server = holdings(welcome)
                assert server is not None
                self._intake.resend_missing(server)
                self.link.is_welcomed = True
            case None:
                pass

    def _note(self, key: RowKey, result: RowResult) -> None:
        if result.success:
            self._acknowledged.append(key)
        elif result.retry:
            due_s = self.clock.boot_time_s() + (result.retry_after_s or 0.0)
            self._put_off.append(PutOff(due_s, key))
        else:
            self._refused.append(RowRefused(key=key, error=str(result.message)))

    def settle(self) -> None:
        """Writes what was heard."""
        self._intake.put_off(self._put_off)
        self._intake.settle(
            Settlement(
                acknowledged=self._acknowledged,
                refused=self._refused,
                server_rows=self._server_rows,
            )
        )
        self._acknowledged, self._refused, self._put_off = [], [], []

    def crash(self) -> None:
        """SIGKILL: what was heard and not written is forgotten."""
        folder = copied_as_it_lies(self.folder, name_after(self.folder))
        self.close()
        self.folder = folder
        self.link = None
        self._open()

    def close(self) -> None:
        self._reader.close()
        self.store.close()
        self.outbox.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._reader.execute(sql))


@dataclass(slots=True)
class _Turn:
    """A frame that the server has read: what is to be stored, then said."""

    link: Link
    received: RowsReceived
    outcomes: Sequence[Outcome] | None = None


class Centre:
    """The store, and the turns between a frame's arrival and its answer."""

    def __init__(self, folder: Path, run: asyncio.Runner, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self._run = run
        self._now = now
        self.turns: list[_Turn] = []
        self.backups: list[Path] = []
        self._open()
        self.back_up()

    @property
    def database(self) -> Path:
        return self.folder / "server.db"

    def _open(self) -> None:
        prepare_database(self.database, zone_of=lambda _: UTC, now=self._now())
        self.store = SqliteStore(self.database, self.folder / "pictures")
        self._reader = _reader(self.database)

    def back_up(self) -> None:
        """Keeps the state of now for a later `restore`."""
        name = f"backup-{len(self.backups)}"
        self.backups.append(copied_as_it_lies(self.folder, name))

    def restore(self, backup: int = -1) -> None:
        """The server is stopped and begins anew from one of its backups."""
        self.close()
        self.folder = copied_as_it_lies(self.backups[backup], name_after(self.folder))
        self.turns = []
        self._open()

    def hear(self, link: Link, credit: Credit) -> None:
        """Takes in the next frame of a camera."""
        match link.server.receive(link.to_server.pop(0)):
            case HelloReceived(hello=hello):
                held = self._run.run(self.store.greet(hello, self._now()))
                welcome = link.server.welcome(
                    last_sequence=held.last_sequence,
                    credit=credit,
                    now=self._now(),
                    rows_stored=held.rows_stored,
                    run=held.run,
                    known_run=held.known_run,
                )
                self._say(link, welcome)
            case RowsReceived() as received:
                self.turns.append(_Turn(link, received))
            case ServerRefused(answer=answer):
                self._say(link, answer)
            case None:
                pass

    def missing_pictures(self) -> list[tuple[str, str]]:
        """Hash and day of those that rows name and the disk has not."""
        named = self.query(
            "SELECT image_sha256, substr(received_at, 1, 10) FROM lpr_detections "
            "WHERE image_status = 'present' UNION ALL "
            "SELECT image_sha256, substr(received_at, 1, 10) FROM face_detections "
            "WHERE image_status = 'present'"
        )
        archive = PictureArchive(self.folder / "pictures", read_only=True)
        try:
            return [(sha256, day) for sha256, day in named if archive.read(sha256, day) is None]
        finally:
            archive.close()

    def commit(self, frames: int) -> None:
        """Stores the rows of the oldest frames in one transaction; says nothing yet."""
        group = [turn for turn in self.turns if turn.outcomes is None][:frames]
        rows = [row for turn in group for row in turn.received.rows]
        outcomes = self._run.run(self.store.commit_group(rows, self._now()))
        for turn in group:
            count = len(turn.received.rows)
            turn.outcomes, outcomes = outcomes[:count], outcomes[count:]

    def answer(self, credit: Credit) -> None:
        """Says what became of the oldest frame, if that is known."""
        if self.turns and self.turns[0].outcomes is not None:
            turn = self.turns.pop(0)
            results = [
                _result(row.id, outcome)
                for row, outcome in zip(turn.received.rows, turn.outcomes or (), strict=True)
            ]
            self._acknowledge(turn, results, credit)

    def put_off(self, credit: Credit) -> None:
        """Stores nothing of the oldest frame that waits for it, and says that it may pass later."""
        turn = self.turns[0] if self.turns else None
        if turn is not None and turn.outcomes is None:
            self.turns.pop(0)
            results = [
                RowResult(
                    id=row.id,
                    success=False,
                    code=ErrorCode.STORAGE_FAILED,
                    message="the disk is full",
                    retry=True,
                    retry_after_s=2.0,
                )
                for row in turn.received.rows
            ]
            self._acknowledge(turn, results, credit)

    def _acknowledge(self, turn: _Turn, results: list[RowResult], credit: Credit) -> None:
        stored = [each.rows_stored for each in turn.outcomes or () if isinstance(each, Stored)]
        content = turn.link.server.acknowledge(
            turn.received.frame,
            [*turn.received.refused, *results],
            credit=credit,
            rows_stored=max(stored, default=None),
        )
        self._say(turn.link, content)

    def _say(self, link: Link, content: bytes) -> None:
        if not link.is_cut:
            link.to_agent.append(content)

    def crash(self) -> None:
        """SIGKILL: rows that were read and not committed are forgotten, and all links with them."""
        folder = copied_as_it_lies(self.folder, name_after(self.folder))
        self.close()
        self.folder = folder
        self.turns = []
        self._open()

    def close(self) -> None:
        self._reader.close()
        self._run.run(self.store.close())

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._reader.execute(sql))


def _result(row_id: str, outcome: Outcome) -> RowResult:
    if isinstance(outcome, Stored):
        return RowResult(
            id=row_id, success=True, record_id=outcome.record_id, duplicate=outcome.is_duplicate
        )
    return RowResult(id=row_id, success=False, code=ErrorCode.ID_CONFLICT, message="id: taken")


def _reader(database: Path) -> apsw.Connection:
    """As another program reads a database, also while it is written."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5000)
    return connection
