"""Gives up pictures, and rows where not even rows fit: marked and counted first, removed then.

A crash between the two leaves a file whose row says `evicted`: `PictureSpool.sweep` removes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

import apsw
import structlog

from agent.outbox.books import SQL_TABLES
from agent.outbox.file_names import file_names
from agent.outbox.quota import HeldPicture, Need, Reason, Standing, enough, in_order
from agent.outbox.spool import PictureSpool, message_id_of
from wire.rows import Table

log = structlog.get_logger(__name__)

PICTURES_A_TRANSACTION: Final = 256
ROWS_A_TRANSACTION: Final = 256
_PICTURED: Final = (Table.LPR_DETECTION, Table.FACE_DETECTION)
_ROWS_GO: Final = (Table.HEALTH_MONITOR, Table.FACE_DETECTION, Table.LPR_DETECTION)
"""Health first, plates last; reports of evictions stay, for they are the account of the rest."""
_STANDING: Final = {0: Standing.WAITING, 1: Standing.ACKNOWLEDGED, 2: Standing.REFUSED}
_WIRE_TABLES: Final = {name: table for table, name in SQL_TABLES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """What one transaction gives up, of one table: becomes a row of `evictions`."""

    kind: str
    reason: str
    evicted_table: str
    count: int
    size_bytes: int = 0
    first_sequence: int | None = None
    last_sequence: int | None = None
    message: str = ""


class EvictingStore(Protocol):
    """The database as an eviction needs it."""

    def writing(self) -> AbstractContextManager[apsw.Connection]:
        """One durable transaction; nobody else writes meanwhile."""

    def note_given_up(self, connection: apsw.Connection, given_up: GivenUp) -> None:
        """Inserts the row that tells of it, within that transaction."""


class _Marked(NamedTuple):
    table: Table
    standing: Standing
    sequence: int | None
    size_bytes: int


@dataclass(slots=True)
class _Batch:
    marked: list[_Marked] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def evict_pictures(store: EvictingStore, spool: PictureSpool, needed: Need) -> int:
    """Frees about `needed.size_bytes` of pictures; how many bytes went.

    Raises apsw.Error where the marks cannot be written; what is not marked stays.
    """
    if needed.size_bytes <= 0:
        return 0
    listed = in_order(held_pictures(store, spool))
    sized = (replace(held, size_bytes=_size_of(held, spool)) for held in listed)
    freed = 0
    chosen = enough(sized, needed.size_bytes)
    while batch := list(islice(chosen, PICTURES_A_TRANSACTION)):
        with store.writing() as connection:
            done = _mark(connection, batch)
            for given_up in _accounts(done.marked, needed.reason):
                store.note_given_up(connection, given_up)
        freed += sum(spool.remove(name) for name in done.names)
    if freed:
        log.warning("pictures given up", reason=str(needed.reason), size_bytes=freed)
    return freed


def held_pictures(store: EvictingStore, spool: PictureSpool) -> Iterator[HeldPicture]:
    """Every picture in the folder that a row shows, in no order, without sizes."""
    ours, foreign = spool.listing()
    if foreign:
        with store.writing() as connection:
            older = _older_pictures(connection, foreign)
        yield from older
    for start in range(0, len(ours), PICTURES_A_TRANSACTION):
        names = ours[start : start + PICTURES_A_TRANSACTION]
        with store.writing() as connection:
            found = [_held(connection, name) for name in names]
        yield from (held for held in found if held is not None)


def give_up_rows(store: EvictingStore) -> int:
    """Deletes the oldest rows of one kind; how many. Acknowledged ones first, which is no loss.

    Only for a disk on which not even rows fit.
    """
    with store.writing() as connection:
        for table in (*_ROWS_GO, Table.EVICTION):
            gone = _delete_oldest(connection, table, flag=1)
            if gone:
                log.warning("sent rows deleted before their time", table=table, count=len(gone))
                return len(gone)
        for table in _ROWS_GO:
            gone = _delete_oldest(connection, table, flag=0)
            if gone:
                sequences = [sequence for sequence in gone if sequence is not None]
                store.note_given_up(
                    connection,
                    GivenUp(
                        kind="row",
                        reason=Reason.DISK_FULL,
                        evicted_table=table,
                        count=len(gone),
                        first_sequence=min(sequences, default=None),
                        last_sequence=max(sequences, default=None),
                        message="rows that waited; not even rows fitted on the disk",
                    ),
                )
                log.error("waiting rows given up", table=table, count=len(gone))
                return len(gone)
    return 0


def _delete_oldest(connection: apsw.Connection, table: Table, *, flag: int) -> list[int | None]:
    """The sequences of the deleted rows; their pictures become orphans, which `sweep` removes."""
    name = SQL_TABLES[table]
    index = f"INDEXED BY {name}_waiting" if flag == 0 else ""
    cursor: Any = connection.execute(
        f"SELECT id, {'frame_id' if table in _PICTURED else 'NULL'}, sequence FROM {name} {index} "  # noqa: S608 - our own names
        f"WHERE sent_to_server = {flag:d} ORDER BY id LIMIT ?",
        (ROWS_A_TRANSACTION,),
    )
    found: list[tuple[int, str | None, int | None]] = list(cursor)
    connection.executemany(f"DELETE FROM {name} WHERE id = ?", [(row[0],) for row in found])  # noqa: S608 - our own names
    delete_metadata(connection, [row[1] for row in found if row[1] is not None])
    return [row[2] for row in found]


def delete_metadata(connection: apsw.Connection, frame_ids: Sequence[str]) -> None:
    """The camera's part of rows that were just deleted, where no other row shares the frame."""
    connection.executemany(
        "DELETE FROM camera_metadata WHERE frame_id = ?1 AND NOT EXISTS ("
        "SELECT 1 FROM detection_results WHERE frame_id = ?1 AND frame_id IS NOT message_id)",
        [(frame_id,) for frame_id in frame_ids],
    )


def _held(connection: apsw.Connection, name: str) -> HeldPicture | None:
    message_id = message_id_of(name)
    for table in _PICTURED:
        found = connection.execute(
            f"SELECT id, sent_to_server FROM {SQL_TABLES[table]} WHERE message_id = ? "  # noqa: S608 - our own names
            "AND image_status IS NOT 'evicted'",
            (message_id,),
        ).fetchone()
        if found is not None:
            return HeldPicture(
                names=(name,),
                rows=((SQL_TABLES[table], found[0]),),
                standing=_STANDING.get(found[1], Standing.WAITING),
                age=(1, name),
            )
    return None


def _older_pictures(connection: apsw.Connection, foreign: Sequence[str]) -> list[HeldPicture]:
    """Pictures that an older camera named; a frame's files go together, with all of its rows."""
    there = frozenset(foreign)
    rows = connection.execute(
        "SELECT d.id, d.sent_to_server, d.lp_image_filename, m.image_filename, "
        "m.processed_image_filename FROM detection_results AS d "
        "LEFT JOIN camera_metadata AS m ON m.frame_id = d.frame_id "
        "WHERE d.image_status IS NULL ORDER BY d.id"
    )
    frames: dict[str, HeldPicture] = {}
    for row_id, flag, *said in rows:
        names = tuple(name for name in file_names(said) if name in there)
        if not names:
            continue
        row = ("detection_results", int(row_id))
        standing = _STANDING.get(flag, Standing.WAITING)
        known = next((frames[name] for name in names if name in frames), None)
        held = HeldPicture(
            names=tuple(dict.fromkeys((*(known.names if known else ()), *names))),
            rows=((*known.rows, row) if known else (row,)),
            standing=max(standing, known.standing) if known else standing,
            age=known.age if known else (0, f"{row_id:020d}"),
        )
        frames.update(dict.fromkeys(held.names, held))
    return list({id(held): held for held in frames.values()}.values())


def _mark(connection: apsw.Connection, pictures: Sequence[HeldPicture]) -> _Batch:
    """Says `evicted` in each row that shows one of these; as it stands now, not when listed."""
    batch = _Batch()
    for picture in pictures:
        for name, row_id in picture.rows:
            found = connection.execute(
                f"UPDATE {name} SET image_status = 'evicted' WHERE id = ? "  # noqa: S608 - our own names
                "RETURNING sent_to_server, sequence",
                (row_id,),
            ).fetchone()
            if found is None:
                continue
            flag, sequence = found
            size = picture.size_bytes if (name, row_id) == picture.rows[0] else 0
            standing = _STANDING.get(flag, Standing.WAITING)
            batch.marked.append(_Marked(_WIRE_TABLES[name], standing, sequence, size))
        batch.names.extend(picture.names)
    return batch


def _accounts(marked: Sequence[_Marked], reason: Reason) -> Iterator[GivenUp]:
    """One account for each table, of what the server has and of what it lacks."""
    said = {
        Standing.ACKNOWLEDGED: "pictures of rows that the server has",
        Standing.REFUSED: "pictures of rows that the server refused",
        Standing.WAITING: "pictures of rows that waited: they go without",
    }
    for table in _PICTURED:
        for standing, message in said.items():
            group = [one for one in marked if (one.table, one.standing) == (table, standing)]
            if not group:
                continue
            sequences = [one.sequence for one in group if one.sequence is not None]
            yield GivenUp(
                kind="picture",
                reason=reason,
                evicted_table=table,
                count=len(group),
                size_bytes=sum(one.size_bytes for one in group),
                first_sequence=min(sequences, default=None),
                last_sequence=max(sequences, default=None),
                message=message,
            )


def _size_of(held: HeldPicture, spool: PictureSpool) -> int:
    return sum(map(spool.size_of, held.names))


def measured_bytes(store: EvictingStore, spool: PictureSpool) -> int:
    """What the pictures take that could be given up; looks at every file: seldom."""
    return sum(_size_of(held, spool) for held in held_pictures(store, spool))
