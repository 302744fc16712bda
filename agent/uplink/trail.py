"""Which rows went when: told to the log and, where the camera traces, as spans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import structlog

from telemetry.tracing import RowTracer, trace_context_of, wall_ns

MOST_IDS: Final = 16
"""Of more rows at once (a backlog) the log names none: their ids stand in the database."""
SIGHTINGS: Final = frozenset({"lpr_detection", "face_detection"})

log = structlog.get_logger("agent.uplink.trail")


class Trail:
    """Of one connection. Lives on the event loop."""

    def __init__(self, tracer: RowTracer | None) -> None:
        self._tracer = tracer
        self._sent_at_s: dict[str, float] = {}
        self._acknowledged: list[str] = []

    def sent(self, row_ids: Sequence[str]) -> None:
        """These rows go out now."""
        if self._tracer is not None:
            now_s = time.monotonic()
            self._sent_at_s.update(dict.fromkeys(row_ids, now_s))

    def acknowledged(self, row_id: str, table: str, *, is_duplicate: bool) -> None:
        """The server has it."""
        if len(self._acknowledged) <= MOST_IDS:
            self._acknowledged.append(row_id)
        if self._tracer is None:
            return
        sent_at_s, parent = self._sent_at_s.pop(row_id, None), trace_context_of(row_id)
        if table in SIGHTINGS and sent_at_s is not None and parent is not None:
            facts = {"row.id": row_id, "row.duplicate": is_duplicate}
            now_s = time.monotonic()
            self._tracer.child(parent, "send", wall_ns(sent_at_s), wall_ns(now_s), facts)

    def settled(self) -> None:
        """What was acknowledged so far is written down."""
        if 0 < len(self._acknowledged) <= MOST_IDS:
            log.info("SUCCESS acknowledged", event_ids=" ".join(self._acknowledged))
        self._acknowledged.clear()
