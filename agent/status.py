"""What the running agent says of itself over HTTP, taken from its parts."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.assembly import Parts
from agent.examining import LEFT_TO_OTHERS
from agent.health.delivering import NOT_SENDING
from agent.health.result import worst_of
from agent.lock import holder_of, sender_lock_of
from agent.uplink.sender import Sender
from agent.watcher import FACE, PLATE
from telemetry.version import VERSION
from vision.pool.budget import Allocation


def status_of(parts: Parts) -> dict[str, Any]:
    """What `GET /health` says. `status` means that it answers, `state` how it is."""
    counts = parts.outbox.counts()
    capture = parts.capture.stats
    status = {
        "status": "ok",
        "state": worst_of(parts.monitor.newest),
        "version": VERSION,
        "source": str(parts.uri),
        "frames": parts.watcher.frames_processed,
        "frames_captured": capture.frames,
        "frame_age_s": None
        if capture.newest_at_s is None
        else round(time.monotonic() - capture.newest_at_s, 2),
        "queue_size": parts.capture.waiting[0],
        "passages_going_on": parts.live.passing,
        "frames_total": parts.capture.total_frames,
        "fps": parts.watcher.frames_per_s(),
        "dropped": capture.dropped,
        "source_has_ended": parts.watcher.has_ended,
        "source_error": capture.last_error,
        "restarts": capture.restarts,
        "pipeline": asdict(parts.pipeline.stats),
        "models": [_model_of(one) for one in parts.networks.allocations()],
        "sightings": parts.watcher.sightings,
        "plates": parts.watcher.confidence[PLATE].spread().count,
        "faces": parts.watcher.confidence[FACE].spread().count,
        "sightings_lost": parts.watcher.sightings_lost,
        "latest_sightings": [asdict(sighting) for sighting in tuple(parts.watcher.latest)],
        "health": [asdict(result) for result in parts.monitor.newest],
        **asdict(counts),
    }
    return {**status, "link": _link_of(parts.sender, parts.outbox.path)}


def _model_of(allocation: Allocation) -> dict[str, Any]:
    """With how long it was not used in the place of when by a clock that nobody else sees."""
    said = asdict(allocation)
    unused_s = time.monotonic() - said.pop("last_used_s")  # the pool's clock is this one
    return {**said, "unused_s": 0.0 if allocation.is_busy else round(unused_s, 1)}


def _link_of(sender: Sender | None, database: Path) -> dict[str, Any]:
    """The way to the server; where another process sends only whether it runs is known."""
    if sender is None:
        unknown = dict.fromkeys(("failure", "detail", "retry_at", "since", "exchange", "url"))
        holder = holder_of(sender_lock_of(database))
        runs = NOT_SENDING if holder is None else f"process {holder} runs: its log tells how it is"
        said = {"state": LEFT_TO_OTHERS, "advice": runs, "is_open": False, "in_flight": 0}
        return {**unknown, "last_error": None, **said}
    status = sender.status
    return {
        **status.link.as_status(),
        "is_open": status.link.is_open,
        "since": status.link.since.isoformat(),
        "exchange": status.exchange,
        "last_error": status.last_error,
        "in_flight": status.in_flight,
        "url": sender.url,
    }
