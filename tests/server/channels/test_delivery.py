"""Alerts reach real receivers: once accepted, signed, and noted whatever comes between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from server.bell import Bell
from server.channels.contract import ChannelDetails, ChannelKind, Delivery
from server.channels.postman import Postman, PostmanParts
from server.channels.telling import signature
from server.errors import StorageUnavailable
from server.storage.channels import StoredChannels
from server.storage.writing_thread import SqliteWriting
from server.watch_side import tellers_of
from tests.server.channels.post_office import ADMIN, HERE, Post, post_office
from tests.server.channels.receivers import http_receiver
from tests.server.conftest import settings_in
from tests.server.storage.history import NOON
from tests.server.watchlist.watching import watching_in
from wire.errors import ErrorCode


async def test_a_webhook_that_fails_twice_accepts_the_alert_once(tmp_path: Path) -> None:
    async with post_office(tmp_path, public_url="https://centre.example/") as post:
        with http_receiver(500, 503) as receiver:
            details = ChannelDetails(
                name="hook", kind=ChannelKind.WEBHOOK, target=f"{receiver.url}/alerts?of=gate"
            )
            made = await post.desk.make(ADMIN, details)
            await post.alert()
            channel = await post.until(lambda each: each.last_success_at is not None)
            assert (channel.failures, channel.waiting, channel.given_up) == (0, 0, 0)
            assert channel.last_failure_at is not None
            await post.until(lambda _: True)
            assert post.postman.outcomes == {"delivered": 1, "failed": 2, "given_up": 0}
        assert len(receiver.posts) == 3
        assert made.secret is not None
        keys = {each.headers["idempotency-key"] for each in receiver.posts}
        assert len(keys) == 1
        for each in receiver.posts:
            assert each.path == "/alerts?of=gate"
            at_s = int(each.headers["sightpost-timestamp"])
            signed = signature(made.secret, at_s, each.body)
            assert each.headers["sightpost-signature"] == f"v1={signed}"
        said = json.loads(receiver.posts[-1].body)
        assert said["event"] == "alert"
        assert said["link"] == "https://centre.example/alerts?alert=1"
        assert (said["alert"]["plate"], said["alert"]["list"]["name"]) == ("AB 1", "stolen")
        assert said["alert"]["captured_at"] == (NOON + timedelta(seconds=1)).isoformat()


async def test_what_a_restart_interrupted_is_delivered_after_it_with_the_same_key(
    tmp_path: Path,
) -> None:
    with http_receiver(500) as receiver:
        async with post_office(tmp_path) as post:
            await post.webhook(receiver.url)
            await post.alert()
            # Time stands still: it is not tried again before this one was looked at.
            channel = await post.until(lambda each: each.failures > 0, step_s=0.0)
            assert channel.waiting == 1
        async with watching_in(tmp_path) as watch:
            writing = SqliteWriting(watch.centre.database, name="channels")
            store = StoredChannels(watch.centre.pool, writing)
            wake = Bell()
            tellers = tellers_of(settings_in(tmp_path, webhook_networks=HERE))
            parts = PostmanParts(
                store=store,
                tellers=tellers,
                pictures=watch.centre.sightings,
                now=lambda: NOON + timedelta(hours=1),
                wake=wake,
            )
            postman = Postman(parts)
            running = asyncio.create_task(postman.run())
            assert await asyncio.to_thread(receiver.came.acquire, timeout=30)  # before the restart
            assert await asyncio.to_thread(receiver.came.acquire, timeout=30)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            postman.close()
            writing.close()
    assert len(receiver.posts) == 2
    assert len({each.headers["idempotency-key"] for each in receiver.posts}) == 1


class Away(StoredChannels):
    """Its database is away when the first delivery is to be noted."""

    is_away = True

    async def delivered(self, delivery: Delivery, now: datetime, *, remark: str = "") -> None:
        if self.is_away:
            self.is_away = False
            raise StorageUnavailable(ErrorCode.STORAGE_FAILED, "no database", retry_after_s=1.0)
        await super().delivered(delivery, now, remark=remark)


async def test_what_was_told_while_the_database_was_away_is_noted_and_not_told_again(
    tmp_path: Path,
) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver() as receiver, contextlib.ExitStack() as opened:
            await post.webhook(receiver.url)
            await post.alert()
            centre = post.watch.centre
            writing = SqliteWriting(centre.database, name="away")
            opened.callback(writing.close)
            post.postman = Postman(replace(post.parts, store=Away(centre.pool, writing)))
            opened.callback(post.postman.close)
            await post.until(lambda each: not each.waiting, step_s=1.0)
        assert len(receiver.posts) == 1


async def test_a_channel_that_is_moved_while_it_tells_is_elsewhere_from_the_next_alert_on(
    tmp_path: Path,
) -> None:
    """Neither does the old place get what is secret between this server and the new one."""
    async with post_office(tmp_path) as post:
        with http_receiver() as first, http_receiver() as second:
            hook = await post.webhook(first.url)
            for number in (1, 2):
                await post.alert(number)
            first.waits_for = threading.Barrier(2, timeout=30)
            telling = asyncio.create_task(post.postman.run())
            try:
                assert await asyncio.to_thread(first.came.acquire, timeout=30)
                moved = replace(hook.details, target=second.url)
                await post.desk.change(ADMIN, hook.id, moved)
                await asyncio.to_thread(first.waits_for.wait)
                assert await asyncio.to_thread(second.came.acquire, timeout=30)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
        assert (len(first.posts), len(second.posts)) == (1, 1)


async def test_what_was_answered_with_a_2xx_is_taken_whatever_follows(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver() as receiver:
            receiver.is_broken_off = True
            await post.webhook(receiver.url)
            await post.alert()
            channel = await post.until(lambda each: bool(each.last_success_at or each.failures))
            assert (channel.failures, channel.last_failure_at) == (0, None)
        assert len(receiver.posts) == 1


async def test_deliveries_that_ended_long_ago_are_forgotten_while_the_server_runs(
    tmp_path: Path,
) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver() as receiver:
            await post.webhook(receiver.url)
            await post.alert()
            running = asyncio.create_task(post.postman.run())
            try:
                async with asyncio.timeout(30):
                    assert await asyncio.to_thread(receiver.came.acquire, timeout=30)
                    while await _deliveries(post):
                        await asyncio.sleep(0.005)
                        post.moment += timedelta(days=1)
                        post.wake.ring()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


async def _deliveries(post: Post) -> int:
    sql = "SELECT count(*) FROM alert_deliveries"
    return int((await post.watch.centre.pool.ask(lambda reader: reader.rows(sql)))[0][0])


async def test_ntfy_gets_topic_title_and_token(tmp_path: Path) -> None:
    async with post_office(tmp_path, public_url="https://centre.example/") as post:
        with http_receiver() as receiver:
            details = ChannelDetails(
                name="phone", kind=ChannelKind.NTFY, target=f"{receiver.url}/gate-alerts/"
            )
            made = await post.desk.make(ADMIN, details, "tk_secret")
            assert made.secret is None
            await post.desk.attempt(ADMIN, made.channel.id)
    (sent,) = receiver.posts
    said = json.loads(sent.body)
    assert (sent.path, sent.headers["authorization"]) == ("/", "Bearer tk_secret")
    assert said["click"] == "https://centre.example/alerts"
    assert (said["topic"], said["title"], said["tags"]) == (
        "gate-alerts",
        "Test: nobody was seen, somebody tries this channel",
        ["test"],
    )


def test_the_signature_is_that_of_the_documentation() -> None:
    # printf '1772366400.{}' | openssl dgst -sha256 -hmac secret
    assert signature("secret", 1772366400, b"{}") == (
        "b0c2c5e288833b007355aa343b97fd4bb8f9825725b0961e7aaa0f867a720061"
    )
