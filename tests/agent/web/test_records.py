"""Reading the database: never writing, never for long."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import apsw
import pytest

from agent.web import csv_export
from agent.web.errors import QuestionFailed, QuestionInvalid
from agent.web.queries import DetectionFilter, Order, Page
from agent.web.records import EXPORT_ROWS, Records
from db.csv_lines import cell
from tests.agent.outbox.ends import opened
from tests.agent.outbox.sightings import plate

ANY = DetectionFilter()


def _filled(folder: Path, rows: int) -> Path:
    """A database with one sighting of ours and many of an older tool."""
    with opened(folder) as outbox:
        outbox.record_plate(plate(width=32))
        path = outbox.path
    connection = apsw.Connection(str(path))
    with connection:
        connection.executemany(
            "INSERT INTO detection_results (frame_id, license_plate_text, timestamp) "
            "VALUES (?, ?, '2025-01-01T10:00:00')",
            ((f"f{n}", f"OLD{n}") for n in range(rows)),
        )
    connection.close()
    return path


async def test_an_export_in_pieces_has_every_row_once(tmp_path: Path) -> None:
    records = Records(_filled(tmp_path, 2 * EXPORT_ROWS))
    pieces = [piece async for piece in records.every_detection(ANY)]
    records.close()
    assert [len(piece) for piece in pieces] == [EXPORT_ROWS, EXPORT_ROWS, 1]
    ids = [row["id"] for piece in pieces for row in piece]
    assert ids == sorted(set(ids), reverse=True)


async def test_a_question_that_takes_too_long_is_broken_off(tmp_path: Path) -> None:
    path = _filled(tmp_path, 5_000)
    slow, usual = Records(path, longest_s=0.0), Records(path)
    with pytest.raises(QuestionFailed, match="longer than 0 s"):
        await slow.detections(DetectionFilter(search="x"), Order(), Page())
    assert await usual.count_detections(ANY) == 5_001
    slow.close()
    usual.close()


async def test_the_connection_cannot_write(tmp_path: Path) -> None:
    records = Records(_filled(tmp_path, 1))
    with pytest.raises(QuestionFailed, match="readonly"):
        await records._ask("DELETE FROM detection_results", {})  # noqa: SLF001 - no question of ours writes
    records.close()


async def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    records = Records(tmp_path / "none.db")
    with pytest.raises(QuestionFailed, match="cannot be read now"):
        await records.unsent()
    records.close()
    records.close()


def test_what_cannot_be_asked_is_refused() -> None:
    for wrong in (
        lambda: Order(by="1; DROP TABLE store"),
        lambda: Page(number=0),
        lambda: Page(per_page=10_000),
        lambda: DetectionFilter(date_to="2026-13-01").where(),
        lambda: DetectionFilter(sent="yes").where(),
    ):
        with pytest.raises(QuestionInvalid, match="expected"):
            wrong()


def test_pages_are_counted_up() -> None:
    page = Page(number=3, per_page=20)
    assert [page.pages(total) for total in (0, 1, 20, 21)] == [1, 1, 1, 2]
    assert page.values == {"limit": 20, "offset": 40}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("AB-12", "AB-12"),
        (-0.5, -0.5),
        (None, ""),
    ],
)
def test_a_cell_begins_no_formula(value: Any, shown: Any) -> None:
    assert cell(value) == shown


def test_a_row_survives_quotes_commas_and_lines() -> None:
    row = dict.fromkeys(csv_export.COLUMNS) | {"license_plate_text": 'a",\nb'}
    text = csv_export.header() + csv_export.rows([row])
    (read,) = csv.DictReader(io.StringIO(text, newline=""))
    assert read["license_plate_text"] == 'a",\nb'
