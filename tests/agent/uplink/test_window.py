from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.uplink.window import (
    FIRST_BYTES,
    FRAGMENT_BYTES,
    FRAME_BYTES,
    LARGEST_FRAME_BYTES,
    Window,
)


def run(rate_bytes_s: float, frames: int, size_bytes: int = 60_000) -> Window:
    """A line that carries one frame after another at a steady rate."""
    window = Window()
    now_s = 0.0
    for number in range(frames):
        window.sent(number, size_bytes, now_s)
        now_s += size_bytes / rate_bytes_s
        window.answered(number, now_s)
    return window


def test_cap_holds_down_what_is_in_flight_and_in_a_frame() -> None:
    window = Window(cap_bytes_s=4_000)
    assert (window.limit_bytes, window.frame_bytes) == (12_000, 4_000)
    uncapped = run(1_000_000, 20)
    wide = Window(cap_bytes_s=1e9)
    for number in range(20):
        wide.sent(number, 60_000, number * 0.06)
        wide.answered(number, (number + 1) * 0.06)
    assert (wide.limit_bytes, wide.frame_bytes) == (uncapped.limit_bytes, uncapped.frame_bytes)


def test_slow_line_keeps_little_in_flight_and_small_pieces() -> None:
    window = run(8_000, 20)
    assert window.limit_bytes == FIRST_BYTES
    assert window.fragment_bytes == FRAGMENT_BYTES
    assert window.frame_bytes == FRAME_BYTES


def test_fast_line_keeps_seconds_in_flight_and_sends_whole_frames() -> None:
    window = run(50e6, 20)
    assert 100e6 < window.limit_bytes < 200e6
    assert window.fragment_bytes > 1e6
    assert window.frame_bytes == LARGEST_FRAME_BYTES


def test_line_that_becomes_slow_is_believed_after_a_while() -> None:
    window = run(50e6, 5)
    now_s = 1_000.0
    for number in range(100, 200):
        window.sent(number, 60_000, now_s)
        now_s += 60_000 / 8_000
        window.answered(number, now_s)
    assert window.limit_bytes == FIRST_BYTES


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100)), max_size=50))
def test_answers_in_any_order_never_break_it(events: list[tuple[int, float]]) -> None:
    window = Window()
    for number, at_s in events:
        window.sent(number, 1000, at_s)
        window.answered(number + 1, at_s)
    assert window.limit_bytes >= FIRST_BYTES
