"""The errors of this program: all counted by code, the last ones kept whole, in a bounded file.

Beside the log, not in the database: what is wrong may be the database.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from telemetry.catalogue import ERRORS
from telemetry.error_report import ErrorReport, Severity, code_in, report_of, severity_in
from telemetry.metrics import Reading

KEPT: Final = 500
"""Reports that are kept whole; older ones go."""
MOST_CODES: Final = 200
OTHER: Final = "other"
"""The codes beyond `MOST_CODES`."""
HOUR: Final = timedelta(hours=1)
_MINUTES: Final = 60
_A_MINUTE: Final = 10
"""Of one code so many reports a minute are kept whole: a storm must not drive out all others."""
_FILE_LINES: Final = 2 * KEPT


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """One code: how often since `ErrorSummary.since`, how often in the last hour, when last, and
    the gravest that it was."""

    code: str
    severity: Severity
    count: int
    last_hour: int
    latest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSummary:
    """Counted since the program was started; codes that were seen last come first. `reports` also
    of the runs before, the newest first."""

    since: datetime
    count: int
    last_hour: int
    by_code: tuple[CodeCount, ...]
    reports: tuple[ErrorReport, ...]


@dataclass(slots=True)
class _Tally:
    severity: Severity
    latest_at: datetime
    by_severity: Counter[Severity]
    by_minute: deque[tuple[int, int]]


class ErrorBook:
    """Safe from any thread, also where noting one error leads to another: asyncio logs of a task
    that was given up when memory is collected, which may be in the midst of anything."""

    def __init__(
        self,
        file: Path | None = None,
        *,
        secrets: Iterable[str] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`file` holds a report a line, as JSON; what earlier runs left in it is read. `secrets`
        are taken out of every text."""
        self._file = file
        self._secrets = frozenset(secrets)
        self._now = now
        self._lock = threading.RLock()
        self._since = now()
        self._tallies: dict[str, _Tally] = {}
        lines = _lines_of(file)
        self._lines = len(lines)
        self._reports: deque[ErrorReport] = deque(_read(lines), maxlen=KEPT)

    def note(self, event: dict[str, Any]) -> None:
        """An event of the log. Of a storm most are only counted, which costs next to nothing."""
        at = self._now()
        with self._lock:
            count = self._count(code_in(event), severity_in(event), at)
        if count > _A_MINUTE:
            return
        report = report_of(event, at=at, secrets=self._secrets)
        with self._lock:
            self._reports.append(report)
            self._write(report)

    def summary(
        self, *, limit: int = KEPT, code: str | None = None, severity: Severity | None = None
    ) -> ErrorSummary:
        """`code` and `severity` choose the reports; counts are of all."""
        with self._lock:
            now = self._now()
            counts = [self._counted(code, tally, now) for code, tally in self._tallies.items()]
            reports = [*self._reports]
        chosen = (
            report
            for report in reversed(reports)
            if (code is None or report.code == code)
            and (severity is None or report.severity is severity)
        )
        return ErrorSummary(
            since=self._since,
            count=sum(each.count for each in counts),
            last_hour=sum(each.last_hour for each in counts),
            by_code=tuple(sorted(counts, key=lambda each: each.latest_at, reverse=True)),
            reports=tuple(report for report, _ in zip(chosen, range(limit), strict=False)),
        )

    def readings(self, service: str) -> Iterator[Reading]:
        """For Prometheus: warnings are no errors."""
        with self._lock:
            found = {code: dict(tally.by_severity) for code, tally in self._tallies.items()}
        for code, counts in found.items():
            for severity, count in counts.items():
                if severity is Severity.LOW:
                    continue
                yield ERRORS.of(count, service, f"reported_{severity.value}", code)

    def _count(self, code: str, severity: Severity, at: datetime) -> int:
        """How many of that code there were in this minute."""
        if code not in self._tallies and len(self._tallies) >= MOST_CODES:
            code = OTHER
        minute = int(at.timestamp()) // 60
        tally = self._tallies.get(code)
        if tally is None:
            tally = _Tally(severity, at, Counter(), deque(maxlen=_MINUTES + 1))
            self._tallies[code] = tally
        order = list(Severity)
        tally.severity = max(tally.severity, severity, key=order.index)
        tally.latest_at = at
        tally.by_severity[severity] += 1
        before = 0
        if tally.by_minute and tally.by_minute[-1][0] == minute:
            before = tally.by_minute.pop()[1]
        tally.by_minute.append((minute, before + 1))
        return before + 1

    def _counted(self, code: str, tally: _Tally, now: datetime) -> CodeCount:
        oldest = int((now - HOUR).timestamp()) // 60
        return CodeCount(
            code=code,
            severity=tally.severity,
            count=tally.by_severity.total(),
            last_hour=sum(count for minute, count in tally.by_minute if minute > oldest),
            latest_at=tally.latest_at,
        )

    def _write(self, report: ErrorReport) -> None:
        """A file that cannot be written costs what is kept over a restart, and nothing else."""
        if self._file is None:
            return
        try:
            if self._lines >= _FILE_LINES:
                _replace(self._file, self._reports)
                self._lines = len(self._reports)
            else:
                with self._file.open("ab") as file:
                    file.write(_line(report))
                self._lines += 1
        except OSError:
            return


class ErrorHandler(logging.Handler):
    """Takes what is logged as wrong into the book."""

    def __init__(self, book: ErrorBook) -> None:
        super().__init__(logging.WARNING)
        self._book = book

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._book.note(_event_of(record))
        except Exception:  # noqa: BLE001 - a report that cannot be made must not cost the work
            self.handleError(record)


def file_beside(log: Path) -> Path:
    """Where the errors of the program with that log are kept."""
    return log.with_suffix(".errors.jsonl")


def _event_of(record: logging.LogRecord) -> dict[str, Any]:
    """Of structlog's events, and of plain records of libraries."""
    if isinstance(record.msg, dict):
        return record.msg
    event: dict[str, Any] = {
        "event": record.getMessage(),
        "level": record.levelname.lower(),
        "logger": record.name,
        "code": str(record.msg),
    }
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = logging.Formatter().formatException(record.exc_info)
    return event


def _line(report: ErrorReport) -> bytes:
    return msgspec.json.encode(asdict(report)) + b"\n"


def _lines_of(file: Path | None) -> list[bytes]:
    """All that earlier runs left: each that ends counts towards the bound, however short it ran."""
    if file is None:
        return []
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []


def _read(lines: Iterable[bytes]) -> list[ErrorReport]:
    """What can be read of them: a line cut off by a power cut is passed over."""
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=ErrorReport))
        except msgspec.MsgspecError:
            continue
    return found


def _replace(file: Path, reports: Iterable[ErrorReport]) -> None:
    """With these alone."""
    fresh = file.with_name(file.name + ".new")
    with fresh.open("wb") as made:
        made.writelines(map(_line, reports))
        made.flush()
        os.fsync(made.fileno())
    fresh.rename(file)
