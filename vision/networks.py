"""Gives networks by their names in the manifest: file found, backend chosen, pool used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import onnxruntime

from vision.backends.backend import Backend, warm_up
from vision.backends.hailo_share import HailoShare
from vision.backends.onnx import OnnxBackend, read_model
from vision.backends.opencv import OpenCvBackend
from vision.backends.proof import fault_of
from vision.backends.providers import ON_GPU, choose_providers, proven, short_name
from vision.backends.shapes import MOST_SHAPES
from vision.errors import ModelFailed, ModelMissing
from vision.manifest import (
    ModelEntry,
    ModelFormat,
    locate,
    manifest,
    model_entry,
    verify,
)
from vision.metering import MeteredBackend
from vision.performance import Performance
from vision.pool.budget import Priority
from vision.pool.memory import PoolSettings, budgets_for, bytes_on_card
from vision.pool.pool import ModelPool, ModelRequest

Prepare = Callable[[bytes], bytes]
"""Makes an ONNX file into the one to load."""

_WARM_UP_SIDE = 64


class NetworkSource(Protocol):
    """Where detectors and readers get their networks from."""

    def entry(self, name: str) -> ModelEntry:
        """What the manifest says of it; raises `ModelMissing`."""

    def open(
        self, name: str, *, priority: Priority = Priority.MEDIUM, prepare: Prepare | None = None
    ) -> Backend:
        """The network, loaded; raises an error of `vision.errors.ModelError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """`threads` is the number of cores that one run may use; `providers` are tried in order.

    `runtime` runs ONNX files. `models_folder` holds fetched models (None: there are none).
    """

    threads: int = 2
    providers: tuple[str, ...] = ("cpu",)
    runtime: Literal["onnx", "opencv"] = "onnx"
    models_folder: Path | None = None
    pool: PoolSettings = field(default_factory=PoolSettings)


class Networks:
    """The networks of this process; see `NetworkSource`. Thread-safe."""

    def __init__(
        self,
        settings: NetworkSettings | None = None,
        *,
        pool: ModelPool | None = None,
        hailo: HailoShare | None = None,
        performance: Performance | None = None,
        built_in: Sequence[str] | None = None,
        fault: Callable[[str], str] = fault_of,
    ) -> None:
        """`hailo` loads HEF files; one for all the networks of a process, which has one device.
        Every network's runs are noted in `performance`. `built_in` are the providers of this
        onnxruntime, of which `fault` says what keeps one from running."""
        self.performance = performance or Performance(time.perf_counter)
        self._settings = settings or NetworkSettings()
        available = onnxruntime.get_available_providers() if built_in is None else built_in
        choice = proven(choose_providers(self._settings.providers, available), fault)
        self._provider_names = tuple(short_name(name) for name in choice.library_names)
        self.notices: tuple[str, ...] = choice.notices
        self.pool = pool or ModelPool(budgets_for(self._provider_names, self._settings.pool))
        self._loading = _Loading(
            self._settings, provider_names=self._provider_names, hailo=hailo or HailoShare()
        )

    def entries(self) -> Sequence[ModelEntry]:
        """All that the manifest names, our own first."""
        return tuple(manifest(self._settings.models_folder).values())

    def entry(self, name: str) -> ModelEntry:
        return model_entry(name, self._settings.models_folder)

    @property
    def models_folder(self) -> Path | None:
        """Where fetched models are looked for."""
        return self._settings.models_folder

    def is_here(self, name: str) -> bool:
        """Whether the model's file is on this machine."""
        return self.path(name) is not None

    def path(self, name: str) -> Path | None:
        """Where the model's file lies, None where it is not here; raises for an unknown name."""
        entry = self.entry(name)
        try:
            return locate(entry, models_folder=self._settings.models_folder)
        except ModelMissing:
            return None

    def open(
        self, name: str, *, priority: Priority = Priority.MEDIUM, prepare: Prepare | None = None
    ) -> Backend:
        entry = self.entry(name)
        path = locate(entry, models_folder=self._settings.models_folder)
        verify(entry, path)  # a damaged file may load and answer nonsense
        device = "hailo" if entry.format is ModelFormat.HEF else self._onnx_device
        request = ModelRequest(
            name=name, device=device, size=_size_on(device, entry), priority=priority
        )
        loading = self._loading  # and not all of this: see there
        backend = self.pool.open(request, lambda: loading.loaded(entry, path, prepare))
        return MeteredBackend(backend, self.performance)

    def close(self) -> None:
        """Give everything back. May be repeated."""
        self.pool.close()

    @property
    def _onnx_device(self) -> str:
        return "cpu" if self._settings.runtime == "opencv" else self._provider_names[0]


class _Loading:
    """Makes networks. Apart from `Networks`, whose pool keeps this for loading them again: dropped
    networks are no circle that holds their memory until garbage is collected."""

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        provider_names: tuple[str, ...],
        hailo: HailoShare,
    ) -> None:
        self._settings = settings
        self._provider_names = provider_names
        self._hailo = hailo

    def loaded(self, entry: ModelEntry, path: Path, prepare: Prepare | None) -> Backend:
        """Ready to run, so that no picture waits for the set-up."""
        backend = self._cold(entry, path, prepare)
        side = _WARM_UP_SIDE
        try:
            warm_up(backend, height=entry.input.height or side, width=entry.input.width or side)
        except ModelFailed:
            backend.close()
            raise
        return backend

    def _cold(self, entry: ModelEntry, path: Path, prepare: Prepare | None) -> Backend:
        if entry.format is ModelFormat.HEF:
            return self._hailo.load(entry.name, path)
        if entry.format is not ModelFormat.ONNX:
            raise ModelFailed(
                f"model {entry.name}: a {entry.format} is no network; its detector loads it itself"
            )
        model = read_model(entry.name, path)
        if prepare is not None:
            model = prepare(model)
        if self._settings.runtime == "opencv":
            return OpenCvBackend(entry.name, model)
        return OnnxBackend(
            entry.name,
            model,
            threads=self._settings.threads,
            providers=self._provider_names,
        )


def _size_on(device: str, entry: ModelEntry) -> int:
    """See `Allocation.size`."""
    if device == "hailo":
        return 1
    if device not in ON_GPU:
        return entry.needed_bytes
    has_one_shape = bool(entry.input.height and entry.input.width)
    return bytes_on_card(entry.needed_bytes, sessions=1 if has_one_shape else MOST_SHAPES)
