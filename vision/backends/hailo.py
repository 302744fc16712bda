"""Runs HEF networks on a Hailo-8 or 8L through HailoRT's InferModel interface. Kept thin.

One process owns the device, as one virtual device whose scheduler takes the networks by turns; so
nothing here activates a network, which HailoRT forbids with the scheduler. Buffers are C-contiguous
as it demands. The library comes with the Raspberry Pi's own packages, never from an index.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vision.backends.backend import NetworkFacts, StatedNetwork, Tensor
from vision.backends.hailo_advice import advice
from vision.errors import AcceleratorFailed, ModelFailed, ModelMissing

READY_TIMEOUT_MS = 2_000
RUN_TIMEOUT_MS = 10_000
MOST_NETWORKS = 8
"""Networks that one virtual device holds (`HAILO_MAX_NETWORK_GROUPS` of hailort.h)."""

NMS_COLUMNS = 6


def load_platform() -> Any:
    """HailoRT's Python package; raises `AcceleratorFailed` where it is not installed."""
    try:
        return importlib.import_module("hailo_platform")
    except ImportError as error:
        raise AcceleratorFailed(
            f"HailoRT's Python package cannot be loaded ({error}); on Raspberry Pi OS: "
            "sudo apt install hailo-all, restart, and an environment that sees system packages"
        ) from error


class HailoDevice:
    """The accelerator. One for the process; close the networks first."""

    def __init__(self, platform: Any) -> None:
        """`platform` is what `load_platform` gives. Raises `AcceleratorFailed`."""
        self._platform = platform
        try:
            params = platform.VDevice.create_params()
            params.scheduling_algorithm = platform.HailoSchedulingAlgorithm.ROUND_ROBIN
            self._device: Any = platform.VDevice(params)
        except Exception as error:  # HailoRT's errors share no public base across versions
            raise AcceleratorFailed(
                f"the Hailo device cannot be opened: {advice(error)}"
            ) from error

    def load(
        self, name: str, path: Path, *, released: Callable[[], None] = lambda: None
    ) -> HailoBackend:
        """The network of a HEF file; raises `ModelMissing`, `ModelFailed`, `AcceleratorFailed`.

        `released` is called once, when the network has left the device.
        """
        if self._device is None:
            raise AcceleratorFailed(f"model {name}: the Hailo device was closed")
        if not path.is_file():
            raise ModelMissing(f"model {name}: there is no file {path}")
        formats = self._platform.FormatType
        try:
            model = self._device.create_infer_model(str(path))
            model.set_batch_size(1)
            model.input().set_format_type(formats.UINT8)
            for output in model.output_names:
                model.output(output).set_format_type(formats.FLOAT32)
            configured = model.configure()
        except Exception as error:  # HailoRT's errors share no public base across versions
            raise ModelFailed(f"model {name}: {path} cannot be loaded: {advice(error)}") from error
        return HailoBackend(name, model, configured, released)

    def close(self) -> None:
        """Let other processes have the device. May be repeated."""
        device, self._device = self._device, None
        if device is not None:
            device.release()


class HailoBackend(StatedNetwork):
    """One network on the device; see `Backend`.

    Input values are pixels, 0..255: what a network subtracts and divides by is compiled into it.
    A raw output comes as float32 with the axes 1, height, width, channels. An output with HailoRT's
    own suppression of overlaps comes as (n, 6): x1 y1 x2 y2 (shares of the input's width and
    height), score and class. One that is dropped leaves the device as one that is closed.
    """

    def __init__(
        self, name: str, model: Any, configured: Any, released: Callable[[], None]
    ) -> None:
        self._model = model
        self._configured = [configured]
        self._release = weakref.finalize(self, _release, self._configured, released)
        self._release.atexit = False
        self._shape: tuple[int, int, int] = tuple(model.input().shape)
        height, width, channels = self._shape
        super().__init__(
            NetworkFacts(
                name=name,
                device="hailo",
                input_shape=(None, channels, height, width),
                output_names=tuple(model.output_names),
            )
        )

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        if not self._configured:
            raise self._closed()
        height, width, channels = self._shape
        if batch.shape != (1, channels, height, width):
            raise ModelFailed(
                f"model {self.name}: an input of shape {batch.shape}; "
                f"it takes (1, {channels}, {height}, {width})"
            )
        pixels = np.rint(batch[0].transpose(1, 2, 0)).clip(0, 255)
        try:
            found = self._run(np.ascontiguousarray(pixels, dtype=np.uint8))
        except Exception as error:  # HailoRT's errors share no public base across versions
            raise ModelFailed(f"model {self.name}: running it broke: {advice(error)}") from error
        return [
            by_class(output) if isinstance(output, list) else np.array(output, np.float32)[None]
            for output in found
        ]

    def _run(self, frame: np.ndarray) -> list[Any]:
        buffers = {
            output: np.empty(self._model.output(output).shape, dtype=np.float32, order="C")
            for output in self.output_names
        }
        (configured,) = self._configured
        bindings = configured.create_bindings(output_buffers=buffers)
        bindings.input().set_buffer(frame)
        failures: list[BaseException] = []

        def completed(info: Any) -> None:
            if info.exception is not None:
                failures.append(info.exception)

        configured.wait_for_async_ready(timeout_ms=READY_TIMEOUT_MS)
        job = configured.run_async([bindings], completed)
        job.wait(RUN_TIMEOUT_MS)
        if failures:
            raise failures[0]
        return [bindings.output(output).get_buffer() for output in self.output_names]

    def close(self) -> None:
        self._release()


def _release(configured: list[Any], released: Callable[[], None]) -> None:
    """Takes the network out of `configured`: older versions free it with the last reference."""
    release = getattr(configured[0], "release", None)
    try:
        if release is not None:
            release()
    finally:
        del release
        configured.clear()
        released()


def by_class(found: Sequence[np.ndarray]) -> Tensor:
    """One table (n, 6) of what HailoRT gives for each class: arrays (n, 5) y0 x0 y1 x1 score."""
    tables = [np.zeros((0, NMS_COLUMNS), dtype=np.float32)]
    for number, boxes in enumerate(found):
        rows = np.asarray(boxes, dtype=np.float32).reshape(-1, NMS_COLUMNS - 1)
        label = np.full((len(rows), 1), number, dtype=np.float32)
        tables.append(np.concatenate([rows[:, [1, 0, 3, 2, 4]], label], axis=1))
    return np.concatenate(tables)
