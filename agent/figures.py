"""What the running agent says of itself to Prometheus, taken from its parts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

from agent.assembly import Parts
from agent.building import limits_of
from agent.config import AgentSettings
from agent.errors import OutboxError
from agent.health.examination import Findings
from agent.health.result import Status
from agent.health.system import process_memory_bytes
from agent.pipeline.rules import Refusal
from agent.uplink.link import LinkFailure, LinkState
from agent.uplink.sender import UplinkStatus
from agent.watcher import KINDS
from telemetry import catalogue as known
from telemetry import certificate
from telemetry.distribution import Spread
from telemetry.face_level import LEVELS
from telemetry.metrics import Reading
from telemetry.version import VERSION
from vision.errors import ModelError
from vision.networks import Networks
from vision.performance import BOUNDS_MS, Kind, Times

SERVICE: Final = "agent"
PLATES: Final = "plate-recognition"
FACES: Final = "face-detection"
RECOGNITION: Final = "face-recognition"
_ASKED: Final = {
    "read": (PLATES, "read"),
    "faces": (FACES, "detect"),
    "embed": (RECOGNITION, "embed"),
}
"""Stages of the pipeline that older dashboards know as services with an endpoint."""
FRESH_S: Final = 60.0
"""What the health checks found counts for so long: an operator may have stopped them."""
WINDOW_S: Final = 5.0
"""An accelerator's use is measured over at least so long."""
CAUSES: Final = {
    0: "undervoltage",
    1: "frequency_capped",
    2: "throttled",
    3: "temperature_limit",
}
"""Bits of `vcgencmd get_throttled` that say what is so now."""
_LEVEL_OF: Final = {Status.PASS: 0, Status.WARN: 1, Status.FAIL: 2}
_CPU: Final = "cpu"

_log = structlog.get_logger(__name__)


class AgentFigures:
    """`read` may be called from any thread, by several at once; it blocks a little."""

    def __init__(
        self,
        settings: AgentSettings,
        parts: Parts,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._clock = clock
        self._load = AcceleratorLoad()

    def read(self) -> list[Reading]:
        """Every figure of this moment; what has no value yet is left out."""
        return [
            known.BUILD.of(1, SERVICE, VERSION),
            *self._watching(),
            *self._recognising(),
            *self._keeping(),
            *self._health(),
        ]

    def _watching(self) -> Iterator[Reading]:
        capture, watcher = self._parts.capture, self._parts.watcher
        stats = capture.stats
        yield known.CAPTURE_FRAMES.of(stats.frames)
        yield known.CAPTURE_DROPPED.of(stats.dropped + self._parts.frames.left_out)
        yield known.CAPTURE_REOPENED.of(stats.restarts)
        if not watcher.has_ended and not stats.is_held:
            yield known.CAPTURE_AGE.of(capture.silent_s())
        yield known.PIPELINE_FRAMES.of(watcher.frames_processed)
        yield known.PIPELINE_RATE.of(watcher.frames_per_s())
        yield known.PIPELINE_FAILED.of(self._parts.pipeline.failures)
        for kind in KINDS:
            spread = watcher.confidence[kind].spread()
            yield known.SIGHTINGS.of(spread.count, kind)
            yield known.CONFIDENCE.of(spread, kind)
        yield known.SIGHTINGS_LOST.of(watcher.sightings_lost)
        for level in LEVELS:
            yield known.FACES.of(watcher.face_levels[level], FACES, level)

    def _recognising(self) -> Iterator[Reading]:
        pipeline, networks = self._parts.pipeline, self._parts.networks
        stats = pipeline.stats
        yield known.PIPELINE_STILL.of(stats.gated_frames)
        reasons = {reason.value: 0 for reason in Refusal} | dict(stats.refusals)
        for reason, count in reasons.items():
            yield known.PIPELINE_REFUSED.of(count, reason)
        for stage, times in pipeline.performance.times(Kind.STAGE).items():
            yield known.PIPELINE_STAGE.of(_spread(times), stage)
            if stage in _ASKED:
                yield from _as_service(times, *_ASKED[stage])
        models = pipeline.performance.times(Kind.MODEL)
        for name, times in models.items():
            yield known.INFERENCE.of(_spread(times), *_identity(networks.first, name))
        sizes: Counter[tuple[str, str]] = Counter()
        for one in networks.allocations():
            sizes[one.name, one.device] += one.size
        busy_s: dict[str, float] = {}
        for (name, device), size in sizes.items():
            if device != "hailo":
                yield known.MODEL_SIZE.of(size, name, device)
            if device != _CPU and name in models:
                seconds = models[name].total_ms / 1000
                busy_s[device] = busy_s.get(device, 0.0) + seconds
        for device, percent in self._load.percent(busy_s, self._clock()).items():
            yield known.ACCELERATOR.of(percent, SERVICE, device)

    def _keeping(self) -> Iterator[Reading]:
        try:
            counts = self._parts.outbox.counts()
        except OutboxError as error:
            _log.warning("figures of the rows are missing", reason=str(error))
        else:
            yield known.OUTBOX_CAPTURED.of(counts.captured)
            for state in ("waiting", "acknowledged", "refused", "evicted"):
                yield known.OUTBOX_ROWS.of(getattr(counts, state), state)
        if self._parts.sender is not None:
            yield from _uplink(self._parts.sender.status)
        limits = limits_of(self._settings)
        yield known.PICTURES_SIZE.of(self._parts.outbox.spool.size_bytes)
        if limits.quota_bytes:
            yield known.PICTURES_QUOTA.of(limits.quota_bytes)
        yield from certificate.readings({"client": self._settings.client_cert})

    def _health(self) -> Iterator[Reading]:
        memory = self._parts.memory
        yield known.MEMORY.of(process_memory_bytes(), SERVICE)
        yield known.MEMORY_LIMIT.of(memory.limit_bytes)
        yield known.MEMORY_SHED.of(memory.state.shed.value)
        for result in self._parts.monitor.newest:
            yield known.HEALTH.of(_LEVEL_OF[result.status], result.component)
        examined = self._parts.examiner.newest
        if examined is not None and self._clock() - examined.at_s < FRESH_S:
            yield from found(examined.findings, now=datetime.now(UTC))


class AcceleratorLoad:
    """From how long a device has run in all to how busy it is now. Safe from any thread."""

    def __init__(self) -> None:
        self._before: tuple[float, Mapping[str, float]] | None = None
        self._percent: Mapping[str, float] = {}

    def percent(self, busy_s: Mapping[str, float], now_s: float) -> Mapping[str, float]:
        """0..100 by device, since a look at least `WINDOW_S` ago; empty before there was one."""
        before = self._before
        if before is None:
            self._before = now_s, busy_s
        elif now_s - before[0] >= WINDOW_S:
            passed_s = now_s - before[0]
            self._percent = {
                device: min(100.0, max(0.0, 100 * (seconds - before[1][device]) / passed_s))
                for device, seconds in busy_s.items()
                if device in before[1]
            }
            self._before = now_s, busy_s
        return self._percent


def found(findings: Findings, *, now: datetime) -> Iterator[Reading]:
    """What a look at the machine, the disk and the backlog found."""
    oldest_at = findings.link.oldest_at
    age_s = 0.0 if oldest_at is None else max(0.0, (now - oldest_at).total_seconds())
    yield known.OUTBOX_OLDEST.of(age_s if findings.link.waiting_rows else 0.0)
    yield known.DATABASE_SIZE.of(findings.database.size_bytes + findings.database.log_bytes)
    yield known.STORAGE_AVAILABLE.of(int(findings.database.fault is None))
    yield known.DISK_FREE.of(findings.disk.free_bytes)
    yield known.DISK_SIZE.of(findings.disk.total_bytes)
    yield known.CPU_USED.of(findings.cpu_used_share)
    yield known.MEMORY_AVAILABLE.of(findings.memory.available_bytes)
    yield known.MEMORY_SIZE.of(findings.memory.total_bytes)
    if findings.heat.temperature_c is not None:
        yield known.TEMPERATURE.of(findings.heat.temperature_c)
    if findings.heat.throttled is not None:
        for bit, cause in CAUSES.items():
            yield known.THROTTLED.of(findings.heat.throttled >> bit & 1, cause)


def _uplink(status: UplinkStatus) -> Iterator[Reading]:
    for state in LinkState:
        name = state.value.replace(" ", "_")
        yield known.UPLINK_STATE.of(int(status.link.state is state), name)
    yield known.UPLINK_IN_FLIGHT.of(status.in_flight)
    if status.credit is not None:
        yield known.UPLINK_CREDIT_ROWS.of(status.credit.rows)
        yield known.UPLINK_CREDIT_BYTES.of(status.credit.bytes)
    yield known.UPLINK_DUPLICATES.of(status.duplicates)
    for failure in LinkFailure:
        count = status.failures.get(failure.label, 0)
        yield known.UPLINK_FAILURES.of(count, failure.label)
        yield known.ERRORS.of(count, "uplink", "connection", failure.label)
    if status.server_offset_s is not None:
        yield known.UPLINK_CLOCK.of(status.server_offset_s)


def _as_service(times: Times, service: str, endpoint: str) -> Iterator[Reading]:
    succeeded = sum(times.counts) - times.failures
    yield known.REQUESTS.of(succeeded, service, endpoint, "frame", "success")
    yield known.REQUESTS.of(times.failures, service, endpoint, "frame", "error")
    yield known.REQUEST_DURATION.of(_spread(times), service, endpoint)
    yield known.ERRORS.of(times.failures, service, "model", "failed")


def _identity(networks: Networks, name: str) -> tuple[str, str, str]:
    """Service, name and version of a network; of one that the manifest lacks only the name."""
    try:
        entry = networks.entry(name)
    except ModelError:
        return PLATES, name, "unknown"
    if "face" not in entry.task:
        service = PLATES
    else:
        service = RECOGNITION if "embedding" in entry.task else FACES
    return service, name, entry.sha256[:12]


def _spread(times: Times) -> Spread:
    """The same in seconds."""
    return Spread(tuple(ms / 1000 for ms in BOUNDS_MS), times.counts, times.total_ms / 1000)
