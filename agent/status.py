"""What the running agent says of itself over HTTP, taken from its parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agent.assembly import Parts
from telemetry.version import VERSION


def status_of(parts: Parts) -> dict[str, Any]:
    """What `GET /health` says."""
    counts = parts.outbox.counts()
    capture = parts.capture.stats
    status = {
        "status": "ok",
        "version": VERSION,
        "source": str(parts.uri),
        "frames": parts.watcher.frames_processed,
        "frames_total": parts.capture.total_frames,
        "fps": parts.watcher.frames_per_s(),
        "dropped": capture.dropped,
        "source_has_ended": parts.watcher.has_ended,
        "source_error": capture.last_error,
        "restarts": capture.restarts,
        "pipeline": asdict(parts.pipeline.stats),
        "models": [asdict(one) for one in parts.networks.pool.allocations()],
        "sightings": parts.watcher.sightings,
        "sightings_lost": parts.watcher.sightings_lost,
        "latest_sightings": [asdict(sighting) for sighting in tuple(parts.watcher.latest)],
        "health": [asdict(result) for result in parts.monitor.newest],
        **asdict(counts),
    }
    if parts.sender is None:
        return {**status, "link": {"state": "left to 'agent send'", "advice": ""}}
    return {**status, "link": parts.sender.status.link.as_status()}
