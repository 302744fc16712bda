"""Which rows went when: told to the log and, where the camera traces, as spans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import structlog

from telemetry.tracing import RowTracer, trace_context_of, wall_ns

MOST_IDS: Final = 16
"""Of more rows at once (a backlog) the log names the first and the last."""
SIGHTINGS: Final = frozenset({"lpr_detection", "face_detection"})

log = structlog.get_logger("agent.uplink.trail")


class Trail:
    """Of one connection. Lives on the event loop; remembers no more rows than are in flight."""

    def __init__(self, tracer: RowTracer | None) -> None:
        self._tracer = tracer
        self._sent_at_s: dict[str, float] = {}
        self._acknowledged: list[str] = []
        self._count = 0

    @property
    def open_rows(self) -> int:
        """Rows that went out and have no answer yet; 0 without a tracer."""
        return len(self._sent_at_s)

    def sent(self, row_ids: Sequence[str]) -> None:
        """These rows go out now."""
        if self._tracer is not None:
            now_s = time.monotonic()
            self._sent_at_s.update(dict.fromkeys(row_ids, now_s))

    def not_taken(self, row_ids: Sequence[str]) -> None:
        """These are in flight no longer, and the server has them not: they go again, or never."""
        for row_id in row_ids:
            self._sent_at_s.pop(row_id, None)

    def acknowledged(self, row_id: str, table: str, *, is_duplicate: bool) -> None:
        """The server has it."""
        if len(self._acknowledged) == MOST_IDS:
            self._acknowledged.pop()
        self._acknowledged.append(row_id)
        self._count += 1
        if self._tracer is None:
            return
        sent_at_s, parent = self._sent_at_s.pop(row_id, None), trace_context_of(row_id)
        if table in SIGHTINGS and sent_at_s is not None and parent is not None:
            facts = {"row.id": row_id, "row.duplicate": is_duplicate}
            now_s = time.monotonic()
            self._tracer.child(parent, "send", wall_ns(sent_at_s), wall_ns(now_s), facts)

    def settled(self) -> None:
        """What was acknowledged so far is written down."""
        ids = self._acknowledged
        if 0 < self._count <= MOST_IDS:
            log.info("SUCCESS acknowledged", event_ids=" ".join(ids))
        elif ids:
            log.info("SUCCESS acknowledged", rows=self._count, first_id=ids[0], last_id=ids[-1])
        self._acknowledged, self._count = [], 0
