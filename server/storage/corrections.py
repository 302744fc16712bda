"""Readings put right by people, in SQLite: what was read stays, what was held is kept for ever.

`lpr_detections.corrected_plate` is what is in force; `corrections` is how it came about.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw

from server.errors import NotThere, QuestionInvalid
from server.row_id import is_id
from server.storage.reading.sightings import Correction
from server.storage.sighting_rows import CORRECTION_COLUMNS, correction_of
from server.storage.times import text_of
from server.storage.writing_thread import WritingThread
from wire.limits import MESSAGE_CHARACTERS, PLATE_CHARACTERS

_HELD: Final = "SELECT license_plate, corrected_plate FROM lpr_detections WHERE id = ?"
_LAST_STANDING: Final = (
    "SELECT id, plate_before FROM corrections AS c WHERE sighting_id = ? AND undoes IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM corrections WHERE sighting_id = c.sighting_id "
    "AND undoes = c.id) ORDER BY id DESC LIMIT 1"
)
_NOTE: Final = (
    "INSERT INTO corrections "  # noqa: S608 (our own names)
    "(sighting_id, plate, plate_before, corrected_by, corrected_at, note, undoes) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {CORRECTION_COLUMNS}"
)


class SqliteCorrections:
    """Implements the contract's Corrections; a thread and a short transaction each."""

    def __init__(self, path: Path) -> None:
        self._writing = WritingThread(path, name="correct")

    async def correct(
        self, sighting_id: int, plate: str, *, by: str, now: datetime, note: str = ""
    ) -> Correction:
        wanted = _readable("plate", plate, PLATE_CHARACTERS)
        remark = _readable("note", note, MESSAGE_CHARACTERS)
        if not wanted:
            raise QuestionInvalid("plate: expected what is on the plate, got nothing")

        def work(connection: apsw.Connection) -> Correction:
            read, held = _held(connection, sighting_id)
            before = read if held is None else held
            if wanted == before:
                raise QuestionInvalid(f"plate={wanted!r}: sighting {sighting_id} says so already")
            value = None if wanted == read else wanted
            return _write(connection, (sighting_id, value, before, by, text_of(now), remark, None))

        return await self._writing.write(work)

    async def undo(self, sighting_id: int, *, by: str, now: datetime) -> Correction:
        def work(connection: apsw.Connection) -> Correction:
            read, held = _held(connection, sighting_id)
            last: Any = connection.execute(_LAST_STANDING, (sighting_id,)).fetchone()
            if last is None:
                raise QuestionInvalid(f"sighting {sighting_id}: no correction is left to undo")
            undoes, back = last
            value = None if back == read else str(back)
            before = read if held is None else held
            return _write(connection, (sighting_id, value, before, by, text_of(now), "", undoes))

        return await self._writing.write(work)

    def close(self) -> None:
        """Waits for the correction in hand; idempotent."""
        self._writing.close()


def _held(connection: apsw.Connection, sighting_id: int) -> tuple[str, str | None]:
    """What was read, and what it was corrected to."""
    row = None
    if is_id(sighting_id):
        row = connection.execute(_HELD, (sighting_id,)).fetchone()
    if row is None:
        raise NotThere(
            f"there is no sighting {sighting_id}: it never was, or it was given up as old"
        )
    read, corrected = row
    return str(read or ""), None if corrected is None else str(corrected)


def _write(connection: apsw.Connection, values: tuple[Any, ...]) -> Correction:
    sighting_id, plate = values[:2]
    connection.execute(
        "UPDATE lpr_detections SET corrected_plate = ? WHERE id = ?", (plate, sighting_id)
    )
    row: Any = connection.execute(_NOTE, values).fetchone()
    return correction_of(row)


def _readable(field: str, text: str, longest: int) -> str:
    """As the wire stores texts: NFC, without what no eye sees."""
    cleaned = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(cleaned) > longest or not cleaned.isprintable():
        raise QuestionInvalid(
            f"{field}={cleaned[:40]!r}: expected at most {longest} printable characters"
        )
    return cleaned
