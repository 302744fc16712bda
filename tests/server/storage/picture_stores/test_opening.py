"""What is wrong with a store of pictures is said, and keeps the row."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from server.errors import StartRefused, StorageUnavailable
from server.storage.picture_stores.folder import FolderPictures
from server.storage.picture_stores.opening import S3Access, open_pictures
from server.storage.picture_stores.sweeping import sweep
from tests.server.storage.picture_stores.conftest import Service
from tests.server.storage.picture_stores.test_contract import A, B


def test_a_bucket_that_is_not_there_refuses_the_start(service: Service, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="404") as refused:
        open_pictures("s3://nowhere/x", daily_folder=tmp_path, access=service.access)
    assert "s3://nowhere/x" in str(refused.value)
    assert "SERVER_IMAGE_STORE" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(service.access)


def test_a_folder_that_is_a_file_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("")
    with pytest.raises(StartRefused, match="Not a directory"):
        open_pictures(f"file://{tmp_path}/pictures", daily_folder=tmp_path, access=S3Access())


async def test_a_store_that_is_gone_keeps_nothing_and_says_so(
    service: Service, tmp_path: Path
) -> None:
    bucket = service.new_bucket()
    store = open_pictures(f"s3://{bucket}", daily_folder=tmp_path, access=service.access)
    await asyncio.to_thread(service.delete_bucket, bucket)
    with pytest.raises(StorageUnavailable, match="pictures cannot be kept in s3://"):
        await store.add(datetime(2026, 3, 1, tzinfo=UTC), [A])


async def test_a_folder_keeps_a_picture_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderPictures(tmp_path)
    await store.add(datetime(2026, 3, 1, tzinfo=UTC), [B])  # its day's folder is there

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageUnavailable, match="No space left"):
            await store.add(datetime(2026, 3, 1, tzinfo=UTC), [A])
    assert [path.name for path in (tmp_path / "2026-03-01").iterdir()] == [B.sha256]
    await store.add(datetime(2026, 3, 1, tzinfo=UTC), [A])
    assert store.read(A.sha256, "2026-03-01") == A.content
    store.close()


async def test_what_a_crash_left_half_written_goes_when_its_day_is_swept(tmp_path: Path) -> None:
    store = FolderPictures(tmp_path)
    await store.add(datetime(2026, 3, 1, tzinfo=UTC), [A])
    drafts = (f".{A.sha256[:16]}-0000000{number}" for number in (1, 2))
    old, young = (tmp_path / "2026-03-01" / name for name in drafts)
    old.write_bytes(b"a")
    young.write_bytes(b"b")
    os.utime(old, (0, 0))

    async def named(day: date, sha256s: object) -> list[str]:
        return [A.sha256]

    assert await sweep(store, date(2026, 3, 1), named) == 0
    assert {path.name for path in (tmp_path / "2026-03-01").iterdir()} == {A.sha256, young.name}
    store.close()
