"""Wrong passwords cost time."""

from __future__ import annotations

from guarding.lockout import FIRST_WAIT_S, FREE_FAILURES, LONGEST_WAIT_S, MOST_ADDRESSES, Lockout


def test_failures_cost_growing_time_and_success_forgives() -> None:
    lockout, now_s = Lockout(), 100.0
    for _ in range(FREE_FAILURES - 1):
        lockout.failed("a", now_s)
    assert lockout.wait_s("a", now_s) == 0
    lockout.failed("a", now_s)
    first = lockout.wait_s("a", now_s)
    lockout.failed("a", now_s)
    assert lockout.wait_s("a", now_s) == 2 * first
    for _ in range(30):
        lockout.failed("a", now_s)
    assert lockout.wait_s("a", now_s) == LONGEST_WAIT_S
    assert lockout.wait_s("b", now_s) == 0
    assert lockout.succeeded("a")
    assert not lockout.succeeded("a")
    assert lockout.wait_s("a", now_s) == 0


def test_a_brake_never_waits_longer_than_it_may() -> None:
    brake = Lockout(free_failures=2, longest_wait_s=30.0)
    for _ in range(20):
        brake.failed("a", 100.0)
    assert brake.wait_s("a", 100.0) == 30


def test_what_was_known_before_counts_on() -> None:
    lockout = Lockout()
    lockout.recall("a", count=FREE_FAILURES, last_s=-5.0)
    assert lockout.wait_s("a", 0.0) == FIRST_WAIT_S - 5
    assert lockout.failed("a", 0.0) == FREE_FAILURES + 1


def test_failures_are_remembered_of_so_many_addresses() -> None:
    lockout = Lockout()
    for _ in range(FREE_FAILURES):
        lockout.failed("first", 1.0)
    for number in range(MOST_ADDRESSES):
        lockout.failed(str(number), 2.0)
    assert lockout.wait_s("first", 2.0) == 0
