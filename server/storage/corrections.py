"""Readings put right by people: what was read stays, what was held is kept for ever.

`lpr_detections.corrected_plate` is what is in force; `corrections` is how it came about.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any, Final

from server.errors import NotThere, QuestionInvalid
from server.row_id import is_id
from server.storage.asking import Writer, Writing
from server.storage.reading.sightings import Correction
from server.storage.sighting_rows import CORRECTION_COLUMNS, correction_of
from server.storage.times import text_of
from wire.limits import MESSAGE_CHARACTERS, PLATE_CHARACTERS

_HELD: Final = "SELECT license_plate, corrected_plate FROM lpr_detections WHERE id = ?"
_HOLD: Final = "UPDATE lpr_detections SET corrected_plate = ? WHERE id = ?"
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


class StoredCorrections:
    """Implements the contract's Corrections. `writing` belongs to whoever made it."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    async def correct(
        self, sighting_id: int, plate: str, *, by: str, now: datetime, note: str = ""
    ) -> Correction:
        wanted = _readable("plate", plate, PLATE_CHARACTERS)
        remark = _readable("note", note, MESSAGE_CHARACTERS)
        if not wanted:
            raise QuestionInvalid("plate: expected what is on the plate, got nothing")

        def work(writer: Writer) -> Correction:
            read, held = _held(writer, sighting_id)
            before = read if held is None else held
            if wanted == before:
                raise QuestionInvalid(f"plate={wanted!r}: sighting {sighting_id} says so already")
            value = None if wanted == read else wanted
            return _write(writer, (sighting_id, value, before, by, text_of(now), remark, None))

        return await self._writing.write(work)

    async def undo(self, sighting_id: int, *, by: str, now: datetime) -> Correction:
        def work(writer: Writer) -> Correction:
            read, held = _held(writer, sighting_id)
            last = writer.row(_LAST_STANDING, (sighting_id,))
            if last is None:
                raise QuestionInvalid(f"sighting {sighting_id}: no correction is left to undo")
            undoes, back = last
            value = None if back == read else str(back)
            before = read if held is None else held
            return _write(writer, (sighting_id, value, before, by, text_of(now), "", undoes))

        return await self._writing.write(work)


def _held(writer: Writer, sighting_id: int) -> tuple[str, str | None]:
    """What was read, and what it was corrected to."""
    row = None
    if is_id(sighting_id):
        row = writer.row(_HELD, (sighting_id,))
    if row is None:
        raise NotThere(
            f"there is no sighting {sighting_id}: it never was, or it was given up as old"
        )
    read, corrected = row
    return str(read or ""), None if corrected is None else str(corrected)


def _write(writer: Writer, values: tuple[Any, ...]) -> Correction:
    sighting_id, plate = values[:2]
    writer.change(_HOLD, (plate, sighting_id))
    return correction_of(writer.rows(_NOTE, values)[0])


def _readable(field: str, text: str, longest: int) -> str:
    """As the wire stores texts: NFC, without what no eye sees."""
    cleaned = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(cleaned) > longest or not cleaned.isprintable():
        raise QuestionInvalid(
            f"{field}={cleaned[:40]!r}: expected at most {longest} printable characters"
        )
    return cleaned
