"""Sightings as they are searched, listed and looked at, on a real database."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from server.errors import NotThere, QuestionInvalid, TookTooLong
from server.storage.asking import Reader
from server.storage.cursors import Asked, Position
from server.storage.pictures import PictureArchive
from server.storage.reading.sightings import Matching, Order, SightingFilter, SightingPage
from server.storage.search import find, plan_of
from server.storage.sightings import StoredSightings
from tests.server.cameras import jpeg
from tests.server.storage.history import NOON, Centre, Site, centre_in, plate


@pytest.fixture
def centre(either: Site) -> Site:
    return either


@pytest.fixture
async def in_sqlite(tmp_path: Path) -> AsyncIterator[Centre]:
    async with centre_in(tmp_path) as opened:
        yield opened


def plates(page: SightingPage) -> list[str]:
    return [card.plate for card in page.cards]


async def found(centre: Site, **chosen: Any) -> list[str]:
    return plates(await centre.sightings.page(SightingFilter(**chosen)))


async def likeliest(centre: Site, text: str) -> list[str]:
    page = await centre.sightings.page(SightingFilter(plate=text), order=Order.LIKELIEST)
    return plates(page)


async def test_the_latest_come_first(centre: Site) -> None:
    await centre.take(plate(1, "FIRST"), plate(3, "THIRD"), plate(2, "SECOND"))
    assert await found(centre) == ["THIRD", "SECOND", "FIRST"]


async def test_a_plate_is_found_however_it_is_written(centre: Site) -> None:
    await centre.take(plate(1, "ABC-1234"), plate(2, "1กก 1234"), plate(3, "ABC1235"))
    assert await found(centre, plate="abc 1234") == ["ABC-1234"]
    assert await found(centre, plate="1กก1234") == ["1กก 1234"]


async def test_confused_characters_are_found_and_the_likelier_come_first(centre: Site) -> None:
    said = [("A", 0.9, []), ("8", 0.5, [["B", 0.45]]), ("C", 0.9, []), ("1", 0.9, [])]
    told = [{"text": t, "confidence": c, "alternatives": a} for t, c, a in said]
    await centre.take(
        plate(1, "ABC1"),
        plate(2, "A8C1"),
        plate(3, "A8C1", characters=told),
        plate(4, "A8CI"),
        plate(5, "AXC1"),
    )
    page = await centre.sightings.page(SightingFilter(plate="ABC1"), order=Order.LIKELIEST)
    assert [(card.id, card.likelihood) for card in page.cards] == [
        (1, 1.0),
        (3, 0.45),
        (2, 0.1),
        (4, 0.01),
    ]
    assert await found(centre, plate="ABC1", matching=Matching.EXACT) == ["ABC1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1กก*", ["1กก 9999", "1กก 1234"]),
        ("*234", ["ABC1234", "1กก 1234"]),
        ("*C12*", ["ABC1234"]),
        ("ABC?234", ["ABC1234"]),
        ("A*4", ["ABC1234"]),
        ("???", ["[*]"]),
        ("[?]", ["[*]"]),
        ("*", ["[*]", "ABC1234", "1กก 9999", "1กก 1234"]),
        ("NOBODY*", []),
    ],
)
async def test_wildcards(centre: Site, text: str, expected: list[str]) -> None:
    await centre.take(
        plate(1, "1กก 1234"), plate(2, "1กก 9999"), plate(3, "ABC1234"), plate(4, "[*]")
    )
    assert await found(centre, plate=text) == expected
    assert sorted(await likeliest(centre, text)) == sorted(expected)


async def test_every_filter_leaves_only_what_it_names(centre: Site) -> None:
    await centre.take(
        plate(1, "ONE", region="th", direction="left", confidence=50.0, image=jpeg()),
        plate(2, "TWO", region="eu", direction="right", confidence=80.0),
        plate(3, "THREE", device_id="gate-2", region="eu", direction="left"),
    )
    assert await found(centre, regions=("th",)) == ["ONE"]
    assert await found(centre, regions=("th", "eu")) == ["THREE", "TWO", "ONE"]
    assert await found(centre, directions=("left",)) == ["THREE", "ONE"]
    assert await found(centre, device_ids=("gate-2",)) == ["THREE"]
    assert await found(centre, device_ids=("gate-2", "gate-1")) == ["THREE", "TWO", "ONE"]
    assert await found(centre, device_ids=("gate-1",), plate="*O*") == ["TWO", "ONE"]
    assert await found(centre, least_percent=80.0) == ["TWO"]
    assert await found(centre, most_percent=79.0) == ["ONE"]
    assert await found(centre, has_picture=True) == ["ONE"]
    assert await found(centre, has_picture=False) == ["THREE", "TWO"]
    since, until = NOON + timedelta(seconds=2), NOON + timedelta(seconds=3)
    assert await found(centre, since=since) == ["THREE", "TWO"]
    assert await found(centre, until=until) == ["TWO", "ONE"]
    assert await found(centre, since=since, until=until, plate="T*") == ["TWO"]


async def test_pages_follow_each_other_while_rows_arrive_and_are_the_whole(centre: Site) -> None:
    await centre.take(*(plate(number, f"P{number}") for number in range(1, 26)))
    seen: list[str] = []
    cursor = None
    for arriving in range(100, 140):
        page = await centre.sightings.page(SightingFilter(), cursor=cursor, limit=4)
        seen += plates(page)
        await centre.take(plate(arriving, "NEW"), plate(arriving + 50, "LATE", at=NOON))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"P{number}" for number in range(25, 0, -1)]


@pytest.mark.parametrize("order", list(Order))
async def test_pages_of_equal_times_miss_and_repeat_nothing(centre: Site, order: Order) -> None:
    await centre.take(*(plate(n, f"{'ABCD'[n % 4]}1{'0O'[n % 2]}", at=NOON) for n in range(1, 30)))
    seen: list[int] = []
    cursor = None
    while True:
        page = await centre.sightings.page(
            SightingFilter(plate="*10"), order=order, cursor=cursor, limit=3
        )
        seen += [card.id for card in page.cards]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == list(range(1, 30))
    if order is Order.LIKELIEST:
        assert [number % 2 for number in seen] == sorted(number % 2 for number in seen)


async def test_sightings_whose_time_nobody_knows_are_listed_last(centre: Site) -> None:
    await centre.take(plate(1, "TIMED"))
    await centre.execute(
        "INSERT INTO lpr_detections (license_plate, timestamp) VALUES ('OLD1', 'yesterday'), "
        "('OLD2', NULL)"
    )
    assert await found(centre) == ["TIMED", "OLD2", "OLD1"]
    assert await found(centre, plate="OLD*") == ["OLD2", "OLD1"]
    assert await found(centre, since=NOON) == ["TIMED"]
    first = await centre.sightings.page(SightingFilter(), limit=2)
    second = await centre.sightings.page(SightingFilter(), limit=2, cursor=first.next_cursor)
    assert plates(second) == ["OLD1"]
    assert (await centre.sightings.count(SightingFilter())).count == 3


async def test_a_search_that_is_broken_off_says_how_far_it_came_and_goes_on(
    centre: Site,
) -> None:
    hour = timedelta(hours=1)
    rows = [plate(n, f"P{n:03}", at=NOON + n * hour) for n in range(1, 200)]
    await centre.take(*rows)
    plan = plan_of(SightingFilter(plate="*003"), centre.pool.dialect)

    def steps(reader: Reader) -> list[int]:
        ids, positions = [], 0
        following: Position | None = Position()
        while following is not None:
            once = find(
                reader, plan, after=following, as_of=10**9, limit=5, is_time_up=lambda: True
            )
            assert once.back_to is not None or once.following is None
            ids += [each.id for each in once.positions]
            following, positions = once.following, positions + 1
        assert positions > 3
        return ids

    assert await centre.pool.ask(steps) == [3]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [({}, 30), ({"plate": "A*"}, 15), ({"regions": ("eu",)}, 10), ({"plate": "NOBODY"}, 0)],
)
async def test_counting(centre: Site, chosen: dict[str, Any], expected: int) -> None:
    await centre.take(
        *(plate(n, f"{'AC'[n % 2]}{n}", region="eu" if n % 3 else "th") for n in range(15)[1:]),
        *(plate(n, f"{'AC'[n % 2]}{n}", region="br") for n in range(15, 31)),
    )
    counted = await centre.sightings.count(SightingFilter(**chosen))
    assert (counted.count, counted.is_exact) == (expected, True)


async def test_all_that_match_come_in_pieces(centre: Site) -> None:
    await centre.take(*(plate(number, f"P{number}") for number in range(1, 1203)))
    pieces = [piece async for piece in centre.sightings.every(SightingFilter(plate="P*"))]
    assert [len(piece) for piece in pieces] == [500, 500, 202]
    assert [detail.card.plate for piece in pieces for detail in piece] == [
        f"P{number}" for number in range(1202, 0, -1)
    ]


async def test_sightings_of_each_minute_also_of_none(centre: Site) -> None:
    await centre.take(plate(1, "A"), plate(2, "B"), plate(70, "C"), plate(300, "LATER"))
    minutes = await centre.sightings.per_minute(until=NOON + timedelta(seconds=150), minutes=4)
    assert [each.count for each in minutes] == [0, 2, 1, 0]
    assert minutes[0].at == NOON - timedelta(minutes=1)


async def test_a_picture_comes_as_it_was_sent(centre: Site) -> None:
    content = jpeg(shade=77)
    (with_one, without) = await centre.take(plate(1, "A", image=content), plate(2, "B"))
    picture = await centre.sightings.picture(with_one)
    assert (picture.content, picture.media_type) == (content, "image/jpeg")
    with pytest.raises(NotThere, match="image_status is missing"):
        await centre.sightings.picture(without)
    for number in (0, -1, 99, 2**70):
        with pytest.raises(NotThere, match="there is no sighting"):
            await centre.sightings.picture(number)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"limit": 0}, "limit=0: expected 1 to 200"),
        ({"limit": 201}, "limit=201"),
        ({"cursor": "junk"}, "expected next_cursor of an earlier page"),
        ({"cursor": "x" * 600}, "expected next_cursor"),
    ],
)
async def test_what_is_asked_wrongly_is_named(
    centre: Site, question: dict[str, Any], expected: str
) -> None:
    with pytest.raises(QuestionInvalid, match=expected):
        await centre.sightings.page(SightingFilter(), **question)


@pytest.mark.parametrize(
    "forged",
    [
        [2**70, ["~", 1], 0],
        [-1, ["~", 1], 0],
        [9, ["~", 2**70], 0],
        [9, ["~", -2], 0],
        [9, ["~", 1], -5],
        [9, ["x" * 100, 1], 0],
        [9, [7, 1], 0],
        [9, None],
    ],
)
async def test_a_forged_cursor_is_refused_and_breaks_nothing(
    centre: Site, forged: list[Any]
) -> None:
    digest = Asked(chosen=SightingFilter(), order=Order.NEWEST).digest
    text = base64.urlsafe_b64encode(json.dumps([digest, *forged]).encode()).decode()
    with pytest.raises(QuestionInvalid, match="next_cursor of an earlier page"):
        await centre.sightings.page(SightingFilter(), cursor=text)


async def test_a_cursor_fits_only_its_own_question(centre: Site) -> None:
    await centre.take(plate(1, "A"), plate(2, "B"))
    page = await centre.sightings.page(SightingFilter(), limit=1)
    assert page.next_cursor is not None
    with pytest.raises(QuestionInvalid, match="another filter"):
        await centre.sightings.page(SightingFilter(plate="A"), cursor=page.next_cursor)


@pytest.mark.parametrize(
    "chosen",
    [
        {"since": NOON, "until": NOON},
        {"since": NOON.replace(tzinfo=None)},
        {"device_ids": tuple(map(str, range(101)))},
        {"plate": "A\n"},
    ],
)
async def test_a_filter_that_means_nothing_is_refused(centre: Site, chosen: dict[str, Any]) -> None:
    with pytest.raises(QuestionInvalid):
        await centre.sightings.page(SightingFilter(**chosen))


async def test_a_question_that_takes_too_long_is_broken_off(centre: Site) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(TookTooLong, match=r"longer than 0\.05 s"):
        await centre.pool.ask(lambda reader: reader.rows(endless), longest_s=0.05)
    assert await centre.pool.ask(lambda reader: reader.rows("SELECT 1")) == [(1,)]


async def test_a_search_that_takes_too_long_says_what_to_narrow(centre: Site) -> None:
    archive = PictureArchive(centre.pictures, read_only=True)
    impatient = StoredSightings(centre.pool, archive, longest_s=0.0)
    ending = SightingFilter(plate="*34")
    with pytest.raises(TookTooLong, match="0 s and was broken off: narrow it to a shorter time"):
        await impatient.page(ending)
    with pytest.raises(TookTooLong, match="narrow it"):
        await impatient.count(ending)


async def test_whoever_stops_waiting_ends_the_question(centre: Site) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    asked = [
        asyncio.ensure_future(centre.pool.ask(lambda reader: reader.rows(endless), longest_s=600))
        for _ in range(5)
    ]
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert await centre.pool.ask(lambda reader: reader.rows("SELECT 2")) == [(2,)]


async def test_an_export_keeps_no_log_from_being_moved_and_no_row_from_being_stored(
    in_sqlite: Centre,
) -> None:
    await in_sqlite.take(*(plate(number, f"P{number}") for number in range(1, 1202)))
    pieces = 0
    async for _ in in_sqlite.sightings.every(SightingFilter()):
        pieces += 1
        await in_sqlite.take(plate(2000 + pieces, "NEW"))
        checkpointing = apsw.Connection(str(in_sqlite.database))
        checkpointing.set_busy_timeout(0)
        (is_busy, _, _) = checkpointing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (
            1,
            0,
            0,
        )
        checkpointing.close()
        assert is_busy == 0
    assert pieces == 3


async def test_a_picture_that_was_given_up_is_said_to_be(in_sqlite: Centre) -> None:
    (with_one,) = await in_sqlite.take(plate(1, "A", image=jpeg()))
    for file in in_sqlite.pictures.iterdir():
        file.unlink()
    async with centre_in(in_sqlite.database.parent) as reopened:
        with pytest.raises(NotThere, match="were given up"):
            await reopened.sightings.picture(with_one)
