"""A HailoRT without a device: the calls that the backend makes, and the rules that HailoRT has.

A call out of order, a buffer that is not C-contiguous, `activate` under the scheduler or a second
owner of the device raise, as the real library does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

Outputs = Mapping[str, "np.ndarray | list[np.ndarray]"]


class HailoRTException(Exception):
    """The library's errors, with its status name in the text."""


class Scheduling(Enum):
    NONE = 0
    ROUND_ROBIN = 1


class FormatType(Enum):
    AUTO = 0
    UINT8 = 1
    FLOAT32 = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeHef:
    """What a HEF file would do: input (height, width, channels), output shapes, the function, and
    what releasing it raises."""

    input_shape: tuple[int, int, int]
    output_shapes: Mapping[str, tuple[int, ...]]
    infer: Callable[[np.ndarray], Outputs]
    release_failure: str | None = None


class FakeHailoPlatform:
    """Stands for the module `hailo_platform` of one machine with one device."""

    HailoSchedulingAlgorithm = Scheduling
    FormatType = FormatType

    def __init__(self, hefs: Mapping[str, FakeHef], *, failure: str | None = None) -> None:
        """`hefs` by file name; `failure` is what opening the device raises."""
        self.hefs = hefs
        self.failure = failure
        self.is_owned = False
        self.opened = 0
        self.networks = 0
        self.VDevice = _vdevice_of(self)


class _Params:
    scheduling_algorithm = Scheduling.NONE


def _vdevice_of(platform: FakeHailoPlatform) -> Any:
    class VDevice:
        @staticmethod
        def create_params() -> _Params:
            return _Params()

        def __init__(self, params: _Params) -> None:
            if platform.failure is not None:
                raise HailoRTException(platform.failure)
            if platform.is_owned:
                raise HailoRTException("HAILO_OUT_OF_PHYSICAL_DEVICES(74): requested 1, found 0")
            platform.is_owned = True
            platform.opened += 1
            self._is_released = False
            self._has_scheduler = params.scheduling_algorithm is Scheduling.ROUND_ROBIN

        def create_infer_model(self, path: str) -> _InferModel:
            hef = _hef_in(platform, path)
            if self._is_released or not self._has_scheduler:
                raise HailoRTException("HAILO_INVALID_OPERATION: no device with the scheduler")
            return _InferModel(platform, hef)

        def release(self) -> None:
            if platform.networks:
                raise HailoRTException("HAILO_INVALID_OPERATION: networks are still configured")
            if not self._is_released:
                self._is_released = True
                platform.is_owned = False

    return VDevice


def _hef_in(platform: FakeHailoPlatform, path: str) -> FakeHef:
    name = path.rpartition("/")[2]
    if name not in platform.hefs:
        raise HailoRTException("Invalid HEF. See hailort.log for more information")
    return platform.hefs[name]


class _Stream:
    def __init__(self, shape: tuple[int, ...], wanted: FormatType) -> None:
        self.shape = shape
        self.format = FormatType.AUTO
        self._wanted = wanted

    def set_format_type(self, kind: FormatType) -> None:
        if kind is not self._wanted:
            raise HailoRTException(f"HAILO_INVALID_ARGUMENT: {kind}, expected {self._wanted}")
        self.format = kind


class _InferModel:
    def __init__(self, platform: FakeHailoPlatform, hef: FakeHef) -> None:
        self._platform = platform
        self.hef = hef
        self._input = _Stream(hef.input_shape, FormatType.UINT8)
        self._outputs = {
            name: _Stream(shape, FormatType.FLOAT32) for name, shape in hef.output_shapes.items()
        }
        self.output_names = list(hef.output_shapes)
        self._batch_size = 0

    def set_batch_size(self, size: int) -> None:
        self._batch_size = size

    def input(self) -> _Stream:
        return self._input

    def output(self, name: str) -> _Stream:
        return self._outputs[name]

    def configure(self) -> _Configured:
        formats = [self._input.format, *(output.format for output in self._outputs.values())]
        if self._batch_size < 1 or FormatType.AUTO in formats:
            raise HailoRTException("HAILO_INVALID_OPERATION: batch size and formats come first")
        self._platform.networks += 1
        return _Configured(self._platform, self)


class _Configured:
    def __init__(self, platform: FakeHailoPlatform, model: _InferModel) -> None:
        self._platform = platform
        self._model = model
        self._is_ready = False
        self._is_released = False

    def activate(self) -> None:
        raise HailoRTException("HAILO_INVALID_OPERATION: the scheduler activates networks")

    def create_bindings(self, *, output_buffers: Mapping[str, np.ndarray]) -> _Bindings:
        for name, shape in self._model.hef.output_shapes.items():
            _check(output_buffers[name], shape, np.float32)
        return _Bindings(self._model.hef)

    def wait_for_async_ready(self, *, timeout_ms: int) -> None:
        self._is_ready = timeout_ms > 0 and not self._is_released

    def run_async(self, bindings: list[_Bindings], callback: Callable[[Any], None]) -> _Job:
        if not self._is_ready:
            raise HailoRTException("HAILO_QUEUE_IS_FULL(82): wait until it is ready")
        self._is_ready = False
        (one,) = bindings
        return _Job(one, callback)

    def release(self) -> None:
        if not self._is_released:
            self._is_released = True
            self._platform.networks -= 1
            if self._model.hef.release_failure is not None:
                raise HailoRTException(self._model.hef.release_failure)


class _Completion:
    def __init__(self, exception: BaseException | None) -> None:
        self.exception = exception


class _Job:
    """Runs when it is waited for, the latest moment that the real one has."""

    def __init__(self, bindings: _Bindings, callback: Callable[[Any], None]) -> None:
        self._bindings = bindings
        self._callback = callback

    def wait(self, timeout_ms: int) -> None:
        if timeout_ms <= 0:
            raise HailoRTException("HAILO_TIMEOUT(4)")
        try:
            self._bindings.infer()
        except ArithmeticError as error:
            self._callback(_Completion(HailoRTException(str(error))))
        else:
            self._callback(_Completion(None))


class _Bindings:
    def __init__(self, hef: FakeHef) -> None:
        self._hef = hef
        self._frame: np.ndarray | None = None
        self._found: Outputs | None = None

    def input(self) -> _InputBinding:
        return _InputBinding(self)

    def output(self, name: str) -> _OutputBinding:
        return _OutputBinding(self, name)

    def take(self, frame: np.ndarray) -> None:
        _check(frame, self._hef.input_shape, np.uint8)
        self._frame = frame

    def infer(self) -> None:
        if self._frame is None:
            raise HailoRTException("HAILO_INVALID_OPERATION: no input buffer was set")
        self._found = self._hef.infer(self._frame)

    def found(self, name: str) -> np.ndarray | list[np.ndarray]:
        if self._found is None:
            raise HailoRTException("HAILO_INVALID_OPERATION: the job was not waited for")
        return self._found[name]


class _InputBinding:
    def __init__(self, bindings: _Bindings) -> None:
        self._bindings = bindings

    def set_buffer(self, frame: np.ndarray) -> None:
        self._bindings.take(frame)


class _OutputBinding:
    def __init__(self, bindings: _Bindings, name: str) -> None:
        self._bindings = bindings
        self._name = name

    def get_buffer(self) -> np.ndarray | list[np.ndarray]:
        return self._bindings.found(self._name)


def _check(buffer: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if not buffer.flags.c_contiguous:
        raise HailoRTException("HAILO_INVALID_ARGUMENT: the buffer is not C-contiguous")
    if buffer.shape != shape or buffer.dtype != dtype:
        raise HailoRTException(
            f"HAILO_INVALID_ARGUMENT: buffer {buffer.shape} {buffer.dtype}, expected {shape} "
            f"{np.dtype(dtype)}"
        )
