"""What is held open on a loop beside ends with the command, however that ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from types import FrameType

import pytest

from server.loop_beside import opened_beside

MOST_MOMENTS = 5000


def press_ctrl_c() -> None:
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


@contextlib.asynccontextmanager
async def opening(said: list[str], *, is_interrupted: bool = False) -> AsyncIterator[str]:
    said.append("opened")
    if is_interrupted:
        press_ctrl_c()
    try:
        yield "it"
    finally:
        said.append("closed")


def test_what_is_opened_works_until_the_end_and_is_closed_then() -> None:
    said: list[str] = []

    async def work() -> None:
        said.append("worked")

    with opened_beside(lambda: opening(said)) as (opened, loop):
        asyncio.run_coroutine_threadsafe(work(), loop).result()
        assert (opened, said) == ("it", ["opened", "worked"])
    assert said == ["opened", "worked", "closed"]


def test_ctrl_c_while_it_is_opened_ends_the_command() -> None:
    said: list[str] = []
    with (
        pytest.raises(KeyboardInterrupt),
        opened_beside(lambda: opening(said, is_interrupted=True)),
    ):
        pass
    assert said == ["opened", "closed"]


def test_ctrl_c_does_not_wait_for_what_never_opens() -> None:
    said: list[str] = []

    @contextlib.asynccontextmanager
    async def never() -> AsyncIterator[None]:
        press_ctrl_c()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            said.append("given up")

    with pytest.raises(KeyboardInterrupt), opened_beside(never):
        said.append("went on")
    assert said == ["given up"]


def test_ctrl_c_before_the_opening_began_does_not_wait_for_it_either() -> None:
    @contextlib.asynccontextmanager
    async def never() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    with pytest.raises(KeyboardInterrupt), ctrl_c_at(0), opened_beside(never):
        pass


def test_a_second_ctrl_c_does_not_wait_for_what_never_closes() -> None:
    said: list[str] = []

    @contextlib.asynccontextmanager
    async def stuck() -> AsyncIterator[None]:
        try:
            yield
        finally:
            press_ctrl_c()
            try:
                await asyncio.Event().wait()
            finally:
                said.append("given up")

    with pytest.raises(KeyboardInterrupt), opened_beside(stuck):
        signal.raise_signal(signal.SIGINT)
    assert said == ["given up"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a half-made loop's
def test_where_no_loop_can_be_had_the_reason_is_raised() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most))
    try:
        with pytest.raises(OSError, match="open files"), opened_beside(lambda: opening([])):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
        gc.collect()  # in this test, and no later one


def test_ctrl_c_in_the_midst_of_the_work_is_raised_there() -> None:
    said: list[str] = []
    with (
        contextlib.suppress(KeyboardInterrupt),
        opened_beside(lambda: opening(said)),
    ):
        signal.raise_signal(signal.SIGINT)
        said.append("went on")
    assert said == ["opened", "closed"]


@contextlib.contextmanager
def ctrl_c_at(moment: int) -> Iterator[list[int]]:
    """Where the interpreter looks for signals: when a function of Python begins, and when one of C
    is through; of what happens while Python's own handler is away. What is given holds the moments
    left, below 0 once it was pressed."""
    left = [moment]

    def profile(frame: FrameType, event: str, _: object) -> None:
        handler = signal.getsignal(signal.SIGINT)
        assert callable(handler)
        if event in ("call", "c_return") and handler is not signal.default_int_handler:
            left[0] -= 1
            if left[0] == -1:
                handler(signal.SIGINT, frame)

    try:
        sys.setprofile(profile)
        yield left
    finally:
        sys.setprofile(None)


def test_no_moment_of_ctrl_c_leaves_anything_open() -> None:
    threads = threading.active_count()
    for moment in range(MOST_MOMENTS):
        said: list[str] = []
        try:
            with ctrl_c_at(moment) as left, opened_beside(partial(opening, said)):
                said.append("worked")
        except KeyboardInterrupt:
            assert left[0] < 0
        else:
            assert left[0] >= 0, f"pressed at moment {moment}, and not raised"
        assert said.count("opened") == said.count("closed"), f"pressed at moment {moment}: {said}"
        assert threading.active_count() == threads
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if left[0] >= 0:
            return
    pytest.fail(f"more than {MOST_MOMENTS} moments")
