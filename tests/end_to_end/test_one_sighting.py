"""One sighting through both programs: its id in both logs and in the database, one trace of all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.camera.frame import Frame
from agent.clock import SystemClock
from agent.outbox.store import Outbox
from agent.pipeline.sighting import PlateSighting
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from agent.watcher import Watcher
from server.app import running
from telemetry.logging import LineForm, configure_logging
from telemetry.tracing import NS, RowTracer, tracer_with
from tests.agent.outbox.sightings import plate
from tests.end_to_end.programs import rows_of
from tests.server.conftest import settings_in
from tests.telemetry.own_log import own_log

SERVER, CAMERA = "sightpost-server", "sightpost-agent"


class OneFrame:
    """A source that ends after it."""

    def __init__(self) -> None:
        self._frames = [
            Frame(picture=np.zeros((48, 64, 3), np.uint8), captured_at=datetime.now(UTC),
                  at_s=0.0, number=0)
        ]  # fmt: skip

    def next(self, timeout_s: float) -> Frame | None:
        return self._frames.pop() if self._frames else None


class OneSighting:
    def __init__(self, sighting: PlateSighting) -> None:
        self._sighting = sighting

    def process(self, frame: Frame) -> Sequence[PlateSighting]:
        return [self._sighting]

    def finish(self) -> Sequence[PlateSighting]:
        return []


async def send(outbox: Outbox, port: int, tracer: RowTracer) -> None:
    sender = Sender(
        outbox.sending(),
        settings=UplinkSettings(url=f"ws://127.0.0.1:{port}/", backoff_max_s=1.0),
        identity=Identity(hostname="gate", checkpoint_id="7", agent_version="0.1"),
        clock=SystemClock(),
        lock_path=outbox.path.with_suffix(".sender.lock"),
        tracer=tracer,
    )
    sent = await sender.send_once(asyncio.Event())
    assert sent.is_clean, sent


def said(log: Path, event: str) -> dict[str, Any]:
    """The one line of the log that says this."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (found,) = [line for line in lines if line["event"] == event]
    assert isinstance(found, dict)
    return found


async def test_one_id_leads_through_logs_database_and_trace(tmp_path: Path) -> None:
    exporter, log = InMemorySpanExporter(), tmp_path / "log"
    tracers = {
        name: tracer_with(SimpleSpanProcessor(exporter), service=name, instance="here")
        for name in (SERVER, CAMERA)
    }
    sighting = plate("AB1234")
    with (
        own_log(),
        Outbox.open(tmp_path / "lpr_data.db", tmp_path / "images", "gate") as outbox,
    ):
        configure_logging(file=log, level="info", to_stderr=False, form=LineForm.JSON)
        watcher = Watcher(
            frames=OneFrame(),
            pipeline=OneSighting(sighting),
            recorder=outbox,
            tracer=tracers[CAMERA],
        )
        await asyncio.to_thread(watcher.run)
        outbox.record_health(component="camera", status="PASS", message="not traced")
        async with running(settings_in(tmp_path), tracer=tracers[SERVER]) as server:
            await send(outbox, server.ingest_port, tracers[CAMERA])
        stored = said(log, "sighting stored")
        ids = {said(log, "SUCCESS acknowledged")["event_ids"]}
    row_id = stored["event_id"]
    sql = "SELECT message_id FROM lpr_detections"
    ((in_database,),) = rows_of(tmp_path / "server.db", sql)
    assert in_database == row_id
    assert any(row_id in each for each in ids)
    assert row_id in log.read_text("utf-8").split("SUCCESS stored")[1]
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"sighting", "record", "send", "ingest", "commit"}
    trace_id = int(row_id.replace("-", ""), 16)
    assert {span.context.trace_id for span in spans.values()} == {trace_id}
    parents = {name: span.parent and span.parent.span_id for name, span in spans.items()}
    root, ingest = spans["sighting"].context.span_id, spans["ingest"].context.span_id
    assert parents == {
        "sighting": None, "record": root, "send": root, "ingest": root, "commit": ingest,
    }  # fmt: skip
    captured_ns = int(sighting.captured_at.timestamp() * NS)
    assert spans["sighting"].start_time == pytest.approx(captured_ns, abs=1_000)
    begun = [spans[name].start_time or 0 for name in ("record", "send", "ingest", "commit")]
    assert begun == sorted(begun)
    services = {name: span.resource.attributes["service.name"] for name, span in spans.items()}
    assert services["send"] == CAMERA
    assert services["commit"] == SERVER
