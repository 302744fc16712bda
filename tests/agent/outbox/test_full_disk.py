"""A disk that is full for real: sightings go on being recorded, what goes is counted."""

from __future__ import annotations

import contextlib
from pathlib import Path

import apsw
import pytest

from agent.errors import RecordingFailed
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, upkeep
from tests.agent.outbox.sightings import plate
from tests.agent.outbox.small_disk import small_disk

SIGHTINGS = 400


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 65_536) == 65_536:
            pass


def record_much(outbox: Outbox) -> None:
    for number in range(2000):
        outbox.record_health(component="disk", status="PASS", message=f"{number}" * 100)


def test_sightings_go_on_on_a_disk_that_runs_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12) as folder, opened(folder) as outbox:
        keeper = upkeep(outbox)
        keeper.measure()
        outbox.on_full(keeper.make_room)
        for number in range(SIGHTINGS):
            outbox.record_plate(plate(f"P{number}", seed=number % 50 + 1, width=640))
            if number == 100:
                settle(outbox, acknowledged=50)
        assert outbox.spool.free_bytes() < 12_000_000
        counts = outbox.counts()
        assert_books_balance(outbox)
        assert (counts.evicted, counts.refused) == (0, 0)
        kept = asked(
            outbox.path,
            "SELECT lp_image_filename FROM detection_results WHERE image_status = 'present'",
        )
        assert len(kept) > 20
        assert all((outbox.spool.folder / name).is_file() for (name,) in kept)
        gone = asked(
            outbox.path,
            "SELECT sum(count) FROM evictions WHERE kind = 'picture' AND reason = 'disk_full'",
        )
        assert gone == [(SIGHTINGS - len(kept),)]
        assert len(kept) == len(list(outbox.spool.folder.glob("*.jpg")))
        check = apsw.Connection(str(outbox.path))
        assert check.pragma("integrity_check") == "ok"
        check.close()


def test_disk_filled_by_others_is_told_and_works_again_when_it_has_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as folder, opened(folder) as outbox:
        outbox.record_plate(plate("BEFORE", width=64))
        outbox.checkpoint()
        ballast = folder / "ballast"
        fill(ballast)
        with pytest.raises(RecordingFailed, match="free space"):
            record_much(outbox)
        ballast.unlink()
        outbox.record_plate(plate("AFTER", width=64))
        assert_books_balance(outbox)
        plates = asked(outbox.path, "SELECT license_plate_text FROM detection_results ORDER BY id")
        assert plates == [("BEFORE",), ("AFTER",)]
