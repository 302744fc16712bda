"""The contract between a detector or reader and whatever runs its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
