"""A detector is what the manifest's decoder says, and is loaded through the pool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs
from vision.detectors.slots import DECODERS, object_detector
from vision.errors import ModelMissing
from vision.networks import Networks, NetworkSettings

HEAD = np.zeros((1, 6, 20), dtype=np.float32)
HEAD[0, :, 0] = (20, 10, 8, 4, 0.1, 0.9)


def test_yolo_of_ones_own_is_found_by_its_decoder(tmp_path: Path) -> None:
    file = constant_outputs([1, 3, 64, 64], {"output0": HEAD})
    (tmp_path / "mine.onnx").write_bytes(file)
    labels = ("person", "car")
    write_manifest(
        tmp_path,
        entry("mine", file, decoder="yolo-v8", pixels="3x64x64 rgb 0..1", labels=labels),
    )
    networks = Networks(NetworkSettings(models_folder=tmp_path, threads=1))
    (car,) = object_detector(networks, "mine").detect(np.zeros((64, 64, 3), dtype=np.uint8))
    assert car.label == "car"
    assert [one.name for one in networks.pool.allocations()] == ["mine"]


def test_model_of_another_kind_is_refused_with_the_decoders() -> None:
    with pytest.raises(ModelMissing, match=r"its decoder is db-text, expected one of yolo-v8, "):
        object_detector(Networks(), "pp-ocrv6-det-small")


def test_every_decoder_that_the_manifest_names_exists() -> None:
    known = {*DECODERS, "yunet", "scrfd", "arcface", "db-text", "ctc-text", "cascade"}
    assert {entry.decoder for entry in Networks().entries()} <= known
