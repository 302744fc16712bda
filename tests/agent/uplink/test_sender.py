"""The sender as a whole: one at a time, patient without a server, quiet with nothing to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import apsw
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent.app import send_in_time
from agent.clock import SystemClock
from agent.delivery import DeliveryStore, Settlement, WaitingRow
from agent.errors import SenderAlreadyRunning
from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from agent.uplink.intake import Batch, Intake
from agent.uplink.link import LinkFailure, LinkState
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from tests.agent.outbox.ends import upkeep
from tests.agent.outbox.older_camera import make_older_database
from tests.agent.outbox.sightings import plate
from tests.agent.uplink.conftest import SendersFactory, soon, until
from tests.agent.uplink.ingest import Ingest, serving
from wire.accepted import AcceptedRow
from wire.rows import LprRow, Table
from wire.v1 import RowResult

NewSender = Callable[..., Sender]


@pytest.fixture
def nowhere() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{unused.getsockname()[1]}/"


async def test_second_sender_of_a_database_is_refused(
    new_sender: NewSender, running: SendersFactory
) -> None:
    async with serving(ingest := Ingest()), running(ingest.url) as first:
        await until(lambda: first.status.link.is_open)
        with pytest.raises(SenderAlreadyRunning, match=r"process [0-9]+ sends"):
            await new_sender(ingest.url).run(asyncio.Event())
        with pytest.raises(SenderAlreadyRunning):
            await new_sender(ingest.url).send_once(asyncio.Event())
        assert first.status.link.is_open


async def test_a_look_for_fresh_rows_that_finds_none_does_not_hold_up_the_backlog(
    outbox: Outbox, running: SendersFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        outbox.record_health(component="c", status="PASS", message=f"{number}" * 2000)
    batches, take = list[Batch](), Intake.take

    def taken(intake: Intake, **asked: Any) -> Batch:
        batch = take(intake, **asked)
        batches.append(batch)
        if len(batches) == 1:
            sender.notify()
        elif asked["fresh_only"]:  # the line is faster than the disk
            while len(ingest.arrivals) < len(batches[0].rows):
                time.sleep(0.001)
        return batch

    monkeypatch.setattr(Intake, "take", taken)
    async with serving(ingest := Ingest()), running(ingest.url, check_interval_s=3600) as sender:
        await until(lambda: not outbox.counts().waiting)
    assert (len(batches[1].rows), batches[1].is_last) == (0, False)


async def test_a_database_that_is_locked_when_sending_begins_does_not_end_the_agent(
    outbox: Outbox, new_sender: NewSender, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "state", lambda _: "synchronised")
    sender, stop = new_sender(nowhere), asyncio.Event()
    with contextlib.closing(apsw.Connection(str(outbox.path))) as other:
        other.execute("BEGIN IMMEDIATE")
        sending = asyncio.create_task(send_in_time(sender, upkeep(outbox), wait_s=0, stop=stop))
        await until(lambda: sending.done() or sender.status.link.failure is not None)
        stop.set()
        await soon(sending)
    assert sender.status.link.failure is LinkFailure.REFUSED


async def test_sender_in_turn_says_who_sends_and_sends_once_that_has_ended(
    outbox: Outbox, new_sender: NewSender, running: SendersFactory
) -> None:
    stop = asyncio.Event()
    async with serving(ingest := Ingest()):
        second = new_sender(ingest.url)
        async with running(ingest.url) as first:
            await until(lambda: first.status.link.is_open)
            waiting = asyncio.create_task(second.run_in_turn(stop, turn_s=0.01))
            await until(lambda: second.status.link.failure is LinkFailure.TAKEN)
            assert f"process {os.getpid()} sends" in second.status.link.detail
            outbox.record_health(component="c", status="PASS", message="x")
            assert await soon(second.drained()) == 0
            assert outbox.counts().acknowledged == 1
            await until(lambda: second.status.acknowledged == 1)
        outbox.record_plate(plate("P1", seed=1))
        await until(lambda: second.status.link.is_open and len(ingest.arrivals) == 2)
        assert second.status.link.failure is None
        stop.set()
        await soon(waiting)


async def test_nobody_else_sends_while_what_the_server_said_is_being_written(
    outbox: Outbox, new_sender: NewSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on, settle = threading.Event(), threading.Event(), SendingStore.settle

    def slowly(store: SendingStore, settlement: Settlement) -> None:
        begun.set()
        assert may_go_on.wait(20)
        settle(store, settlement)

    monkeypatch.setattr(SendingStore, "settle", slowly)
    outbox.record_plate(plate())
    stop = asyncio.Event()
    async with serving(ingest := Ingest()):
        sender = new_sender(ingest.url, stop_grace_s=0.01)
        sending = asyncio.create_task(sender.run(stop))
        await until(begun.is_set)
        stop.set()
        await until(lambda: sender.status.link.state is LinkState.STOPPED)
        with pytest.raises(SenderAlreadyRunning):
            await new_sender(ingest.url).run(asyncio.Event())
        may_go_on.set()
        await soon(sending)
    assert outbox.counts().acknowledged == 1


async def test_sending_once_sends_everything_and_ends(
    outbox: Outbox, new_sender: NewSender
) -> None:
    for number in range(25):
        outbox.record_plate(plate(f"P{number}", seed=number))
    async with serving(ingest := Ingest()):
        sent = await soon(new_sender(ingest.url).send_once(asyncio.Event()))
        assert sent.is_clean
        again = await soon(new_sender(ingest.url).send_once(asyncio.Event()))
        assert again.is_clean
    assert len(ingest.arrivals) == 25


async def test_sending_once_without_a_server_gives_up_and_says_why(
    outbox: Outbox, new_sender: NewSender, nowhere: str
) -> None:
    outbox.record_plate(plate())
    sender = new_sender(nowhere, backoff_max_s=0.01)
    sent = await soon(sender.send_once(asyncio.Event()))
    assert not sent.was_reached
    assert not sent.is_clean
    assert sent.waiting == 1
    assert "start the server" in sent.advice


async def test_sending_once_reports_refused_rows(outbox: Outbox, new_sender: NewSender) -> None:
    def refuse(row: AcceptedRow) -> RowResult:
        return RowResult(id=row.id, success=False, code="invalid_field", message="no")

    outbox.record_plate(plate())
    async with serving(ingest := Ingest(judge=refuse)):
        sent = await soon(new_sender(ingest.url).send_once(asyncio.Event()))
    assert (sent.was_reached, sent.refused, sent.is_clean) == (True, 1, False)


async def test_sender_waits_for_a_server_and_finds_it_again(
    outbox: Outbox, running: SendersFactory, nowhere: str
) -> None:
    port = int(nowhere.rsplit(":", 1)[1].strip("/"))
    outbox.record_plate(plate("ONE"))
    async with running(nowhere) as sender:
        await until(lambda: sender.status.link.failure is LinkFailure.REFUSED)
        assert "start the server" in sender.status.link.advice
        async with serving(ingest := Ingest(), port=port):
            await soon(sender.drained())
            assert sender.status.connected_since is not None
        await until(lambda: not sender.status.link.is_open)
        outbox.record_plate(plate("TWO"))
        async with serving(ingest, port=port):
            await soon(sender.drained())
    assert sender.status.link.state is LinkState.STOPPED
    assert len(ingest.rows) == len(ingest.arrivals) == 2


async def test_unauthorised_is_a_named_state(running: SendersFactory) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no token")

    async with serving(ingest := Ingest(), process_request=refuse), running(ingest.url) as sender:
        await until(lambda: sender.status.link.failure is LinkFailure.UNAUTHORIZED)
        assert "AGENT_TOKEN" in sender.status.link.advice


async def test_what_only_a_person_can_mend_is_tried_again_slowly(
    new_sender: NewSender, running: SendersFactory
) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no token")

    async with serving(ingest := Ingest(), process_request=refuse):
        async with running(ingest.url, backoff_max_s=60.0) as sender:
            await until(lambda: sender.status.link.retry_at is not None)
            link = sender.status.link
            assert link.retry_at is not None
            assert (link.retry_at - link.since).total_seconds() >= 30
        sent = await asyncio.wait_for(new_sender(ingest.url).send_once(asyncio.Event()), 5)
    assert not sent.was_reached
    assert "AGENT_TOKEN" in sent.advice


async def test_stop_is_quick_without_a_server(new_sender: NewSender, nowhere: str) -> None:
    sender, stop = new_sender(nowhere, backoff_max_s=60.0), asyncio.Event()
    task = asyncio.create_task(sender.run(stop))
    await until(lambda: sender.status.link.failure is not None)
    stop.set()
    await asyncio.wait_for(task, 2)


async def test_stop_does_not_wait_for_a_server_that_never_answers(
    outbox: Outbox, new_sender: NewSender
) -> None:
    outbox.record_plate(plate())
    ingest = Ingest()
    ingest.gate.clear()
    async with serving(ingest):
        sender, stop = new_sender(ingest.url, stop_grace_s=0.05), asyncio.Event()
        task = asyncio.create_task(sender.run(stop))
        await until(lambda: sender.status.in_flight == 1)
        stop.set()
        await asyncio.wait_for(task, 3)
        ingest.gate.set()
    assert outbox.counts().waiting == 1


async def test_dead_line_is_left_and_rows_go_over_a_new_one(
    outbox: Outbox, running: SendersFactory
) -> None:
    """A peer that says welcome and then reads nothing: no answer and no pong comes back."""
    outbox.record_plate(plate())
    deaf: list[ServerConnection] = []

    def go_deaf(content: bytes) -> bytes | None:
        if b'"hello"' in content and not deaf:
            (connection,) = server.connections
            deaf.append(connection)
            asyncio.get_running_loop().call_soon(connection.transport.pause_reading)
        return None

    ingest = Ingest(refuse_frame=go_deaf)
    patience = {"ping_interval_s": 0.05, "dead_after_s": 0.2}
    async with serving(ingest) as server, running(ingest.url, **patience) as sender:
        await until(lambda: sender.status.link.failure is LinkFailure.TIMEOUT)
        assert "nothing has moved" in sender.status.link.detail
        await soon(sender.drained())
        deaf[0].transport.abort()
    assert len(ingest.hellos) == 2
    assert len(ingest.arrivals) == 1


class CountingStore:
    """The real store, with each call counted."""

    def __init__(self, store: SendingStore) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> object:
        self.calls[name] += 1
        return getattr(self._store, name)

    def waiting(self, table: Table, **where: Any) -> Sequence[WaitingRow]:
        self.calls["waiting"] += 1
        return self._store.waiting(table, **where)

    def newest(self) -> Mapping[Table, int]:
        return self._store.newest()


async def test_nothing_to_do_costs_nothing(outbox: Outbox) -> None:
    store = CountingStore(outbox.sending())
    typed: DeliveryStore = store  # type: ignore[assignment] # its calls go through __getattr__
    async with serving(ingest := Ingest()):
        sender = Sender(
            typed,
            settings=UplinkSettings(url=ingest.url, check_interval_s=0.05),
            identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
            clock=SystemClock(),
            lock_path=outbox.path.with_suffix(".sender.lock"),
        )
        stop = asyncio.Event()
        task = asyncio.create_task(sender.run(stop))
        await until(lambda: sender.status.link.is_open and store.calls["waiting"] >= 9)
        await until(lambda: store.calls["data_version"] >= 3)
        store.calls.clear()
        await until(lambda: store.calls["data_version"] >= 10)
        assert store.calls["waiting"] == 0
        assert store.calls["data_version"] == 10
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_adopted_backlog_is_delivered_with_its_pictures(tmp_path: Path) -> None:
    path, images = tmp_path / "lpr_data.db", tmp_path / "captured_images"
    make_older_database(path, images)
    with Outbox.open(path, images, "cam-1") as outbox:
        async with serving(ingest := Ingest()):
            sender = Sender(
                outbox.sending(),
                settings=UplinkSettings(url=ingest.url),
                identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
                clock=SystemClock(),
                lock_path=tmp_path / "sender.lock",
            )
            assert (await soon(sender.send_once(asyncio.Event()))).is_clean
        assert outbox.counts().acknowledged == 7  # with the one that the older system sent
    plates = {
        row.row.data.license_plate: row.image_status
        for row in ingest.rows.values()
        if isinstance(row.row, LprRow)
    }
    assert plates == {
        "OLD2": "present",
        "OLD3": "present",
        "OLD4": "present",
        "OLD5": "present",
        "OLD6": "missing",
    }
    captured = [row.captured_at for row in ingest.rows.values()]
    assert captured[:4] == sorted(captured[:4])


async def test_sending_once_that_was_stopped_is_not_clean(
    outbox: Outbox, new_sender: NewSender
) -> None:
    outbox.record_plate(plate())
    ingest, stop = Ingest(), asyncio.Event()
    ingest.gate.clear()
    async with serving(ingest):
        sender = new_sender(ingest.url, stop_grace_s=0.05)
        task = asyncio.create_task(sender.send_once(stop))
        await until(lambda: sender.status.in_flight == 1)
        stop.set()
        sent = await soon(task)
        ingest.gate.set()
    assert (sent.was_stopped, sent.is_clean, sent.waiting) == (True, False, 1)


async def test_server_that_answers_pings_and_no_rows_is_left(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_health(component="c", status="PASS", message="x")
    ingest = Ingest()
    ingest.gate.clear()
    waiting = {"answer_timeout_s": 0.3, "ping_interval_s": 0.05}
    async with serving(ingest), running(ingest.url, **waiting) as sender:
        await until(lambda: sender.status.link.failure is LinkFailure.TIMEOUT)
        assert "did not answer rows" in sender.status.link.detail
        ingest.gate.set()
        await soon(sender.drained())
    assert outbox.counts().acknowledged == 1


async def test_rows_that_another_program_settles_end_the_waiting(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_health(component="c", status="PASS", message="x")

    def put_off(row: AcceptedRow) -> RowResult:
        return RowResult(id=row.id, success=False, code="busy", retry=True, retry_after_s=3000.0)

    ingest = Ingest(judge=put_off)
    async with serving(ingest), running(ingest.url, check_interval_s=0.05) as sender:
        drained = asyncio.ensure_future(sender.drained())
        await until(lambda: len(ingest.arrivals) == 1 and sender.status.in_flight == 0)
        tool = apsw.Connection(str(outbox.path))
        tool.set_busy_timeout(5000)
        tool.execute("UPDATE health_checks SET sent_to_server = 1")
        tool.close()
        assert await soon(drained) == 0
