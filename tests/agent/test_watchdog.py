"""What holds the systemd watchdog back, and what does not."""

from __future__ import annotations

from agent.watchdog import SENDING_LIMIT_S, WATCHING_LIMIT_S, status_line, works_of
from telemetry.service_manager import stall_of


def test_loop_that_does_not_come_round_is_a_stall() -> None:
    assert stall_of(works_of(watching_s=WATCHING_LIMIT_S, sending_s=0)) is None
    stall = stall_of(works_of(watching_s=WATCHING_LIMIT_S + 1, sending_s=0))
    assert stall is not None
    assert stall.startswith("watching has not moved")


def test_database_call_that_hangs_is_a_stall_of_the_sender_alone_too() -> None:
    stall = stall_of(works_of(watching_s=None, sending_s=SENDING_LIMIT_S + 1))
    assert stall is not None
    assert stall.startswith("sending has not moved")


def test_what_another_process_does_is_not_watched() -> None:
    assert works_of(watching_s=None, sending_s=None) == ()


def test_status_says_what_this_process_does() -> None:
    both = status_line(source="picamera:0", fps=9.96, link_state="open", waiting=3)
    assert both == "watching picamera:0, 10.0 frames/s; link open, 3 rows wait"
    assert status_line(source=None, link_state="waiting", waiting=0) == "link waiting, 0 rows wait"
