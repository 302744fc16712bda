"""An attempt ends before its claim does, however many addresses do not answer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from server.channels.attempt import BEGUN_WITHIN_S, Attempt
from server.channels.connecting import PATIENCE_S, Found, connected
from server.channels.postman import CLAIMED_FOR
from server.channels.telling import MAILING_S


def test_an_attempt_is_shorter_than_its_claim() -> None:
    assert BEGUN_WITHIN_S + max(MAILING_S, PATIENCE_S) < CLAIMED_FOR.total_seconds()


def test_steps_share_the_time_that_is_left() -> None:
    now_s = 100.0
    attempt = Attempt(begun_within_s=30.0, clock=lambda: now_s)
    assert attempt.left_s(10.0) == 10.0
    assert attempt.left_s(10.0, of=6) == 5.0
    now_s += 29.0
    assert attempt.left_s(10.0) == 1.0
    attempt.begin()
    assert not attempt.call_off()
    late = Attempt(begun_within_s=30.0, clock=lambda: now_s)
    now_s += 30.0
    with pytest.raises(TimeoutError, match="no time is left"):
        late.begin()
    assert late.call_off()


def test_what_was_called_off_is_told_to_nobody() -> None:
    attempt = Attempt()
    assert attempt.call_off()
    with pytest.raises(ConnectionAbortedError, match="called off"):
        attempt.begin()


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """Nobody takes its connections, and no more of them find room to wait."""
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def found_at(*ports: int) -> list[Found]:
    return [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))
        for port in ports
    ]


def test_dead_addresses_leave_time_for_one_that_answers_and_end_with_the_attempt() -> None:
    with deaf_port() as deaf, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began_s = time.monotonic()
        attempt = Attempt(begun_within_s=0.4)
        found = found_at(deaf, deaf, deaf, port)
        with connected(found, "name", attempt, tls=None, patience_s=60.0) as line:
            assert line.getpeername()[1] == port
        with pytest.raises(TimeoutError):
            connected(
                found_at(*[deaf] * 9),
                "name",
                Attempt(begun_within_s=0.2),
                tls=None,
                patience_s=60.0,
            )
        assert time.monotonic() - began_s < 50.0


def test_an_address_of_a_kind_that_this_machine_has_not_leaves_the_others() -> None:
    unknown = (socket.AddressFamily(socket.AF_APPLETALK), *found_at(9)[0][1:])
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = [unknown, *found_at(server.getsockname()[1])]
        with connected(found, "name", Attempt(), tls=None, patience_s=60.0) as line:
            assert line.getpeername() == server.getsockname()


def test_what_is_called_off_while_it_connects_ends_at_once() -> None:
    """The process waits for its threads at its end."""
    troubles: list[OSError] = []
    with deaf_port() as deaf:
        attempt, others = Attempt(), connecting_to(deaf)

        def connect() -> None:
            try:
                connected(found_at(deaf), "name", attempt, tls=None, patience_s=60.0)
            except OSError as error:
                troubles.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        while connecting_to(deaf) == others:
            assert thread.is_alive()
        assert attempt.call_off()
        thread.join(30.0)
        assert not thread.is_alive()
    assert len(troubles) == 1


def test_who_was_told_and_does_not_answer_is_waited_for_no_more_once_it_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        attempt = Attempt()
        found = found_at(server.getsockname()[1])
        with connected(found, "name", attempt, tls=None, patience_s=60.0) as line:
            attempt.begin()
            attempt.cut()
            assert line.recv(1) == b""


def connecting_to(port: int) -> int:
    """How many connections of this process wait there to be made."""
    return sum(
        each.status == psutil.CONN_SYN_SENT and each.raddr.port == port
        for each in psutil.Process().net_connections("tcp4")
    )
