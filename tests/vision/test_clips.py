"""Clips are sampled by time, and broken ones are named."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.clips import count_sampled, sampled_pictures
from vision.errors import BadPicture


def slow_down_half(path: Path) -> None:
    """Rewrite an MP4's table of frame durations: its second half lasts ten times as long.

    `stts` holds pairs of count and duration (ISO/IEC 14496-12, 8.6.1.2); here one of them.
    """
    data = bytearray(path.read_bytes())
    at = data.find(b"stts")
    count, duration = struct.unpack(">II", data[at + 12 : at + 20])
    table = struct.pack(">IIIII", 2, count // 2, duration, count - count // 2, duration * 10)
    data[at + 8 : at + 20] = table
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"):
        start = data.find(name) - 4
        (size,) = struct.unpack(">I", data[start : start + 4])
        data[start : start + 4] = struct.pack(">I", size + len(table) - 12)
    header = data.find(b"mdhd")
    total = (count // 2) * duration + (count - count // 2) * duration * 10
    data[header + 20 : header + 24] = struct.pack(">I", total)
    path.write_bytes(data.replace(b"edts", b"free"))  # the edit list would cut it at its old end


def write_clip(path: Path, *, frames: int, rate: float, kind: str = "MJPG") -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*kind), rate, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 8 % 256, dtype=np.uint8))
    writer.release()


def test_two_pictures_a_second_with_their_times(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    write_clip(clip, frames=25, rate=10)
    found = list(sampled_pictures(clip, per_second=2))
    assert [at_s for at_s, _ in found] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert [round(float(picture.mean()) / 8) for _, picture in found] == [0, 5, 10, 15, 20]
    assert count_sampled(clip, per_second=2) == 5


def test_times_are_those_of_the_frames_where_the_rate_changes(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, frames=40, rate=10, kind="mp4v")
    slow_down_half(clip)
    found = [round(at_s, 2) for at_s, _ in sampled_pictures(clip, per_second=2)]
    assert found[:5] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert found[5:] == pytest.approx([2.0 + second for second in range(1, 20)], abs=0.11)


def test_clip_that_breaks_off_is_named_after_its_pictures(tmp_path: Path) -> None:
    whole, clip = tmp_path / "whole.avi", tmp_path / "clip.avi"
    write_clip(whole, frames=40, rate=10)
    clip.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    sampled = sampled_pictures(clip, per_second=2)
    assert [next(sampled)[0], next(sampled)[0]] == pytest.approx([0.0, 0.5])
    with pytest.raises(BadPicture, match=r"clip\.avi: the clip breaks off at .* of 40 frames"):
        list(sampled)


def test_file_that_is_no_clip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a clip at all")
    with pytest.raises(BadPicture, match=r"broken\.mp4"):
        list(sampled_pictures(path, per_second=2))
