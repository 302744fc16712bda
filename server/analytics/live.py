"""The message of /analytics/realtime: what went on in the last minute, as plain JSON values. Pure.

Names and shapes are those that dashboards of the older services read: `error_rate` is a fraction,
`success_rate` a percentage, times are seconds, rates by the second. What has no value yet is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server.analytics.work import Work, sum_or_none
from telemetry.distribution import Spread, difference, sum_of

FACE_RECOGNITION: Final = "face_recognition"
FACE_DETECTION: Final = "face_detection"
PLATE_RECOGNITION: Final = "plate_recognition"
ALWAYS: Final = (FACE_RECOGNITION, FACE_DETECTION, PLATE_RECOGNITION)
MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What one service has counted since it was started; None: nobody counts it.

    `seen` are faces or plates, `pictures` those they were looked for in. `is_part`: its requests
    are counted with those of another service too, and not again in the sum of all.
    """

    requests: int
    errors: int | None = None
    times: Spread | None = None
    seen: int | None = None
    pictures: int | None = None
    is_part: bool = False


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
    if end.requests < start.requests:  # counted anew
        start = Totals(requests=0)
    times = end.times
    if times is not None and start.times is not None:
        times = difference(times, start.times)
    return Work(
        at=before.at,
        seconds=now.at_s - before.at_s,
        requests=end.requests - start.requests,
        errors=_between(end.errors, start.errors),
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
        "metrics": {"overall": _overall(before, now), **told},
    }


def _overall(before: Moment, now: Moment) -> dict[str, Any]:
    whole = {name: totals for name, totals in now.services.items() if not totals.is_part}
    works = [work for name in whole if (work := work_between(before, now, name))]
    every = Work(
        at=before.at,
        seconds=now.at_s - before.at_s,
        requests=sum(work.requests for work in works),
        errors=sum_or_none(work.errors for work in works),
        times=sum_of(work.times for work in works if work.times is not None),
    )
    rate = every.error_rate
    return {
        "total_requests": sum(totals.requests for totals in whole.values()),
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
        said["avg_faces_per_image"] = _seen_per_picture(name, before, now)
    if name == PLATE_RECOGNITION:
        said["plates_detected_per_min"] = _seen_per_minute(name, before, now)
    return said


def _between(end: int | None, start: int | None) -> int | None:
    """What a counter came on; all of it where it began anew. None where nobody counts."""
    if end is None:
        return None
    return end - start if start is not None and start <= end else end


def _counted(name: str, moment: Moment) -> Totals:
    return moment.services.get(name) or Totals(requests=0)


def _seen_per_minute(name: str, before: Moment, now: Moment) -> float | None:
    seen = _between(_counted(name, now).seen, _counted(name, before).seen)
    seconds = now.at_s - before.at_s
    return None if seen is None or seconds <= 0 else seen * MINUTE_S / seconds


def _seen_per_picture(name: str, before: Moment, now: Moment) -> float | None:
    end, start = _counted(name, now), _counted(name, before)
    seen, pictures = _between(end.seen, start.seen), _between(end.pictures, start.pictures)
    return None if seen is None or not pictures else seen / pictures
