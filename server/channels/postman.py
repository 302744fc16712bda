"""Takes alerts to their channels, in order, again where one failed; none holds up another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from server.bell import Bell
from server.channels.contract import (
    Channel,
    ChannelKind,
    ChannelStore,
    Delivery,
    NotDelivered,
)
from server.channels.patience import next_attempt
from server.channels.telling import Message, Teller
from server.errors import NotThere, StorageUnavailable, TooBusy, TookTooLong
from server.storage.reading.sightings import Pictures
from server.supervision import kept_running
from server.watchlist.contract import Alert, Source

MOST_AT_ONCE: Final = 4
"""Of one channel: what is told there, and those who try it meanwhile."""
PIECE: Final = 20
RETRY_S: Final = 1.0
IDLE_S: Final = 60.0
KEPT: Final = timedelta(days=30)
"""Deliveries that ended are remembered so long."""
SWEPT_EVERY: Final = timedelta(days=1)
DELIVERED: Final = "delivered"
FAILED: Final = "failed"
GIVEN_UP: Final = "given_up"
OUTCOMES: Final = (DELIVERED, FAILED, GIVEN_UP)

_log = structlog.get_logger(__name__)


class Chance(Protocol):
    """Where jitter comes from."""

    def random(self) -> float:
        """0..1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmanParts:
    """`wake` rings when something may have to be told."""

    store: ChannelStore
    tellers: Mapping[ChannelKind, Teller]
    pictures: Pictures
    now: Callable[[], datetime]
    wake: Bell


class _Counter:
    """The thread on which one channel is told things, one after the other: who hangs there holds
    up nobody elsewhere."""

    def __init__(self, channel_id: int) -> None:
        self._channel_id = channel_id
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sightpost-tell-{channel_id}")
        self._waiting = 0

    async def tell(self, work: Callable[[], str]) -> str:
        """What `work` returns and raises. Raises TooBusy where as many wait as may."""
        if self._waiting >= MOST_AT_ONCE:
            raise TooBusy(
                f"channel {self._channel_id} is being told {self._waiting} things already, and its "
                "other side is slow: try it again in a minute"
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Does not wait for the other side."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Postman:
    """A task and a thread a channel while something is due there. What fails is tried again, also
    after a restart: what is to be told lies in the database. `outcomes` counts attempts since the
    start."""

    def __init__(self, parts: PostmanParts, *, chance: Chance | None = None) -> None:
        self._parts = parts
        self._chance = chance or random.Random()  # noqa: S311 (jitter)
        self._counters: dict[int, _Counter] = {}
        self._rounds: dict[int, asyncio.Task[None]] = {}
        self._swept_at: datetime | None = None
        self.outcomes = dict.fromkeys(OUTCOMES, 0)

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                rings = self._parts.wake.rings
                try:
                    await self._sweep()
                    wait_s = await self._send_out()
                except (StorageUnavailable, TookTooLong) as error:
                    _log.warning("deliveries cannot be looked up", reason=str(error))
                    wait_s = RETRY_S
                await self._parts.wake.heard(rings, within_s=wait_s)
        finally:
            for each in self._rounds.values():
                each.cancel()
            await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    def close(self) -> None:
        """Does not wait for the other side; what was not said to be delivered is tried again."""
        for counter in self._counters.values():
            counter.close()

    async def tell(self, channel: Channel, alert: Alert, key: str, *, is_test: bool) -> str:
        """Once, now; returns what is to be said of it though it was taken, else ''. Raises
        NotDelivered, and TooBusy where others wait to try the same channel."""
        teller = self._parts.tellers[channel.details.kind]
        message = Message(
            alert=alert,
            key=key,
            at_s=int(self._parts.now().timestamp()),
            picture=await self._picture(alert) if teller.wants_picture and not is_test else None,
            is_test=is_test,
        )
        secret = await self._parts.store.secret(channel.id)
        try:
            return await self._counter(channel.id).tell(
                partial(teller.tell, message, channel.details.target, secret)
            )
        except (ValueError, LookupError, TypeError) as error:  # what a library does not take
            raise NotDelivered(f"it cannot be told: {type(error).__name__}: {error}") from error

    def _counter(self, channel_id: int) -> _Counter:
        if channel_id not in self._counters:
            self._counters[channel_id] = _Counter(channel_id)
        return self._counters[channel_id]

    def forget(self, channel_id: int) -> None:
        """The channel is no more."""
        if (counter := self._counters.pop(channel_id, None)) is not None:
            counter.close()

    async def _send_out(self) -> float:
        """Begins rounds where something is due; seconds until the next thing is."""
        now = self._parts.now()
        wait_s = IDLE_S
        for channel_id, at in (await self._parts.store.next_due()).items():
            if channel_id in self._rounds:
                continue
            if at <= now:
                # A round that breaks is not begun anew at once: what broke it is still due.
                work = kept_running(f"channel {channel_id}", partial(self._round, channel_id))
                task = asyncio.create_task(work)
                self._rounds[channel_id] = task
                task.add_done_callback(partial(self._is_back, channel_id))
            else:
                wait_s = min(wait_s, (at - now).total_seconds())
        return wait_s

    def _is_back(self, channel_id: int, _: asyncio.Task[None]) -> None:
        del self._rounds[channel_id]
        self._parts.wake.ring()

    async def _round(self, channel_id: int) -> None:
        """Tells what is due, in the order of the alerts, until one fails: that one waits, and the
        next round goes on behind it."""
        store = self._parts.store
        try:
            channel = await store.channel(channel_id)
            for delivery in await store.due(channel_id, self._parts.now(), limit=PIECE):
                if not await self._deliver(channel, delivery):
                    return
        except NotThere:
            return  # deleted meanwhile, with what waited there
        except (StorageUnavailable, TooBusy, TookTooLong) as error:
            _log.warning("deliveries cannot be noted", channel=channel_id, reason=str(error))
            await asyncio.sleep(RETRY_S)

    async def _deliver(self, channel: Channel, delivery: Delivery) -> bool:
        try:
            said = await self.tell(channel, delivery.alert, delivery.idempotency_key, is_test=False)
        except NotDelivered as error:
            now = self._parts.now()
            next_at = next_attempt(
                delivery.attempts + 1,
                ordered_at=delivery.ordered_at,
                now=now,
                chance=self._chance.random(),
            )
            _log.warning(
                "alert not delivered",
                channel=channel.id,
                alert=delivery.alert.id,
                reason=str(error),
                again_at=None if next_at is None else next_at.isoformat(),
            )
            self.outcomes[GIVEN_UP if next_at is None else FAILED] += 1
            await self._parts.store.failed(delivery, str(error), now, next_at=next_at)
            return False
        self.outcomes[DELIVERED] += 1
        await self._parts.store.delivered(delivery, self._parts.now())
        if said:
            _log.warning("alert delivered in part", channel=channel.id, reason=said)
            await self._parts.store.noted(channel.id, said, self._parts.now())
        return True

    async def _picture(self, alert: Alert) -> bytes | None:
        if alert.source is not Source.PLATES:
            return None
        try:
            return (await self._parts.pictures.picture(alert.sighting_id)).content
        except NotThere:
            return None

    async def _sweep(self) -> None:
        now = self._parts.now()
        if self._swept_at is None or now - self._swept_at >= SWEPT_EVERY:
            await self._parts.store.sweep(now - KEPT)
            self._swept_at = now
