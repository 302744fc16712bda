"""A face goes from a picture to the server: landmarks and embedding, its picture blurred."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.end_to_end.programs import installation, rows_of, wait_until
from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs, model, node

SIDE = 320
FACE = (100.0, 60.0, 90.0, 110.0)
MARKS = ((125.0, 105.0), (165.0, 105.0), (145.0, 127.0), (128.0, 148.0), (162.0, 148.0))


def finding_network() -> bytes:
    """A YuNet that finds one face at `FACE` with `MARKS` in every picture of 320 x 320."""
    outputs = {}
    for stride in (8, 16, 32):
        cells = (SIDE // stride) ** 2
        for kind, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{kind}_{stride}"] = np.zeros((1, cells, values), dtype=np.float32)
    x, y, width, height = FACE
    column, row = 4, 3
    cell = row * (SIDE // 32) + column
    centre = np.array([x + width / 2, y + height / 2]) / 32 - (column, row)
    outputs["cls_32"][0, cell] = outputs["obj_32"][0, cell] = 0.95
    outputs["bbox_32"][0, cell] = (*centre, np.log(width / 32), np.log(height / 32))
    outputs["kps_32"][0, cell] = (np.array(MARKS) / 32 - (column, row)).ravel()
    return constant_outputs([1, 3, SIDE, SIDE], outputs)


def telling_network() -> bytes:
    """An embedding of three numbers: how much blue, green and red the face is."""
    return model(
        [node("GlobalAveragePool", ["face"], ["mean"]), node("Flatten", ["mean"], ["out"])],
        inputs={"face": [1, 3, 112, 112]},
        outputs={"out": [1, 3]},
    )


def write_models(folder: Path) -> None:
    """Both networks in a folder of models, as `finds` and `tells`."""
    found = (
        ("finds", "yunet", SIDE, finding_network()),
        ("tells", "arcface", 112, telling_network()),
    )
    write_manifest(
        folder,
        *(
            entry(name, file, decoder=decoder, pixels=f"3x{side}x{side} bgr 0..255")
            for name, decoder, side, file in found
        ),
    )
    for name, _, _, file in found:
        (folder / f"{name}.onnx").write_bytes(file)


def test_face_of_a_picture_is_a_row_of_the_server(tmp_path: Path) -> None:
    write_models(tmp_path / "models")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(1).normal((90, 120, 150), 40, (SIDE, SIDE, 3))
    cv2.imwrite(str(pictures / "gate.png"), noise.clip(0, 255).astype(np.uint8))
    settings = {
        "AGENT_DETECT_FACES": "true",
        "AGENT_SEND_EMBEDDINGS": "true",
        "AGENT_BLUR": "faces",
    }
    with installation(tmp_path, **settings) as place:
        place.start_server()
        agent = place.start_agent(f"images:{pictures}", "--until-end")
        wait_until(lambda: agent.poll() is not None, what="the agent ends")
        assert agent.returncode == 0, place.output_of("agent")
        ((confidence, quality, box, marks, embedding, name, evidence, image, status),) = rows_of(
            place.server_database,
            "SELECT confidence_percent, quality, box, landmarks, embedding, embedding_model,"
            " evidence, image_sha256, image_status FROM face_detections",
        )
    assert confidence == pytest.approx(95, abs=0.1)
    assert 0.5 < quality <= 1
    assert json.loads(box) == [round(value) for value in FACE]
    assert np.array(json.loads(marks)) == pytest.approx(np.array(MARKS), abs=0.01)
    evidence = json.loads(evidence)
    assert evidence["model"] == "finds"
    assert set(evidence["quality"]) == {"size", "sharpness", "pose", "light"}
    assert (len(image), status) == (64, "present")
    (stored,) = (tmp_path / "captured_images").glob("*.jpg")
    x, y, width, height = (round(value) for value in FACE)
    picture = cv2.imread(str(stored))
    assert picture is not None
    assert picture[y : y + height, x : x + width].std(axis=(0, 1)).max() < 10
    assert picture[200:, 200:].std(axis=(0, 1)).min() > 15
    vector = np.frombuffer(embedding, dtype="<f4")
    assert vector == pytest.approx(np.array([90, 120, 150]) / 212.1, abs=0.03)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert re.fullmatch(r"tells@[0-9a-f]{12}", name)
