"""The classic exchange with a server that behaves as the older one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from tests.agent.outbox.sightings import face, plate
from tests.agent.uplink.conftest import SendersFactory, soon, until
from tests.fakes.classic_server import ClassicServer, serving_classic


async def test_older_server_gets_its_two_tables_as_it_expects_them(
    outbox: Outbox, running: SendersFactory
) -> None:
    recorded = outbox.record_plate(plate("1กก 1234"))
    outbox.record_health(component="camera", status="PASS", message="ok", system_info={"a": "b"})
    server = ClassicServer()
    async with serving_classic(server), running(server.url) as sender:
        await soon(sender.drained())
        assert sender.status.exchange == "classic"
    assert server.offered == ["sightpost.v1"]
    sighting, health = (message["data"] for message in server.saved)
    assert sighting["license_plate"] == "1กก 1234"
    assert sighting["confidence"] == 93.0
    assert sighting["checkpoint_id"] == "7"
    assert sighting["hostname"] == "host"
    assert sighting["timestamp"].startswith("2026-03-0")
    assert sighting["exposure_time"] == 0.033
    assert recorded.picture is not None
    stored = (outbox.spool.folder / recorded.picture).read_bytes()
    assert base64.b64decode(sighting["image"], validate=True) == stored
    assert health["component"] == "camera"
    assert health["system_info"] == {"a": "b"}
    assert not server.refused
    assert outbox.counts().acknowledged == 2


async def test_rows_the_older_server_has_no_table_for_wait(
    outbox: Outbox, new_sender: Callable[..., Sender]
) -> None:
    outbox.record_face(face())
    outbox.record_plate(plate())
    server = ClassicServer()
    async with serving_classic(server):
        sent = await soon(new_sender(server.url).send_once(asyncio.Event()))
    assert sent.was_reached
    assert not sent.is_clean
    assert sent.waiting == 1
    assert len(server.saved) == 1
    assert outbox.counts().refused == 0


async def test_row_with_an_error_waits_while_others_pass(
    outbox: Outbox, running: SendersFactory
) -> None:
    for text in ("ONE", "LOCKED", "TWO", "THREE"):
        outbox.record_plate(plate(text))

    def fails(message: dict[str, Any]) -> str | None:
        is_locked = message["data"].get("license_plate") == "LOCKED"
        return "database is locked" if is_locked else None

    server = ClassicServer(fails=fails)
    async with serving_classic(server), running(server.url) as sender:
        await until(lambda: len(server.saved) == 3 and len(server.refused) == 1)
        await until(lambda: outbox.counts().acknowledged == 3)
        assert sender.status.last_error == "database is locked"
    assert outbox.counts().waiting == 1
    assert len(server.refused) == 1  # not again before its delay is over


async def test_row_is_set_aside_after_the_configured_hours(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate("NEVER"))
    server = ClassicServer(fails=lambda message: "Invalid image data")
    async with serving_classic(server), running(server.url, classic_retry_hours=0.0) as sender:
        await soon(sender.drained())
    assert outbox.counts().refused == 1


async def test_server_that_goes_away_while_nothing_waits_is_noticed(
    outbox: Outbox, running: SendersFactory
) -> None:
    server = ClassicServer()
    async with serving_classic(server) as opened:
        context = running(opened.url, check_interval_s=3600.0)
        sender = await context.__aenter__()
        await until(lambda: sender.status.link.is_open)
    await until(lambda: not sender.status.link.is_open)
    await context.__aexit__(None, None, None)


async def test_sending_once_to_an_older_server_that_refuses_reports_what_waits(
    outbox: Outbox, new_sender: Callable[..., Sender]
) -> None:
    outbox.record_plate(plate("LOCKED"))
    server = ClassicServer(fails=lambda message: "database is locked")
    async with serving_classic(server):
        sent = await soon(new_sender(server.url).send_once(asyncio.Event()))
    assert (sent.was_reached, sent.waiting, sent.is_clean) == (True, 1, False)


async def test_drained_says_how_many_rows_wait_for_a_server_that_has_a_table(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_face(face())
    outbox.record_eviction(kind="row", reason="quota", evicted_table="health_checks", count=1)
    outbox.record_plate(plate())
    server = ClassicServer()
    async with serving_classic(server), running(server.url) as sender:
        assert await soon(sender.drained()) == 2
    assert outbox.counts().acknowledged == 1
    assert outbox.counts().waiting == 2
