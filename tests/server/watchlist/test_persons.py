"""Alerts of persons: raised once the gallery has said whose face it is, and forgotten with them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from server.faces import holdings
from server.faces.gallery import Gallery
from server.storage.connection import open_second_writer, transaction
from server.storage.gallery import SqliteGalleryDatabase
from server.watchlist.contract import AlertFilter, EntryDetails, ListDetails, Source
from server.watchlist.engine import IDLE_S
from server.watchlist.face_rows import SOON_S, FaceRows
from server.watchlist.rules import Kind, Subject
from tests.server.cameras import row_id
from tests.server.rows import hello_of
from tests.server.storage.history import NOON
from tests.server.watchlist.watching import BY, Watch, watching_in
from wire.acceptance import accept_v1
from wire.limits import Limits
from wire.rows import FaceDetection, FaceRow


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching_in(tmp_path) as opened:
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


def done(watch: Watch, *statements: tuple[str, tuple[object, ...]]) -> None:
    """What the face gallery writes when it has compared a face, or forgets somebody."""
    connection: apsw.Connection = open_second_writer(watch.centre.database)
    with transaction(connection):
        for sql, values in statements:
            connection.execute(sql, values)
    connection.close()


def person(class_id: int) -> tuple[str, tuple[object, ...]]:
    sql = (
        "INSERT INTO face_persons (class_id, ten, enrolled_at, changed_at) "
        "VALUES (?, 'Lan', '2026-03-01T00:00:00+00:00', '2026-03-01T00:00:00+00:00')"
    )
    return sql, (class_id,)


PERSON = person(7)


def matched(face_id: int, class_id: int) -> tuple[str, tuple[object, ...]]:
    sql = (
        "INSERT INTO face_matches (class_id, sighting_id, device_id, seen_at, score, probability, "
        "model, model_version) VALUES (?, ?, 'gate-1', '', 0.8, 0.95, 'm', 'v')"
    )
    return sql, (class_id, face_id)


def stranger(face_id: int) -> tuple[str, tuple[object, ...]]:
    sql = (
        "INSERT INTO face_visitors (sighting_id, device_id, seen_at, keep_until, model, "
        "model_version, vector) VALUES (?, 'gate-1', '', '9', 'm', 'v', x'00')"
    )
    return sql, (face_id,)


def compared(face_id: int) -> tuple[str, tuple[object, ...]]:
    return "UPDATE face_follower SET sighting_id = ?", (face_id,)


async def test_a_listed_person_raises_an_alert_when_they_were_recognised(watch: Watch) -> None:
    list_id = await watch.list_of(name="banned", subject=Subject.PERSONS)
    done(watch, PERSON)
    entry = EntryDetails(class_id=7, reason="banned since May")
    await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    face_id = await seen(watch, 1)
    assert await watch.alerts() == ()  # nobody has compared it yet
    (rows,) = (each for each in watch.engine._parts.rows if isinstance(each, FaceRows))  # noqa: SLF001
    assert rows.look_again_s == SOON_S
    done(watch, matched(face_id, 7), compared(face_id))
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
    done(watch, PERSON)
    first, second = await seen(watch, 1), await seen(watch, 2)
    done(watch, stranger(second), compared(second))
    assert [each.sighting_id for each in await watch.alerts()] == [second]  # the first: no face
    assert first < second


async def test_who_is_forgotten_takes_entries_and_alerts_along_which_they_are_told_of(
    watch: Watch, tmp_path: Path
) -> None:
    list_id = await watch.list_of(name="banned", subject=Subject.PERSONS)
    done(watch, PERSON)
    entry = EntryDetails(class_id=7, reason="banned since May")
    await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    face_id = await seen(watch, 1)
    done(watch, matched(face_id, 7), compared(face_id))
    assert len(await watch.alerts()) == 1
    gallery = Gallery(SqliteGalleryDatabase(watch.centre.database), None)
    packed = gallery.read(lambda rows: holdings.archive_of(rows, 7, gallery.vault, NOON))
    told = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("person.json"))
    assert [(each["list"], each["reason"]) for each in told["watched_for"]] == [
        ("banned", "banned since May")
    ]
    assert [each["sighting_id"] for each in told["alerts"]] == [face_id]
    report = holdings.forget(gallery, 7, NOON)
    gallery.close()
    assert report.is_gone
    assert {"watchlist_entries", "alerts"} <= set(report.left)
    assert await watch.alerts() == ()
    assert (await watch.rules.list_of(list_id)).entries == 0
    assert len(watch.engine._book) == 0  # noqa: SLF001 - what is watched for


async def test_who_is_merged_into_another_number_is_watched_for_by_that(
    watch: Watch, tmp_path: Path
) -> None:
    banned = await watch.list_of(name="banned", subject=Subject.PERSONS, cooldown_s=0)
    both = await watch.list_of(name="both", subject=Subject.PERSONS, cooldown_s=0)
    done(watch, PERSON, person(8))
    for list_id, class_id in ((banned, 7), (both, 7), (both, 8)):
        entry = EntryDetails(class_id=class_id, reason=f"number {class_id}")
        await watch.rules.put_entries(list_id, [entry], by=BY, now=NOON)
    first = await seen(watch, 1)
    done(watch, matched(first, 7), compared(first))
    assert len(await watch.alerts()) == 2
    gallery = Gallery(SqliteGalleryDatabase(watch.centre.database), None)
    gallery.change(lambda book: book.merge(8, 7, NOON))
    gallery.close()
    second = await seen(watch, 2)
    done(watch, matched(second, 8), compared(second))
    told = [(each.sighting_id, each.class_id, each.reason) for each in await watch.alerts()]
    assert sorted(told) == [
        (first, 8, "number 7"),
        (first, 8, "number 7"),
        (second, 8, "number 7"),
        (second, 8, "number 8"),
    ]
    for list_id in (banned, both):
        assert (await watch.rules.list_of(list_id)).entries == 1
