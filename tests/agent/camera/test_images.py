"""Stills: order, time of exposure, orientation, and pictures that are none."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from PIL import ExifTags, Image

from agent.camera.errors import SourceFailed
from agent.camera.frame import Frame
from agent.camera.images import ImagesSource, natural_order
from vision.pictures import load_picture
from vision.reading import Picture


def _frames(source: ImagesSource) -> list[Frame]:
    frames = []
    while (frame := source.read(1.0)) is not None:
        frames.append(frame)
    return frames


def _save(path: Path, details: dict[int, object], orientation: int | None = None) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(details)
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", (40, 30), (200, 60, 30)).save(path, exif=exif)


def _captured_at(path: Path) -> datetime:
    with ImagesSource(str(path)) as source:
        frame = source.read(1.0)
    assert frame is not None
    return frame.captured_at


def test_pictures_come_in_natural_order_with_subfolders(pictures: Path) -> None:
    with ImagesSource(str(pictures)) as source:
        frames = _frames(source)
    names = [Path(frame.origin or "").name for frame in frames]
    assert names == ["car2.png", "car10.jpg", "car1.png"]
    assert all(frame.is_still for frame in frames)


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["eu10.jpg", "eu2.jpg", "EU1.jpg", "b.jpg"]
    assert sorted(names, key=natural_order) == ["b.jpg", "EU1.jpg", "eu2.jpg", "eu10.jpg"]


def test_pixels_are_blue_green_red(pictures: Path) -> None:
    with ImagesSource(str(pictures / "car2.png")) as source:
        frame = source.read(1.0)
    assert frame is not None
    assert frame.picture[0, 0].tolist() == [30, 60, 200]


def test_a_turned_picture_is_set_upright(tmp_path: Path) -> None:
    _save(tmp_path / "turned.jpg", {}, orientation=6)
    with ImagesSource(str(tmp_path)) as source:
        frame = source.read(1.0)
    assert frame is not None
    assert frame.picture.shape == (40, 30, 3)


def test_exif_time_with_offset_is_the_time_of_capture(tmp_path: Path) -> None:
    details: dict[int, object] = {
        ExifTags.Base.DateTimeOriginal: "2024:08:06 10:30:00",
        ExifTags.Base.OffsetTimeOriginal: "+07:00",
        ExifTags.Base.SubsecTimeOriginal: "25",
        ExifTags.Base.ExposureTime: 0.004,
    }
    _save(tmp_path / "a.jpg", details)
    assert _captured_at(tmp_path) == datetime(2024, 8, 6, 3, 30, 0, 250_000, tzinfo=UTC)
    with ImagesSource(str(tmp_path)) as source:
        frame = source.read(1.0)
    assert frame is not None
    assert frame.sensor.exposure_time_s == pytest.approx(0.004)


def test_exif_time_without_offset_is_local_time(tmp_path: Path) -> None:
    _save(tmp_path / "a.jpg", {ExifTags.Base.DateTimeOriginal: "2024:08:06 10:30:00"})
    local = datetime(2024, 8, 6, 10, 30).astimezone()
    assert _captured_at(tmp_path) == local


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("0000:00:00 00:00:00", ""),
        ("yesterday", ""),
        ("", ""),
        ("0001:01:01 00:00:00", ""),
        ("0001:01:01 00:00:00", "+14:00"),
        ("2024:08:06 10:30:00", "+99:99"),
    ],
)
def test_nonsense_in_exif_leaves_the_files_own_time(tmp_path: Path, text: str, offset: str) -> None:
    details: dict[int, object] = {ExifTags.Base.DateTimeOriginal: text}
    _save(tmp_path / "a.jpg", details | {ExifTags.Base.OffsetTimeOriginal: offset})
    os.utime(tmp_path / "a.jpg", (1_700_000_000, 1_700_000_000))
    assert _captured_at(tmp_path) == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_picture_without_exif_has_its_files_time(pictures: Path) -> None:
    os.utime(pictures / "car2.png", (1_700_000_000, 1_700_000_000))
    assert _captured_at(pictures / "car2.png") == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_broken_picture_is_reported_counted_and_passed_over(pictures: Path) -> None:
    whole = (pictures / "car10.jpg").read_bytes()
    (pictures / "car3.jpg").write_bytes(whole[: len(whole) // 2])
    (pictures / "car4.png").write_bytes(b"no picture at all")
    (pictures / "car5.jpg").write_bytes(b"")
    with structlog.testing.capture_logs() as logs, ImagesSource(str(pictures)) as source:
        frames = _frames(source)
        assert source.skipped == 3
        assert source.total_frames == 6
    assert [frame.number for frame in frames] == [0, 1, 2]
    warnings = {Path(log["file"]).name: log["reason"] for log in logs}
    assert set(warnings) == {"car3.jpg", "car4.png", "car5.jpg"}
    assert all(warnings.values())


def test_a_picture_that_goes_while_it_is_read_counts_and_the_rest_follows(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_away(path: Path) -> Picture:
        picture = load_picture(path)
        path.unlink()
        (pictures / "car10.jpg").unlink(missing_ok=True)
        return picture

    monkeypatch.setattr("agent.camera.images.load_picture", taken_away)
    with ImagesSource(str(pictures)) as source:
        names = [Path(frame.origin or "").name for frame in _frames(source)]
        assert source.skipped == 1
    assert names == ["car2.png", "car1.png"]


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(SourceFailed, match=r"holds no picture .*\.jpg"):
        ImagesSource(str(tmp_path)).__enter__()


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="no such folder"):
        ImagesSource(str(tmp_path / "gone")).__enter__()
