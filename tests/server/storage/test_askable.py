"""What no database takes is told in our words, whichever database it is."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import QuestionInvalid
from server.storage.asking import Writer
from server.storage.postgres.writing import PostgresWriting, Subject
from server.storage.reading.sightings import SightingFilter
from server.storage.writing_thread import SqliteWriting
from tests.server.storage.history import NOON, Centre, Site

REFUSED = [("a\0b", "NUL character"), ("a\ud800", "half of a character")]


async def test_what_no_database_takes_is_refused_wherever_it_is_asked(either: Site) -> None:
    for text, said in REFUSED:
        for chosen in (SightingFilter(device_ids=(text,)), SightingFilter(device_ids=("b", text))):
            with pytest.raises(QuestionInvalid, match=said):
                await either.sightings.page(chosen)
        with pytest.raises(QuestionInvalid, match=said):
            await either.cameras.camera(text, now=NOON, connected=())
    asked = "SELECT id FROM lpr_detections WHERE id < :before"
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(QuestionInvalid, match=f"{number}: expected a whole number of at most"):
            await either.pool.ask(lambda reader: reader.rows(asked, {"before": number}))  # noqa: B023 (awaited)
    assert await either.pool.ask(lambda reader: reader.rows(asked, {"before": 2**63 - 1})) == []


async def test_a_change_with_it_leaves_nothing_behind(either: Site) -> None:
    enter = "INSERT INTO cameras (device_id, first_seen, last_seen) VALUES (?, '', '')"
    writing: Any = (
        SqliteWriting(either.database, name="test")
        if isinstance(either, Centre)
        else PostgresWriting(either.rows, Subject.CORRECTIONS)
    )

    def one(writer: Writer) -> None:
        writer.change(enter, ("good",))
        writer.change(enter, ("a\0b",))

    def many(writer: Writer) -> None:
        writer.change_each(enter, [("good",), ("a\0b",)])

    try:
        for work in (one, many):
            with pytest.raises(QuestionInvalid, match="NUL character"):
                await writing.write(work)
    finally:
        writing.close()
    assert await either.query("SELECT device_id FROM cameras") == []
