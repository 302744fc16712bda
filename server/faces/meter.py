"""What is asked of the face gallery and how long it takes, for whoever watches the server."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from server.errors import NotThere, QuestionInvalid
from telemetry import catalogue as known
from telemetry.distribution import SEARCH_SECONDS, SECONDS, Distribution, Spread, sum_of
from telemetry.metrics import Reading

SERVICE: Final = "face-recognition"
ENDPOINTS: Final = ("register", "verify", "identify")
_METHOD: Final = "picture"


class Holding(Protocol):
    """The gallery that is metered."""

    @property
    def active_models(self) -> int:
        """Networks that serve; 0: nobody can be recognised."""
        ...

    async def total_faces(self) -> int:
        """Faces enrolled. Raises StorageUnavailable."""
        ...


class FaceMeter:
    """Counts since the server was started. Safe from any thread.

    `holding` is the gallery once there is one.
    """

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times = {endpoint: Distribution(SECONDS) for endpoint in ENDPOINTS}
        self._failed: Counter[tuple[str, str]] = Counter()
        self._search_s = Distribution(SEARCH_SECONDS)
        self.holding: Holding | None = None

    @contextlib.contextmanager
    def asked(self, endpoint: str) -> Iterator[None]:
        """Around one request. What the caller did wrong is no error of the service."""
        began_s = self._clock()
        try:
            yield
        except (QuestionInvalid, NotThere):
            raise
        except Exception as error:
            self._failed[endpoint, type(error).__name__] += 1
            raise
        finally:
            self._times[endpoint].add(self._clock() - began_s)

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """Around one search of the index."""
        began_s = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._search_s.add(self._clock() - began_s)

    @property
    def active_models(self) -> int:
        """As `Holding` says; 0 where there is no gallery."""
        return 0 if self.holding is None else self.holding.active_models

    @property
    def requests(self) -> int:
        return self.spread().count

    @property
    def failures(self) -> int:
        return self._failed.total()

    def spread(self) -> Spread:
        """How long requests took, all endpoints together."""
        found = sum_of(each.spread() for each in self._times.values())
        assert found is not None  # noqa: S101 - there are endpoints
        return found

    def readings(self) -> Iterator[Reading]:
        """For Prometheus."""
        for endpoint, times in self._times.items():
            spread = times.spread()
            failed = sum(count for (where, _), count in self._failed.items() if where == endpoint)
            done = spread.count - failed
            yield known.REQUESTS.of(done, SERVICE, endpoint, _METHOD, "success")
            yield known.REQUESTS.of(failed, SERVICE, endpoint, _METHOD, "error")
            yield known.REQUEST_DURATION.of(spread, SERVICE, endpoint)
        by_kind: Counter[str] = Counter()
        for (_, kind), count in self._failed.items():
            by_kind[kind] += count
        for kind, count in by_kind.items():
            yield known.ERRORS.of(count, SERVICE, "request", kind)
        yield known.VECTOR_SEARCH.of(self._search_s.spread())
