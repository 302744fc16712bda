"""HTTP clients that hardly cost anything: one thread, epoll, requests that were written beforehand
and answers that are compared byte for byte. For a server that is asked a thousand times a second on
cores which it shares with whoever asks.

Each client has a line of its own that stays open and asks again as soon as it was answered.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_READ_BYTES = 64 * 1024
_PATIENCE_S = 30.0
_BETWEEN_TRIES_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One whole answer."""

    status: int
    body: bytes


@dataclass(slots=True)
class Told:
    """`statuses` counts all answers, `wrong` those with another body than was expected, `lost`
    requests without one; `times_s` are from asking to the last byte."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    lost: int = 0
    times_s: list[float] = field(default_factory=list)
    took_s: float = 0.0
    own_cpu_s: float = 0.0


@dataclass(slots=True)
class _Line:
    connection: socket.socket
    turn: int = 0
    asked_s: float = 0.0
    came: bytes = b""


def ask_each(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """Each once, one after the other."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
        answers: list[Answer] = []
        for request in requests:
            connection.sendall(request)
            came = b""
            while (answer := _whole(came)) is None:
                more = connection.recv(_READ_BYTES)
                if not more:
                    raise ConnectionError(f"the line ended after {len(answers)} answers")
                came += more
            answers.append(answer)
        return answers


def wait_until_ready(port: int, request: bytes, *, seconds: float) -> None:
    """Until that is answered with 200, by a server that has just been started."""
    ends_s = time.perf_counter() + seconds
    said = "it does not listen"
    while time.perf_counter() < ends_s:
        try:
            (answer,) = ask_each(port, [request])
        except OSError:
            time.sleep(_BETWEEN_TRIES_S)
            continue
        if answer.status == 200:
            return
        said = f"{answer.status} {answer.body.decode(errors='replace')}"
        time.sleep(_BETWEEN_TRIES_S)
    raise TimeoutError(f"the server is not ready after {seconds:.0f} s: {said}")


def ask_again(
    port: int,
    requests: Sequence[bytes],
    expected: Sequence[bytes],
    *,
    clients: int,
    seconds: float,
) -> Told:
    """All of them again and again, in turn; `expected` are the bodies."""
    told = Told()
    with selectors.DefaultSelector() as selector:
        used_s, begun_s = time.process_time(), time.perf_counter()
        for number in range(clients):
            connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = _Line(connection, turn=number)
            selector.register(connection, selectors.EVENT_READ, line)
            _ask(line, requests)
        open_lines, ends_s = clients, begun_s + seconds
        while open_lines and (events := selector.select(_PATIENCE_S)):
            for key, _ in events:
                line = key.data
                is_over = False
                try:
                    if _hear(line, requests, expected, told):
                        is_over = time.perf_counter() >= ends_s
                        line.turn += clients
                        if not is_over:
                            _ask(line, requests)
                except OSError:
                    told.lost += 1
                    is_over = True
                if is_over:
                    selector.unregister(line.connection)
                    line.connection.close()
                    open_lines -= 1
        told.lost += open_lines
        told.took_s = time.perf_counter() - begun_s
        told.own_cpu_s = time.process_time() - used_s
    return told


def _ask(line: _Line, requests: Sequence[bytes]) -> None:
    line.asked_s = time.perf_counter()
    line.connection.sendall(requests[line.turn % len(requests)])


def _hear(line: _Line, requests: Sequence[bytes], expected: Sequence[bytes], told: Told) -> bool:
    """Whether the answer is whole. Raises ConnectionError where there will be none."""
    more = line.connection.recv(_READ_BYTES)
    if not more:
        raise ConnectionError("the server ended the line")
    line.came += more
    answer = _whole(line.came)
    if answer is None:
        return False
    line.came = b""
    told.times_s.append(time.perf_counter() - line.asked_s)
    told.statuses[answer.status] += 1
    told.wrong += answer.body != expected[line.turn % len(requests)]
    return True


def _whole(came: bytes) -> Answer | None:
    """Of a server that states the length of its answers in lower case."""
    head, end, body = came.partition(b"\r\n\r\n")
    if not end:
        return None
    length = int(head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0] or 0)
    return Answer(status=int(head[9:12]), body=body) if len(body) >= length else None
