"""The picture files: by day, content-addressed, bounded in open files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import apsw
import pytest

from server.errors import StorageUnavailable
from server.storage.pictures import PictureArchive, register_picture_base64
from tests.server.conftest import connections_to
from wire.checks import CheckedPicture


def picture(content: bytes) -> CheckedPicture:
    return CheckedPicture(content, hashlib.sha256(content).hexdigest())


def test_what_went_in_comes_out_by_hash_and_day(tmp_path: Path) -> None:
    archive = PictureArchive(tmp_path / "pictures", read_only=False)
    archive.add("2026-03-01", [picture(b"a"), picture(b"b"), picture(b"a")])
    assert archive.read(picture(b"b").sha256, "2026-03-01") == b"b"
    assert archive.read(picture(b"c").sha256, "2026-03-01") is None
    archive.close()


def test_nothing_to_keep_makes_no_file(tmp_path: Path) -> None:
    archive = PictureArchive(tmp_path / "pictures", read_only=False)
    archive.add("2026-03-01", [])
    assert not (tmp_path / "pictures").exists()


def test_few_files_are_open_however_many_days(tmp_path: Path) -> None:
    archive = PictureArchive(tmp_path, read_only=False)
    days = [f"2026-03-{number:02}" for number in range(1, 21)]
    for day in days:
        archive.add(day, [picture(day.encode())])
    assert sum(len(connections_to(tmp_path / f"{day}.db")) for day in days) == 4
    for day in days:
        assert archive.read(picture(day.encode()).sha256, day) == day.encode()
    archive.close()
    assert not any(connections_to(tmp_path / f"{day}.db") for day in days)
    assert not list(tmp_path.glob("*-wal"))


@pytest.mark.parametrize("day", ["../2026-03-01", "2026-03-01/x", "", "today", "2026-3-1"])
def test_a_day_is_no_path(tmp_path: Path, day: str) -> None:
    folder = tmp_path / "pictures"
    archive = PictureArchive(folder, read_only=False)
    assert archive.read("00", day) is None
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        archive.add(day, [picture(b"a")])
    assert not folder.exists()


def test_reading_makes_no_files(tmp_path: Path) -> None:
    archive = PictureArchive(tmp_path, read_only=True)
    connection = apsw.Connection(":memory:")
    register_picture_base64(connection, archive)
    sql = "SELECT picture_base64(?, ?)"
    for arguments in (("00", "2026-03-01"), (None, None), (5, 6)):
        assert connection.execute(sql, arguments).get is None
    assert list(tmp_path.iterdir()) == []
    connection.close()


@pytest.mark.parametrize("left", [0, 20_000, 0.5], ids=["empty", "another's", "half"])
def test_a_damaged_file_has_no_pictures_until_it_is_brought_back(
    tmp_path: Path, left: float
) -> None:
    archive = PictureArchive(tmp_path, read_only=False)
    kept = [picture(bytes([number]) * 40_000) for number in range(20)]
    for day in ("2026-03-01", "2026-03-02"):
        archive.add(day, kept)
    archive.close()
    path = tmp_path / "2026-03-01.db"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(left * len(whole))] if left < 1 else b"x" * int(left))
    reading = PictureArchive(tmp_path, read_only=True)
    assert {reading.read(each.sha256, "2026-03-01") for each in kept} == {None}
    assert reading.read(kept[0].sha256, "2026-03-02") == kept[0].content
    path.unlink()
    path.write_bytes(whole)
    assert reading.read(kept[0].sha256, "2026-03-01") == kept[0].content
    reading.close()


def test_who_adds_to_a_damaged_file_is_told_which_until_it_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "2026-03-01.db"
    path.write_bytes(b"x" * 20_000)
    archive = PictureArchive(tmp_path, read_only=False)
    with pytest.raises(StorageUnavailable, match=rf"{path} is damaged .*: move it away"):
        archive.add("2026-03-01", [picture(b"a")])
    path.rename(tmp_path / "damaged.db")
    archive.add("2026-03-01", [picture(b"a")])
    assert archive.read(picture(b"a").sha256, "2026-03-01") == b"a"
    archive.close()
