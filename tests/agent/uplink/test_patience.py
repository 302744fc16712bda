"""One row on which a server hangs or breaks never holds up the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import apsw
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agent.clock import SystemClock
from agent.delivery import RowKey
from agent.outbox.store import Outbox
from agent.uplink.link import LinkFailure
from agent.uplink.patience import Patience
from agent.uplink.sender import Sender
from tests.agent.outbox.sightings import plate
from tests.agent.uplink.conftest import SendersFactory, soon, until
from tests.agent.uplink.ingest import Ingest, serving
from wire.rows import Table

SAVED = {"status": "success", "message": "Data saved successfully", "record_id": 1}
Trouble = Literal["hangs", "is cut", "1011", "1009"]


@dataclass
class BreakingServer:
    """An older server that never answers the row `POISON`."""

    trouble: Trouble
    saved: list[str] = field(default_factory=list)
    poisoned: int = 0
    url: str = ""

    async def handle(self, connection: ServerConnection) -> None:
        try:
            async for text in connection:
                said = json.loads(text)["data"]["license_plate"]
                if said == "POISON":
                    self.poisoned += 1
                    await self._break(connection)
                    continue
                self.saved.append(said)
                await connection.send(json.dumps(SAVED))
        except ConnectionClosed:
            pass

    async def _break(self, connection: ServerConnection) -> None:
        if self.trouble == "is cut":
            connection.transport.abort()
        elif self.trouble != "hangs":
            await connection.close(int(self.trouble))


@asynccontextmanager
async def breaking(trouble: Trouble) -> AsyncIterator[BreakingServer]:
    server = BreakingServer(trouble)
    async with serve(server.handle, "127.0.0.1", 0, max_size=16_000_000) as listening:
        (port,) = [sock.getsockname()[1] for sock in listening.sockets]
        server.url = f"ws://127.0.0.1:{port}/"
        yield server


class SteppedClock(SystemClock):
    """The machine's clock, set by so many seconds."""

    step_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.step_s)


def query(outbox: Outbox, sql: str) -> Any:
    reader = apsw.Connection(str(outbox.path))
    value = reader.execute(sql).get
    reader.close()
    return value


@pytest.mark.parametrize("trouble", ["hangs", "is cut", "1011", "1009"])
async def test_row_that_breaks_an_older_server_lets_others_pass(
    outbox: Outbox, running: SendersFactory, trouble: Trouble
) -> None:
    for text in ("POISON", "ONE", "TWO", "THREE"):
        outbox.record_plate(plate(text, width=16))  # small, for patience grows with the size
    patience = {"answer_timeout_s": 0.2, "backoff_max_s": 0.05}
    async with breaking(trouble) as server, running(server.url, **patience):
        await until(lambda: len(server.saved) == 3)
        await until(lambda: outbox.counts().acknowledged == 3)
    assert server.poisoned == 1
    error = query(outbox, "SELECT send_error FROM detection_results WHERE sent_to_server = 0")
    assert "no answer to this row" in error
    assert outbox.counts().waiting == 1


async def test_row_that_breaks_an_older_server_is_set_aside_in_the_end(
    outbox: Outbox, running: SendersFactory
) -> None:
    for text in ("POISON", "ONE"):
        outbox.record_plate(plate(text))
    hours = {"classic_retry_hours": 1e-9, "backoff_max_s": 0.05}
    tool = apsw.Connection(str(outbox.path))
    tool.execute("UPDATE detection_results SET retry_waited_s = 1 WHERE id = 1")
    tool.close()
    async with breaking("1011") as server, running(server.url, **hours) as sender:
        assert await soon(sender.drained()) == 0
    assert outbox.counts().refused == 1
    assert outbox.counts().acknowledged == 1


async def test_line_that_breaks_with_a_row_does_not_set_it_aside(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate("POISON"))
    tool = apsw.Connection(str(outbox.path))
    tool.execute("UPDATE detection_results SET retry_waited_s = 1e9")
    tool.close()
    async with breaking("is cut") as server, running(server.url) as sender:
        await until(lambda: sender.status.link.failure is LinkFailure.RESET)
        await until(lambda: bool(query(outbox, "SELECT send_attempts FROM detection_results")))
    assert outbox.counts().waiting == 1


async def test_sending_once_gets_the_others_past_the_row(
    outbox: Outbox, new_sender: Callable[..., Sender]
) -> None:
    for text in ("POISON", "ONE", "TWO"):
        outbox.record_plate(plate(text))
    async with breaking("1011") as server:
        sent = await soon(new_sender(server.url).send_once(asyncio.Event()))
    assert (sent.was_reached, sent.waiting, sorted(server.saved)) == (True, 1, ["ONE", "TWO"])


class Broken(Exception):
    """The server's own fault: websockets closes with 1011."""


async def test_row_that_breaks_the_server_is_found_and_put_off(
    outbox: Outbox, running: SendersFactory
) -> None:
    for number in range(30):
        text = "POISON" if number == 17 else f"row {number}"
        outbox.record_health(component="c", status="PASS", message=text)
    seen: list[int] = []

    def break_on(content: bytes) -> bytes | None:
        if b"POISON" in content:
            seen.append(content.count(b'"sequence"'))
            raise Broken
        return None

    ingest = Ingest(refuse_frame=break_on)
    async with serving(ingest), running(ingest.url, backoff_max_s=0.05):
        await until(lambda: outbox.counts().acknowledged == 29)
    assert seen[0] == 30
    assert seen[-1] == 1
    assert len(seen) <= 4
    assert len(ingest.arrivals) == 29
    error = query(outbox, "SELECT send_error FROM health_checks WHERE sent_to_server = 0")
    assert "the connection ended with this row: closed with 1011" in error


async def test_row_on_which_the_server_hangs_is_found_and_put_off(
    outbox: Outbox, running: SendersFactory
) -> None:
    for number in range(6):
        text = "POISON" if number == 2 else f"row {number}"
        outbox.record_health(component="c", status="PASS", message=text)
    never = asyncio.Event()

    class Hanging(Ingest):
        async def _answer(self, connection: Any, session: Any, content: bytes) -> None:
            if b"POISON" in content:
                await never.wait()
            await super()._answer(connection, session, content)

    ingest = Hanging()
    waiting = {"answer_timeout_s": 0.3, "ping_interval_s": 0.05, "backoff_max_s": 0.05}
    async with serving(ingest), running(ingest.url, **waiting):
        await until(lambda: outbox.counts().acknowledged == 5)
        never.set()
    assert outbox.counts().waiting == 1


def test_suspicion_ends_with_an_answer() -> None:
    patience, key = Patience(), RowKey(Table.LPR_DETECTION, 1)
    assert patience.is_calm
    patience.suspect([key])
    assert not patience.is_suspect(key)
    patience.suspect([key])
    assert patience.is_suspect(key)
    patience.answered([key])
    assert not patience.is_suspect(key)
    assert patience.is_calm


def test_delays_grow_and_are_forgotten_with_the_row() -> None:
    patience, key = Patience(), RowKey(Table.LPR_DETECTION, 1)
    delays = [patience.next_delay_s(key, random=1.0) for _ in range(10)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (10.0, 900.0)
    patience.settled([key])
    assert patience.next_delay_s(key, random=1.0) == 10.0


@pytest.mark.parametrize("step_s", [3600 * 24 * 365, -3600 * 24 * 365])
def test_step_of_the_clock_does_not_end_the_patience(tmp_path: Path, step_s: float) -> None:
    clock = SteppedClock()
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path, "cam-1", clock=clock) as outbox:
        recorded = outbox.record_plate(plate())
        key = RowKey(Table.LPR_DETECTION, recorded.row_id)
        store = outbox.sending()
        assert store.note_failure(key, "locked", delay_s=5.0) == 0.0
        clock.step_s = step_s
        assert store.note_failure(key, "locked", delay_s=7.0) == 5.0
        store.close()
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path, "cam-1", clock=clock) as outbox:
        store = outbox.sending()
        assert store.note_failure(key, "locked", delay_s=9.0) == 12.0
        store.close()
