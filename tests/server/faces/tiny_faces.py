"""A tiny face detector and embedder, and pictures that they tell apart by colour."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from tests.vision.own_models import entry, write_manifest
from tests.vision.tiny_onnx import constant_outputs, model, node
from vision.faces.alignment import ALIGNED_SIDE, TEMPLATE
from vision.networks import Networks, NetworkSettings
from vision.reading import Picture

SIDE = 160
"""Pixels of the pictures, and of the detector's input."""

FACE_PX = 80
RED, GREEN, BLUE = (0.2, 0.3, 1.0), (0.2, 1.0, 0.3), (1.0, 0.3, 0.2)
"""Blue, green, red: what tells the people of these tests apart."""


def face(colour: tuple[float, float, float] = RED, *, seed: int = 0, side: int = SIDE) -> Picture:
    """A person's picture: sharp noise of their colour. Another seed is another picture of them."""
    random = np.random.default_rng(seed)
    noise = random.integers(40, 255, (side, side, 1))
    return np.asarray(noise * np.array(colour), dtype=np.uint8)


def png(picture: Picture) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture[..., ::-1])).save(packed, "PNG")
    return packed.getvalue()


def photo(colour: tuple[float, float, float] = RED, *, seed: int = 0) -> bytes:
    return png(face(colour, seed=seed))


def detector(*cells: tuple[int, int]) -> bytes:
    """A YuNet that sees a face of 80 pixels around the middle of each of these cells of 32."""
    outputs = {
        f"{kind}_{stride}": np.zeros((1, (SIDE // stride) ** 2, values))
        for kind, values in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    }
    across = SIDE // 32
    for column, row in cells:
        cell = row * across + column
        outputs["cls_32"][0, cell] = outputs["obj_32"][0, cell] = 0.9
        outputs["bbox_32"][0, cell] = (0.5, 0.5, math.log(FACE_PX / 32), math.log(FACE_PX / 32))
        marks = (np.array(TEMPLATE) / ALIGNED_SIDE - 0.5) * FACE_PX / 32 + 0.5
        outputs["kps_32"][0, cell] = marks.reshape(-1)
    return constant_outputs([1, 3, SIDE, SIDE], outputs)


def embedder() -> bytes:
    """Three numbers: how much of each colour there is."""
    return model(
        [node("ReduceMean", ["pixels"], ["out"], axes=[2, 3], keepdims=0)],
        inputs={"pixels": [1, 3, ALIGNED_SIDE, ALIGNED_SIDE]},
        outputs={"out": [1, 3]},
    )


def liveness() -> bytes:
    """Who is red is alive."""
    return model(
        [node("ReduceMean", ["pixels"], ["out"], axes=[2, 3], keepdims=0)],
        inputs={"pixels": [1, 3, 16, 16]},
        outputs={"out": [1, 3]},
    )


def networks(
    folder: Path,
    *cells: tuple[int, int],
    with_embedder: bool = True,
    with_detector: bool = True,
    with_liveness: bool = False,
) -> Networks:
    """Networks with such models; without a cell there is a face in the middle."""
    folder.mkdir(exist_ok=True)
    entries = []
    if with_detector:
        file = detector(*(cells or ((2, 2),)))
        (folder / "tiny-yunet.onnx").write_bytes(file)
        entries.append(
            entry("tiny-yunet", file, decoder="yunet", pixels=f"3x{SIDE}x{SIDE} bgr 0..255")
        )
    if with_embedder:
        file = embedder()
        (folder / "tiny-arcface.onnx").write_bytes(file)
        entries.append(
            entry("tiny-arcface", file, decoder="arcface", pixels="3x112x112 bgr 0..255")
        )
    if with_liveness:
        file = liveness()
        (folder / "tiny-liveness.onnx").write_bytes(file)
        entries.append(
            entry(
                "tiny-liveness",
                file,
                decoder="face-logits",
                pixels="3x16x16 bgr 0..1",
                labels=("blue", "green", "live"),
            )
        )
    if entries:
        write_manifest(folder, *entries)
    return Networks(NetworkSettings(models_folder=folder, threads=1))


def blind(folder: Path) -> Networks:
    """Networks whose detector sees no face anywhere."""
    made = networks(folder)
    file = detector()
    (folder / "tiny-yunet.onnx").write_bytes(file)
    embedding = (folder / "tiny-arcface.onnx").read_bytes()
    write_manifest(
        folder,
        entry("tiny-yunet", file, decoder="yunet", pixels=f"3x{SIDE}x{SIDE} bgr 0..255"),
        entry("tiny-arcface", embedding, decoder="arcface", pixels="3x112x112 bgr 0..255"),
    )
    made.close()
    return Networks(NetworkSettings(models_folder=folder, threads=1))
