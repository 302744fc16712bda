from __future__ import annotations

from agent.uplink.liveness import UNMEASURED_BYTES_S, Liveness, answer_patience_s


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


def test_patience_with_an_answer_grows_with_the_frame_and_never_falls_below_the_least() -> None:
    assert answer_patience_s(60_000, rate_bytes_s=8_000, least_s=1) == 15
    assert answer_patience_s(60_000, rate_bytes_s=0, least_s=1) == 120_000 / UNMEASURED_BYTES_S
    assert answer_patience_s(10, rate_bytes_s=8_000, least_s=30) == 30
