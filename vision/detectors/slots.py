"""Object detectors by the decoder's name in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vision.backends.backend import Backend
from vision.detectors.detection import ObjectDetector
from vision.detectors.lpd_yunet import LpdYunetDetector
from vision.detectors.yolo import YoloDetector, hailo_rows, raw_rows, suppressed_rows
from vision.errors import ModelMissing
from vision.manifest import ModelEntry
from vision.networks import NetworkSource
from vision.pool.budget import Priority

DECODERS: Mapping[str, Callable[[Backend, ModelEntry], ObjectDetector]] = {
    "yolo-v8": lambda backend, entry: YoloDetector(
        backend, entry.input, entry.labels, rows=raw_rows
    ),
    "yolo-v8-nms": lambda backend, entry: YoloDetector(
        backend, entry.input, entry.labels, rows=suppressed_rows
    ),
    "hailo-nms": lambda backend, entry: YoloDetector(
        backend, entry.input, entry.labels, rows=hailo_rows
    ),
    "lpd-yunet": lambda backend, entry: LpdYunetDetector(backend, entry.input),
}


def object_detector(
    networks: NetworkSource, name: str, *, priority: Priority = Priority.HIGH
) -> ObjectDetector:
    """The detector of that name in the manifest; raises an error of `ModelError`."""
    entry = networks.entry(name)
    decoder = DECODERS.get(entry.decoder or "")
    if decoder is None:
        raise ModelMissing(
            f"model {name} finds no objects: its decoder is {entry.decoder}, expected one of "
            f"{', '.join(DECODERS)}"
        )
    return decoder(networks.open(name, priority=priority), entry)
