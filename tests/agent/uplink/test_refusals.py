"""What the server does not take: rows set aside, frames taken apart, rows tried again later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import apsw
import msgspec
import pytest

from agent.clock import SystemClock
from agent.delivery import WaitingRow
from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from tests.agent.outbox.sightings import plate
from tests.agent.uplink.conftest import SendersFactory, soon
from tests.agent.uplink.ingest import Ingest, serving
from wire import v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.v1 import FrameRefusal, RowResult


def column(outbox: Outbox, sql: str) -> list[object]:
    reader = apsw.Connection(str(outbox.path))
    values = [row[0] for row in reader.execute(sql)]
    reader.close()
    return values


def judge_plate(text: str, answer: RowResult) -> Callable[[AcceptedRow], RowResult | None]:
    def judge(row: AcceptedRow) -> RowResult | None:
        said = getattr(row.row.data, "license_plate", "")
        return msgspec.structs.replace(answer, id=row.id) if said == text else None

    return judge


async def test_refused_row_is_set_aside_and_others_pass(
    outbox: Outbox, running: SendersFactory
) -> None:
    for text in ("GOOD1", "BAD", "GOOD2"):
        outbox.record_plate(plate(text))
    refusal = RowResult(id="", success=False, code="invalid_field", message="data.plate: no")
    ingest = Ingest(judge=judge_plate("BAD", refusal))
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
        assert sender.status.refused == 1
        assert "invalid_field" in (sender.status.last_error or "")
    assert len(ingest.rows) == 2
    counts = outbox.counts()
    assert (counts.acknowledged, counts.refused, counts.waiting) == (2, 1, 0)
    flags = "SELECT sent_to_server FROM detection_results ORDER BY id"
    assert column(outbox, flags) == [1, 2, 1]
    errors = "SELECT send_error FROM detection_results WHERE sent_to_server = 2"
    assert column(outbox, errors) == ["invalid_field: data.plate: no"]


async def test_refused_row_goes_again_when_asked_to(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate("BAD"))
    refusal = RowResult(id="", success=False, code="invalid_field", message="no")
    ingest = Ingest(judge=judge_plate("BAD", refusal))
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
        ingest.judge = lambda row: None
        assert outbox.retry_refused() == 1
        await soon(sender.drained())
    assert outbox.counts().acknowledged == 1
    assert outbox.counts().refused == 0


async def test_row_to_be_retried_goes_again_after_the_asked_delay(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate("LATER"))
    attempts = count()
    busy = RowResult(
        id="", success=False, code="busy", message="full", retry=True, retry_after_s=0.01
    )

    def judge(row: AcceptedRow) -> RowResult | None:
        return msgspec.structs.replace(busy, id=row.id) if next(attempts) < 1 else None

    ingest = Ingest(judge=judge)
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert len(ingest.arrivals) == 2
    assert outbox.counts().acknowledged == 1


async def test_refused_frame_is_taken_apart_until_the_culprit_is_found(
    outbox: Outbox, running: SendersFactory
) -> None:
    for number in range(20):
        text = "POISON" if number == 7 else f"row {number}"
        outbox.record_health(component="c", status="PASS", message=text)

    def refuse(content: bytes) -> bytes | None:
        if b"POISON" not in content:
            return None
        number = msgspec.json.decode(content)["frame"]
        return v1.encode(FrameRefusal(code="invalid_json", message="unreadable", frame=number))

    ingest = Ingest(refuse_frame=refuse)
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert len(ingest.rows) == 19
    assert len(ingest.arrivals) == 19
    assert outbox.counts().refused == 1
    errors = "SELECT send_error FROM health_checks WHERE message = 'POISON'"
    assert column(outbox, errors) == ["invalid_json: unreadable"]


async def test_refusal_without_frame_number_means_the_oldest(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_health(component="c", status="PASS", message="POISON")

    def refuse(content: bytes) -> bytes | None:
        if b"POISON" not in content:
            return None
        return v1.encode(FrameRefusal(code="invalid_json", message="unreadable"))

    ingest = Ingest(refuse_frame=refuse)
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert outbox.counts().refused == 1


async def test_answer_that_forgets_a_row_is_no_acknowledgement(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_health(component="c", status="PASS", message="forgotten")
    frames = count()

    def refuse(content: bytes) -> bytes | None:
        if b'"rows"' not in content or next(frames):
            return None
        answer = v1.Acks(frame=1, credit=ingest.credit, results=[])
        return v1.encode(answer)

    ingest = Ingest(refuse_frame=refuse)
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert len(ingest.rows) == 1


@pytest.mark.parametrize(("share", "status"), [(1.1, "present"), (0.1, "evicted")])
async def test_row_too_large_for_the_server_goes_with_less(
    outbox: Outbox, running: SendersFactory, share: float, status: str
) -> None:
    outbox.record_plate(plate("BIG", width=640))
    (size,) = [path.stat().st_size for path in outbox.spool.folder.glob("*.jpg")]
    ingest = Ingest(limits=Limits(frame_bytes=int(size * share)))
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    (row,) = ingest.rows.values()
    assert row.image_status == status
    assert outbox.counts().acknowledged == 1


async def test_missing_picture_does_not_hold_the_row(
    outbox: Outbox, running: SendersFactory
) -> None:
    recorded = outbox.record_plate(plate("NOPIC"))
    assert recorded.picture is not None
    (outbox.spool.folder / recorded.picture).unlink()
    ingest = Ingest()
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    (row,) = ingest.rows.values()
    assert row.image_status == "missing"


async def test_id_conflict_of_a_row_of_this_epoch_stays_a_refusal(
    outbox: Outbox, running: SendersFactory
) -> None:
    outbox.record_plate(plate("CHANGED"))
    conflict = RowResult(id="", success=False, code="id_conflict", message="another row has it")
    ingest = Ingest(judge=judge_plate("CHANGED", conflict))
    async with serving(ingest), running(ingest.url) as sender:
        await soon(sender.drained())
    assert outbox.counts().refused == 1


class FaultyStore(SendingStore):
    """A store whose picture of one row ends in a fault that nobody has foreseen."""

    def read_picture(self, row: WaitingRow, *, small: bool = False) -> bytes | None:
        if getattr(row.row.data, "license_plate", "") == "FAULTY":
            raise ZeroDivisionError("unforeseen")
        return super().read_picture(row, small=small)


async def test_row_that_cannot_be_made_ready_is_set_aside_and_others_pass(outbox: Outbox) -> None:
    for text in ("ONE", "FAULTY", "TWO"):
        outbox.record_plate(plate(text))
    store = FaultyStore.open(outbox.path, outbox.spool.folder, "cam-1")
    async with serving(ingest := Ingest()):
        sender = Sender(
            store,
            settings=UplinkSettings(url=ingest.url),
            identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
            clock=SystemClock(),
            lock_path=outbox.path.with_suffix(".sender.lock"),
        )
        sent = await soon(sender.send_once(asyncio.Event()))
    store.close()
    assert (sent.was_reached, sent.waiting, sent.refused) == (True, 0, 1)
    assert len(ingest.rows) == 2
    errors = "SELECT send_error FROM detection_results WHERE sent_to_server = 2"
    assert "never sent: ZeroDivisionError('unforeseen')" in str(column(outbox, errors))
