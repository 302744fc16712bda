"""How long a delivery is tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.channels.patience import TRIED_FOR, next_attempt

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_waits_grow_from_a_tenth_of_a_second_to_an_hour_and_end_after_a_day() -> None:
    at, waits = NOON, []
    for attempts in range(1, 200):
        following = next_attempt(attempts, ordered_at=NOON, now=at, chance=0.0)
        if following is None:
            break
        waits.append((following - at).total_seconds())
        at = following
    assert waits[:4] == [0.1, 0.3, 0.9, 2.7]
    assert waits == sorted(waits)
    assert max(waits) == 3600
    assert NOON + TRIED_FOR - timedelta(hours=1) <= at < NOON + TRIED_FOR


def test_chance_spreads_the_attempts_over_half_of_the_wait() -> None:
    first, last = (next_attempt(5, ordered_at=NOON, now=NOON, chance=c) for c in (1.0, 0.0))
    assert first is not None
    assert last is not None
    assert (last - NOON) == 2 * (first - NOON)
