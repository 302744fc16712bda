"""What went on in the server in the last minute, for whoever looks at it live."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import structlog

from server.analytics.live import (
    FACE_DETECTION,
    FACE_RECOGNITION,
    PLATE_RECOGNITION,
    Moment,
    Totals,
    message,
)
from server.errors import StorageUnavailable
from server.faces.meter import FaceMeter
from server.figures import INGEST, SERVICE, ServerFigures
from wire.rows import Table

ACTIVE: Final = timedelta(minutes=5)
"""Who did something within this is at work."""
LOOKS: Final = 12
"""So many looks back lies the beginning of what is told: with one every five seconds, a minute."""


_log = structlog.get_logger(__name__)


class LiveFigures:
    """Lives on the event loop; remembers the last looks."""

    def __init__(
        self, figures: ServerFigures, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._figures = figures
        self._clock = clock
        self._moments: deque[Moment] = deque(maxlen=LOOKS + 1)

    async def message(self) -> dict[str, Any]:
        """Looks once more; the message from the oldest look that is remembered to this one."""
        self._moments.append(await self._look())
        return message(self._moments[0], self._moments[-1])

    async def _look(self) -> Moment:
        """All counters now, and what the database knows of people."""
        figures = self._figures
        accuracy = {}
        share = users = None
        try:
            share = await figures.store.uncorrected_share()
            users = await figures.store.active_users(figures.now() - ACTIVE)
        except StorageUnavailable as error:
            _log.warning("live figures lack the database's", reason=str(error))
        if share is not None:
            accuracy[PLATE_RECOGNITION] = share
        now = counted(figures, at_s=self._clock())
        return replace(now, active_users=users, accuracy=accuracy)


def counted(figures: ServerFigures, *, at_s: float) -> Moment:
    """All counters now; `at_s` is monotonic."""
    counters, rows = figures.counters, figures.meter.rows
    web = figures.requests.spread()
    plates, faces = rows[Table.LPR_DETECTION], rows[Table.FACE_DETECTION]
    models = figures.faces.active_models
    known = {FACE_RECOGNITION: _recognition(figures.faces)} if models else {}
    return Moment(
        at=figures.now(),
        at_s=at_s,
        services={
            INGEST: Totals(
                requests=counters.rows_received + counters.wrong,
                errors=counters.wrong,
                times=figures.meter.latency_s.spread(),
            ),
            SERVICE: Totals(requests=web.count, errors=figures.requests.faults, times=web),
            PLATE_RECOGNITION: Totals(requests=plates, seen=plates, is_part=True),
            FACE_DETECTION: Totals(requests=faces, seen=faces, is_part=True),
            **known,
        },
        active_models={FACE_RECOGNITION: models} if models else None,
    )


def _recognition(meter: FaceMeter) -> Totals:
    return Totals(
        requests=meter.requests, errors=meter.failures, times=meter.spread(), is_part=True
    )
