"""The message of /analytics/realtime: what went on in the last minute, as plain JSON values. Pure.

Names and shapes are those that dashboards of the older services read: `error_rate` is a fraction,
`success_rate` a percentage, times are seconds, rates by the second. What has no value yet is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server.analytics.work import Work, difference, sum_of
from telemetry.distribution import Spread

FACE_RECOGNITION: Final = "face_recognition"
FACE_DETECTION: Final = "face_detection"
PLATE_RECOGNITION: Final = "plate_recognition"
ALWAYS: Final = (FACE_RECOGNITION, FACE_DETECTION, PLATE_RECOGNITION)
MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What one service has counted since it was started; `seen` are faces or plates, None where
    it has to do with neither."""

    requests: int
    errors: int = 0
    times: Spread | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All counters at one time; `at_s` is monotonic. `services` by the names of the message.

    `active_users` are people signed in and at work, None where nobody counts them. `accuracy` is
    0..1 by service, `active_models` how many networks it runs, where that is known.
    """

    at: datetime
    at_s: float
    services: Mapping[str, Totals]
    active_users: int | None = None
    accuracy: Mapping[str, float] | None = None
    active_models: Mapping[str, int] | None = None


def work_between(before: Moment, now: Moment, service: str) -> Work | None:
    """What the service did between two moments; None where it is in neither."""
    end = now.services.get(service)
    if end is None:
        return None
    start = before.services.get(service, Totals(requests=0))
    is_anew = end.requests < start.requests
    if is_anew:
        start = Totals(requests=0)
    times = end.times
    if times is not None and start.times is not None:
        times = difference(times, start.times)
    return Work(
        at=before.at,
        seconds=now.at_s - before.at_s,
        requests=end.requests - start.requests,
        errors=max(0, end.errors - start.errors),
        times=times,
    )


def message(before: Moment, now: Moment) -> dict[str, Any]:
    """What is sent: of the time between the two moments, but for `total_requests`."""
    works = {name: work_between(before, now, name) for name in now.services}
    told = {
        name: _of_service(name, works.get(name), before, now)
        for name in (*ALWAYS, *(name for name in now.services if name not in ALWAYS))
    }
    return {
        "timestamp": now.at.isoformat(),
        "metrics": {"overall": _overall([w for w in works.values() if w], now), **told},
    }


def _overall(works: Sequence[Work], now: Moment) -> dict[str, Any]:
    requests, errors = sum(w.requests for w in works), sum(w.errors for w in works)
    times = sum_of(work.times for work in works if work.times is not None)
    every = Work(at=now.at, seconds=0, requests=requests, errors=errors, times=times)
    rate = every.error_rate
    return {
        "total_requests": sum(totals.requests for totals in now.services.values()),
        "active_users": now.active_users,
        "response_time_avg": every.mean_s,
        "response_time_95th": every.quantile_s(0.95),
        "error_rate": rate,
        "success_rate": None if rate is None else 100 * (1 - rate),
    }


def _of_service(name: str, work: Work | None, before: Moment, now: Moment) -> dict[str, Any]:
    said: dict[str, Any] = {
        "request_rate": None if work is None else work.rate,
        "response_time": None if work is None else work.mean_s,
        "error_rate": None if work is None else work.error_rate,
    }
    if name in (FACE_RECOGNITION, PLATE_RECOGNITION):
        said["accuracy"] = (now.accuracy or {}).get(name)
        said["active_models"] = (now.active_models or {}).get(name)
    if name == FACE_DETECTION:
        said["faces_detected_per_min"] = _seen_per_minute(name, before, now)
        said["avg_faces_per_image"] = _seen_per_request(name, work, before, now)
    if name == PLATE_RECOGNITION:
        said["plates_detected_per_min"] = _seen_per_minute(name, before, now)
    return said


def _seen_between(name: str, before: Moment, now: Moment) -> int | None:
    end, start = now.services.get(name), before.services.get(name)
    if end is None or end.seen is None:
        return None
    earlier = 0 if start is None or start.seen is None else start.seen
    return end.seen - earlier if end.seen >= earlier else end.seen


def _seen_per_minute(name: str, before: Moment, now: Moment) -> float | None:
    seen, seconds = _seen_between(name, before, now), now.at_s - before.at_s
    return None if seen is None or seconds <= 0 else seen * MINUTE_S / seconds


def _seen_per_request(name: str, work: Work | None, before: Moment, now: Moment) -> float | None:
    seen = _seen_between(name, before, now)
    if seen is None or work is None or not work.requests:
        return None
    return seen / work.requests
