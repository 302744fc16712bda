"""Rows from before the clock was set get their true time; nobody else's time is touched."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import clock_is_set
from agent.outbox.quota import Limits
from agent.outbox.store import Outbox
from agent.outbox.truetime import (
    LONGEST_LAG_S,
    SAME_S,
    Seen,
    placed,
    remembered,
    seen_now,
    true_time,
)
from agent.outbox.upkeep import Upkeep
from tests.agent.outbox.ends import asked, waiting
from tests.agent.outbox.sightings import face, plate
from wire.rows import ClockState

BOOT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
WRONG = datetime(2021, 1, 1, tzinfo=UTC)
STATES = "SELECT timestamp, clock_state, boot_id FROM detection_results ORDER BY id"

boot_times = st.floats(0, 10_000_000)
lags = st.floats(0, LONGEST_LAG_S - 1)
steps = st.timedeltas(timedelta(days=-20_000), timedelta(days=20_000)).filter(
    lambda step: abs(step.total_seconds()) > 2 * LONGEST_LAG_S
)


class SetClock:
    """A clock that is wrong until it is set. Its boot was at BOOT."""

    boot_id = "boot-1"

    def __init__(self) -> None:
        self.boot_s = 100.0
        self.error = WRONG - BOOT
        self.said: ClockState = "unsynchronised"

    def now(self) -> datetime:
        return BOOT + timedelta(seconds=self.boot_s) + self.error

    def boot_time_s(self) -> float:
        return self.boot_s

    def state(self) -> ClockState:
        return self.said

    def set(self) -> None:
        self.error = timedelta(0)
        self.said = "synchronised"


def opened(folder: Path, clock: SetClock) -> Outbox:
    return Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1", clock=clock, zone=UTC)


def record(outbox: Outbox, at: datetime, *, seed: int = 1) -> None:
    outbox.record_plate(replace(plate(seed=seed, width=32), captured_at=at))


@given(boot_time_s=boot_times, lag_s=lags, step=steps)
def test_true_time_is_found_whenever_the_clock_was_set(
    boot_time_s: float, lag_s: float, step: timedelta
) -> None:
    captured_boot_s = boot_time_s - lag_s
    wrong_now = BOOT + step + timedelta(seconds=boot_time_s)
    captured_at = BOOT + step + timedelta(seconds=captured_boot_s)
    before = seen_now(wrong_now, boot_time_s=boot_time_s, state="unsynchronised")
    after = seen_now(wrong_now - step, boot_time_s=boot_time_s, state="synchronised")
    at = placed(captured_at, boot_time_s=boot_time_s, clocks=remembered([before], after))
    assert at is not None
    assert at.state == "unsynchronised"
    found = true_time(at.boot_time_s, after.offset_s)
    assert abs(found - (captured_at - step)) < timedelta(milliseconds=1)


@given(
    st.lists(st.floats(0, 86_400), min_size=2, max_size=20),
    st.floats(-(10**8), 10**8),
)
def test_correction_keeps_the_order_of_capture(moments: list[float], offset_s: float) -> None:
    inside = sorted(moments)
    times = [true_time(moment, offset_s) for moment in inside]
    assert times == sorted(times)


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(-1e6, 1e6)), max_size=30))
def test_memory_of_clocks_is_bounded_and_holds_the_newest(looks: list[tuple[float, float]]) -> None:
    clocks: tuple[Seen, ...] = ()
    for boot_time_s, offset_s in sorted(looks):
        newest = Seen(offset_s=offset_s, state="synchronised", boot_time_s=boot_time_s)
        clocks = remembered(clocks, newest)
        assert clocks[-1] == newest
        assert all(boot_time_s - seen.boot_time_s <= LONGEST_LAG_S for seen in clocks)
        others = [seen.offset_s for seen in clocks[:-1]]
        assert all(abs(other - offset_s) > SAME_S for other in others)


def test_time_of_no_clock_is_left_alone() -> None:
    clock = seen_now(BOOT, boot_time_s=100, state="unsynchronised")
    photographed = BOOT - timedelta(days=200)
    assert placed(photographed, boot_time_s=100, clocks=[clock]) is None
    assert placed(BOOT + timedelta(seconds=30), boot_time_s=100, clocks=[clock]) is None


def test_waiting_rows_are_corrected_once_the_clock_is_set(tmp_path: Path) -> None:
    clock = SetClock()
    with opened(tmp_path, clock) as outbox:
        upkeep = Upkeep(outbox, limits=Limits(), clock=clock, zone=UTC)
        for second in range(3):
            clock.boot_s = 100.0 + second
            record(outbox, clock.now() - timedelta(seconds=0.5), seed=second + 1)
        outbox.record_face(replace(face(), captured_at=clock.now()))
        outbox.record_health(component="disk", status="PASS", message="")
        assert upkeep.correct_times() == 0
        ids = [row.row.id for row in waiting(outbox)]
        clock.boot_s = 160.0
        clock.set()
        assert upkeep.correct_times() == 5
        assert upkeep.correct_times() == 0
        rows = waiting(outbox)
        assert [row.row.id for row in rows] == ids
        for second, row in enumerate(rows):
            expected = BOOT + timedelta(seconds=99.5 + second)
            assert abs(row.row.captured_at - expected) < timedelta(seconds=0.01)
            assert row.row.data.clock_state == "corrected"


def test_sighting_from_before_the_step_that_is_recorded_after_it_is_corrected_at_once(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    with opened(tmp_path, clock) as outbox:
        outbox.look_at_clock()
        captured_at = clock.now()
        clock.boot_s += 3
        clock.set()
        record(outbox, captured_at)
        ((timestamp, state, boot_id),) = asked(outbox.path, STATES)
        assert datetime.fromisoformat(timestamp) == BOOT + timedelta(seconds=100)
        assert (state, boot_id) == ("corrected", "boot-1")


def test_rows_of_another_boot_and_pictures_own_times_stay(tmp_path: Path) -> None:
    clock = SetClock()
    with opened(tmp_path, clock) as outbox:
        record(outbox, clock.now())
        record(outbox, clock.now() - timedelta(days=3), seed=2)
        clock.boot_id = "boot-2"
        clock.set()
        upkeep = Upkeep(outbox, limits=Limits(), clock=clock, zone=UTC)
        assert upkeep.correct_times() == 0
        rows = asked(outbox.path, STATES)
        assert [row[1:] for row in rows] == [("unsynchronised", "boot-1"), ("unsynchronised", "")]


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400), timedelta(hours=1)])
def test_jumps_of_the_clock_change_neither_order_nor_delivery(
    tmp_path: Path, jump: timedelta
) -> None:
    clock = SetClock()
    clock.set()
    with opened(tmp_path, clock) as outbox:
        for second in range(6):
            clock.boot_s += 1
            clock.error = jump if second % 2 else timedelta(0)
            record(outbox, clock.now(), seed=second + 1)
        rows = waiting(outbox)
        assert [row.row.sequence for row in rows] == [1, 2, 3, 4, 5, 6]
        assert len({row.row.id for row in rows}) == 6


async def test_sender_waits_for_the_clock_and_no_longer_than_stated() -> None:
    clock = SetClock()
    stop = asyncio.Event()
    assert await clock_is_set(clock, give_up_at_boot_s=50, stop=stop) is False
    waiting_for_it = asyncio.create_task(clock_is_set(clock, give_up_at_boot_s=200, stop=stop))
    await asyncio.sleep(0)
    assert not waiting_for_it.done()
    clock.set()
    assert await asyncio.wait_for(waiting_for_it, 10) is True
    stop.set()
    clock.said = "unsynchronised"
    assert await clock_is_set(clock, give_up_at_boot_s=10_000, stop=stop) is False
