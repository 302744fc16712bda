"""Looks at every model: whether its file is whole, loads, and how long one run takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from agent.health.recognising import ModelFacts, ReaderFacts
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelMissing, VisionError
from vision.faces.cascade import CascadeFaceDetector
from vision.manifest import ModelEntry, ModelFormat, ModelKind, locate, manifest, verify
from vision.reading import Picture, PlateReader

_FREE_AXIS_PX: Final = 320
_TRIAL_SHAPE: Final = (480, 640, 3)


def look_at_models(*, models_folder: Path | None, threads: int) -> tuple[ModelFacts, ...]:
    """Those inside the packages, and those of the folder that are there. Takes some seconds."""
    return tuple(_looks(models_folder, threads))


def _looks(models_folder: Path | None, threads: int) -> Iterator[ModelFacts]:
    for entry in manifest(models_folder).values():
        is_needed = entry.kind is ModelKind.WHEEL
        try:
            path = locate(entry, models_folder=models_folder)
        except ModelMissing as error:
            if is_needed:
                yield ModelFacts(name=entry.name, is_needed=True, fault=str(error))
            continue
        try:
            verify(entry, path)
            run_ms = _run_ms(entry, path, threads)
        except VisionError as error:
            yield ModelFacts(name=entry.name, is_needed=is_needed, fault=str(error))
        else:
            yield ModelFacts(name=entry.name, is_needed=is_needed, run_ms=run_ms)


def _run_ms(entry: ModelEntry, path: Path, threads: int) -> float | None:
    """One run after one to warm up; None for a format that nothing here runs."""
    if entry.format is ModelFormat.ONNX:
        backend = OnnxBackend.from_file(entry.name, path, threads=threads)
        batch = np.zeros(_shape(entry, backend.input_shape), dtype=np.float32)
        return _timed(lambda: backend.run(batch))
    if entry.format is ModelFormat.CASCADE:
        detector = CascadeFaceDetector()
        picture = np.zeros(_TRIAL_SHAPE, dtype=np.uint8)
        return _timed(lambda: detector.detect(picture))
    return None


def _shape(entry: ModelEntry, axes: tuple[int | None, ...]) -> tuple[int, ...]:
    """The network's own shape; free axes from the manifest, then a usual size."""
    said = (1, entry.input.channels, entry.input.height, entry.input.width)
    return tuple(axis or wanted or _FREE_AXIS_PX for axis, wanted in zip(axes, said, strict=True))


def try_reader(reader: PlateReader, picture: Picture, *, expected: str) -> ReaderFacts:
    """Reads a picture whose plate is known, twice, the second time for the clock."""
    try:
        reader.read(picture)
        began_s = time.perf_counter()
        plates = reader.read(picture).plates
    except VisionError as error:
        return ReaderFacts(model=reader.model, fault=str(error))
    read = [plate.text for plate in plates]
    return ReaderFacts(
        model=reader.model,
        expected=expected,
        read=expected if expected in read else ", ".join(read) or None,
        look_ms=(time.perf_counter() - began_s) * 1000,
    )


def _timed(run: Callable[[], object]) -> float:
    run()
    began_s = time.perf_counter()
    run()
    return (time.perf_counter() - began_s) * 1000
