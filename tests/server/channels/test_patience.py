"""How long a delivery is tried, and how long a channel rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.channels.patience import SAID_EVERY, TRIED_FOR, Silence, next_attempt, silence_after

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


def test_a_channel_that_takes_nothing_rests_longer_each_time_up_to_a_minute() -> None:
    at, held, rests, said = NOON, None, [], 0
    while at < NOON + 2 * SAID_EVERY + timedelta(minutes=1):
        held = silence_after(held, at, chance=0.0)
        rests.append((held.rests_until - at).total_seconds())
        said += held.said_at == at
        at = held.rests_until
    assert rests[:4] == [0.1, 0.3, 0.9, 2.7]
    assert rests == sorted(rests)
    assert rests[-1] == 60
    assert said == 3  # when it began, and once in each hour
    assert isinstance(held, Silence)
    assert held.is_deaf
    assert not silence_after(None, NOON, chance=0.0).is_deaf
