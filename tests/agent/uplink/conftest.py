"""An outbox in a temporary folder and senders for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.clock import SystemClock
from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from telemetry.tracing import RowTracer

SendersFactory = Callable[..., AbstractAsyncContextManager[Sender]]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "db" / "lpr_data.db", tmp_path / "captured", "cam-1") as opened:
        yield opened


@pytest.fixture
def new_sender(outbox: Outbox) -> Callable[..., Sender]:
    """Builds a sender for an address; settings by keyword."""

    def build(url: str, *, tracer: RowTracer | None = None, **settings: Any) -> Sender:
        chosen = {"check_interval_s": 0.2, "backoff_max_s": 1.0, "stop_grace_s": 1.0, **settings}
        sender = Sender(
            outbox.sending(),
            settings=UplinkSettings(url=url, **chosen),
            identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
            clock=SystemClock(),
            lock_path=outbox.path.with_suffix(".sender.lock"),
            random=lambda: 0.0,
            tracer=tracer,
        )
        outbox.on_commit(sender.notify)
        return sender

    return build


@pytest.fixture
def running(new_sender: Callable[..., Sender]) -> SendersFactory:
    """A sender at work; leaving stops it in order."""

    @asynccontextmanager
    async def run(url: str, **settings: Any) -> AsyncIterator[Sender]:
        sender = new_sender(url, **settings)
        stop = asyncio.Event()
        task = asyncio.create_task(sender.run(stop))
        try:
            yield sender
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)

    return run


async def soon(work: Awaitable[Any], timeout_s: float = 10.0) -> Any:
    """The result, or a failure that says that it never came."""
    return await asyncio.wait_for(work, timeout_s)


async def until(holds: Callable[[], bool]) -> None:
    """Waits until a claim holds; fails after a minute, in which every program has started."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - claims about several parts, with no one event
            await asyncio.sleep(0.005)
