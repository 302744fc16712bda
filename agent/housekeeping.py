"""What has to be done now and then beside the watching, one thing at a time, on its own thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from agent.errors import DatabaseCorrupt, OutboxClosed, OutboxError
from agent.process import first_done

HOUR_S: Final = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A blocking call, first after `first_s`, then every `every_s` seconds.

    It may raise OutboxError, which is logged: the next time may go better. DatabaseCorrupt comes
    out, for nothing goes on with such a database.
    """

    name: str
    call: Callable[[], object]
    every_s: float
    first_s: float = 0.0


class Keeper(Protocol):
    """Keeps the outbox in order; errors are OutboxError."""

    def keep_within_limits(self) -> int: ...

    def correct_times(self) -> int: ...

    def measure(self) -> int: ...

    def prune(self, *, keep_days: float) -> object: ...


def outbox_chores(
    keeper: Keeper,
    *,
    checkpoint: Callable[[], object],
    check_soundness: Callable[[], object],
    keep_days: float,
) -> tuple[Chore, ...]:
    """What keeps the outbox in order while the agent runs; of those due at once the first goes."""
    return (
        Chore(name="measure", call=keeper.measure, every_s=24 * HOUR_S),
        Chore(name="limits", call=keeper.keep_within_limits, every_s=5),
        Chore(name="clock", call=keeper.correct_times, every_s=5),
        Chore(name="soundness", call=check_soundness, every_s=10, first_s=10),
        Chore(name="checkpoint", call=checkpoint, every_s=60, first_s=60),
        Chore(
            name="prune",
            call=lambda: keeper.prune(keep_days=keep_days),
            every_s=HOUR_S,
            first_s=60,
        ),
    )


async def keep_house(
    chores: Sequence[Chore],
    *,
    executor: Executor,
    stop: asyncio.Event,
    now_s: Callable[[], float] = time.monotonic,
) -> None:
    """Does the chores until `stop`; what is under way then is left to end by itself."""
    due_s = {chore.name: now_s() + chore.first_s for chore in chores}
    while not stop.is_set():
        chore = min(chores, key=lambda one: due_s[one.name])
        wait_s = due_s[chore.name] - now_s()
        if wait_s > 0:
            try:
                await asyncio.wait_for(stop.wait(), wait_s)
            except TimeoutError:
                continue
            return
        due_s[chore.name] = now_s() + chore.every_s
        try:
            await do(chore.name, chore.call, executor=executor, stop=stop)
        except OutboxClosed:
            return


async def do(
    name: str, call: Callable[[], object], *, executor: Executor | None, stop: asyncio.Event
) -> None:
    """A chore's call once, now; with `executor` None on a thread of the loop's own."""
    loop = asyncio.get_running_loop()
    try:
        await first_done(loop.run_in_executor(executor, call), stop.wait())
    except (OutboxClosed, DatabaseCorrupt):
        raise
    except OutboxError as error:
        log.error("a chore failed", chore=name, error=str(error))
