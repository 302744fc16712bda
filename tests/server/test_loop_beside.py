"""What is held open on a loop beside ends with the command, however that ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator

import pytest

from server.loop_beside import opened_beside


@contextlib.asynccontextmanager
async def opening(said: list[str], *, is_interrupted: bool = False) -> AsyncIterator[str]:
    if is_interrupted:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
    try:
        yield "opened"
    finally:
        said.append("closed")


def test_what_is_opened_works_until_the_end_and_is_closed_then() -> None:
    said: list[str] = []

    async def work() -> None:
        said.append("worked")

    with opened_beside(lambda: opening(said)) as (opened, loop):
        asyncio.run_coroutine_threadsafe(work(), loop).result()
        assert (opened, said) == ("opened", ["worked"])
    assert said == ["worked", "closed"]


def test_ctrl_c_while_it_is_opened_ends_the_command() -> None:
    said: list[str] = []
    with (
        pytest.raises(KeyboardInterrupt),
        opened_beside(lambda: opening(said, is_interrupted=True)),
    ):
        pass
    assert said == ["closed"]
