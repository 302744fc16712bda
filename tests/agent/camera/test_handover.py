"""Newest wins, or nothing is lost: the two ways to hand frames over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.camera.errors import SourceError, SourceFailed, SourceTimedOut
from agent.camera.frame import Frame
from agent.camera.handover import Handover


def _frame(number: int) -> Frame:
    return Frame(
        picture=np.zeros((2, 2, 3), dtype=np.uint8),
        captured_at=datetime(2024, 8, 6, tzinfo=UTC),
        at_s=float(number),
        number=number,
    )


def _late() -> SourceError:
    return SourceTimedOut("late")


def _take(handover: Handover, timeout_s: float = 5.0) -> int | None:
    frame = handover.take(timeout_s, _late)
    return None if frame is None else frame.number


def test_the_newest_frame_wins_and_drops_are_counted() -> None:
    handover = Handover(lossless=False)
    for number in range(5):
        assert handover.put(_frame(number))
    assert _take(handover) == 4
    assert handover.dropped == 4
    handover.put(_frame(5))
    assert _take(handover) == 5
    assert handover.dropped == 4


def test_lossless_waits_for_the_reader_and_keeps_order() -> None:
    handover = Handover(lossless=True, capacity=2)
    done = threading.Event()

    def produce() -> None:
        for number in range(50):
            handover.put(_frame(number))
        handover.end()
        done.set()

    threading.Thread(target=produce, daemon=True).start()
    assert not done.wait(0.05), "the producer must wait while two frames are not taken"
    assert [_take(handover) for _ in range(51)] == [*range(50), None]
    assert handover.dropped == 0
    assert done.wait(5.0)


def test_what_was_put_before_an_error_is_taken_before_it() -> None:
    handover = Handover(lossless=True)
    handover.put(_frame(0))
    handover.end(SourceFailed("broke"))
    assert _take(handover) == 0
    with pytest.raises(SourceFailed, match="broke"):
        _take(handover)


def test_nothing_in_time_is_an_error_not_the_end() -> None:
    with pytest.raises(SourceTimedOut):
        _take(Handover(lossless=False), timeout_s=0.01)


def test_closing_frees_whoever_waits() -> None:
    handover = Handover(lossless=True, capacity=1)
    handover.put(_frame(0))
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(handover.put(_frame(1))), daemon=True)
    waiting.start()
    handover.close()
    waiting.join(5.0)
    assert answers == [False]
    assert _take(handover) is None
