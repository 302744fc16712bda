"""Clips and pictures that the tests write themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

CLIP_FRAMES = 12
CLIP_FPS = 8.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames of 64x48 at 8 frames a second, each a little lighter."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), CLIP_FPS, (64, 48))
    assert writer.isOpened()
    for number in range(CLIP_FRAMES):
        writer.write(np.full((48, 64, 3), 20 * number, dtype=np.uint8))
    writer.release()
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """car2.png, car10.jpg and sub/car1.png, plainly coloured (blue, green, red is 30, 60, 200)."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for name in ("car2.png", "car10.jpg", "sub/car1.png"):
        Image.new("RGB", (40, 30), (200, 60, 30)).save(folder / name)
    return folder
