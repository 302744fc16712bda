"""Spans of rows: their trace is the row's id, and what is over already gets its own times."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry.tracing import NS, RowTracer, trace_context_of, tracer_to, tracer_with, wall_ns

ROOT = Path(__file__).resolve().parents[2]
ROW = "019a0000-0000-7000-8000-00000000002a"
TRACE = int(ROW.replace("-", ""), 16)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> RowTracer:
    return tracer_with(SimpleSpanProcessor(exporter), service="test", instance="gate-1")


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_row_and_its_trace_have_one_id(tracer: RowTracer, exporter: InMemorySpanExporter) -> None:
    context = trace_context_of(ROW)
    assert context == "00-019a000000007000800000000000002a-800000000000002a-01"
    tracer.first(ROW, "sighting", 5 * NS, 7 * NS, {"confidence": 0.9})
    below = tracer.child(context, "send", 8 * NS, 9 * NS, {})
    tracer.child(below, "commit", 8 * NS, 9 * NS, {})
    spans = by_name(exporter)
    assert {span.context.trace_id for span in spans.values()} == {TRACE}
    root = spans["sighting"]
    assert root.parent is None
    assert (root.start_time, root.end_time) == (5 * NS, 7 * NS)
    assert root.attributes == {"confidence": 0.9}
    assert spans["send"].parent is not None
    assert spans["send"].parent.span_id == root.context.span_id
    assert spans["commit"].parent is not None
    assert spans["commit"].parent.span_id == spans["send"].context.span_id
    assert root.resource.attributes["service.instance.id"] == "gate-1"


def test_only_the_first_span_of_a_row_has_a_given_id(
    tracer: RowTracer, exporter: InMemorySpanExporter
) -> None:
    tracer.first(ROW, "sighting", 1, 2, {})
    context = trace_context_of(ROW)
    assert context is not None
    tracer.child(context, "one", 1, 2, {})
    tracer.child(context, "two", 1, 2, {})
    ids = [span.context.span_id for span in exporter.get_finished_spans()]
    assert len(set(ids)) == 3


def test_an_id_that_is_no_uuid_has_no_trace(
    tracer: RowTracer, exporter: InMemorySpanExporter
) -> None:
    assert trace_context_of("row 7") is None
    assert trace_context_of("0198835e-1b7a-7c3e-0000-000000000000") is None
    tracer.first("row 7", "sighting", 1, 2, {})
    assert exporter.get_finished_spans() == ()


def test_monotonic_times_become_times_of_day() -> None:
    ago_s = (time.time_ns() - wall_ns(time.monotonic() - 5.0)) / NS
    assert ago_s == pytest.approx(5.0, abs=0.5)


def test_nothing_of_it_is_imported_where_nobody_wants_traces() -> None:
    code = (
        "import sys, agent.app, agent.sender_app, server.app; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter'))])"  # fastapi takes the API where it is installed
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_without_the_package_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from telemetry.tracing import TracingUnavailable, tracer_to\n"
        "try:\n    tracer_to('http://127.0.0.1:4318', service='s', instance='i')\n"
        "except TracingUnavailable as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "pip install -r requirements-otel.txt" in run.stdout


class Receiver(BaseHTTPRequestHandler):
    """Takes spans as OTLP over HTTP, as Jaeger does."""

    names: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        content = self.rfile.read(length)
        if self.headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        asked = ExportTraceServiceRequest.FromString(content)
        for resource in asked.resource_spans:
            for scope in resource.scope_spans:
                self.names.extend(span.name for span in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_spans_reach_a_receiver_at_the_latest_when_it_is_closed() -> None:
    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        worker = threading.Thread(target=receiver.serve_forever)
        worker.start()
        try:
            address = f"http://127.0.0.1:{receiver.server_port}/v1/traces"
            tracer = tracer_to(address, service="test", instance="here")
            tracer.first(ROW, "sighting", 1, 2, {})
            tracer.close()
        finally:
            receiver.shutdown()
            worker.join()
    assert Receiver.names == ["sighting"]
