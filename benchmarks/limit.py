"""What the disk and SQLite allow: the same rows written by plain apsw, without any network."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw

from agent.outbox.sending import SendingStore
from agent.uplink.message import V1Encoder
from benchmarks.traffic import DEVICE
from db.migrations import SERVER_SQLITE
from server.storage.adoption import prepare_database
from server.storage.connection import open_writer
from server.storage.records import TARGETS, record_of
from wire import v1
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.rows import Table
from wire.v1 import Hello

GROUPS: Final = (64, 256, 1024)
"""Rows a transaction; the best of them is the limit."""

_BATCH: Final = 1_000
_RECEIVED_AT: Final = datetime(2026, 1, 2, tzinfo=UTC)
_LIMITS: Final = Limits()
_HELLO: Final = Hello(
    device_id=DEVICE,
    epoch="benchmark",
    hostname=DEVICE,
    checkpoint_id="1",
    agent_version="0",
    time=_RECEIVED_AT,
    clock_state="synchronised",
)


@dataclass(frozen=True, slots=True)
class StoredForms:
    """One row as it lies in each table at the end: record, ledger entry, picture."""

    record: tuple[Any, ...]
    ledger: tuple[Any, ...]
    picture: tuple[str, int, bytes] | None


@dataclass(frozen=True, slots=True)
class Written:
    """How long the writing took, and how much processor time of it (seconds)."""

    seconds: float
    cpu_s: float


def encoded_rows(database: Path, images: Path) -> list[bytes]:
    """Every waiting row as our sender words it on the wire."""
    store = SendingStore.open(database, images, DEVICE)
    encoder = V1Encoder()
    contents: list[bytes] = []
    after_id = 0
    while found := store.waiting(
        Table.LPR_DETECTION, after_id=after_id, up_to_id=None, limit=_BATCH
    ):
        contents += [encoder.encode(row, store.read_picture(row)) for row in found]
        after_id = found[-1].key.row_id
    store.close()
    return contents


def accepted_row(encoded: bytes) -> AcceptedRow:
    """A row as the server's ingest has it, checked as the wire demands."""
    message = v1.decode_client_message(v1.encode_rows_frame(1, [encoded]), max_rows=1)
    assert isinstance(message, v1.ReadRows)  # noqa: S101 (we wrote it ourselves)
    return accept_v1(message.rows[0], _HELLO, _LIMITS)


def stored_form(encoded: bytes, record_id: int) -> StoredForms:
    """What the server would store of a row."""
    row = accepted_row(encoded)
    picture = row.picture
    return StoredForms(
        record_of(row, record_id, _RECEIVED_AT.isoformat(timespec="milliseconds")),
        (
            bytes.fromhex(row.id.replace("-", "")), 1, TARGETS[row.table].number,
            record_id, row.fingerprint, int(_RECEIVED_AT.timestamp()),
        ),
        None if picture is None else (picture.sha256, len(picture.content), picture.content),
    )  # fmt: skip


def stored_forms(encoded: Sequence[bytes]) -> list[StoredForms]:
    return [stored_form(content, record_id) for record_id, content in enumerate(encoded, start=1)]


def write(folder: Path, forms: Sequence[StoredForms], group: int) -> Written:
    """Writes all rows, `group` in a transaction, pictures first: as durable as the server does.

    The databases have the server's own tables, indexes, page sizes and checkpoints.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / "limit.db"
    prepare_database(path, zone_of=lambda _checkpoint: UTC, now=datetime.now(UTC))
    rows = open_writer(path)
    pictures = open_pictures(folder / "pictures.db")
    insert = TARGETS[Table.LPR_DETECTION].insert
    started, started_cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(forms), group):
        part = forms[first : first + group]
        contents = [form.picture for form in part if form.picture is not None]
        rows.execute("BEGIN IMMEDIATE")
        if contents:
            pictures.execute("BEGIN IMMEDIATE")
            pictures.executemany("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)", contents)
            pictures.execute("COMMIT")
        rows.executemany(insert, [form.record for form in part])
        rows.executemany(
            "INSERT INTO message_ledger VALUES (?, ?, ?, ?, ?, ?)", [form.ledger for form in part]
        )
        rows.execute("COMMIT")
    written = Written(time.perf_counter() - started, time.process_time() - started_cpu)
    rows.close()
    pictures.close()
    shutil.rmtree(folder)
    return written


def open_pictures(path: Path) -> apsw.Connection:
    """A picture file as the server makes one a day."""
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", 16_384)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", 2)
    connection.execute((SERVER_SQLITE / "pictures.sql").read_text(encoding="utf-8"))
    return connection
