from __future__ import annotations

from agent.uplink.liveness import Liveness


def test_silence_is_death_after_the_time() -> None:
    line = Liveness(dead_after_s=30, now_s=0)
    line.observed(0, 10)
    assert not line.is_dead(30)
    assert line.is_dead(30.1)


def test_pong_or_message_is_life() -> None:
    line = Liveness(dead_after_s=30, now_s=0)
    line.heard(25)
    assert not line.is_dead(54)


def test_slow_line_that_still_moves_bytes_is_alive() -> None:
    line = Liveness(dead_after_s=30, now_s=0)
    line.sent(60_000)
    queued = 60_000
    for at_s in range(10, 300, 10):
        queued -= 100
        line.observed(queued, at_s)
        assert not line.is_dead(at_s)


def test_queue_that_only_grows_is_dead() -> None:
    line = Liveness(dead_after_s=30, now_s=0)
    for at_s in range(5, 30, 5):
        line.sent(1_000)
        line.observed(1_000 * at_s // 5, at_s)
    assert line.is_dead(31)
