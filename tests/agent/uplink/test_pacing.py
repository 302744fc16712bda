"""The cap on what is sent: never more than the rate and one burst, never a wait without need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.uplink.pacing import MOST_PIECES, PIECE_S, Pace

sizes = st.integers(1, 100_000)
pauses = st.floats(0, 100)


def test_without_a_cap_nothing_waits_and_nothing_is_cut() -> None:
    pace = Pace(0)
    assert [pace.wait_s(10**9, 0.0) for _ in range(3)] == [0, 0, 0]
    assert pace.piece_bytes(8_000_000) == 8_000_000


@given(st.floats(1_000, 1e7), st.lists(st.tuples(sizes, pauses), min_size=1))
def test_no_stretch_of_time_carries_more_than_the_rate_and_a_burst(
    bytes_s: float, sent: list[tuple[int, float]]
) -> None:
    pace = Pace(bytes_s)
    now_s = 1_000.0
    went: list[tuple[float, int]] = []
    for size, pause_s in sent:
        now_s += pause_s
        now_s += pace.wait_s(size, now_s)
        went.append((now_s, size))
    for first in range(len(went)):
        total = 0
        for last_s, size in went[first:]:
            # What goes last may go as soon as those before it have had their time.
            allowed = bytes_s * (last_s - went[first][0] + PIECE_S)
            assert total <= allowed * (1 + 1e-9) + 1e-3
            total += size


def test_an_idle_line_owes_no_more_than_a_burst() -> None:
    pace = Pace(1_000)
    assert pace.wait_s(1_000, 0.0) == 0
    assert pace.wait_s(1, 0.0) == 1.0 - PIECE_S
    assert pace.wait_s(1_000, 1_000_000.0) == 0
    assert pace.wait_s(1, 1_000_000.0) == 1.0 - PIECE_S


@given(st.integers(1, 8_388_608), st.floats(1_000, 1e9))
def test_pieces_are_short_and_few(frame_bytes: int, bytes_s: float) -> None:
    piece = Pace(bytes_s).piece_bytes(frame_bytes)
    assert piece > 0
    assert -(-frame_bytes // piece) <= MOST_PIECES
    if frame_bytes < 512 * MOST_PIECES:
        assert piece <= max(512, bytes_s * PIECE_S)
