"""Clips are sampled by time, and broken ones are named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.clips import count_sampled, sampled_pictures
from vision.errors import BadPicture


def write_clip(path: Path, *, frames: int, rate: float) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 8, dtype=np.uint8))
    writer.release()


def test_two_pictures_a_second_with_their_times(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    write_clip(clip, frames=25, rate=10)
    found = list(sampled_pictures(clip, per_second=2))
    assert [at_s for at_s, _ in found] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert [round(float(picture.mean()) / 8) for _, picture in found] == [0, 5, 10, 15, 20]
    assert count_sampled(clip, per_second=2) == 5


def test_file_that_is_no_clip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a clip at all")
    with pytest.raises(BadPicture, match=r"broken\.mp4"):
        list(sampled_pictures(path, per_second=2))
