"""What a camera remembers and says of rows on their way, with a tracer and without."""

from __future__ import annotations

import gc

import msgspec
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from agent.outbox.store import Outbox
from agent.uplink.trail import MOST_IDS, Trail
from telemetry.tracing import RowTracer, tracer_with
from tests.agent.outbox.sightings import plate
from tests.agent.uplink.conftest import SendersFactory, soon
from tests.agent.uplink.ingest import Ingest, serving
from wire import v1
from wire.accepted import AcceptedRow
from wire.v1 import FrameRefusal, RowResult


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> RowTracer:
    return tracer_with(SimpleSpanProcessor(exporter), service="test", instance="gate-1")


async def test_only_rows_in_flight_are_remembered_whatever_the_server_answers(
    outbox: Outbox, running: SendersFactory, tracer: RowTracer, exporter: InMemorySpanExporter
) -> None:
    refused_once: set[str] = set()

    def judge(row: AcceptedRow) -> RowResult | None:
        said = getattr(row.row.data, "license_plate", "")
        if said == "BAD":
            return RowResult(id=row.id, success=False, code="invalid_field", message="no")
        if said == "BUSY" and row.id not in refused_once:
            refused_once.add(row.id)
            return RowResult(
                id=row.id,
                success=False,
                code="busy",
                message="full",
                retry=True,
                retry_after_s=0.01,
            )
        return None

    def refuse(content: bytes) -> bytes | None:
        if b"POISON" not in content:
            return None
        number = msgspec.json.decode(content)["frame"]
        return v1.encode(FrameRefusal(code="invalid_json", message="unreadable", frame=number))

    outbox.record_health(component="c", status="PASS", message="POISON")
    for text in ("GOOD", "BAD", "BUSY"):
        outbox.record_plate(plate(text))
    ingest = Ingest(judge=judge, refuse_frame=refuse)
    async with serving(ingest), running(ingest.url, tracer=tracer) as sender:
        await soon(sender.drained())
        assert (sender.status.refused, len(ingest.rows)) == (2, 2)
        trails = [each for each in gc.get_objects() if type(each) is Trail]
        assert trails
        assert sum(each.open_rows for each in trails) == 0
    assert [span.name for span in exporter.get_finished_spans()] == ["send", "send"]


def test_of_a_backlog_the_log_names_the_first_row_and_the_last() -> None:
    trail = Trail(None)
    with capture_logs() as said:
        for count in (MOST_IDS, MOST_IDS + 2):
            for number in range(count):
                trail.acknowledged(f"row-{number}", "health_monitor", is_duplicate=False)
            trail.settled()
        trail.settled()
    few, many = said
    assert few["event_ids"].split() == [f"row-{number}" for number in range(MOST_IDS)]
    assert (many["rows"], many["first_id"], many["last_id"]) == (18, "row-0", "row-17")
