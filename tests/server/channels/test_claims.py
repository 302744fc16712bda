"""Of several that tell one claims a delivery; what it had in hand is free once it is gone."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from server.channels.attempt import Attempt
from server.channels.contract import ChannelKind, Delivery
from server.channels.postman import CLAIMED_FOR, Postman
from server.channels.telling import Message
from server.errors import GroupRefused
from server.storage.channels import StoredChannels
from server.storage.writing_thread import SqliteWriting
from tests.server.channels.post_office import ADMIN, post_office
from tests.server.channels.receivers import http_receiver
from tests.server.storage.history import NOON


async def test_what_another_process_delivered_stays_delivered(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        channel = await post.webhook("http://127.0.0.1:9/")
        await post.alert()
        (delivery,) = await post.store.due(channel.id, NOON, limit=2)
        again_at = NOON + timedelta(seconds=1)
        assert await post.store.failed(delivery, "slow", NOON, next_at=again_at)
        assert not await post.store.failed(delivery, "slow here too", NOON, next_at=None)
        await post.store.let_go(delivery, NOON)
        (second,) = await post.store.due(channel.id, again_at, limit=2)
        assert (second.id, second.attempts) == (delivery.id, 1)
        await post.store.delivered(second, again_at)
        await post.store.failed(second, "no answer", again_at, next_at=again_at)
        assert await post.store.due(channel.id, again_at, limit=2) == []
        told = await post.store.channel(channel.id)
        assert (told.failures, told.waiting, told.given_up, told.last_error) == (0, 0, 0, None)


async def test_of_two_that_tell_one_claims_a_delivery_until_it_lets_go_or_is_gone(
    tmp_path: Path,
) -> None:
    async with post_office(tmp_path) as post:
        channel = await post.webhook("http://127.0.0.1:9/")
        await post.alert()
        (read,) = await post.store.due(channel.id, NOON, limit=2)
        gone_at = NOON + CLAIMED_FOR
        ours = await post.store.claim(read, NOON, until=gone_at)
        assert ours is not None
        assert await post.store.claim(read, NOON, until=gone_at) is None
        assert await post.store.due(channel.id, NOON, limit=2) == []
        await post.store.let_go(ours, NOON)
        assert await post.store.claim(read, NOON, until=gone_at)
        (again,) = await post.store.due(channel.id, gone_at, limit=2)
        assert again.idempotency_key == ours.idempotency_key
        theirs = await post.store.claim(again, gone_at, until=gone_at + CLAIMED_FOR)
        assert theirs is not None
        await post.store.let_go(ours, gone_at)  # whose claim was over long ago
        await post.store.failed(ours, "too slow", gone_at, next_at=gone_at)
        await post.store.failed(again, "it took nothing", gone_at, next_at=None)
        assert await post.store.due(channel.id, gone_at, limit=2) == []
        assert (await post.store.channel(channel.id)).failures == 0
        off = replace(channel.details, is_enabled=False)
        await post.desk.change(ADMIN, channel.id, off)
        later = gone_at + CLAIMED_FOR
        assert await post.store.claim(theirs, later, until=later + CLAIMED_FOR) is None
        await post.desk.change(ADMIN, channel.id, channel.details)
        await post.store.delivered(again, gone_at)
        assert await post.store.claim(theirs, later, until=later + CLAIMED_FOR) is None


@dataclass(slots=True)
class Connecting:
    """Is at it for long before anybody is told; implements Teller."""

    wants_picture: bool = False
    told: int = 0
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    goes_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self, target: str) -> str:
        return target

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        self.came.release()
        self.goes_on.wait(60)
        try:
            attempt.begin()
            self.told += 1
        finally:
            self.ended.set()
        return ""


async def test_a_stop_in_mid_attempt_gives_back_what_nobody_was_told(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        channel = await post.webhook("https://receiver.example/")
        await post.alert()
        teller = Connecting()
        parts = replace(post.parts, tellers={ChannelKind.WEBHOOK: teller})
        postman = Postman(parts)
        running = asyncio.create_task(postman.run())
        try:
            assert await asyncio.to_thread(teller.came.acquire, timeout=30)
            assert await post.store.due(channel.id, NOON, limit=2) == []
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert len(await post.store.due(channel.id, NOON, limit=2)) == 1
        finally:
            teller.goes_on.set()
            assert await asyncio.to_thread(teller.ended.wait, 30)
            postman.close()
        assert teller.told == 0


class LateAnswer(StoredChannels):
    """Claims what it is asked for, and says so late; may refuse to let go."""

    is_claimed: asyncio.Event
    refuses: bool = False

    async def let_go(self, delivery: Delivery, now: datetime) -> None:
        if self.refuses:
            raise GroupRefused("the database took exception")
        await super().let_go(delivery, now)

    async def claim(self, delivery: Delivery, now: datetime, *, until: datetime) -> Delivery | None:
        await super().claim(delivery, now, until=until)
        self.is_claimed.set()
        await asyncio.Event().wait()
        return None


@pytest.mark.parametrize("is_refused", [False, True])
async def test_a_stop_while_it_is_claimed_gives_it_back_and_ends_also_where_that_is_refused(
    tmp_path: Path, is_refused: bool
) -> None:
    async with post_office(tmp_path) as post:
        channel = await post.webhook("https://receiver.example/")
        await post.alert()
        writing = SqliteWriting(post.watch.centre.database, name="late")
        store = LateAnswer(post.watch.centre.pool, writing)
        store.is_claimed = asyncio.Event()
        store.refuses = is_refused
        running = asyncio.create_task(Postman(replace(post.parts, store=store)).run())
        try:
            async with asyncio.timeout(30):
                await store.is_claimed.wait()
            assert await post.store.due(channel.id, NOON, limit=2) == []
        finally:
            running.cancel()
            await asyncio.wait((running,), timeout=30)
            assert running.cancelled()
            writing.close()
        assert len(await post.store.due(channel.id, NOON, limit=2)) == (0 if is_refused else 1)


async def test_a_stop_while_the_answer_is_on_its_way_notes_it(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver() as receiver:
            receiver.waits_for = threading.Barrier(2, timeout=30)
            await post.webhook(receiver.url)
            await post.alert()
            running = asyncio.create_task(post.postman.run())
            assert await asyncio.to_thread(receiver.came.acquire, timeout=30)
            running.cancel()
            await asyncio.to_thread(receiver.waits_for.wait)
            await asyncio.gather(running, return_exceptions=True)
            (told,) = await post.store.channels()
            assert (told.waiting, told.failures) == (0, 0)
            assert told.last_success_at is not None


async def test_two_postmen_at_once_tell_each_alert_once(tmp_path: Path) -> None:
    """As around a change of the process that tells."""
    async with post_office(tmp_path) as post:
        with http_receiver() as receiver:
            receiver.waits_for = threading.Barrier(2, timeout=30)
            await post.webhook(receiver.url)
            await post.alert()
            other = Postman(post.parts)
            working = [asyncio.create_task(each.run()) for each in (post.postman, other)]
            try:
                await asyncio.to_thread(receiver.came.acquire, timeout=30)
                for _ in range(3):  # both looked at what is due while the first tells
                    post.wake.ring()
                    await post.store.channels()
                await asyncio.to_thread(receiver.waits_for.wait)
                async with asyncio.timeout(30):
                    while (await post.store.channels())[0].waiting:  # noqa: ASYNC110 (works tell nobody)
                        await asyncio.sleep(0.005)
            finally:
                for each in working:
                    each.cancel()
                await asyncio.gather(*working, return_exceptions=True)
                other.close()
        assert len(receiver.posts) == 1
        assert (await post.store.channels())[0].failures == 0
