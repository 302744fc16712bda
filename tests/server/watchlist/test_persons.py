"""Alerts of persons: raised once the gallery has said whose face it is, and forgotten with them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.faces import holdings
from server.faces.contract import ForgetReport
from server.faces.database import GalleryDatabase
from server.faces.gallery import Gallery
from server.storage.gallery import SqliteGalleryDatabase
from server.storage.postgres.gallery import PostgresGalleryDatabase
from server.watchlist.contract import AlertFilter, EntryDetails, ListDetails, Source
from server.watchlist.engine import IDLE_S
from server.watchlist.face_rows import SOON_S, FaceRows
from server.watchlist.rules import Kind, Subject
from tests.server.cameras import row_id
from tests.server.rows import hello_of
from tests.server.storage.history import NOON, Centre
from tests.server.watchlist.watching import BY, Watch, watching_in
from wire.acceptance import accept_v1
from wire.limits import Limits
from wire.rows import FaceDetection, FaceRow


@pytest.fixture
async def watch(url: str | None, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching_in(tmp_path, url) as opened:
        yield opened


async def seen(watch: Watch, number: int) -> int:
    row = FaceRow(
        id=row_id(number),
        sequence=number,
        captured_at=NOON,
        data=FaceDetection(confidence=90.0),
    )
    (face_id,) = await watch.centre.take(accept_v1(row, hello_of(), Limits()))
    return face_id


async def done(watch: Watch, *statements: str) -> None:
    """What the face gallery writes when it has compared a face, or forgets somebody."""
    for statement in statements:
        await watch.centre.execute(statement)


def person(class_id: int) -> str:
    return (
        "INSERT INTO face_persons (class_id, ten, enrolled_at, changed_at) VALUES "  # noqa: S608 (our own numbers)
        f"({class_id}, 'Lan', '2026-03-01T00:00:00+00:00', '2026-03-01T00:00:00+00:00')"
    )


PERSON = person(7)


def matched(face_id: int, class_id: int) -> str:
    return (
        "INSERT INTO face_matches (class_id, sighting_id, device_id, seen_at, score, "  # noqa: S608 (our own numbers)
        "probability, model, model_version) "
        f"VALUES ({class_id}, {face_id}, 'gate-1', '', 0.8, 0.95, 'm', 'v')"
    )


def stranger(watch: Watch, face_id: int) -> str:
    vector = "x'00'" if isinstance(watch.centre, Centre) else "'\\x00'::bytea"
    return (
        "INSERT INTO face_visitors (sighting_id, device_id, seen_at, keep_until, model, "  # noqa: S608 (our own numbers)
        f"model_version, vector) VALUES ({face_id}, 'gate-1', '', '9', 'm', 'v', {vector})"
    )


def compared(face_id: int) -> str:
    return f"UPDATE face_follower SET sighting_id = {face_id}"  # noqa: S608 (our own number)


@contextlib.asynccontextmanager
async def gallery_of(watch: Watch) -> AsyncIterator[Gallery]:
    """To be asked from a thread."""
    database: GalleryDatabase
    if isinstance(watch.centre, Centre):
        database = SqliteGalleryDatabase(watch.centre.database)
    else:
        database = PostgresGalleryDatabase(watch.centre.rows, asyncio.get_running_loop())
    gallery = Gallery(database, None)
    try:
        yield gallery
    finally:
        await asyncio.to_thread(gallery.close)


async def test_a_listed_person_raises_an_alert_when_they_were_recognised(watch: Watch) -> None:
    list_id = await watch.list_of(name="banned", subject=Subject.PERSONS)
    await done(watch, PERSON)
    entry = EntryDetails(class_id=7, reason="banned since May")
    await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    face_id = await seen(watch, 1)
    assert await watch.alerts() == ()  # nobody has compared it yet
    (rows,) = (each for each in watch.engine._parts.rows if isinstance(each, FaceRows))  # noqa: SLF001
    assert rows.look_again_s == SOON_S
    await done(watch, matched(face_id, 7), compared(face_id))
    (alert,) = await watch.alerts()
    assert rows.look_again_s == IDLE_S
    assert (alert.source, alert.sighting_id, alert.class_id) == (Source.FACES, face_id, 7)
    assert (alert.listed, alert.reason, alert.likelihood) == ("Lan", "banned since May", 0.95)
    page = await watch.store.page(AlertFilter(with_persons=False), before=None, limit=9)
    assert page.alerts == ()


async def test_a_face_that_nobody_knows_is_told_where_strangers_are_kept(watch: Watch) -> None:
    await watch.rules.make_list(
        ListDetails(name="staff", kind=Kind.UNKNOWN, subject=Subject.PERSONS), by=BY, now=NOON
    )
    await done(watch, PERSON)
    first, second = await seen(watch, 1), await seen(watch, 2)
    await done(watch, stranger(watch, second), compared(second))
    assert [each.sighting_id for each in await watch.alerts()] == [second]  # the first: no face
    assert first < second


async def test_who_is_forgotten_takes_entries_and_alerts_along_which_they_are_told_of(
    watch: Watch,
) -> None:
    list_id = await watch.list_of(name="banned", subject=Subject.PERSONS)
    await done(watch, PERSON)
    entry = EntryDetails(class_id=7, reason="banned since May")
    await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    face_id = await seen(watch, 1)
    await done(watch, matched(face_id, 7), compared(face_id))
    assert len(await watch.alerts()) == 1
    async with gallery_of(watch) as gallery:

        def given_and_forgotten() -> tuple[bytes, ForgetReport]:
            packed = gallery.read(lambda rows: holdings.archive_of(rows, 7, gallery.vault, NOON))
            return packed, holdings.forget(gallery, 7, NOON)

        packed, report = await asyncio.to_thread(given_and_forgotten)
    told = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("person.json"))
    assert [(each["list"], each["reason"]) for each in told["watched_for"]] == [
        ("banned", "banned since May")
    ]
    assert [each["sighting_id"] for each in told["alerts"]] == [face_id]
    assert report.is_gone
    assert {"watchlist_entries", "alerts"} <= set(report.left)
    assert await watch.alerts() == ()
    assert (await watch.rules.list_of(list_id)).entries == 0
    assert len(watch.engine._book) == 0  # noqa: SLF001 - what is watched for


async def test_who_is_merged_into_another_number_is_watched_for_by_that(
    watch: Watch,
) -> None:
    banned = await watch.list_of(name="banned", subject=Subject.PERSONS, cooldown_s=0)
    both = await watch.list_of(name="both", subject=Subject.PERSONS, cooldown_s=0)
    await done(watch, PERSON, person(8))
    for list_id, class_id in ((banned, 7), (both, 7), (both, 8)):
        entry = EntryDetails(class_id=class_id, reason=f"number {class_id}")
        await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    first = await seen(watch, 1)
    await done(watch, matched(first, 7), compared(first))
    assert len(await watch.alerts()) == 2
    async with gallery_of(watch) as gallery:
        await asyncio.to_thread(gallery.change, lambda book: book.merge(8, 7, NOON))
    second = await seen(watch, 2)
    await done(watch, matched(second, 8), compared(second))
    told = [(each.sighting_id, each.class_id, each.reason) for each in await watch.alerts()]
    assert sorted(told) == [
        (first, 8, "number 7"),
        (first, 8, "number 7"),
        (second, 8, "number 7"),
        (second, 8, "number 8"),
    ]
    for list_id in (banned, both):
        assert (await watch.rules.list_of(list_id)).entries == 1
