"""Asks the agent that runs how it is, and answers: one JSON over a socket beside the database.

A socket of the file system, so that whoever may read the database may ask, and nobody else; no
port, no password, and nothing is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from agent.health.result import HealthResult, Status

ANSWER_BYTES: Final = 1_000_000

log = structlog.get_logger(__name__)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent says of itself now."""

    process_id: int
    version: str
    results: tuple[tuple[str, Status, str], ...]

    @classmethod
    def of(cls, results: Sequence[HealthResult], *, version: str) -> Answer:
        return cls(
            process_id=os.getpid(),
            version=version,
            results=tuple((one.component, one.status, one.message) for one in results),
        )

    def as_results(self) -> tuple[HealthResult, ...]:
        return tuple(
            HealthResult(component=component, status=status, message=message)
            for component, status, message in self.results
        )


def socket_beside(database: Path) -> Path:
    """Where the agent of this database answers."""
    return database.with_name(database.name + ".agent.sock")


async def answer_questions(
    database: Path, look: Callable[[], Awaitable[Answer]], stop: asyncio.Event
) -> None:
    """Answers whoever connects, until `stop`. A socket that cannot be made costs only this."""
    path = socket_beside(database)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(msgspec.json.encode(await look()))
            await writer.drain()
        writer.close()

    try:
        path.unlink(missing_ok=True)  # of an agent that was killed; this one holds the lock
        server = await asyncio.start_unix_server(answer, sock=_bound(path))
    except OSError as error:
        log.warning("'agent check' cannot ask this agent", socket=str(path), error=str(error))
        return
    async with server:
        await stop.wait()
        server.close()
    path.unlink(missing_ok=True)


def ask(database: Path, *, timeout_s: float) -> Answer | None:
    """The answer of the agent that runs; None where none does, or it does not answer in time."""
    path = socket_beside(database)
    said = bytearray()
    try:
        with _opened(path.parent) as folder, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout_s)
            line.connect(f"/proc/self/fd/{folder}/{path.name}")
            while len(said) < ANSWER_BYTES and (part := line.recv(65536)):
                said += part
        return msgspec.json.decode(bytes(said), type=Answer)
    except (OSError, msgspec.MsgspecError):
        return None


def _bound(path: Path) -> socket.socket:
    """The address of a socket holds 108 bytes: the folder goes by its descriptor (unix(7))."""
    line = socket.socket(socket.AF_UNIX)
    try:
        with _opened(path.parent) as folder:
            line.bind(f"/proc/self/fd/{folder}/{path.name}")
        path.chmod(0o660)
    except BaseException:
        line.close()
        raise
    return line


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)
