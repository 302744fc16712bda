"""A day of synthetic traffic with a slow hour, a burst of errors and a camera that falls silent: as
the server keeps it, and as Prometheus would have recorded it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from server.analytics.work import Work
from server.storage.adoption import prepare_database
from server.storage.sqlite import SqliteStore
from telemetry import catalogue as known
from telemetry.metrics import Metric
from tests.server.analytics.day import BEGIN, MINUTES, day_of, remember
from tests.server.storage.history import plate

SLOW: Final = range(600, 660)
BURST: Final = range(900, 910)
SILENT_FROM: Final = 1200
"""Minutes of the day."""
SILENT, WELL = "gate-south", "gate-north"
PLATES_AN_HOUR: Final = 25
HOUR: Final = timedelta(hours=1)
_INSTANCE: Final = 'job="sightpost-server-service", instance="centre:8080"'


def minutes() -> list[Work]:
    """What the ingest did, from `BEGIN` on."""
    return day_of(
        seconds=lambda minute: 3.0 if minute in SLOW else 0.05,
        errors=lambda minute: 0.4 if minute in BURST else 0.002,
    )


async def remember_it(database: Path, begin: datetime) -> None:
    """Into a server's database: the day from `begin` on, and a quiet one before it."""
    prepare_database(database, zone_of=lambda _: UTC, now=begin)
    quiet = [replace(work, at=work.at - timedelta(days=1)) for work in day_of(seed=2)]
    moved = [replace(work, at=work.at - BEGIN + begin) for work in (*quiet, *minutes())]
    remember(database, {"ingest": moved})
    store = SqliteStore(database, database.parent / "pictures")
    sequence = 0
    try:
        for hour in range(-24, 24):
            at = begin + hour * HOUR
            for camera in (SILENT, WELL):
                if camera == SILENT and hour * 60 >= SILENT_FROM:
                    continue
                rows = []
                for number in range(PLATES_AN_HOUR):
                    sequence += 1
                    passed = at + number * timedelta(minutes=2)
                    rows.append(plate(sequence, f"AB{sequence}", at=passed, device_id=camera))
                await store.commit_group(rows, at + HOUR)
    finally:
        await store.close()


def recorded() -> list[dict[str, Any]]:
    """The day as `promtool test rules` takes series: a sample a minute from zero on."""
    day = minutes()
    succeeded = [work.requests - (work.errors or 0) for work in day]
    labels = ("ingest", "lpr_detection", "insert")
    made = [
        _series(known.REQUESTS, (*labels, "success"), accumulate(succeeded)),
        _series(known.REQUESTS, (*labels, "error"), accumulate(work.errors or 0 for work in day)),
        *_buckets(day),
    ]
    for camera, last in ((SILENT, SILENT_FROM), (WELL, MINUTES)):
        heard = (60 * min(minute, last) for minute in range(MINUTES))
        made.append(_series(known.FLEET_LAST_SEEN, (camera,), heard))
    return made


def _buckets(day: Sequence[Work]) -> Iterator[dict[str, Any]]:
    spreads = [work.times for work in day if work.times is not None]
    bounds = [*map(str, spreads[0].bounds), "+Inf"]
    for number, bound in enumerate(bounds):
        below = accumulate(sum(spread.counts[: number + 1]) for spread in spreads)
        yield _series(known.REQUEST_DURATION, ("ingest", "any"), below, ending="_bucket", le=bound)


def _series(
    metric: Metric,
    values: Sequence[str],
    samples: Iterator[int],
    *,
    ending: str = "",
    **more: str,
) -> dict[str, Any]:
    named = {**dict(zip(metric.labels, values, strict=True)), **more}
    labels = ", ".join(f'{name}="{value}"' for name, value in named.items())
    return {
        "series": f"{metric.name}{ending}{{{_INSTANCE}, {labels}}}",
        "values": " ".join(map(str, samples)),
    }
