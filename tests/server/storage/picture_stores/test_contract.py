"""Every store of pictures keeps what the contract promises."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from server.errors import PruneRefused
from server.storage.picture_stores.aging import Days, give_up_days, measure_days
from server.storage.picture_stores.contract import HeldPicture, PictureStore, days_named, is_key
from server.storage.picture_stores.copying import copy, count
from server.storage.picture_stores.daily import DailyPictures
from server.storage.picture_stores.folder import FolderPictures
from server.storage.picture_stores.sweeping import days_to_sweep, sweep
from wire.checks import CheckedPicture

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = NOON.date()


def picture(content: bytes) -> CheckedPicture:
    return CheckedPicture(content, hashlib.sha256(content).hexdigest())


A, B, C = picture(b"a"), picture(b"bb"), picture(b"ccc")


def names(store: PictureStore, day: date = DAY) -> set[str]:
    return {each.sha256 for batch in store.held(day) for each in batch}


async def test_what_went_in_comes_out_by_hash_and_day(store: PictureStore) -> None:
    await store.add(NOON, [A, B, A])
    await store.add(NOON, [B])
    await store.add(NOON, [])
    assert store.read(A.sha256, "2026-03-01") == b"a"
    assert store.read(B.sha256, "2026-03-01") == b"bb"
    assert store.read(C.sha256, "2026-03-01") is None
    assert store.read(A.sha256, "2026-03-02") is None
    assert store.days() == [DAY]
    held = [each for batch in store.held(DAY) for each in batch]
    assert sorted(held, key=lambda each: each.size_bytes) == [
        HeldPicture(A.sha256, 1),
        HeldPicture(B.sha256, 2),
    ]


async def test_a_day_is_one_of_utc(store: PictureStore) -> None:
    bangkok = timezone(timedelta(hours=7))
    await store.add(datetime(2026, 3, 2, 6, 59, tzinfo=bangkok), [A])
    assert store.days() == [DAY]


async def test_groups_that_come_at_once_are_all_kept(store: PictureStore) -> None:
    pictures = [picture(bytes([number, 1])) for number in range(40)]
    await asyncio.gather(*(store.add(NOON, pictures[first::4]) for first in range(4)))
    assert names(store) == {each.sha256 for each in pictures}


async def test_what_is_discarded_is_gone_and_the_rest_is_not(store: PictureStore) -> None:
    await store.add(NOON, [A, B])
    store.discard(DAY, [A.sha256, C.sha256])
    store.discard(date(2026, 3, 9), [A.sha256])
    assert names(store) == {B.sha256}
    assert store.read(A.sha256, "2026-03-01") is None
    store.discard(DAY, [B.sha256])
    assert names(store) == set()


async def test_a_day_that_is_discarded_is_no_day_any_more(store: PictureStore) -> None:
    await store.add(NOON, [A, B])
    await store.add(NOON + timedelta(days=1), [A])
    assert names(store) == {A.sha256, B.sha256}
    for _ in range(2):
        store.discard_day(DAY)
        assert store.days() == [DAY + timedelta(days=1)]
        assert store.read(A.sha256, "2026-03-01") is None
        assert store.read(A.sha256, "2026-03-02") == b"a"
    await store.add(NOON, [C])
    assert names(store) == {C.sha256}


@pytest.mark.parametrize("day", ["../2026-03-01", "2026-03-01/..", "", "today", "2026-3-1"])
async def test_a_day_is_no_path(store: PictureStore, day: str) -> None:
    await store.add(NOON, [A])
    assert store.read(A.sha256, day) is None
    assert store.read("../../" + A.sha256, "2026-03-01") is None


async def test_a_copy_has_everything_and_a_second_one_has_nothing_to_do(
    store: PictureStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await store.add(NOON, [A, B])
    await store.add(NOON + timedelta(days=1), [A])
    target = DailyPictures(tmp_path_factory.mktemp("copy"))
    seen: list[int] = []
    await target.add(NOON, [A])
    done = await copy(store, target, store.days(), report=seen.append)
    assert (done.copied, done.there, done.broken) == (2, 1, 0)
    assert sum(seen) == count(store, store.days()) == 3
    assert target.read(B.sha256, "2026-03-01") == b"bb"
    assert target.read(A.sha256, "2026-03-02") == b"a"
    again = await copy(store, target, store.days(), report=seen.append)
    assert (again.copied, again.there) == (0, 3)
    target.close()


async def test_a_picture_that_is_not_what_its_name_says_is_not_copied(
    store: PictureStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await store.add(NOON, [CheckedPicture(b"rotten", A.sha256), B])
    target = DailyPictures(tmp_path_factory.mktemp("copy"))
    done = await copy(store, target, [DAY], report=lambda _: None)
    assert (done.copied, done.broken) == (1, 1)
    assert names(target) == {B.sha256}
    target.close()


async def test_what_no_row_names_is_swept(store: PictureStore) -> None:
    await store.add(NOON, [A, B, C])

    async def named(day: date, sha256s: object) -> list[str]:
        assert day == DAY
        return [B.sha256]

    assert await sweep(store, DAY, named) == 2
    assert names(store) == {B.sha256}
    assert await sweep(store, DAY, named) == 0


async def test_a_day_of_which_no_row_names_any_picture_is_another_databases(
    store: PictureStore,
) -> None:
    await store.add(NOON, [A, B])

    async def named(day: date, sha256s: object) -> list[str]:
        return []

    with pytest.raises(PruneRefused, match="any of the 2 pictures of 2026-03-01"):
        await sweep(store, DAY, named)
    assert names(store) == {A.sha256, B.sha256}


def test_a_day_that_rows_are_still_on_their_way_to_is_not_swept() -> None:
    assert max(days_to_sweep(NOON)) == date(2026, 2, 27)


async def test_a_folder_that_others_use_too_keeps_what_is_theirs(tmp_path: Path) -> None:
    store = FolderPictures(tmp_path)
    await store.add(NOON, [A])
    (tmp_path / "2026-03-01" / f".{A.sha256[:16]}-0123abcd").write_bytes(b"half a pic")
    (tmp_path / "2026-03-01" / "holiday.jpg").write_bytes(b"theirs")
    store.discard_day(DAY)
    assert [path.name for path in (tmp_path / "2026-03-01").iterdir()] == ["holiday.jpg"]
    store.close()


@pytest.mark.parametrize("content", [b"", b"x" * 20_000], ids=["empty", "another's"])
async def test_a_damaged_day_is_given_up_as_others_are(tmp_path: Path, content: bytes) -> None:
    store = DailyPictures(tmp_path)
    await store.add(NOON, [A, B])
    (tmp_path / "2026-02-01.db").write_bytes(content)
    later = DAY + timedelta(days=1)
    days = Days(count=2, size_bytes=len(A.content) + len(B.content))
    assert await measure_days(store, later) == days
    assert await give_up_days(store, later, report=lambda _: None) == days
    assert store.days() == []
    store.close()


def test_only_what_is_named_as_ours_is_ours() -> None:
    assert days_named(["2026-03-02", "lost+found", "2026-02-30", "2026-03-01", "20260301"]) == [
        date(2026, 3, 1),
        date(2026, 3, 2),
    ]
    assert is_key(f"2026-03-01/{A.sha256}")
    assert not is_key(f"2026-03-01/{A.sha256}x")
    assert not is_key(f"/2026-03-01/{A.sha256}")
