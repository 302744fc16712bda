"""The loop from frames to rows: nothing seen is dropped silently, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import numpy as np
import pytest

from agent.camera.errors import SourceTimedOut
from agent.camera.frame import Frame, SensorFacts
from agent.outbox.store import Outbox
from agent.pipeline.sighting import PlateSighting
from agent.watcher import HELD_SIGHTINGS, MODEL_FAILURES, Watcher
from vision.errors import ModelFailed
from vision.geometry import Box

START = datetime(2026, 1, 1, tzinfo=UTC)
PICTURE = np.zeros((48, 64, 3), np.uint8)


def _frame(number: int) -> Frame:
    return Frame(
        picture=PICTURE,
        captured_at=START + timedelta(seconds=number),
        at_s=float(number),
        number=number,
    )


def _sighting(frame: Frame) -> PlateSighting:
    return PlateSighting(
        plate=f"AB{frame.number:04d}",
        confidence=0.9,
        box=Box.from_xywh(1, 1, 20, 5),
        captured_at=frame.captured_at,
        first_seen_at=frame.captured_at,
        last_seen_at=frame.captured_at,
        picture=frame.picture,
        sensor=SensorFacts(),
        region=None,
        direction=None,
        evidence={},
    )


class Frames:
    """So many frames; every third look finds none in time, as with a slow camera."""

    def __init__(self, count: int) -> None:
        self._numbers = iter(range(count))
        self._looks = 0

    def next(self, timeout_s: float) -> Frame | None:
        self._looks += 1
        if self._looks % 3 == 0:
            raise SourceTimedOut("no frame in time")
        number = next(self._numbers, None)
        return None if number is None else _frame(number)


class EveryFrameIsASighting:
    """A pipeline that reports each frame one frame late, as the real one reports passages."""

    def __init__(self, *, fails_on: frozenset[int] = frozenset()) -> None:
        self._fails_on = fails_on
        self._open: list[PlateSighting] = []

    def process(self, frame: Frame) -> Sequence[PlateSighting]:
        if frame.number in self._fails_on:
            raise ModelFailed("the model gave no answer")
        done, self._open = self._open, [_sighting(frame)]
        return done

    def finish(self) -> Sequence[PlateSighting]:
        done, self._open = self._open, []
        return done


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path / "images", "gate") as opened:
        yield opened


def _plates(outbox: Outbox) -> list[str]:
    connection = apsw.Connection(str(outbox.path))
    try:
        rows = connection.execute("SELECT license_plate_text FROM detection_results ORDER BY id")
        return [str(row[0]) for row in rows]
    finally:
        connection.close()


def test_every_sighting_is_stored_also_what_was_in_view_at_the_end(outbox: Outbox) -> None:
    watcher = Watcher(frames=Frames(7), pipeline=EveryFrameIsASighting(), recorder=outbox)
    watcher.run()
    assert _plates(outbox) == [f"AB{number:04d}" for number in range(7)]
    assert (watcher.sightings, watcher.sightings_lost, watcher.has_ended) == (7, 0, True)


def test_stop_finishes_what_is_in_view(outbox: Outbox) -> None:
    watcher = Watcher(frames=Frames(10**6), pipeline=EveryFrameIsASighting(), recorder=outbox)
    outbox.on_commit(watcher.stop)
    watcher.run()
    assert _plates(outbox) == ["AB0000", "AB0001"]


def test_sightings_wait_while_the_database_is_locked_and_keep_their_order(
    outbox: Outbox,
) -> None:
    locker = apsw.Connection(str(outbox.path))
    locker.execute("BEGIN IMMEDIATE")

    class UnlocksAfterTwo(EveryFrameIsASighting):
        def process(self, frame: Frame) -> Sequence[PlateSighting]:
            if frame.number == 2:
                locker.execute("COMMIT")
            return super().process(frame)

    watcher = Watcher(
        frames=Frames(6), pipeline=UnlocksAfterTwo(), recorder=outbox, retry_first_s=0
    )
    watcher.run()
    locker.close()
    assert _plates(outbox) == [f"AB{number:04d}" for number in range(6)]
    assert watcher.sightings_lost == 0


def test_what_can_never_be_stored_is_counted_as_lost(outbox: Outbox) -> None:
    count = HELD_SIGHTINGS + 5
    watcher = Watcher(frames=Frames(count), pipeline=EveryFrameIsASighting(), recorder=outbox)
    locker = apsw.Connection(str(outbox.path))
    locker.execute("BEGIN IMMEDIATE")
    watcher.run()
    locker.execute("ROLLBACK")
    locker.close()
    assert _plates(outbox) == []
    assert (watcher.sightings, watcher.sightings_lost) == (0, count)


def test_a_frame_on_which_the_model_fails_does_not_end_the_watching(outbox: Outbox) -> None:
    pipeline = EveryFrameIsASighting(fails_on=frozenset({2}))
    Watcher(frames=Frames(5), pipeline=pipeline, recorder=outbox).run()
    assert _plates(outbox) == ["AB0000", "AB0001", "AB0003", "AB0004"]


def test_a_model_that_only_fails_ends_the_watching_and_stores_what_was_seen(
    outbox: Outbox,
) -> None:
    pipeline = EveryFrameIsASighting(fails_on=frozenset(range(1, MODEL_FAILURES + 5)))
    watcher = Watcher(frames=Frames(10**6), pipeline=pipeline, recorder=outbox)
    with pytest.raises(ModelFailed):
        watcher.run()
    assert _plates(outbox) == ["AB0000"]
