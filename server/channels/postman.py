"""Takes alerts to their channels, in order, again where one failed; none holds up another."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from server.bell import Bell
from server.channels.attempt import Attempt
from server.channels.contract import (
    Channel,
    ChannelKind,
    ChannelStore,
    Delivery,
    NotDelivered,
)
from server.channels.patience import (
    LONGEST_REST_S,
    Silence,
    is_over,
    next_attempt,
    silence_after,
    waited_until,
)
from server.channels.telling import Message, Teller
from server.errors import NotThere, ServerError, StorageUnavailable, TooBusy, TookTooLong
from server.one_at_a_time import OneAtATime
from server.storage.reading.sightings import Pictures
from server.supervision import kept_running
from server.watchlist.contract import Alert, Source

MOST_AT_ONCE: Final = 4
"""Of one channel: what is told there, and those who try it meanwhile."""
PIECE: Final = 20
RETRY_S: Final = 1.0
IDLE_S: Final = 60.0
CLAIMED_FOR: Final = timedelta(minutes=2)
"""Longer than an attempt takes: what a process did not end that died is tried again then."""
PICTURE_WAITED_FOR: Final = timedelta(minutes=1)
"""From an alert on: where its picture cannot be read by then, it goes without."""
STOPPED_WITHIN_S: Final = 2.0
"""At a clean stop, so long the answer of whoever was told may take to be noted."""
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


class Postman:
    """A task and a thread a channel while something is due there. What fails is tried again, also
    after a restart: what is to be told lies in the database. A channel that takes nothing is tried
    with one thing at a time, and rests between. `outcomes` counts attempts since the start."""

    def __init__(self, parts: PostmanParts, *, chance: Chance | None = None) -> None:
        self._parts = parts
        self._chance = chance or random.Random()  # noqa: S311 (jitter)
        self._turns: dict[int, OneAtATime] = {}
        self._silences: dict[int, Silence] = {}
        self._rounds: dict[int, asyncio.Task[None]] = {}
        self._in_hand: set[Attempt] = set()
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
        for turns in self._turns.values():
            turns.close()
        for attempt in tuple(self._in_hand):
            attempt.end()

    async def tell(
        self, channel: Channel, alert: Alert, key: str, attempt: Attempt, *, is_test: bool
    ) -> str:
        """Once, now, to where the channel leads by then; returns what is to be said of it though it
        was taken, else ''. Raises NotDelivered, and TooBusy where others wait to try the same
        channel."""
        teller = self._parts.tellers[channel.details.kind]
        message = Message(
            alert=alert,
            key=key,
            at_s=int(self._parts.now().timestamp()),
            picture=await self._picture(alert) if teller.wants_picture and not is_test else None,
            is_test=is_test,
        )
        goal = await self._parts.store.goal(channel.id)
        self._in_hand.add(attempt)
        try:
            said = await self._turns_of(channel).run(
                partial(teller.tell, message, goal.target, goal.secret, attempt)
            )
        except (ValueError, LookupError, TypeError) as error:  # what a library does not take
            raise NotDelivered(f"it cannot be told: {type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            attempt.end()
            raise
        finally:
            self._in_hand.discard(attempt)
        self._hears_again(channel)
        return said

    def _turns_of(self, channel: Channel) -> OneAtATime:
        if channel.id not in self._turns:
            self._turns[channel.id] = OneAtATime(
                f"tell-{channel.id}",
                most=MOST_AT_ONCE,
                refusal=f"channel {channel.details.name} is being told {MOST_AT_ONCE} things "
                "already, and its other side is slow: try it again in a minute",
            )
        return self._turns[channel.id]

    def _hears_again(self, channel: Channel) -> None:
        silence = self._silences.pop(channel.id, None)
        if silence is not None:
            _log.info(
                "a channel takes alerts again",
                channel=channel.details.name,
                failures=silence.failures,
            )

    def expect_more(self, channel_id: int) -> None:
        """Somebody changed the channel: it is tried at once, however long it took nothing."""
        self._silences.pop(channel_id, None)

    def forget(self, channel_id: int) -> None:
        """The channel is no more."""
        self._silences.pop(channel_id, None)
        if (turns := self._turns.pop(channel_id, None)) is not None:
            turns.close()

    async def _send_out(self) -> float:
        """Begins rounds where something is due; seconds until the next thing is."""
        now = self._parts.now()
        wait_s = IDLE_S
        for channel_id, at in (await self._parts.store.next_due()).items():
            if channel_id in self._rounds:
                continue
            at = waited_until(at, now)
            if channel_id in self._silences:
                rests_until = self._silences[channel_id].rests_until
                at = max(at, waited_until(rests_until, now, longest_s=LONGEST_REST_S))
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
        store, name = self._parts.store, str(channel_id)
        try:
            channel = await store.channel(channel_id)
            name = channel.details.name
            due = deque(await store.due(channel_id, self._parts.now(), limit=PIECE))
            while due:
                if not await self._deliver(channel, due.popleft()):
                    await self._give_up_old(channel, due)
                    return
        except NotThere:
            return  # deleted meanwhile, with what waited there
        except (StorageUnavailable, TooBusy, TookTooLong) as error:
            _log.warning("deliveries cannot be noted", channel=name, reason=str(error))
            await asyncio.sleep(RETRY_S)

    async def _deliver(self, channel: Channel, delivery: Delivery) -> bool:
        """Claimed beforehand: of two processes that take themselves for the one that tells, one
        does. Where it dies in the midst another tries it again, with the same key."""
        now, attempt = self._parts.now(), Attempt()
        until = now + CLAIMED_FOR
        try:
            claimed = await self._parts.store.claim(delivery, now, until=until)
        except asyncio.CancelledError:  # it may be claimed all the same
            await self._give_back(replace(delivery, due_at=until))
            raise
        if claimed is None:
            return False
        carrying = asyncio.ensure_future(self._carry(channel, claimed, attempt))
        try:
            return await asyncio.shield(carrying)
        except asyncio.CancelledError:
            await self._stop(carrying, claimed, attempt)
            raise

    async def _stop(
        self, carrying: asyncio.Future[bool], claimed: Delivery, attempt: Attempt
    ) -> None:
        """In the midst: it is due again where nobody was told; else the answer is waited for."""
        is_told = not attempt.call_off()
        if is_told:
            await asyncio.wait((carrying,), timeout=STOPPED_WITHIN_S)
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        if not is_told:
            await self._give_back(claimed)

    async def _give_back(self, claimed: Delivery) -> None:
        """At a stop; where it cannot be noted, for whatever reason, the claim ends by itself."""
        with contextlib.suppress(ServerError):
            await self._parts.store.let_go(claimed, self._parts.now())

    async def _carry(self, channel: Channel, claimed: Delivery, attempt: Attempt) -> bool:
        """Whether it was told; what came of it is noted."""
        alert, key = claimed.alert, claimed.idempotency_key
        try:
            said = await self.tell(channel, alert, key, attempt, is_test=False)
        except NotDelivered as error:
            await self._note_failure(channel, claimed, str(error))
            return False
        except (StorageUnavailable, TooBusy, TookTooLong):
            await self._parts.store.let_go(claimed, self._parts.now())  # nobody was told
            raise
        self.outcomes[DELIVERED] += 1
        await self._note_told(channel, claimed, said)
        if said:
            _log.warning("alert delivered in part", channel=channel.details.name, reason=said)
        return True

    async def _note_told(self, channel: Channel, delivery: Delivery, said: str) -> None:
        """However long the database is away: what is not noted is told a second time."""
        is_known = False
        while True:
            try:
                return await self._parts.store.delivered(delivery, self._parts.now(), remark=said)
            except (StorageUnavailable, TookTooLong) as error:
                if not is_known:
                    name = channel.details.name
                    _log.warning("deliveries cannot be noted", channel=name, reason=str(error))
                is_known = True
            await asyncio.sleep(RETRY_S)

    async def _note_failure(self, channel: Channel, delivery: Delivery, reason: str) -> None:
        """The log is told when a channel takes nothing any more, and every hour while that lasts:
        the channel itself counts."""
        now, chance = self._parts.now(), self._chance.random()
        silence = silence_after(self._silences.get(channel.id), now, chance)
        self._silences[channel.id] = silence
        next_at = next_attempt(
            delivery.attempts + 1, ordered_at=delivery.ordered_at, now=now, chance=chance
        )
        if silence.said_at == now:
            _log.warning(
                "alerts are not delivered",
                channel=channel.details.name,
                alert=delivery.alert.id,
                reason=reason,
                failures=silence.failures,
                since=silence.begun_at.isoformat(timespec="seconds"),
            )
        is_noted = await self._parts.store.failed(delivery, reason, now, next_at=next_at)
        is_given_up = is_noted and next_at is None
        if is_given_up:
            _say_given_up(channel, 1, reason)
        self.outcomes[GIVEN_UP if is_given_up else FAILED] += 1

    async def _give_up_old(self, channel: Channel, due: Iterable[Delivery]) -> None:
        """A channel that took nothing for minutes takes none of these either: those whose day is
        over do not wait for their turn."""
        silence, now = self._silences.get(channel.id), self._parts.now()
        if silence is None or not silence.is_deaf:
            return
        old = [each for each in due if is_over(each.ordered_at, now)]
        reason = f"it took nothing since {silence.begun_at.isoformat(timespec='seconds')}"
        count = 0
        try:
            for each in old:
                count += await self._parts.store.failed(each, reason, now, next_at=None)
        finally:  # what is noted is told of, whatever came of the rest
            self.outcomes[GIVEN_UP] += count
            if count:
                _say_given_up(channel, count, reason)

    async def _picture(self, alert: Alert) -> bytes | None:
        if alert.source is not Source.PLATES:
            return None
        try:
            return (await self._parts.pictures.picture(alert.sighting_id)).content
        except NotThere:
            return None
        except (StorageUnavailable, TookTooLong) as error:
            if self._parts.now() < alert.raised_at + PICTURE_WAITED_FOR:
                raise
            _log.warning("an alert goes without its picture", alert=alert.id, reason=str(error))
            return None

    async def _sweep(self) -> None:
        now = self._parts.now()
        if self._swept_at is None or now - self._swept_at >= SWEPT_EVERY:
            await self._parts.store.sweep(now - KEPT)
            self._swept_at = now


def _say_given_up(channel: Channel, count: int, reason: str) -> None:
    _log.warning("alerts are given up", channel=channel.details.name, count=count, reason=reason)
