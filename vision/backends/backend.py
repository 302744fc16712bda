"""The contract between a detector or reader and whatever runs its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelFailed

Tensor = NDArray[np.float32]


class Backend(Protocol):
    """One loaded network. Blocking; one caller at a time.

    Networks whose height or width is fixed say so by `input_shape`; None stands for a free axis.
    `run` takes float32 in the order batch, channels, height, width, contiguous or not, and leaves
    it as it is. What it returns belongs to the caller: no later call changes it.
    """

    @property
    def name(self) -> str:
        """The model's name, for messages and evidence."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda`, `hailo`, ..."""

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Axes of the input, as the model's file gives them (batch, channels, height, width)."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in the order in which `run` returns them."""

    @property
    def metadata(self) -> dict[str, str]:
        """What the model's file says of itself (labels, for one); empty where it says nothing."""

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        """The outputs for one input batch; raises `vision.errors.ModelFailed`.

        Their axes are in the order of the file: ONNX keeps channels before height and width, a
        HEF behind them; what a HEF's own suppression of overlaps gives is described in
        `vision.backends.hailo`.
        """

    def close(self) -> None:
        """Give the memory back. May be repeated; `run` raises `ModelFailed` from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What a loaded network is, with the meaning that `Backend` gives each word."""

    name: str
    device: str
    input_shape: tuple[int | None, ...]
    output_names: tuple[str, ...]
    metadata: dict[str, str] = field(default_factory=dict)


def facts_of(backend: Backend) -> NetworkFacts:
    return NetworkFacts(
        name=backend.name,
        device=backend.device,
        input_shape=backend.input_shape,
        output_names=backend.output_names,
        metadata=backend.metadata,
    )


class StatedNetwork:
    """The part of a `Backend` that only states facts; the runtimes add `run` and `close`."""

    def __init__(self, facts: NetworkFacts) -> None:
        self._facts = facts

    @property
    def name(self) -> str:
        return self._facts.name

    @property
    def device(self) -> str:
        return self._facts.device

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._facts.input_shape

    @property
    def output_names(self) -> tuple[str, ...]:
        return self._facts.output_names

    @property
    def metadata(self) -> dict[str, str]:
        return self._facts.metadata

    def _closed(self) -> ModelFailed:
        return ModelFailed(f"model {self.name}: it was closed; load it again")


def warm_up(backend: Backend, *, height: int = 64, width: int = 64) -> None:
    """Run once on zeros, so that the first real picture does not pay for the set-up.

    Free axes become 1 for the batch, 3 for the channels, `height` and `width`.
    """
    free = (1, 3, height, width)
    shape = tuple(
        axis if axis is not None else usual
        for axis, usual in zip(backend.input_shape, free, strict=True)
    )
    backend.run(np.zeros(shape, dtype=np.float32))
