"""Counts HTTP requests by the route that answered them, and how long they took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from telemetry.catalogue import ERRORS, REQUEST_DURATION, REQUESTS
from telemetry.distribution import SECONDS, Distribution, Spread, sum_of
from telemetry.metrics import Reading

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
"""asgi.readthedocs.io, version 3 of the specification."""

WENT_AWAY: Final = 499
"""The status of a request whose sender left in the midst of it: nobody hears it, and it is no fault
(nginx's code for it)."""
MOST_ENDPOINTS: Final = 256
OTHER: Final = "other"
"""What no route answered, and the endpoints beyond `MOST_ENDPOINTS`."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMeter:
    """The requests of one service. Lives on the event loop.

    Labels are routes, never the paths that were asked for: a stranger cannot make new ones.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._durations: dict[str, Distribution] = {}
        self._faults: Counter[int] = Counter()

    def answered(self, route: str, method: str, *, status_code: int, seconds: float) -> None:
        """Notes a request. An answer from 500 on is an error: lesser ones are the caller's."""
        if route not in self._durations and len(self._durations) >= MOST_ENDPOINTS:
            route = OTHER
        durations = self._durations.setdefault(route, Distribution(SECONDS))
        durations.add(seconds)
        status = "success"
        if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            status = "error"
            self._faults[status_code] += 1
        self._counts[route, method if method in METHODS else OTHER, status] += 1

    @property
    def faults(self) -> int:
        """Answers from 500 on."""
        return self._faults.total()

    def spread(self) -> Spread:
        """How long requests took, those of all routes together."""
        found = sum_of(each.spread() for each in self._durations.values())
        return Distribution(SECONDS).spread() if found is None else found

    def readings(self) -> Iterator[Reading]:
        for (route, method, status), count in self._counts.items():
            yield REQUESTS.of(count, self.service, route, method, status)
        for route, durations in self._durations.items():
            yield REQUEST_DURATION.of(durations.spread(), self.service, route)
        for code, count in self._faults.items():
            yield ERRORS.of(count, self.service, "http", str(code))


class MeteredRequests:
    """ASGI middleware: every HTTP request goes into the meter, those that fail too."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        meter: RequestMeter,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._meter = meter
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status_code, began_s = 500, self._clock()

        async def sent(message: Message) -> None:
            nonlocal status_code
            if message["type"] == "http.response.start":
                status_code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            self._meter.answered(
                _route_of(scope),
                scope["method"],
                status_code=status_code,
                seconds=self._clock() - began_s,
            )


def _route_of(scope: Scope) -> str:
    """The template of the route that answered, such as /detection/{row_id}; FastAPI notes it."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else OTHER
