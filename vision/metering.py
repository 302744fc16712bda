"""A network whose runs are timed and counted. Changes nothing of what it answers; an answer that is
no number is a failure: whoever reads it would see nothing at all, or be sure of what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.backends.backend import Backend, StatedNetwork, Tensor, facts_of
from vision.errors import ModelFailed
from vision.performance import Kind, Performance


class MeteredBackend(StatedNetwork):
    """A loaded network; see `vision.backends.backend.Backend`."""

    def __init__(self, backend: Backend, performance: Performance) -> None:
        super().__init__(facts_of(backend))
        self._backend = backend
        self._performance = performance

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        with self._performance.measure(Kind.MODEL, self.name):
            outputs = self._backend.run(batch)
            if any(np.isnan(output).any() for output in outputs):
                raise ModelFailed(
                    f"model {self.name}: it answered what is no number (NaN) to an input of shape "
                    f"{batch.shape}; is it the right model file, and does the device compute well?"
                )
            return outputs

    def close(self) -> None:
        self._backend.close()
