"""A network whose runs are timed and counted. Changes nothing of what it answers."""

from __future__ import annotations

from collections.abc import Sequence

from vision.backends.backend import Backend, StatedNetwork, Tensor, facts_of
from vision.performance import Kind, Performance


class MeteredBackend(StatedNetwork):
    """A loaded network; see `vision.backends.backend.Backend`."""

    def __init__(self, backend: Backend, performance: Performance) -> None:
        super().__init__(facts_of(backend))
        self._backend = backend
        self._performance = performance

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        with self._performance.measure(Kind.MODEL, self.name):
            return self._backend.run(batch)

    def close(self) -> None:
        self._backend.close()
