"""Who was recognised by cameras, and whom nobody knows, as the database has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any, Final

import numpy as np

from server.errors import NotThere
from server.faces import person_rows, vector_rows
from server.faces.decision import Vector, Vectors
from server.faces.history_contract import (
    MOST_DAYS,
    MOST_LISTED,
    DayCount,
    Match,
    MatchFilter,
    MatchPage,
    Visitor,
)
from server.faces.keeping import Alike, Compared, Look, ModelKey
from server.row_id import LARGEST_ID, is_id
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

CHUNK: Final = 10_000
"""Visitors compared at once."""
_QUARTERS: Final = 100
"""Of an hour in a day: as many as the longest has, where a clock is set back."""
_IS_CALLED: Final = "class_id IN (SELECT class_id FROM face_persons WHERE has_text(ten, ?))"
_MATCH: Final = "match_id, class_id, sighting_id, device_id, seen_at, score, probability"


def position(reader: Reader) -> int:
    """The last sighting that was compared."""
    return int(reader.rows("SELECT sighting_id FROM face_follower")[0][0])


def move_on(writer: Writer, sighting_id: int) -> None:
    writer.change("UPDATE face_follower SET sighting_id = ?", (sighting_id,))


def add(writer: Writer, compared: Compared, look: Look, model: ModelKey) -> None:
    """A match, or a visitor, or nothing."""
    person = compared.person
    if person is not None:
        add_match(
            writer,
            person.class_id,
            look,
            model,
            score=person.score,
            probability=person.probability,
        )
    elif compared.keep_until is not None:
        add_visitor(writer, look, model, keep_until=compared.keep_until)


def add_match(
    writer: Writer,
    class_id: int,
    look: Look,
    model: ModelKey,
    *,
    score: float,
    probability: float | None,
) -> None:
    """Nothing where that sighting has its match, or the person was forgotten meanwhile."""
    if writer.row("SELECT 1 FROM face_persons WHERE class_id = ?", (class_id,)) is None:
        return
    writer.change(
        "INSERT INTO face_matches (class_id, sighting_id, device_id, seen_at, score, probability, "
        "model, model_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            class_id,
            look.sighting_id,
            look.device_id,
            stamp(look.seen_at),
            score,
            probability,
            model.name,
            model.version,
        ),
    )


def add_visitor(writer: Writer, look: Look, model: ModelKey, *, keep_until: datetime) -> None:
    """Nothing where that sighting is there already."""
    writer.change(
        "INSERT INTO face_visitors (sighting_id, device_id, seen_at, keep_until, model, "
        "model_version, vector) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            look.sighting_id,
            look.device_id,
            stamp(look.seen_at),
            stamp(keep_until),
            model.name,
            model.version,
            vector_rows.blob_of(look.vector),
        ),
    )


def matches(reader: Reader, wanted: MatchFilter, *, before: int | None, limit: int) -> MatchPage:
    """The last to arrive first; at most MOST_LISTED."""
    limit = max(1, min(limit, MOST_LISTED))
    where, values = _where(wanted, before)
    rows = reader.rows(
        f"SELECT {_MATCH} FROM face_matches WHERE {where} ORDER BY match_id DESC LIMIT ?",  # noqa: S608 (our own conditions)
        (*values, limit + 1),
    )
    found = _matches(reader, rows)
    following = found[limit - 1].match_id if len(rows) > limit else None
    return MatchPage(matches=tuple(found[:limit]), next_before=following)


def match_days(reader: Reader, wanted: MatchFilter, zone: tzinfo) -> tuple[DayCount, ...]:
    """The last MOST_DAYS that have any, in order: days of a clock in that zone, whose midnight
    lies on a quarter of an hour."""
    where, values = _where(wanted, None)
    rows = reader.rows(
        "SELECT substr(seen_at, 1, 13), CAST(substr(seen_at, 15, 2) AS INTEGER) / 15, count(*) "  # noqa: S608 (our own conditions)
        f"FROM face_matches WHERE {where} GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC LIMIT ?",
        (*values, (MOST_DAYS + 1) * _QUARTERS),
    )
    counts: Counter[date] = Counter()
    for hour, quarter, count in rows:
        began = datetime.fromisoformat(f"{hour}:{15 * quarter:02d}:00+00:00")
        counts[began.astimezone(zone).date()] += count
    last = sorted(counts)[-MOST_DAYS:]
    return tuple(DayCount(day=day, count=counts[day]) for day in last)


def _where(wanted: MatchFilter, before: int | None) -> tuple[str, tuple[Any, ...]]:
    conditions: list[tuple[str, Any]] = [
        ("match_id < ?", before),
        ("class_id = ?", wanted.class_id),
        (_IS_CALLED, wanted.name.strip().lower() or None),
        ("device_id = ?", wanted.device_id or None),
        ("seen_at >= ?", wanted.since and stamp(wanted.since)),
        ("seen_at < ?", wanted.until and stamp(wanted.until)),
    ]
    given = [(text, value) for text, value in conditions if value is not None]
    return (
        " AND ".join(["true", *(text for text, _ in given)]),
        tuple(value for _, value in given),
    )


def match(reader: Reader, match_id: int) -> Match:
    """Raises NotThere."""
    rows: Any = []
    if is_id(match_id):
        rows = reader.rows(
            f"SELECT {_MATCH} FROM face_matches WHERE match_id = ?",  # noqa: S608 (our own columns)
            (match_id,),
        )
    found = _matches(reader, rows)
    if not found:
        raise NotThere(f"there is no match {match_id}: it never was, or is gone")
    return found[0]


def drop_match(writer: Writer, class_id: int, sighting_id: int) -> None:
    """Nothing where that sighting is not that person's match."""
    writer.change(
        "DELETE FROM face_matches WHERE sighting_id = ? AND class_id = ?", (sighting_id, class_id)
    )


def visitors(
    reader: Reader, *, before: int | None, limit: int
) -> tuple[tuple[Visitor, ...], int | None]:
    """The last to arrive first, and where to go on."""
    limit = max(1, min(limit, MOST_LISTED))
    below = LARGEST_ID if before is None else min(max(before, 0), LARGEST_ID)
    rows = reader.rows(
        "SELECT visitor_id, sighting_id, device_id, seen_at, keep_until FROM face_visitors "
        "WHERE visitor_id < ? ORDER BY visitor_id DESC LIMIT ?",
        (below, limit + 1),
    )
    found = tuple(
        Visitor(
            visitor_id=number,
            sighting_id=sighting_id,
            device_id=device_id,
            seen_at=datetime.fromisoformat(seen_at),
            keep_until=datetime.fromisoformat(keep_until),
        )
        for number, sighting_id, device_id, seen_at, keep_until in rows[:limit]
    )
    return found, found[-1].visitor_id if len(rows) > limit else None


def alike(reader: Reader, face: Vector, model: ModelKey, least: float) -> tuple[list[Alike], int]:
    """Unknown people whose score reaches `least`, and how many were compared."""
    found, compared = [], 0
    for rows, vectors in visitor_chunks(reader, model):
        scores = vectors @ face
        compared += len(rows)
        found += [
            alike_of(rows[place], float(scores[place])) for place in np.flatnonzero(scores >= least)
        ]
    return found, compared


def drop_visitor(writer: Writer, sighting_id: int) -> bool:
    """Whether there was one."""
    return writer.change("DELETE FROM face_visitors WHERE sighting_id = ?", (sighting_id,)) > 0


def drop_old(writer: Writer, now: datetime) -> int:
    """Visitors whose time is over, and what belongs to sightings that were given up; how many."""
    gone = writer.change("DELETE FROM face_visitors WHERE keep_until <= ?", (stamp(now),))
    for table in ("face_visitors", "face_matches"):
        gone += writer.change(
            f"DELETE FROM {table} WHERE NOT EXISTS "  # noqa: S608 (our own tables)
            f"(SELECT 1 FROM face_detections d WHERE d.id = {table}.sighting_id)"
        )
    return gone


def visitor_chunks(reader: Reader, model: ModelKey) -> Iterator[tuple[list[Any], Vectors]]:
    after = 0
    while True:
        rows = reader.rows(
            "SELECT visitor_id, sighting_id, device_id, seen_at, vector FROM face_visitors "
            "WHERE model = ? AND model_version = ? AND visitor_id > ? ORDER BY visitor_id LIMIT ?",
            (model.name, model.version, after, CHUNK),
        )
        if not rows:
            return
        yield rows, vector_rows.vectors_of([row[4] for row in rows], model.numbers)
        after = rows[-1][0]


def alike_of(row: Any, score: float) -> Alike:
    _, sighting_id, device_id, seen_at, _ = row
    return Alike(
        sighting_id=sighting_id,
        device_id=device_id,
        seen_at=datetime.fromisoformat(seen_at),
        score=score,
    )


def _matches(reader: Reader, rows: Any) -> list[Match]:
    people = person_rows.those_of(reader, tuple({row[1] for row in rows}))
    return [
        Match(
            match_id=match_id,
            person=people[class_id],
            sighting_id=sighting_id,
            device_id=device_id,
            seen_at=datetime.fromisoformat(seen_at),
            score=score,
            probability=probability,
        )
        for match_id, class_id, sighting_id, device_id, seen_at, score, probability in rows
    ]
