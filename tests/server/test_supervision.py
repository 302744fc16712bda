"""A part that breaks is started anew, memory that runs short is freed, and both are reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server.supervision import RESTART_FIRST_S, beside, kept_running, watch_memory
from telemetry.error_book import ErrorBook
from telemetry.error_report import Severity
from telemetry.logging import configure_logging
from tests.telemetry.own_log import own_log


class Over(BaseException):
    """Ends what has no end."""


@pytest.fixture
def errors(tmp_path: Path) -> Iterator[ErrorBook]:
    book = ErrorBook()
    with own_log():
        configure_logging(file=tmp_path / "log", level="info", to_stderr=False, errors=book)
        yield book


async def test_what_breaks_is_started_anew_later_and_later(errors: ErrorBook) -> None:
    slept: list[float] = []

    async def work() -> None:
        if len(slept) < 3:
            raise MemoryError if len(slept) == 1 else ValueError("unforeseen")

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await kept_running("minutes", work, sleep=sleep)
    assert slept == [RESTART_FIRST_S, 2 * RESTART_FIRST_S, 4 * RESTART_FIRST_S]
    third, second, first = errors.summary().reports
    assert {each.severity for each in (first, second, third)} == {Severity.CRITICAL}
    assert {each.code for each in (first, second, third)} == {"a_part_of_the_server_broke"}
    assert first.action == "starts anew in 1 s"
    assert "part=minutes" in first.details
    assert "ValueError: unforeseen" in (first.traceback or "")
    assert "of memory freed; starts anew" in (second.action or "")


async def test_what_breaks_in_a_group_of_tasks_is_started_anew(errors: ErrorBook) -> None:
    slept: list[float] = []

    async def fail() -> None:
        raise ValueError

    async def work() -> None:
        if slept:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await asyncio.create_task(kept_running("feed", work, sleep=sleep))
    assert slept == [RESTART_FIRST_S]
    assert errors.summary().reports[0].action == "starts anew in 1 s"


async def test_cancelling_ends_it() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(kept_running("feed", for_ever))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_breaks_while_it_is_cancelled_is_told_and_not_started_anew(
    errors: ErrorBook,
) -> None:
    begun = 0
    is_at_work = asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        is_at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("unforeseen")

    task = asyncio.create_task(kept_running("feed", work))
    await is_at_work.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(30):
            await task
    assert begun == 1
    (told,) = errors.summary().reports
    assert told.action == "it was to end"


async def test_of_parts_side_by_side_one_is_started_anew_and_all_end_on_leaving(
    errors: ErrorBook,
) -> None:
    told: list[str] = []
    again = asyncio.Event()

    async def breaks() -> None:
        told.append("begun")
        if told == ["begun"]:
            raise ValueError("unforeseen")
        again.set()

    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("ended")

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    async with beside({"one": breaks, "other": goes_on}, sleep=at_once), asyncio.timeout(10):
        await again.wait()
    assert told == ["begun", "begun", "ended"]
    (report,) = errors.summary().reports
    assert "part=one" in report.details


def looks(*shares: float) -> tuple[Callable[[], float], Callable[[float], asyncio.Future[None]]]:
    """What is available at each look; after the last one it is over."""
    left = list(shares)

    async def sleep(_seconds: float) -> None:
        if not left:
            raise Over

    return (lambda: left.pop(0)), sleep  # type: ignore[return-value]


async def test_memory_is_freed_once_while_it_is_short(errors: ErrorBook) -> None:
    freed: list[int] = []

    def free() -> int:
        freed.append(1)
        return 12_345_678

    available, sleep = looks(0.5, 0.04, 0.03, 0.2, 0.02)
    with suppress(Over):
        await watch_memory(available=available, free=free, sleep=sleep)
    assert len(freed) == 2
    report, _ = errors.summary().reports
    assert (report.code, report.severity) == ("memory_is_short", Severity.CRITICAL)
    assert report.action == "12 MB of memory freed"
