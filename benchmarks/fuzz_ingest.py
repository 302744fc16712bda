"""`python -m benchmarks.fuzz_ingest`: mutated messages of both exchanges against a live server.

Checks that it stays up, that its memory stays bounded, that every answer is well-formed, and that
nothing invalid is stored.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.mutation import Message, Mutator
from benchmarks.server_process import Cost, ServerProcess
from benchmarks.stored_rows import faults_in
from wire import v1
from wire.classic import decode_classic_answer
from wire.errors import FrameInvalid, RowInvalid

GOLDEN: Final = Path(__file__).resolve().parents[1] / "tests" / "wire" / "golden"
MOST_GROWTH_BYTES: Final = 256 * 1024 * 1024
"""Of the server's memory at its peak; its byte budget is set to 16 MB for the run."""

_BATCH: Final = 16
_CONNECTIONS: Final = 8
_ANSWER_S: Final = 60.0
_LAST_FRAME: Final = 2**40
_MOST_SHOWN: Final = 20
_CODES: Final = frozenset({1003, 1007, 1008, 1009})


@dataclass(slots=True)
class Findings:
    """What was seen; `violations` must stay empty."""

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A whole run."""

    findings: Findings
    before: Cost
    after: Cost
    duration_s: float


def fuzz(messages: int, seed: int, folder: Path, progress: Progress | None = None) -> Outcome:
    """Sends so many messages to a server in `folder`; looks at its database when it has stopped."""
    findings = Findings()
    started = time.monotonic()
    with ServerProcess(folder, {"SERVER_MEMORY_BUDGET_MB": "16"}) as server:
        before = server.cost()
        # uvloop: asyncio's own transport fails where a peer hangs up with bytes left to send
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_send_all(server, messages, seed, findings, progress))
        if not server.is_up:
            findings.violations.append("the server is gone")
            return Outcome(findings=findings, before=before, after=before,
                           duration_s=time.monotonic() - started)  # fmt: skip
        after = server.cost()
        code = server.stop()
    if code != 0:
        findings.violations.append(f"the server ended with exit code {code}")
    if after.peak_bytes - before.memory_bytes > MOST_GROWTH_BYTES:
        findings.violations.append(f"memory grew to {after.peak_bytes / 1e6:.0f} MB")
    findings.violations.extend(faults_in(server.database, server.pictures))
    return Outcome(
        findings=findings, before=before, after=after, duration_s=time.monotonic() - started
    )


async def _send_all(
    server: ServerProcess, messages: int, seed: int, findings: Findings, progress: Progress | None
) -> None:
    task = progress.add_task("messages", total=messages) if progress else None
    share, rest = divmod(messages, _CONNECTIONS)
    async with asyncio.TaskGroup() as tasks:
        for number in range(_CONNECTIONS):
            kind = _Classic if number % 2 else _V1
            sender = kind(server, seed * _CONNECTIONS + number, findings)
            count = share + (number < rest)

            def report(done: int) -> None:
                if progress is not None and task is not None:
                    progress.advance(task, done)

            tasks.create_task(sender.run(count, report))


class _Sender:
    """One camera gone mad: sends batches, reads all answers, comes back when turned out."""

    shapes: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()

    def __init__(self, server: ServerProcess, seed: int, findings: Findings) -> None:
        self._server = server
        self._findings = findings
        self._random = random.Random(seed)
        self._sentinels = 0
        self._number = seed % _CONNECTIONS
        shapes = [path.read_bytes() for each in self.shapes for path in sorted(GOLDEN.glob(each))]
        self._mutator = Mutator(shapes, seed)

    async def run(self, count: int, report: Callable[[int], None]) -> None:
        left = count
        while left > 0 and self._server.is_up:
            try:
                async with connect(
                    f"ws://127.0.0.1:{self._server.port}/",
                    compression=None,
                    max_size=None,
                    subprotocols=[Subprotocol(each) for each in self.protocols] or None,
                ) as socket:
                    await self._begin(socket)
                    while left > 0:
                        batch = [self._mutator.message() for _ in range(min(_BATCH, left))]
                        left -= len(batch)
                        self._findings.sent += len(batch)
                        report(len(batch))
                        async with asyncio.timeout(_ANSWER_S):
                            await self._exchange(socket, batch)
            except ConnectionClosed as error:
                self._note_close(error)
            except TimeoutError as error:
                self._findings.violations.append(f"no answer in time {error}")
            except OSError as error:
                self._findings.violations.append(f"cannot connect: {error}")
                return

    def _note_close(self, error: ConnectionClosed) -> None:
        code = error.rcvd.code if error.rcvd else 1006
        self._findings.closes[code] += 1
        if code not in _CODES:
            self._findings.violations.append(f"closed with {code}")

    async def _begin(self, socket: ClientConnection) -> None:
        """What comes before rows."""

    async def _exchange(self, socket: ClientConnection, batch: list[Message]) -> None:
        raise NotImplementedError


async def _send(socket: ClientConnection, message: Message) -> None:
    await socket.send(message.content, text=message.is_text)


class _Classic(_Sender):
    shapes = ("classic_lpr*.json", "classic_health*.json", "classic_sent*.json")

    async def _exchange(self, socket: ClientConnection, batch: list[Message]) -> None:
        for message in batch:
            await _send(socket, message)
        for _ in batch:
            content = await socket.recv()
            try:
                json.loads(content)
                answer = decode_classic_answer(content)
            except (RowInvalid, ValueError) as error:
                self._findings.violations.append(f"classic answer {content[:200]!r}: {error}")
                continue
            self._findings.answers[f"classic {answer.status}"] += 1
            if (answer.status == "success") != (answer.record_id is not None):
                self._findings.violations.append(f"classic answer {content[:200]!r}")


class _V1(_Sender):
    shapes = ("v1_rows*.json", "v1_hello.json")
    protocols = (v1.SUBPROTOCOL,)

    async def _begin(self, socket: ClientConnection) -> None:
        hello = (GOLDEN / "v1_hello.json").read_bytes()
        if self._random.random() < 0.3:
            tried = Mutator([hello], self._random.getrandbits(32)).message()
            await _send(socket, tried)
        else:
            await socket.send(hello, text=True)
        async with asyncio.timeout(_ANSWER_S):
            self._read(await socket.recv())

    async def _exchange(self, socket: ClientConnection, batch: list[Message]) -> None:
        """Frames of an unknown type get no answer, so a sound row ends each batch."""
        for message in batch:
            await _send(socket, message)
        self._sentinels += 1
        last = _LAST_FRAME + self._sentinels
        row = {
            "table": "health_monitor",
            "id": f"01920000-0000-7000-8{self._number:03x}-{self._sentinels:012x}",
            "sequence": self._sentinels,
            "captured_at": "2026-08-06T03:30:00Z",
            "data": {"component": "camera", "status": "PASS"},
        }
        await socket.send(json.dumps({"type": "rows", "frame": last, "rows": [row]}))
        while True:
            answer = self._read(await socket.recv())
            if isinstance(answer, v1.Acks) and answer.frame == last:
                if not answer.results[0].success:
                    self._findings.violations.append(f"a sound row was refused: {answer}")
                return

    def _read(self, content: bytes | str) -> object:
        try:
            json.loads(content)
            answer = v1.decode_server_message(content)
        except (FrameInvalid, ValueError) as error:
            self._findings.violations.append(f"v1 answer {content[:200]!r}: {error}")
            return None
        self._findings.answers[f"v1 {type(answer).__name__}"] += 1
        if isinstance(answer, v1.Acks):
            for result in answer.results:
                self._findings.answers[
                    "v1 rows stored" if result.success else "v1 rows refused"
                ] += 1
                if result.success != (result.record_id is not None) or result.success == bool(
                    result.code
                ):
                    self._findings.violations.append(f"v1 result {result}")
        return answer


def show(console: Console, outcome: Outcome) -> None:
    """The table at the end."""
    table = Table("what", "value", title="fuzz_ingest")
    findings = outcome.findings
    table.add_row("messages sent", f"{findings.sent:,}")
    for name, count in sorted(findings.answers.items()):
        table.add_row(name, f"{count:,}")
    for code, count in sorted(findings.closes.items()):
        table.add_row(f"connections closed with {code}", f"{count:,}")
    for name, size in (
        ("server memory before", outcome.before.memory_bytes),
        ("server memory after", outcome.after.memory_bytes),
        ("server memory at its peak", outcome.after.peak_bytes),
    ):
        table.add_row(name, f"{size / 1e6:.0f} MB")
    table.add_row("server processor time", f"{outcome.after.cpu_s:.0f} s")
    table.add_row("duration", f"{outcome.duration_s:.0f} s")
    table.add_row("violations", f"{len(findings.violations):,}")
    console.print(table)
    for violation in findings.violations[:_MOST_SHOWN]:
        console.print(f"VIOLATION {violation}", markup=False)


def main(
    messages: Annotated[int, typer.Option(min=1, help="How many messages.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed sends the same messages.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="An empty folder for the server; default: a temporary one.")
    ] = None,
) -> None:
    """Send mutated messages to a live server; exit 1 on any violation."""
    console = Console()
    with tempfile.TemporaryDirectory() as temporary, Progress(console=console) as progress:
        outcome = fuzz(messages, seed, folder or Path(temporary), progress)
    show(console, outcome)
    if outcome.findings.violations:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
