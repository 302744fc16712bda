"""Persons as the database has them: found, listed, written. Knows no picture and no vector."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from server.errors import NotThere
from server.faces.contract import (
    MOST_PERSONS,
    Person,
    PersonDetails,
    PersonFilter,
    PersonPage,
)
from server.row_id import is_id
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

_DETAILS: Final = ("ten", "tuoi", "gioitinh", "noio", "consent", "purpose", "keep_until")
_COLUMNS: Final = (
    "p.class_id, p.ten, p.tuoi, p.gioitinh, p.noio, p.consent, p.purpose, p.keep_until, "
    "p.enrolled_at, p.changed_at, "
    "(SELECT count(*) FROM face_pictures f WHERE f.class_id = p.class_id)"
)


def insert(
    writer: Writer,
    details: PersonDetails,
    now: datetime,
    *,
    class_id: int | None = None,
) -> int:
    """The class id: that one, which nobody has, or the next."""
    given = {} if class_id is None else {"class_id": class_id}
    columns = (*given, *_DETAILS, "enrolled_at", "changed_at")
    ((number,),) = writer.rows(
        f"INSERT INTO face_persons ({', '.join(columns)}) "  # noqa: S608 (our own columns)
        f"VALUES ({', '.join('?' * len(columns))}) RETURNING class_id",
        (*given.values(), *_values(details), stamp(now), stamp(now)),
    )
    return int(number)


def update(writer: Writer, class_id: int, details: PersonDetails, now: datetime) -> None:
    """Raises NotThere."""
    find(writer, class_id)
    writer.change(
        f"UPDATE face_persons SET {' = ?, '.join(_DETAILS)} = ?, changed_at = ? "  # noqa: S608 (our own columns)
        "WHERE class_id = ?",
        (*_values(details), stamp(now), class_id),
    )


def touch(writer: Writer, class_id: int, now: datetime) -> None:
    """Something of theirs changed."""
    writer.change(
        "UPDATE face_persons SET changed_at = ? WHERE class_id = ?", (stamp(now), class_id)
    )


def watch_on(writer: Writer, kept_id: int, gone_id: int) -> None:
    """Entries of watchlists that name the one name the other from now on, but where that is listed
    too, and so do alerts: what still names somebody who goes is forgotten with them."""
    writer.change("UPDATE watchlist_state SET revision = revision + 1")
    writer.change(
        "UPDATE watchlist_entries SET class_id = :kept, identity = :identity, "
        "revision = (SELECT revision FROM watchlist_state) "
        "WHERE class_id = :gone AND deleted_at IS NULL AND list_id NOT IN "
        "(SELECT list_id FROM watchlist_entries WHERE class_id = :kept AND deleted_at IS NULL)",
        {"kept": kept_id, "gone": gone_id, "identity": f"person:{kept_id}"},
    )
    writer.change(
        "UPDATE alerts SET class_id = ?, key = ? WHERE class_id = ?",
        (kept_id, f"person {kept_id}", gone_id),
    )


def find(reader: Reader, class_id: int) -> Person:
    """Raises NotThere."""
    row = None
    if is_id(class_id):
        row = reader.row(
            f"SELECT {_COLUMNS} FROM face_persons p WHERE p.class_id = ?",  # noqa: S608 (our own columns)
            (class_id,),
        )
    if row is None:
        raise NotThere(f"there is no person {class_id}: nobody had that number, or was forgotten")
    return _person(row)


def those_of(reader: Reader, class_ids: tuple[int, ...]) -> dict[int, Person]:
    """By class id; who is not there is left out."""
    if not class_ids:
        return {}
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM face_persons p "  # noqa: S608 (our own columns)
        f"WHERE {reader.dialect.among('p.class_id', 'ids')}",
        {"ids": reader.dialect.numbers(class_ids)},
    )
    return {person.class_id: person for person in map(_person, rows)}


def page(reader: Reader, wanted: PersonFilter, *, offset: int, limit: int) -> PersonPage:
    """Those that match, by class id."""
    conditions: list[tuple[str, Any]] = [
        ("has_text(p.ten, ?)", wanted.name.strip().lower() or None),
        ("has_text(p.noio, ?)", wanted.place.strip().lower() or None),
        ("p.tuoi >= ?", wanted.least_age),
        ("p.tuoi <= ?", wanted.most_age),
    ]
    given = [(text, value) for text, value in conditions if value is not None]
    where = " AND ".join(["true", *(text for text, _ in given)])
    values = tuple(value for _, value in given)
    ((total,),) = reader.rows(
        f"SELECT count(*) FROM face_persons p WHERE {where}",  # noqa: S608 (our own conditions)
        values,
    )
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM face_persons p WHERE {where} "  # noqa: S608 (likewise)
        "ORDER BY p.class_id LIMIT ? OFFSET ?",
        (*values, max(1, min(limit, MOST_PERSONS)), max(0, offset)),
    )
    return PersonPage(persons=tuple(map(_person, rows)), total=int(total))


def overdue(reader: Reader, now: datetime) -> tuple[int, ...]:
    """Class ids of those who are to be forgotten by now."""
    rows = reader.rows(
        "SELECT class_id FROM face_persons WHERE keep_until <= ? ORDER BY class_id", (stamp(now),)
    )
    return tuple(class_id for (class_id,) in rows)


def _values(details: PersonDetails) -> tuple[Any, ...]:
    keep_until = details.keep_until
    return (
        details.name,
        details.age,
        details.gender,
        details.place,
        details.consent,
        details.purpose,
        None if keep_until is None else stamp(keep_until),
    )


def _person(row: Any) -> Person:
    class_id, name, age, gender, place, consent, purpose, keep_until, enrolled, changed, count = row
    return Person(
        class_id=class_id,
        details=PersonDetails(
            name=name,
            age=age,
            gender=gender,
            place=place,
            consent=consent,
            purpose=purpose,
            keep_until=None if keep_until is None else datetime.fromisoformat(keep_until),
        ),
        enrolled_at=datetime.fromisoformat(enrolled),
        changed_at=datetime.fromisoformat(changed),
        pictures=count,
    )
