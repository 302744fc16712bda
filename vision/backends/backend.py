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
    """

    @property
    def name(self) -> str:
        """The model's name, for messages and evidence."""

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
        """The outputs for one input batch; raises `vision.errors.ModelFailed`."""
