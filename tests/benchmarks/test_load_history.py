"""A history of months, small: it is what a centre would have, and every question is answered."""

from __future__ import annotations

from pathlib import Path

import apsw

from benchmarks.history import Plan
from benchmarks.load_history import UNTIL, ask_all, load
from benchmarks.search_cost import measure
from server.storage.cameras import StoredCameras
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule

PLAN = Plan(
    sightings=3000, cameras=40, days=2, until=UNTIL, pictures=0.02, regulars=50, health_days=0
)


async def test_a_small_history_has_all_its_rows_and_answers_every_question(
    tmp_path: Path,
) -> None:
    hours: list[None] = []
    rows = await load(tmp_path, PLAN, lambda: hours.append(None))
    assert (rows >= 3000, len(hours)) == (True, 48)
    connection = apsw.Connection(str(tmp_path / "websocket_server.db"))
    counts = connection.execute(
        "SELECT count(*), sum(image_status = 'present'), count(DISTINCT device_id), "
        "max(captured_at) FROM lpr_detections"
    ).fetchone()
    connection.close()
    assert counts is not None
    count, pictures, cameras, latest = counts
    assert (count, cameras) == (3000, 40)
    assert 20 < pictures < 120
    assert latest < UNTIL.isoformat()
    answers = await ask_all(tmp_path, 2)
    assert {answer.page for answer in answers} == {"Overview", "Sightings", "Camera", "Data"}


async def test_its_books_balance_but_for_what_was_given_up(tmp_path: Path) -> None:
    await load(tmp_path, PLAN, lambda: None)
    pool = ReaderPool(tmp_path / "websocket_server.db")
    cameras = StoredCameras(pool, StateRule())
    try:
        for number in range(1, 41):
            books = await cameras.books(f"gate-{number:03}", until=UNTIL.date(), days=4)
            assert sum(day.unexplained for day in books.days) == 0
            (epoch,) = books.epochs
            evicted = sum(note.count for note in books.evictions)
            assert epoch.missing == evicted
    finally:
        pool.close()


async def test_what_the_search_costs_is_measured_on_the_same_rows(tmp_path: Path) -> None:
    result = await measure(tmp_path, rows=400, group_rows=64, pictures=0.0, seed=1)
    assert result.with_search.median_us > 0
    assert 0.1 < result.ratio < 10
    counts = []
    for side in ("with", "without"):
        connection = apsw.Connection(str(tmp_path / side / "server.db"))
        counts.append(connection.execute("SELECT count(*) FROM lpr_detections").get)
        connection.close()
    assert counts == [400, 400]
