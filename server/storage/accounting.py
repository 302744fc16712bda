"""The books of a camera, day by day: which numbers of its sequence are here, and where the others
are. Pure."""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from server.storage.reading.cameras import (
    CameraReport,
    DayBooks,
    EpochBooks,
    EvictionNote,
    Gap,
    GapCause,
)

MOST_GAPS: Final = 100
_STORED: Final = "stored"
_Range = tuple[int, int, str]
"""Of numbers, both ends included, and what is said of them."""


StoredRow = tuple[str, int, str]
"""A row that is here: epoch, sequence, and captured_at as the database has it, in UTC, so that
texts compare. Plain, for there are a hundred thousand of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What explains missing numbers: the camera's last report, its present epoch, what it gave up
    (each with the epoch it was said in), and of each epoch where it begins and what it lacks."""

    epoch: str | None
    report: CameraReport | None
    evictions: tuple[tuple[str, EvictionNote], ...]
    epochs: Mapping[str, EpochBooks] = field(default_factory=dict)

    def begins_after(self, epoch: str) -> int:
        """The last number that was given before; 0 where nobody says."""
        books = self.epochs.get(epoch)
        return 0 if books is None or books.begins_after is None else books.begins_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`days` the newest first, `gaps` too; `more_gaps` are left out."""

    days: tuple[DayBooks, ...]
    gaps: tuple[Gap, ...]
    more_gaps: int


class _Hole(NamedTuple):
    epoch: str
    first: int
    last: int
    after: str | None
    before: str


def account(
    rows: Collection[StoredRow],
    said: Said,
    *,
    since: date,
    strays: Collection[StoredRow] = (),
    elsewhere: Collection[tuple[str, int]] = (),
) -> Account:
    """Of the days from `since` on; `rows` may begin earlier, so that what is missing before the
    first row of a day is seen too. A hole belongs to the day of the row that follows it.

    `strays` are rows of these days whose clock was far off: their neighbours lie in other days, so
    that they bound holes among themselves alone. `elsewhere` are epoch and number of strays that
    lie in other days.
    """
    line, other_line = sorted(rows), sorted(strays)
    ordered = sorted([*line, *other_line]) if other_line else line
    first_day = since.isoformat()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for day, count in Counter(at[:10] for _, _, at in ordered).items():
        counts[day][_STORED] = count
    causes = _Causes(said, ordered)
    gaps: list[Gap] = []
    lines = _Lines(said, first_day, [*elsewhere, *(row[:2] for row in other_line)])
    holes = list(lines.holes(line, other_line))
    for hole in sorted(holes, key=lambda hole: hole.before, reverse=True):
        for gap in causes.of(hole):
            gaps.append(gap)
            counts[hole.before[:10]][gap.cause] += gap.count
    return Account(
        days=tuple(
            _day(text, counts[text]) for text in sorted(counts, reverse=True) if text >= first_day
        ),
        gaps=tuple(gaps[:MOST_GAPS]),
        more_gaps=max(0, len(gaps) - MOST_GAPS),
    )


def last_before(rows: Iterable[StoredRow], earlier: Iterable[StoredRow]) -> list[StoredRow]:
    """Of each epoch in `rows`, the highest of the `earlier` ones that is below its first."""
    firsts: dict[str, int] = {}
    for epoch, number, _ in rows:
        firsts[epoch] = min(number, firsts.get(epoch, number))
    found: dict[str, StoredRow] = {}
    for row in sorted(earlier):
        if row[0] in firsts and row[1] < firsts[row[0]]:
            found[row[0]] = row
    return list(found.values())


class _Lines:
    """Finds the numbers between those of rows that follow each other, which are not here."""

    def __init__(self, said: Said, first_day: str, off_line: Iterable[tuple[str, int]]) -> None:
        """`off_line` are epoch and number of rows that are here, and on another line than the
        first."""
        self._said = said
        self._first_day = first_day
        self._here: defaultdict[str, list[_Range]] = defaultdict(list)
        self._add(off_line)

    def holes(self, *lines: Sequence[StoredRow]) -> Iterator[_Hole]:
        """Each number once, on whichever line it is missing first."""
        self._add(self._early(itertools.chain(*lines)))
        for number, line in enumerate(lines):
            for hole in self._between(line):
                if hole.before[:10] >= self._first_day:
                    yield from self._cut(hole)
            if any(lines[number + 1 :]):
                self._add(row[:2] for row in line)

    def _add(self, rows: Iterable[tuple[str, int]]) -> None:
        for epoch, number in rows:
            self._here[epoch].append((number, number, _STORED))
        for ranges in self._here.values():
            ranges.sort()

    def _early(self, rows: Iterable[StoredRow]) -> list[tuple[str, int]]:
        """Rows that came under an epoch and were given their numbers, and are missing, in another
        one before."""
        begins = {epoch: self._said.begins_after(epoch) for epoch in self._said.epochs}
        if not any(begins.values()):
            return []
        return [
            (other, number)
            for epoch, number, _ in rows
            if number <= begins.get(epoch, 0)
            for other in begins
            if other != epoch
        ]

    def _between(self, line: Sequence[StoredRow]) -> Iterator[_Hole]:
        """Numbers from before the epoch bound nothing: their neighbours came under another one."""
        for epoch, group in itertools.groupby(line, key=lambda row: row[0]):
            begin = self._said.begins_after(epoch)
            own = [row for row in group if row[1] > begin]
            if own and self._is_first_heard_of(epoch) and own[0][1] > begin + 1:
                yield _Hole(epoch, begin + 1, own[0][1] - 1, None, own[0][2])
            for (_, last, after), (_, number, before) in itertools.pairwise(own):
                if number > last + 1:
                    yield _Hole(epoch, last + 1, number - 1, after, before)

    def _is_first_heard_of(self, epoch: str) -> bool:
        """In these days, and known to begin there."""
        books = self._said.epochs.get(epoch)
        if books is None or books.begins_after is None:
            return False
        return books.first_received_at.date().isoformat() >= self._first_day

    def _cut(self, hole: _Hole) -> Iterator[_Hole]:
        """Without what is here all the same. Where more would be missing than is missing of the
        whole epoch, its rows lie in other days."""
        here = self._here[hole.epoch]
        begin = max(0, bisect_left(here, (hole.first,)) - 1)
        within = here[begin : bisect_left(here, (hole.last + 1,))]
        books = self._said.epochs.get(hole.epoch)
        for first, last, found in _parts(hole, within):
            if found is None and (books is None or last - first < books.missing):
                insort(here, (first, last, _STORED))
                yield hole._replace(first=first, last=last)


def _day(text: str, counts: Counter[str]) -> DayBooks:
    return DayBooks(
        day=date.fromisoformat(text),
        captured=sum(counts.values()),
        acknowledged=counts[_STORED],
        waiting=counts[GapCause.WAITING],
        refused=counts[GapCause.REFUSED],
        evicted=counts[GapCause.EVICTED],
        unexplained=counts[GapCause.UNEXPLAINED],
    )


class _Causes:
    """Tells holes apart, the newest first: what the camera says to hold back is spent on them."""

    def __init__(self, said: Said, ordered: Sequence[StoredRow]) -> None:
        self._said = said
        report = said.report
        highest = max((number for epoch, number, _ in ordered if epoch == said.epoch), default=0)
        behind = max(0, (report.last_sequence or 0) - highest) if report else 0
        self._waiting = max(0, (report.waiting or 0) - behind) if report else 0

    def of(self, hole: _Hole) -> Iterator[Gap]:
        """The hole in parts, each with its cause."""
        for first, last, note in _parts(hole, self._evicted(hole.epoch)):
            if note is not None:
                yield _gap(hole, first, last, GapCause.EVICTED, note)
                continue
            for start, end, refused in _parts(
                hole._replace(first=first, last=last), self._refused(hole.epoch)
            ):
                if refused is not None:
                    yield _gap(hole, start, end, GapCause.REFUSED, refused)
                else:
                    yield self._rest(hole, start, end)

    def _rest(self, hole: _Hole, first: int, last: int) -> Gap:
        report = self._said.report
        if hole.epoch != self._said.epoch:
            text = "of an earlier database of this camera, and nothing is told of them"
            return _gap(hole, first, last, GapCause.UNEXPLAINED, text)
        if report is None or report.waiting is None:
            text = "the camera does not say what it still holds (an older version?)"
            return _gap(hole, first, last, GapCause.UNEXPLAINED, text)
        oldest = report.oldest_waiting_at
        is_older = oldest is not None and _moment(hole.before) < oldest
        if last - first + 1 <= self._waiting and not is_older:
            self._waiting -= last - first + 1
            text = f"the camera said at {_spoken(report.at)} that {report.waiting} rows wait there"
            return _gap(hole, first, last, GapCause.WAITING, text)
        text = f"the camera said at {_spoken(report.at)} that {report.waiting} rows wait there"
        if is_older and oldest is not None:
            text += f", the oldest from {_spoken(oldest)}, and these are older"
        return _gap(hole, first, last, GapCause.UNEXPLAINED, f"{text}: it has not told of these")

    def _evicted(self, epoch: str) -> list[tuple[int, int, str]]:
        return [
            (note.first_sequence, note.last_sequence, _told(note))
            for said_in, note in self._said.evictions
            if said_in == epoch
            and note.kind == "row"
            and note.first_sequence is not None
            and note.last_sequence is not None
        ]

    def _refused(self, epoch: str) -> list[tuple[int, int, str]]:
        report = self._said.report
        if report is None or epoch != self._said.epoch:
            return []
        text = (
            "this server refused them; the camera keeps them and says why: "
            "python -m agent send --retry-refused sends them again"
        )
        return [(first, last, text) for first, last in report.refused_sequences]


def _parts(
    hole: _Hole, ranges: Sequence[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str | None]]:
    """The hole from its first to its last number, cut where ranges begin and end."""
    at = hole.first
    for first, last, text in sorted(ranges):
        begin, end = max(first, at), min(last, hole.last)
        if begin > end:
            continue
        if begin > at:
            yield at, begin - 1, None
        yield begin, end, text
        at = end + 1
    if at <= hole.last:
        yield at, hole.last, None


def _gap(hole: _Hole, first: int, last: int, cause: GapCause, explanation: str) -> Gap:
    return Gap(
        epoch=hole.epoch,
        first=first,
        last=last,
        cause=cause,
        after=None if hole.after is None else _moment(hole.after),
        before=_moment(hole.before),
        explanation=explanation,
    )


def _told(note: EvictionNote) -> str:
    when = f" at {_spoken(note.at)}" if note.at else ""
    more = f": {note.message}" if note.message else ""
    return f"the camera gave up {note.count} rows of {note.table}{when} ({note.reason}){more}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _spoken(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
