"""Watchlists and their entries. Implements the contract's RuleStore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from server.errors import NotThere, QuestionInvalid
from server.row_id import LARGEST_ID, is_id
from server.storage.asking import Reader, Readers, Writer, Writing
from server.storage.reading.sightings import Matching
from server.storage.times import moment_of, own_moment, stamp
from server.watchlist.contract import (
    MOST_ON_A_PAGE,
    Entry,
    EntryChange,
    EntryDetails,
    EntryPage,
    ListDetails,
    Put,
    RuleChanges,
    Watchlist,
)
from server.watchlist.rules import Kind, Subject
from wire.plates import compact

_LIST_COLUMNS: Final = (
    "id, name, kind, subject, note, device_ids, schedule, cooldown_s, least_percent, "
    "least_likelihood, is_enabled, goes_to_cameras, changed_by, changed_at, "
    "(SELECT count(*) FROM watchlist_entries AS e WHERE e.list_id = watchlists.id "
    "AND e.deleted_at IS NULL) AS entries"
)
_ENTRY_COLUMNS: Final = (
    "id, list_id, plate, matching, class_id, reason, valid_from, valid_until, schedule, "
    "device_ids, cooldown_s, changed_by, changed_at"
)
_SET: Final = (
    "name = ?, kind = ?, subject = ?, note = ?, device_ids = ?, schedule = ?, cooldown_s = ?, "
    "least_percent = ?, least_likelihood = ?, is_enabled = ?, goes_to_cameras = ?, "
    "revision = ?, changed_by = ?, changed_at = ?"
)
_PUT: Final = """
INSERT INTO watchlist_entries (list_id, identity, plate, matching, class_id, reason, valid_from,
    valid_until, schedule, device_ids, cooldown_s, revision, changed_by, changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (list_id, identity) WHERE deleted_at IS NULL DO UPDATE SET
    plate = excluded.plate, reason = excluded.reason, valid_from = excluded.valid_from,
    valid_until = excluded.valid_until, schedule = excluded.schedule,
    device_ids = excluded.device_ids, cooldown_s = excluded.cooldown_s,
    revision = excluded.revision, changed_by = excluded.changed_by,
    changed_at = excluded.changed_at
"""


class StoredWatchlists:
    """`pool` and `writing` belong to whoever made them."""

    def __init__(self, pool: Readers, writing: Writing) -> None:
        self._pool = pool
        self._writing = writing

    async def lists(self) -> tuple[Watchlist, ...]:
        sql = f"SELECT {_LIST_COLUMNS} FROM watchlists WHERE deleted_at IS NULL ORDER BY name"  # noqa: S608 (our own names)
        return await self._pool.ask(lambda reader: tuple(_list(row) for row in reader.rows_of(sql)))

    async def list_of(self, list_id: int) -> Watchlist:
        return await self._pool.ask(lambda reader: _held(reader, list_id))

    async def make_list(self, details: ListDetails, *, by: str, now: datetime) -> Watchlist:
        def work(writer: Writer) -> int:
            _refuse_taken(writer, details.name, besides=0)
            marks = ", ".join("?" * 14)
            columns = ", ".join(part.split(" = ")[0] for part in _SET.split(", "))
            return _number(
                writer,
                f"INSERT INTO watchlists ({columns}) VALUES ({marks}) RETURNING id",  # noqa: S608 (our own names)
                (*_list_values(details), _next_revision(writer), by, stamp(now)),
            )

        return await self.list_of(await self._writing.write(work))

    async def change_list(
        self, list_id: int, details: ListDetails, *, by: str, now: datetime
    ) -> Watchlist:
        def work(writer: Writer) -> None:
            _check_list(writer, list_id)
            _refuse_taken(writer, details.name, besides=list_id)
            writer.change(
                f"UPDATE watchlists SET {_SET} WHERE id = ?",  # noqa: S608 (our own names)
                (*_list_values(details), _next_revision(writer), by, stamp(now), list_id),
            )

        await self._writing.write(work)
        return await self.list_of(list_id)

    async def drop_list(self, list_id: int, *, by: str, now: datetime) -> None:
        def work(writer: Writer) -> None:
            _check_list(writer, list_id)
            mark = (_next_revision(writer), stamp(now), by, list_id)
            writer.change(
                "UPDATE watchlists SET revision = ?, deleted_at = ?, changed_by = ? WHERE id = ?",
                mark,
            )
            writer.change("DELETE FROM watchlist_entries WHERE list_id = ?", (list_id,))

        await self._writing.write(work)

    async def entries(
        self, list_id: int, *, search: str, before: int | None, limit: int
    ) -> EntryPage:
        limit = max(1, min(limit, MOST_ON_A_PAGE))
        words = f"%{_literal(search)}%"
        sql = (
            f"SELECT {_ENTRY_COLUMNS} FROM watchlist_entries "  # noqa: S608 (our own names)
            "WHERE list_id = :list AND deleted_at IS NULL AND id < :before "
            "AND (lower(reason) LIKE lower(:words) ESCAPE '\\' "
            "OR identity LIKE :plate ESCAPE '\\') "
            "ORDER BY id DESC LIMIT :most"
        )
        values = {
            "list": list_id,
            "before": LARGEST_ID if before is None else before,
            "words": words,
            "plate": f"%:%{_literal(compact(search))}%",  # behind what kind of entry it is
            "most": limit + 1,
        }

        def work(reader: Reader) -> EntryPage:
            _held(reader, list_id)
            found = [_entry(row) for row in reader.rows_of(sql, values)]
            following = found[limit - 1].id if len(found) > limit else None
            return EntryPage(entries=tuple(found[:limit]), next_before=following)

        return await self._pool.ask(work)

    async def put_entries(
        self,
        list_id: int,
        entries: Sequence[EntryDetails],
        *,
        by: str,
        now: datetime,
        said: frozenset[str] | None = None,
    ) -> tuple[Put, tuple[EntryChange, ...]]:
        def work(writer: Writer) -> tuple[Put, tuple[EntryChange, ...]]:
            _check_list(writer, list_id)
            held = _like(writer, list_id, [identity_of(each) for each in entries])
            put: dict[str, EntryDetails] = {}
            changes, added = [], 0
            for wanted in entries:
                identity = identity_of(wanted)
                before = put.get(identity, held.get(identity))
                after = wanted if before is None else _changed(before, wanted, said)
                if before is None:
                    added += 1
                elif before != after:
                    changes.append(EntryChange(before=before, after=after))
                else:
                    continue
                put[identity] = after
            if put:
                mark = (_next_revision(writer), by, stamp(now))
                values = [(list_id, *_entry_values(each), *mark) for each in put.values()]
                writer.change_each(_PUT, values)
            changed = len(changes)
            same = len(entries) - added - changed
            return Put(added=added, changed=changed, same=same), tuple(changes)

        return await self._writing.write(work)

    async def entry_like(self, list_id: int, details: EntryDetails) -> Entry | None:
        sql = (
            f"SELECT {_ENTRY_COLUMNS} FROM watchlist_entries "  # noqa: S608 (our own names)
            "WHERE list_id = ? AND identity = ? AND deleted_at IS NULL"
        )
        identity = identity_of(details)
        found = await self._pool.ask(lambda reader: reader.rows_of(sql, (list_id, identity)))
        return _entry(found[0]) if found else None

    async def drop_entry(self, list_id: int, entry_id: int, *, by: str, now: datetime) -> None:
        def work(writer: Writer) -> None:
            dropped = writer.change(
                "UPDATE watchlist_entries SET revision = ?, deleted_at = ?, changed_by = ?, "
                "reason = '' WHERE id = ? AND list_id = ? AND deleted_at IS NULL",
                (_next_revision(writer), stamp(now), by, entry_id, list_id),
            )
            if not dropped:
                raise _no_entry(list_id, entry_id)

        if not (is_id(entry_id) and is_id(list_id)):
            raise _no_entry(list_id, entry_id)

        await self._writing.write(work)

    async def changes(self, since: int) -> RuleChanges:
        lists = f"SELECT {_LIST_COLUMNS}, deleted_at FROM watchlists WHERE revision > ?"  # noqa: S608 (our own names)
        entries = f"SELECT {_ENTRY_COLUMNS}, deleted_at FROM watchlist_entries WHERE revision > ?"  # noqa: S608 (our own names)

        def work(reader: Reader) -> RuleChanges:
            # read first: what changes meanwhile is read now or has a later number, and comes again
            revision = int(reader.rows("SELECT revision FROM watchlist_state")[0][0])
            if revision <= since:
                return RuleChanges(
                    revision=since, lists=(), entries=(), lists_gone=(), entries_gone=()
                )
            all_lists = reader.rows_of(lists, (since,))
            all_entries = reader.rows_of(entries, (since,))
            return RuleChanges(
                revision=revision,
                lists=[_list(row) for row in all_lists if row["deleted_at"] is None],
                entries=[_entry(row) for row in all_entries if row["deleted_at"] is None],
                lists_gone=[row["id"] for row in all_lists if row["deleted_at"] is not None],
                entries_gone=[row["id"] for row in all_entries if row["deleted_at"] is not None],
            )

        return await self._pool.ask(work, longest_s=60.0)

    async def sweep(self, before: datetime) -> None:
        """Takes away what was deleted before that: whoever followed changes until then, and does
        so no more, has to begin anew."""

        def work(writer: Writer) -> None:
            for table in ("watchlist_entries", "watchlists"):
                writer.change(f"DELETE FROM {table} WHERE deleted_at < ?", (stamp(before),))  # noqa: S608 (our own tables)

        await self._writing.write(work)


def identity_of(details: EntryDetails) -> str:
    """What an entry lists, once in a list."""
    if details.class_id is not None:
        return f"person:{details.class_id}"
    return f"{details.matching}:{compact(details.plate)}"


def _like(reader: Reader, list_id: int, identities: Sequence[str]) -> dict[str, EntryDetails]:
    """What is listed of these."""
    if not identities:
        return {}
    dialect = reader.dialect
    sql = (
        f"SELECT {_ENTRY_COLUMNS}, identity FROM watchlist_entries WHERE list_id = :list "  # noqa: S608 (our own names)
        f"AND deleted_at IS NULL AND {dialect.among('identity', 'identities')}"
    )
    values = {"list": list_id, "identities": dialect.texts(tuple(identities))}
    return {row["identity"]: _entry(row).details for row in reader.rows_of(sql, values)}


def _changed(
    before: EntryDetails, wanted: EntryDetails, said: frozenset[str] | None
) -> EntryDetails:
    """Raises QuestionInvalid where what stays and what is new would together never be valid."""
    if said is None:
        return wanted
    after = replace(before, **{name: getattr(wanted, name) for name in said})
    begin, end = after.valid_from, after.valid_until
    if begin is not None and end is not None and begin >= end:
        raise QuestionInvalid(
            f"{after.plate or f'person {after.class_id}'} is listed with "
            f"valid_from={before.valid_from} and valid_until={before.valid_until}: what is not "
            f"said stays, and then it would be valid from {begin} until {end}; say both"
        )
    return after


def _list_values(details: ListDetails) -> tuple[Any, ...]:
    return (
        details.name,
        details.kind,
        details.subject,
        details.note,
        json.dumps(details.device_ids, ensure_ascii=False),
        details.schedule,
        details.cooldown_s,
        details.least_percent,
        details.least_likelihood,
        details.is_enabled,
        details.goes_to_cameras,
    )


def _entry_values(details: EntryDetails) -> tuple[Any, ...]:
    return (
        identity_of(details),
        details.plate,
        details.matching,
        details.class_id,
        details.reason,
        details.valid_from and stamp(details.valid_from),
        details.valid_until and stamp(details.valid_until),
        details.schedule,
        json.dumps(details.device_ids, ensure_ascii=False),
        details.cooldown_s,
    )


def _list(row: Any) -> Watchlist:
    return Watchlist(
        id=row["id"],
        details=ListDetails(
            name=row["name"],
            kind=Kind(row["kind"]),
            subject=Subject(row["subject"]),
            note=row["note"],
            device_ids=tuple(json.loads(row["device_ids"])),
            schedule=row["schedule"],
            cooldown_s=row["cooldown_s"],
            least_percent=row["least_percent"],
            least_likelihood=row["least_likelihood"],
            is_enabled=bool(row["is_enabled"]),
            goes_to_cameras=bool(row["goes_to_cameras"]),
        ),
        entries=row["entries"],
        changed_by=row["changed_by"],
        changed_at=own_moment(row["changed_at"]),
    )


def _entry(row: Any) -> Entry:
    return Entry(
        id=row["id"],
        list_id=row["list_id"],
        details=EntryDetails(
            plate=row["plate"],
            matching=Matching(row["matching"]),
            class_id=row["class_id"],
            reason=row["reason"],
            valid_from=moment_of(row["valid_from"]),
            valid_until=moment_of(row["valid_until"]),
            schedule=row["schedule"],
            device_ids=tuple(json.loads(row["device_ids"])),
            cooldown_s=row["cooldown_s"],
        ),
        changed_by=row["changed_by"],
        changed_at=own_moment(row["changed_at"]),
    )


def _held(reader: Reader, list_id: int) -> Watchlist:
    sql = f"SELECT {_LIST_COLUMNS} FROM watchlists WHERE id = ? AND deleted_at IS NULL"  # noqa: S608 (our own names)
    found = reader.rows_of(sql, (list_id,)) if is_id(list_id) else []
    if not found:
        raise _no_list(list_id)
    return _list(found[0])


def _check_list(writer: Writer, list_id: int) -> None:
    sql = "SELECT 1 FROM watchlists WHERE id = ? AND deleted_at IS NULL"
    if not is_id(list_id) or writer.row(sql, (list_id,)) is None:
        raise _no_list(list_id)


def _refuse_taken(writer: Writer, name: str, *, besides: int) -> None:
    sql = "SELECT 1 FROM watchlists WHERE name = ? AND id <> ? AND deleted_at IS NULL"
    if writer.row(sql, (name, besides)) is not None:
        raise QuestionInvalid(f"name={name!r}: another list is called so, choose another name")


def _next_revision(writer: Writer) -> int:
    return _number(
        writer, "UPDATE watchlist_state SET revision = revision + 1 RETURNING revision", ()
    )


def _number(writer: Writer, sql: str, values: tuple[Any, ...]) -> int:
    return int(writer.rows(sql, values)[0][0])


def _literal(text: str) -> str:
    """For LIKE, with a backslash as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _no_list(list_id: int) -> NotThere:
    return NotThere(f"there is no watchlist {list_id}: there never was, or it was deleted")


def _no_entry(list_id: int, entry_id: int) -> NotThere:
    return NotThere(f"list {list_id} has no entry {entry_id}: there never was, or it was taken out")
