"""Many HTTP clients in one loop, each on a line of its own that stays open; cheap enough not to be
what is measured. Knows just enough of HTTP/1.1 for a server that states the length of its answers.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

NO_ANSWER = 0
"""Counted among the statuses: the line broke, or the time was up."""
PATIENCE_S = 120.0


def percentiles_ms(times_s: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99; of no times 0."""
    times = sorted(times_s) or [0.0]
    count = len(times)
    middle, near, far = statistics.median(times), times[int(count * 0.95)], times[int(count * 0.99)]
    return middle * 1000, near * 1000, far * 1000


@dataclass(slots=True)
class Heard:
    """`statuses` counts all answers, `times_s` are those of them; `took_s` is how long it went on.
    `has_retry_after`: every 503 said when to come again."""

    statuses: Counter[int] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    has_retry_after: bool = True
    took_s: float = 0.0


def post(path: str, body: bytes, content_type: str) -> bytes:
    """A whole request."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask_all(
    port: int, request: Callable[[int], bytes], *, clients: int, seconds: float
) -> Heard:
    """Each client asks again as soon as it was answered; `request` makes the one of a turn."""
    heard = Heard()
    begun_s = time.perf_counter()

    async def client(number: int) -> None:
        turn = number
        reader, writer = await _line(port)
        while time.perf_counter() - begun_s < seconds:
            asked_s = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    status, says_when = await _answer(reader, writer, request(turn))
            except (OSError, EOFError, TimeoutError):
                heard.statuses[NO_ANSWER] += 1
                writer.close()
                reader, writer = await _line(port)
                continue
            heard.statuses[status] += 1
            heard.times_s.append(time.perf_counter() - asked_s)
            heard.has_retry_after &= says_when or status != 503
            turn += clients
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    heard.took_s = time.perf_counter() - begun_s
    return heard


async def _line(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Also where the server has yet to listen."""
    ends_s = time.perf_counter() + PATIENCE_S
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            if time.perf_counter() > ends_s:
                raise
            await asyncio.sleep(0.05)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bool]:
    """The status, and whether it says when to come again."""
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(length)
    return int(head[9:12]), b"\r\nretry-after:" in head
