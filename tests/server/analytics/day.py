"""A day of one service as the server keeps it, a minute each, with what a test puts into it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.analytics.work import Work
from server.storage.connection import open_second_writer, transaction
from server.storage.service_minutes import write_minutes
from telemetry.distribution import SECONDS, Distribution

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = 24 * 60


def day_of(
    *,
    seconds: Callable[[int], float] = lambda _minute: 0.05,
    errors: Callable[[int], float] = lambda _minute: 0.002,
    rate: Callable[[int], float] = lambda _minute: 1.0,
    seed: int = 1,
) -> list[Work]:
    """`seconds` is about what an answer takes in that minute, `errors` the share that fails,
    `rate` requests a second; chance is added to each."""
    chance = random.Random(seed)
    made = []
    for minute in range(MINUTES):
        requests = max(0, round(chance.gauss(60 * rate(minute), 4)))
        times = Distribution(SECONDS)
        times.add_all(chance.lognormvariate(0, 0.3) * seconds(minute) for _ in range(requests))
        failed = sum(chance.random() < errors(minute) for _ in range(requests))
        made.append(
            Work(
                at=BEGIN + timedelta(minutes=minute),
                seconds=60.0,
                requests=requests,
                errors=failed,
                times=times.spread(),
                load=0.3,
            )
        )
    return made


def remember(database: Path, works: Mapping[str, Sequence[Work]]) -> None:
    """Writes minutes of services into a server's database, all at once."""
    with contextlib.closing(open_second_writer(database)) as connection, transaction(connection):
        for service, minutes in works.items():
            for work in minutes:
                write_minutes(connection, {service: work})
