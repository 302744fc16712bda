"""Traces of rows from capture to commit, with OpenTelemetry where it is installed and wanted.

The id of a row is the id of its trace: whoever has one finds the other. Without an address to send
to, nothing of it is imported and nobody makes a tracer.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from telemetry.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator

NS: Final = 1_000_000_000
_SPAN_BITS: Final = (1 << 64) - 1
_SAMPLED: Final = 0x01

_log = structlog.get_logger(__name__)


class TracingUnavailable(Exception):
    """Traces are wanted and cannot be made; says what to do."""


def trace_context_of(row_id: str) -> str | None:
    """The `traceparent` (W3C Trace Context, section 3.2) of the first span of a row's trace; None
    where the row's id is no UUID, or one that makes no span: 0 is none. Pure."""
    try:
        number = uuid.UUID(row_id).int
    except ValueError:
        return None
    span = number & _SPAN_BITS
    return _context(number, span) if span else None


def wall_ns(monotonic_s: float) -> int:
    """The time of day, as spans want it, of a moment on `time.monotonic`'s clock."""
    return time.time_ns() - int((time.monotonic() - monotonic_s) * NS)


class RowTracer:
    """Makes spans of what is over already. Safe from any thread; sends on a thread of its own.

    A span that cannot be made costs nobody anything: the first is told to the log, all are counted
    in `spans_lost`.
    """

    def __init__(self, provider: TracerProvider, ids: RowIds) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer("sightpost", VERSION)
        self.spans_lost = 0

    def first(
        self, row_id: str, name: str, begin_ns: int, end_ns: int, facts: Mapping[str, Any]
    ) -> None:
        """The first span of a row's trace; nothing where the row's id is no UUID."""
        context = trace_context_of(row_id)
        if context is None:
            return
        try:
            self._make_first(context, name, begin_ns, end_ns, facts)
        except Exception as error:  # noqa: BLE001 - whatever breaks there must not cost the row
            self._note_lost(error)

    def child(
        self, parent: str, name: str, begin_ns: int, end_ns: int, facts: Mapping[str, Any]
    ) -> str:
        """A span below another one, by its `traceparent`; its own, or that of the one above where
        it could not be made."""
        try:
            return self._make_child(parent, name, begin_ns, end_ns, facts)
        except Exception as error:  # noqa: BLE001 - whatever breaks there must not cost the row
            self._note_lost(error)
            return parent

    def _note_lost(self, error: Exception) -> None:
        if not self.spans_lost:
            _log.error("spans are lost", reason=f"{type(error).__name__}: {error}", exc_info=error)
        self.spans_lost += 1

    def _make_first(
        self, context: str, name: str, begin_ns: int, end_ns: int, facts: Mapping[str, Any]
    ) -> None:
        from opentelemetry.context import Context

        with self._ids.given(*_ids_of(context)):
            span = self._tracer.start_span(
                name, context=Context(), start_time=begin_ns, attributes=dict(facts)
            )
        span.end(end_ns)

    def _make_child(
        self, parent: str, name: str, begin_ns: int, end_ns: int, facts: Mapping[str, Any]
    ) -> str:
        from opentelemetry import trace

        trace_id, span_id = _ids_of(parent)
        above = trace.NonRecordingSpan(
            trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
        )
        span = self._tracer.start_span(
            name,
            context=trace.set_span_in_context(above),
            start_time=begin_ns,
            attributes=dict(facts),
        )
        span.end(end_ns)
        made = span.get_span_context()
        return _context(made.trace_id, made.span_id)

    def close(self) -> None:
        """Sends what is left, within a few seconds. Idempotent."""
        self._provider.shutdown()


def tracer_to(address: str, *, service: str, instance: str) -> RowTracer:
    """Sends spans to an OTLP receiver (`http://HOST:4318/v1/traces`) in batches.

    A receiver that does not answer costs spans, never rows. Raises TracingUnavailable.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingUnavailable(
            f"traces are to go to {address}, and OpenTelemetry is not installed ({error}): run "
            "pip install -r requirements-otel.txt, or leave the address empty"
        ) from error
    exporter = OTLPSpanExporter(endpoint=address, timeout=5)
    return tracer_with(BatchSpanProcessor(exporter), service=service, instance=instance)


def tracer_with(processor: SpanProcessor, *, service: str, instance: str) -> RowTracer:
    """With whatever takes the spans."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    ids = RowIds()
    resource = Resource({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(
        resource=resource, id_generator=ids.generator(), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    return RowTracer(provider, ids)


class RowIds:
    """Ids of spans: those that are given, random ones otherwise."""

    def __init__(self) -> None:
        self._given = threading.local()

    def given(self, trace_id: int, span_id: int) -> RowIds:
        """For the next span that is made inside `with`."""
        self._given.ids = (trace_id, span_id)
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._given.ids = None

    def generator(self) -> IdGenerator:
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        given = self._given

        class Generator(RandomIdGenerator):
            def generate_trace_id(self) -> int:
                ids = getattr(given, "ids", None)
                return super().generate_trace_id() if ids is None else int(ids[0])

            def generate_span_id(self) -> int:
                ids = getattr(given, "ids", None)
                return super().generate_span_id() if ids is None else int(ids[1])

        return Generator()


def _context(trace_id: int, span_id: int) -> str:
    return f"00-{trace_id:032x}-{span_id:016x}-{_SAMPLED:02x}"


def _ids_of(context: str) -> tuple[int, int]:
    _, trace_id, span_id, _ = context.split("-")
    return int(trace_id, 16), int(span_id, 16)
