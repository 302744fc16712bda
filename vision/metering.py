"""A network whose runs are timed and counted. Changes nothing of what it answers."""

from __future__ import annotations

from collections.abc import Sequence

from vision.backends.backend import Backend, Tensor
from vision.performance import Kind, Performance


class MeteredBackend:
    """A loaded network; see `vision.backends.backend.Backend`."""

    def __init__(self, backend: Backend, performance: Performance) -> None:
        self._backend = backend
        self._performance = performance

    @property
    def name(self) -> str:
        return self._backend.name

    @property
    def device(self) -> str:
        return self._backend.device

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._backend.input_shape

    @property
    def output_names(self) -> tuple[str, ...]:
        return self._backend.output_names

    @property
    def metadata(self) -> dict[str, str]:
        return self._backend.metadata

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        with self._performance.measure(Kind.MODEL, self.name):
            return self._backend.run(batch)

    def close(self) -> None:
        self._backend.close()
