"""What is logged as wrong is reported: counted by code, the latest whole, without any secret."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from telemetry.error_book import KEPT, MOST_CODES, OTHER, ErrorBook, file_beside
from telemetry.error_report import LONGEST_TRACEBACK, Severity, code_of
from telemetry.logging import configure_logging
from tests.telemetry.own_log import own_log

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log is to be."""
    with own_log():
        yield tmp_path / "log" / "program.log"


def opened(log: Path, clock: Clock) -> ErrorBook:
    book = ErrorBook(file_beside(log), secrets={"hunter22"}, now=clock.now)
    configure_logging(file=log, level="info", to_stderr=False, errors=book)
    return book


def test_levels_and_tracebacks_make_the_severity_unless_it_is_said(log: Path, clock: Clock) -> None:
    book, logger = opened(log, clock), structlog.get_logger("server.ingest")
    logger.info("all is well")
    logger.warning("the clock is not set")
    logger.error("row cannot be stored", row_id=7)
    try:
        raise ValueError("deep")
    except ValueError:
        logger.exception("connection failed")
    logger.warning("the camera gives no frame", severity="critical", action="restart")
    logging.getLogger("a.library").error("broke %s", "here")
    said = book.summary()
    told = {each.code: each.severity for each in said.reports}
    assert told == {
        "the_clock_is_not_set": Severity.LOW,
        "row_cannot_be_stored": Severity.MEDIUM,
        "connection_failed": Severity.HIGH,
        "the_camera_gives_no_frame": Severity.CRITICAL,
        "broke_s": Severity.MEDIUM,
    }
    assert (said.count, said.last_hour) == (5, 5)
    whole = {each.code: each for each in said.reports}
    assert whole["row_cannot_be_stored"].details == "row_id=7"
    assert whole["row_cannot_be_stored"].component == "server.ingest"
    assert "ValueError: deep" in (whole["connection_failed"].traceback or "")
    assert whole["the_camera_gives_no_frame"].action == "restart"
    assert whole["broke_s"].message == "broke here"


def test_counts_are_by_code_and_of_the_last_hour(log: Path, clock: Clock) -> None:
    book, logger = opened(log, clock), structlog.get_logger("a")
    logger.error("no link")
    clock.at += timedelta(minutes=50)
    logger.error("no link")
    logger.error("disk full")
    clock.at += timedelta(minutes=20)
    counts = {each.code: (each.count, each.last_hour) for each in book.summary().by_code}
    assert counts == {"no_link": (2, 1), "disk_full": (1, 1)}
    assert [each.code for each in book.summary(code="disk_full").reports] == ["disk_full"]
    assert book.summary(severity=Severity.HIGH).reports == ()
    readings = {each.labels: each.value for each in book.readings("server")}
    assert readings["server", "reported_medium", "no_link"] == 2


def test_a_storm_is_counted_and_does_not_drive_out_the_rest(log: Path, clock: Clock) -> None:
    book, logger = opened(log, clock), structlog.get_logger("a")
    logger.error("rare")
    for _ in range(2 * KEPT):
        logger.error("storm")
    said = book.summary()
    assert {each.code for each in said.reports} == {"rare", "storm"}
    assert said.count == 2 * KEPT + 1
    assert len(said.reports) < 20


def test_codes_are_bounded(clock: Clock) -> None:
    book = ErrorBook(now=clock.now)
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MOST_CODES + 50)]
    for word in words:
        book.note({"event": word, "level": "error"})
    counted = {each.code: each.count for each in book.summary().by_code}
    assert len(counted) == MOST_CODES + 1
    assert counted[OTHER] == 50
    assert code_of("row 17 of gate-3: refused") == "row_of_gate"


def test_what_earlier_runs_reported_is_remembered_and_the_file_is_bounded(
    log: Path, clock: Clock
) -> None:
    book, logger = opened(log, clock), structlog.get_logger("a")
    for _ in range(3 * KEPT):
        clock.at += timedelta(minutes=1)
        logger.error("again")
    file = file_beside(log)
    assert len(file.read_bytes().splitlines()) <= 2 * KEPT
    with file.open("ab") as torn:
        torn.write(b'{"at":"2026-')
    later = opened(log, clock).summary()
    assert later.reports == book.summary().reports
    assert (later.count, later.last_hour) == (0, 0)


def test_no_secret_and_no_plate_is_kept_and_long_tracebacks_keep_their_end(
    log: Path, clock: Clock
) -> None:
    book, logger = opened(log, clock), structlog.get_logger("a")
    try:
        raise ValueError("x" * LONGEST_TRACEBACK + "rtsp://me:hunter22@camera/ the end")
    except ValueError:
        logger.exception("source broke", plate="1กก1234", reason="password=hunter22")
    content = file_beside(log).read_text("utf-8")
    assert "hunter22" not in content
    assert "1กก1234" not in content
    (report,) = book.summary().reports
    assert report.traceback is not None
    assert len(report.traceback) == LONGEST_TRACEBACK
    assert report.traceback.endswith("the end")


def test_the_file_is_bounded_however_short_the_runs_are(log: Path, clock: Clock) -> None:
    file = file_beside(log)
    file.parent.mkdir()
    for _ in range(400):
        book = ErrorBook(file, now=clock.now)
        for code in ("one", "two", "three", "four", "five"):
            book.note({"event": code, "level": "error"})
    assert len(file.read_bytes().splitlines()) <= 2 * KEPT + 5


def test_an_error_while_errors_are_looked_at_is_noted(clock: Clock) -> None:
    """Memory may be collected in the midst of it, and asyncio log of a task that is given up."""
    seen: list[ErrorBook] = []

    def now() -> datetime:
        for book in seen[:1]:
            seen.clear()
            book.note({"event": "task was given up", "level": "error"})
        return clock.at

    book = ErrorBook(now=now)
    seen.append(book)
    looking = threading.Thread(target=book.summary, daemon=True)
    looking.start()
    looking.join(timeout=10)
    assert not looking.is_alive()
    assert [each.code for each in book.summary().reports] == ["task_was_given_up"]


def test_what_a_peer_sent_can_be_written_and_answered(log: Path, clock: Clock) -> None:
    book, logger = opened(log, clock), structlog.get_logger("a")
    logger.error("refused", value="half of \ud800")
    (report,) = book.summary().reports
    assert report.details == "value=half of \\ud800"
    assert ErrorBook(file_beside(log)).summary().reports == (report,)


def test_where_the_file_cannot_be_written_it_still_counts(tmp_path: Path, clock: Clock) -> None:
    book = ErrorBook(tmp_path / "missing" / "errors.jsonl", now=clock.now)
    book.note({"event": "disk full", "level": "error"})
    assert book.summary().count == 1
