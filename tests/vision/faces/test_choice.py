"""The face models that are asked for serve, or the best that are here; what differs is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs
from vision.backends.hailo_share import HailoShare
from vision.errors import AcceleratorFailed, ModelMissing
from vision.faces.choice import HIDING_CONFIDENCE, face_models
from vision.networks import Networks, NetworkSettings

YUNET_OUTPUTS = {
    f"{kind}_{stride}": np.zeros((1, (32 // stride) ** 2, values))
    for kind, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
    for stride in (8, 16, 32)
}
YUNET = constant_outputs([1, 3, 32, 32], YUNET_OUTPUTS)
VECTOR = constant_outputs([1, 3, 112, 112], {"out": np.ones((1, 4))})


def none_here() -> Any:
    raise AcceleratorFailed("HailoRT is not installed")


def networks(folder: Path, *models: str, yunet: bytes = YUNET) -> Networks:
    entries = []
    for name in models:
        kind, _, form = name.partition("-")
        file = VECTOR if kind == "arcface" else yunet
        (folder / name).write_bytes(file)
        side = 112 if kind == "arcface" else 32
        pixels = f"3x{side}x{side} bgr 0..255"
        entries.append(entry(name, file, path=name, form=form, decoder=kind, pixels=pixels))
    if entries:
        write_manifest(folder, *entries)
    return Networks(NetworkSettings(models_folder=folder, threads=1), hailo=HailoShare(none_here))


def test_with_nothing_fetched_the_cascade_serves(tmp_path: Path) -> None:
    found = face_models(networks(tmp_path))
    assert found.detector.model == "opencv-frontalface"
    assert found.embedder is None
    assert found.notices == ()


def test_models_that_are_here_serve_by_themselves(tmp_path: Path) -> None:
    found = face_models(networks(tmp_path, "yunet-onnx", "arcface-onnx"))
    assert found.detector.model == "yunet-onnx"
    assert found.embedder is not None
    assert found.embedder.model == "arcface-onnx"


def test_doubtful_faces_count_where_that_is_asked_for(tmp_path: Path) -> None:
    doubtful = dict(YUNET_OUTPUTS)
    doubtful["cls_32"] = doubtful["obj_32"] = np.full((1, 1, 1), 0.3)
    made = networks(tmp_path, "yunet-onnx", yunet=constant_outputs([1, 3, 32, 32], doubtful))
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    assert face_models(made).detector.detect(picture) == ()
    hiding = face_models(made, least_confidence=HIDING_CONFIDENCE).detector
    assert len(hiding.detect(picture)) == 1


def test_embedding_can_be_left_out_and_the_cascade_asked_for(tmp_path: Path) -> None:
    found = face_models(
        networks(tmp_path, "yunet-onnx", "arcface-onnx"),
        detector="opencv-frontalface",
        embedder="none",
    )
    assert found.detector.model == "opencv-frontalface"
    assert found.embedder is None


def test_accelerator_that_fails_is_replaced_and_told(tmp_path: Path) -> None:
    found = face_models(networks(tmp_path, "yunet-onnx", "yunet-hef"), detector="yunet-hef")
    assert found.detector.model == "yunet-onnx"
    (notice,) = found.notices
    assert (
        notice == "HailoRT is not installed; faces are found by yunet-onnx on the processor instead"
    )


@pytest.mark.parametrize("name", ["no-such", "arcface-onnx"])
def test_model_that_finds_no_faces_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=rf"'{name}'; there are .*yunet-2023mar"):
        face_models(networks(tmp_path, "arcface-onnx"), detector=name)


def test_asked_for_and_not_fetched_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models fetch yunet-2023mar"):
        face_models(networks(tmp_path), detector="yunet-2023mar")
