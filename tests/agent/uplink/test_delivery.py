"""From a recorded row to its flag, over a real connection."""

from __future__ import annotations

import asyncio
import hashlib

from agent.outbox.store import Outbox
from agent.uplink.link import LinkState
from tests.agent.outbox.sightings import NOON, face, plate
from tests.agent.uplink.conftest import SendersFactory, soon, until
from tests.agent.uplink.ingest import Ingest, serving
from wire.limits import Credit
from wire.rows import HealthRow, LprRow
from wire.server_session import RowsReceived


async def test_recorded_rows_arrive_and_are_flagged(
    outbox: Outbox, running: SendersFactory
) -> None:
    recorded = outbox.record_plate(plate("1กก 1234"))
    outbox.record_face(face())
    outbox.record_health(component="camera", status="PASS", message="ok", system_info={"a": "b"})
    outbox.record_eviction(
        kind="picture", reason="quota", evicted_table="detection_results", count=3
    )
    ingest = Ingest()
    async with serving(ingest), running(ingest.url, token="secret") as sender:
        await soon(sender.drained())
        assert sender.status.link.state is LinkState.OPEN
        assert sender.status.exchange == "sightpost.v1"
    assert ingest.headers[0]["Authorization"] == "Bearer secret"
    assert ingest.hellos[0].device_id == "cam-1"
    assert ingest.hellos[0].waiting_rows == 4
    assert len(ingest.rows) == 4
    held = ingest.rows[recorded.message_id]
    assert isinstance(held.row, LprRow)
    assert held.row.data.license_plate == "1กก 1234"
    assert held.row.sequence == 1
    assert held.confidence_percent == 93.0
    assert held.captured_at == plate().captured_at
    assert held.row.data.exposure_time == 0.033
    assert held.evidence is not None
    assert held.image_status == "present"
    assert held.picture is not None
    assert recorded.picture is not None
    stored = (outbox.spool.folder / recorded.picture).read_bytes()
    assert held.picture.content == stored
    assert held.picture.sha256 == hashlib.sha256(stored).hexdigest()
    counts = outbox.counts()
    assert (counts.captured, counts.acknowledged, counts.waiting) == (4, 4, 0)


async def test_row_committed_while_connected_leaves_at_once(
    outbox: Outbox, running: SendersFactory
) -> None:
    ingest = Ingest()
    async with serving(ingest), running(ingest.url, check_interval_s=3600.0) as sender:
        await until(lambda: sender.status.link.is_open)
        for number in range(3):
            await asyncio.to_thread(
                outbox.record_health, component="disk", status="PASS", message=str(number)
            )
            await soon(sender.drained())
    assert len(ingest.rows) == 3


async def test_row_of_another_process_is_found_by_its_commit(
    outbox: Outbox, running: SendersFactory
) -> None:
    ingest = Ingest()
    async with serving(ingest), running(ingest.url) as sender:
        await until(lambda: sender.status.link.is_open)
        with Outbox.open(outbox.path, outbox.spool.folder, "cam-1") as other:
            other.record_plate(plate("OTHER1"))
        await until(lambda: len(ingest.rows) == 1)
        await soon(sender.drained())


async def test_connection_killed_before_the_ack_sends_the_same_id_again(
    outbox: Outbox, running: SendersFactory
) -> None:
    recorded = outbox.record_plate(plate())
    cuts = iter([True])

    def cut_once(event: RowsReceived) -> None:
        if next(cuts, False):
            raise ConnectionResetError

    ingest = Ingest(before_ack=cut_once)
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert ingest.arrivals == [recorded.message_id] * 2
    assert ingest.duplicates == [recorded.message_id]
    assert outbox.counts().acknowledged == 1


async def test_row_in_flight_is_not_sent_again_on_a_live_connection(
    outbox: Outbox, running: SendersFactory
) -> None:
    ingest = Ingest()
    ingest.gate.clear()
    async with serving(ingest), running(ingest.url, check_interval_s=0.01) as sender:
        outbox.record_health(component="a", status="PASS", message="first")
        await until(lambda: len(ingest.arrivals) == 1)
        with Outbox.open(outbox.path, outbox.spool.folder, "cam-1") as other:
            for number in range(20):
                other.record_health(component="a", status="PASS", message=str(number))
        ingest.gate.set()
        await until(lambda: len(ingest.rows) == 21)
        await soon(sender.drained())
    assert len(ingest.arrivals) == 21


async def test_small_rows_share_frames_and_pictures_go_unharmed(
    outbox: Outbox, running: SendersFactory
) -> None:
    for number in range(300):
        outbox.record_health(component="c", status="PASS", message=f"row {number}")
    for number in range(5):
        outbox.record_plate(plate(f"P{number}", seed=number, width=900))
    ingest = Ingest()
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert len(ingest.rows) == 305
    assert len(ingest.frames) < 30
    pictured = [row for row in ingest.rows.values() if isinstance(row.row, LprRow)]
    assert all(row.image_status == "present" for row in pictured)


async def test_credit_is_never_exceeded(outbox: Outbox, running: SendersFactory) -> None:
    for number in range(40):
        outbox.record_health(component="c", status="PASS", message=f"row {number}")
    ingest = Ingest(credit=Credit(rows=3, bytes=1))
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert len(ingest.rows) == 40
    assert max(ingest.frames) == 1


async def test_stop_waits_for_the_answers_in_flight(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate())
    ingest = Ingest()
    ingest.gate.clear()
    async with serving(ingest), running(ingest.url):
        await until(lambda: len(ingest.arrivals) == 1)
        asyncio.get_running_loop().call_later(0.1, ingest.gate.set)
    assert outbox.counts().acknowledged == 1


async def test_fresh_sightings_overtake_the_backlog(
    outbox: Outbox, running: SendersFactory
) -> None:
    for number in range(30):
        outbox.record_health(component="old", status="PASS", message=str(number), at=NOON)
    ingest = Ingest(credit=Credit(rows=1, bytes=1))
    ingest.gate.clear()
    async with serving(ingest), running(ingest.url) as sender:
        await until(lambda: len(ingest.arrivals) == 1)
        fresh = outbox.record_plate(plate("FRESH1"))
        ingest.gate.set()
        await soon(sender.drained())
    # At most the rows taken ahead of the line may go before it.
    healths = [row for row in ingest.rows.values() if isinstance(row.row, HealthRow)]
    assert len(healths) == 30
    assert fresh.message_id in ingest.arrivals[:31]
