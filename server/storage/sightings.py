"""Sightings and their pictures, read. Implements the contract's Sightings, Pictures."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from server.errors import NotThere, QuestionInvalid, TookTooLong
from server.row_id import is_id
from server.storage.asking import Reader, Readers, T
from server.storage.cursors import Asked, Cursor, Position, read, written
from server.storage.evidence import characters_in
from server.storage.feed import highest
from server.storage.picture_stores.contract import PictureReading
from server.storage.plate_pattern import PlatePattern
from server.storage.reading.sightings import (
    MOST_CARDS,
    Count,
    MinuteCount,
    Order,
    Picture,
    SightingCard,
    SightingDetail,
    SightingFilter,
    SightingPage,
)
from server.storage.search import Found, Plan, clock, count, find, plan_of
from server.storage.sighting_rows import (
    CARD_COLUMNS,
    DETAIL_COLUMNS,
    card_of,
    corrections_of,
    detail_of,
    rows_by_id,
)
from server.storage.times import moment_of, text_of

SEARCH_S: Final = 0.15
COUNT_S: Final = 0.15
"""A page or count is broken off then where there is so much to look through."""
BLOCK: Final = 1000
"""Matches that are put in order of likelihood together."""
PIECE: Final = 500
PIECE_S: Final = 60.0
SEARCH_WHOLE_S: Final = 3.0
"""A search looks for SEARCH_S and then says how far it came. One that gets to no such moment,
because a single look into the database takes so long, is broken off: others want its thread."""
MOST_MINUTES: Final = 1440
_BY_TIME: Final = "lpr_detections_captured_at"
_PICTURE: Final = (
    "SELECT image_sha256, image_data, received_at, image_status FROM lpr_detections WHERE id = ?"
)


class StoredSightings:
    """Both belong to whoever made them. A search that takes longer than `longest_s` is refused.
    `newest` is the id up to which no row comes any more."""

    def __init__(
        self,
        pool: Readers,
        pictures: PictureReading,
        *,
        longest_s: float = SEARCH_WHOLE_S,
        newest: Callable[[Reader], int] = highest,
    ) -> None:
        self._newest = newest
        self._pool = pool
        self._pictures = pictures
        self._longest_s = longest_s

    async def page(
        self,
        chosen: SightingFilter,
        *,
        order: Order = Order.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> SightingPage:
        if not 1 <= limit <= MOST_CARDS:
            raise QuestionInvalid(f"limit={limit}: expected 1 to {MOST_CARDS}, such as limit=50")
        plan = plan_of(chosen, self._pool.dialect)
        asked = Asked(chosen=chosen, order=order)
        held = read(cursor, asked) if cursor else None
        pattern = PlatePattern.parse(chosen.plate)

        def work(reader: Reader) -> SightingPage:
            if order is Order.LIKELIEST and pattern is not None:
                start = held or Cursor(asked.digest, self._newest(reader), Position())
                return _likeliest(reader, plan, pattern, start, limit)
            start = held or Cursor(asked.digest, highest(reader), Position())
            return _newest(reader, plan, pattern, start, limit)

        return await self._search(work)

    async def count(self, chosen: SightingFilter) -> Count:
        plan = plan_of(chosen, self._pool.dialect)
        return await self._search(lambda reader: _count(reader, plan))

    async def _search(self, work: Callable[[Reader], T]) -> T:
        try:
            return await self._pool.ask(work, longest_s=self._longest_s)
        except TookTooLong as error:
            raise TookTooLong(
                f"the search took longer than {self._longest_s:g} s and was broken off: narrow it "
                "to a shorter time, to one camera, or to a plate of which the first three "
                "characters are known"
            ) from error

    async def detail(self, sighting_id: int) -> SightingDetail:
        def work(reader: Reader) -> SightingDetail:
            rows = rows_by_id(reader, [_id(sighting_id)], f"{DETAIL_COLUMNS}, evidence")
            if not rows:
                raise _no_sighting(sighting_id)
            corrections = corrections_of(reader, [sighting_id])
            return detail_of(rows[sighting_id], corrections.get(sighting_id, ()))

        return await self._pool.ask(work)

    async def per_minute(self, *, until: datetime, minutes: int = 60) -> tuple[MinuteCount, ...]:
        if not 1 <= minutes <= MOST_MINUTES:
            raise QuestionInvalid(f"minutes={minutes}: expected 1 to {MOST_MINUTES}")
        last = until.astimezone(UTC).replace(second=0, microsecond=0)
        begins = [last - timedelta(minutes=back) for back in reversed(range(minutes))]
        sql = (
            "SELECT substr(captured_at, 1, 16), count(*) FROM lpr_detections"  # noqa: S608 (our own names)
            f"{self._pool.dialect.by_index(_BY_TIME)} "
            "WHERE captured_at >= :begin AND captured_at < :end GROUP BY 1"
        )
        values = {"begin": text_of(begins[0]), "end": text_of(until)}
        found: dict[str, int] = dict(await self._pool.ask(lambda reader: reader.rows(sql, values)))
        return tuple(
            MinuteCount(at=begin, count=found.get(text_of(begin)[:16], 0)) for begin in begins
        )

    async def every(
        self, chosen: SightingFilter, *, with_evidence: bool = False
    ) -> AsyncIterator[Sequence[SightingDetail]]:
        plan = plan_of(chosen, self._pool.dialect)
        columns = f"{DETAIL_COLUMNS}, evidence" if with_evidence else DETAIL_COLUMNS
        as_of = await self._pool.ask(highest)
        following: Position | None = Position()
        while following is not None:
            details, following = await self._piece(plan, following, as_of, columns)
            if details:
                yield details

    async def picture(self, sighting_id: int) -> Picture:
        row = await self._pool.ask(lambda reader: reader.row(_PICTURE, (_id(sighting_id),)))
        if row is None:
            raise _no_sighting(sighting_id)
        sha256, older, received_at, status = row
        if sha256 is None and not older:
            raise NotThere(
                f"sighting {sighting_id} has no picture: its image_status is {status or 'missing'}"
            )
        content = await asyncio.to_thread(self._content, sha256, older, received_at)
        if content is None:
            raise NotThere(
                f"the picture of sighting {sighting_id} is gone: those that arrived on "
                f"{str(received_at)[:10]} were given up, or its file cannot be read"
            )
        return Picture(
            content=content,
            media_type="image/png" if content.startswith(b"\x89PNG") else "image/jpeg",
            sha256=sha256 or hashlib.sha256(content).hexdigest(),
        )

    def _content(self, sha256: str | None, older: Any, received_at: Any) -> bytes | None:
        if sha256 is not None:
            return self._pictures.read(sha256, str(received_at)[:10])
        try:
            return base64.b64decode(str(older).rpartition(",")[2])
        except (binascii.Error, ValueError):
            return None

    async def _piece(
        self, plan: Plan, after: Position, as_of: int, columns: str
    ) -> tuple[list[SightingDetail], Position | None]:
        def work(reader: Reader) -> tuple[list[SightingDetail], Position | None]:
            found = find(reader, plan, after=after, as_of=as_of, limit=PIECE, is_time_up=clock(1.0))
            ids = [each.id for each in found.positions]
            rows = rows_by_id(reader, ids, columns)
            corrections = corrections_of(reader, ids)
            details = [detail_of(rows[i], corrections.get(i, ())) for i in ids if i in rows]
            return details, found.following

        return await self._pool.ask(work, longest_s=PIECE_S)


def _newest(
    reader: Reader, plan: Plan, pattern: PlatePattern | None, start: Cursor, limit: int
) -> SightingPage:
    found = _found(reader, plan, start, limit)
    cards = _cards(reader, [each.id for each in found.positions], pattern)
    following = found.following
    return SightingPage(
        cards=tuple(cards),
        next_cursor=written(Cursor(start.fits, start.as_of, following)) if following else None,
        searched_back_to=moment_of(found.back_to),
    )


def _likeliest(
    reader: Reader, plan: Plan, pattern: PlatePattern, start: Cursor, limit: int
) -> SightingPage:
    """The block is found and put in order anew for each of its pages: it is the same each time,
    for up to `start.as_of` no row comes any more."""
    found = _found(reader, plan, start, BLOCK)
    ranked = sorted(
        _cards(reader, [each.id for each in found.positions], pattern),
        key=lambda card: -(card.likelihood or 0.0),  # stable: the newest first among equals
    )
    end = start.shown + limit
    if end < len(ranked):
        following: Cursor | None = Cursor(start.fits, start.as_of, start.after, end)
    elif found.following is not None:
        following = Cursor(start.fits, start.as_of, found.following)
    else:
        following = None
    is_last_of_block = end >= len(ranked)
    return SightingPage(
        cards=tuple(ranked[start.shown : end]),
        next_cursor=written(following) if following else None,
        searched_back_to=moment_of(found.back_to) if is_last_of_block else None,
    )


def _found(reader: Reader, plan: Plan, start: Cursor, limit: int) -> Found:
    time_is_up = clock(SEARCH_S)
    return find(
        reader,
        plan,
        after=start.after,
        as_of=start.as_of,
        limit=limit,
        is_time_up=time_is_up,
    )


def _cards(reader: Reader, ids: Sequence[int], pattern: PlatePattern | None) -> list[SightingCard]:
    """In the order of `ids`, without those that were pruned meanwhile."""
    columns = CARD_COLUMNS if pattern is None else f"{CARD_COLUMNS}, evidence"
    rows = rows_by_id(reader, ids, columns)
    cards = []
    for each in ids:
        row = rows.get(each)
        if row is not None:
            likelihood = None if pattern is None else _likelihood(pattern, row)
            cards.append(card_of(row, likelihood))
    return cards


def _likelihood(pattern: PlatePattern, row: Any) -> float:
    if row["corrected_plate"] is not None:
        return round(pattern.likelihood(str(row["corrected_plate"])), 3)
    plate = str(row["license_plate"])
    likelihood = pattern.likelihood(plate)
    if 0.0 < likelihood < 1.0:  # something was confused: what did the reading itself say?
        said = characters_in(row["evidence"])
        shares = [(each.text, each.confidence or 0.0, each.alternatives) for each in said]
        likelihood = pattern.likelihood(plate, shares)
    return round(likelihood, 3)


def _count(reader: Reader, plan: Plan) -> Count:
    as_of = highest(reader)
    total, back_to = count(reader, plan, as_of=as_of, is_time_up=clock(COUNT_S))
    if back_to is None:
        return Count(count=total, is_exact=True)
    return Count(count=_estimate(reader, plan, total, back_to), is_exact=False)


def _estimate(reader: Reader, plan: Plan, counted: int, back_to: str) -> int:
    """As many in each hour of what was not counted as in each hour of what was."""
    place = reader.dialect.by_index(_BY_TIME)
    bounds = reader.row(
        f"SELECT (SELECT min(captured_at) FROM lpr_detections{place} "  # noqa: S608 (our own names)
        f"WHERE captured_at >= :since), (SELECT max(captured_at) FROM lpr_detections{place} "
        "WHERE captured_at < :until)",
        {"since": plan.since, "until": plan.until},
    )
    first, last, reached = (moment_of(each) for each in (*(bounds or (None, None)), back_to))
    if first is None or last is None or reached is None or last <= reached:
        return counted
    return round(counted * ((last - first) / (last - reached)))


def _id(sighting_id: int) -> int:
    if not is_id(sighting_id):
        raise _no_sighting(sighting_id)
    return sighting_id


def _no_sighting(sighting_id: int) -> NotThere:
    return NotThere(f"there is no sighting {sighting_id}: it never was, or it was given up as old")
