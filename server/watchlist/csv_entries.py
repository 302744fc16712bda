"""Entries as the lines of a CSV file say them. Pure."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import chain, islice
from typing import Final

from server.errors import QuestionInvalid
from server.storage.reading.sightings import Matching
from server.watchlist.checking import checked_entry
from server.watchlist.contract import EntryDetails, LineFault
from server.watchlist.rules import Subject

COLUMNS: Final = (
    *("plate", "class_id", "matching", "reason", "valid_from", "valid_until"),
    *("schedule", "cameras", "cooldown_s"),
)
_FIELDS: Final = {"cameras": "device_ids"}
"""Of entries, where they are called otherwise than the columns."""
NEEDED: Final = {Subject.PLATES: "plate", Subject.PERSONS: "class_id"}
_DELIMITERS: Final = ",;\t"
_MOST_LINES: Final = 20
"""That one entry goes over: a quote that is not closed by then would take all that follows."""
_NOT_CLOSED: Final = "a quote is not closed"
_MOST_DIGITS: Final = 30
"""No number here has so many, and Python refuses to read one of thousands."""
_UNREADABLE: Final = "\ufffd"
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The first line of a file: the names of its columns, and what stands between them."""

    names: tuple[str, ...]
    delimiter: str

    @property
    def fields(self) -> frozenset[str]:
        """What its lines say of an entry."""
        return frozenset(_FIELDS.get(name, name) for name in self.names if name)


def heading_of(lines: Iterator[str], subject: Subject) -> Heading:
    """Takes the first line. Raises QuestionInvalid where it is not what was expected."""
    heading = next(lines, "").removeprefix(_BYTE_ORDER_MARK)
    delimiter = max(_DELIMITERS, key=heading.count)
    try:
        names = _columns(next(csv.reader([heading], delimiter=delimiter), []), subject)
    except csv.Error as error:
        raise QuestionInvalid(f"line 1: {error}; expected the names of the columns") from error
    return Heading(names=names, delimiter=delimiter)


def entries_below(
    heading: Heading, waiting: Iterator[str], subject: Subject, zone: tzinfo
) -> Iterator[tuple[int, EntryDetails | LineFault]]:
    """Of each line but the empty ones: where it ends, and its entry or what is wrong with it. A
    line whose quote is not closed is wrong alone: the next one is read for itself.

    Times without offset are of `zone`. What could not be decoded stands as U+FFFD.
    """
    names, delimiter = heading.names, heading.delimiter
    ahead: deque[str] = deque(islice(waiting, _MOST_LINES))
    line = 1
    while ahead:
        taken = 1
        found: EntryDetails | LineFault | None = None
        try:
            row, taken = _row(ahead, delimiter)
        except csv.Error as error:
            found = _fault(line + 1, str(error))
        else:
            if any(cell.strip() for cell in row):
                found = _entry(line + taken, row, names, subject, zone)
        line += taken
        for _ in range(taken):
            ahead.popleft()
        ahead.extend(islice(waiting, taken))
        if found is not None:
            yield line, found


def _row(ahead: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """The first row of these lines, and how many of them it takes; raises csv.Error."""
    rows = csv.reader(chain(ahead, ("",)), delimiter=delimiter)
    try:
        row = next(rows)
        if 1 < rows.line_num <= len(ahead):  # where another line's quote closed it, this refuses
            next(csv.reader(ahead, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise csv.Error(_NOT_CLOSED if rows.line_num > 1 else str(error)) from error
    if rows.line_num > len(ahead):
        raise csv.Error(_NOT_CLOSED)
    return row, rows.line_num


def _columns(cells: Sequence[str], subject: Subject) -> tuple[str, ...]:
    names = tuple(cell.strip().lower() for cell in cells)
    if NEEDED[subject] not in names:
        raise QuestionInvalid(
            f"line 1 is {','.join(cells)[:80]!r}: expected the names of the columns, "
            f"{NEEDED[subject]} among them; there are {', '.join(COLUMNS)}"
        )
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown:
        raise QuestionInvalid(
            f"line 1 names a column {unknown[0][:40]!r}, which is unknown: rename it or take it "
            f"out; there are {', '.join(COLUMNS)}"
        )
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise QuestionInvalid(f"line 1 names the column {twice[0]!r} twice: take one out")
    return names


def _entry(
    line: int, row: Sequence[str], names: Sequence[str], subject: Subject, zone: tzinfo
) -> EntryDetails | LineFault:
    if len(row) > len(names):
        return _fault(line, f"{len(row)} cells, expected {len(names)}: is there a comma too many?")
    said = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
    if any(_UNREADABLE in cell for cell in said.values()):
        return _fault(line, "not UTF-8: save the file as UTF-8")
    try:
        return checked_entry(_details(said, zone), subject)
    except QuestionInvalid as error:
        return _fault(line, str(error))


def _details(said: dict[str, str], zone: tzinfo) -> EntryDetails:
    return EntryDetails(
        plate=_plain(said.get("plate", "")),
        matching=_matching(said.get("matching", "")),
        class_id=_number("class_id", said.get("class_id", "")),
        reason=_plain(said.get("reason", "")),
        valid_from=_moment("valid_from", said.get("valid_from", ""), zone),
        valid_until=_moment("valid_until", said.get("valid_until", ""), zone, ends=True),
        schedule=said.get("schedule", ""),
        device_ids=tuple(part.strip() for part in said.get("cameras", "").split(" ") if part),
        cooldown_s=_number("cooldown_s", said.get("cooldown_s", "")),
    )


def _plain(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@*" else cell


def _matching(cell: str) -> Matching:
    try:
        return Matching(cell.lower() or Matching.LIKELY)
    except ValueError:
        raise QuestionInvalid(f"matching={cell[:40]!r}: expected likely or exact") from None


def _number(field: str, cell: str) -> int | None:
    if cell and not (cell.isascii() and cell.isdecimal() and len(cell) <= _MOST_DIGITS):
        raise QuestionInvalid(f"{field}={cell[:40]!r}: expected a whole number")
    return int(cell) if cell else None


def _moment(field: str, cell: str, zone: tzinfo, *, ends: bool = False) -> datetime | None:
    """A time, or a day: its beginning, or with `ends` the beginning of the next."""
    if not cell:
        return None
    try:
        at = datetime.fromisoformat(cell)
        if ends and at.time() == time() and len(cell) <= len("2026-08-06"):
            at += timedelta(days=1)
    except (ValueError, OverflowError):
        raise QuestionInvalid(
            f"{field}={cell[:40]!r}: expected a day such as 2026-08-06, or a time such as "
            "2026-08-06T10:30"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _fault(line: int, reason: str) -> LineFault:
    return LineFault(line=line, reason=reason)
