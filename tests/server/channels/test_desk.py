"""Channels as people keep them: checked, audited, told of their lists, deleted."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from server.accounts.contract import Action
from server.channels.contract import ChannelDetails, ChannelKind, NotDelivered
from server.errors import NotThere, QuestionInvalid
from tests.server.channels.post_office import ADMIN, post_office
from tests.server.channels.receivers import http_receiver


async def test_a_channel_tells_of_its_lists_and_only_while_it_is_enabled(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        (first,) = await post.watch.rules.lists()
        with http_receiver() as receiver:
            hook = await post.webhook(receiver.url, list_ids=(first.id,))
            other = ChannelDetails(
                name="other", kind=ChannelKind.WEBHOOK, target=receiver.url, list_ids=(99,)
            )
            await post.desk.make(ADMIN, other)
            await post.alert(1)
            off = ChannelDetails(
                name="hook", kind=ChannelKind.WEBHOOK, target=receiver.url, is_enabled=False
            )
            await post.until(lambda each: each.last_success_at is not None)
            await post.desk.change(ADMIN, hook.id, off)
            await post.alert(2)
            assert [each.waiting for each in await post.desk.channels()] == [0, 0]
        assert len(receiver.posts) == 1


async def test_channels_are_checked_audited_and_deleted_with_what_waits(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        for kind, target, named in (
            (ChannelKind.WEBHOOK, "ftp://example.org", "address such as"),
            (ChannelKind.WEBHOOK, "https://user:pass@example.org/", "without a user"),
            (ChannelKind.WEBHOOK, "https://:pass@example.org/", "without a user"),
            (ChannelKind.WEBHOOK, "https://example.org:99999/", "address such as"),
            (ChannelKind.WEBHOOK, "https://example..org/", "address such as"),
            (ChannelKind.WEBHOOK, f"https://{'a' * 64}.org/", "address such as"),
            (ChannelKind.WEBHOOK, "https://receiver..example/", "address such as"),
            (ChannelKind.NTFY, "https://ntfy.example.org/", "a topic"),
            (ChannelKind.EMAIL, "a@example.org", "SERVER_SMTP_HOST"),
        ):
            with pytest.raises(QuestionInvalid, match=named):
                await post.desk.make(ADMIN, ChannelDetails(name="x", kind=kind, target=target))
        hook = await post.webhook("https://example.org/key-of-the-hook")
        with pytest.raises(QuestionInvalid, match="another channel"):
            await post.webhook("https://example.org/")
        secret = (await post.store.goal(hook.id)).secret
        other = await post.desk.new_secret(ADMIN, hook.id)
        assert other.secret == (await post.store.goal(hook.id)).secret != secret
        await post.alert()
        assert (await post.desk.channels())[0].waiting == 1
        await post.desk.drop(ADMIN, hook.id)
        assert await post.desk.channels() == ()
        with pytest.raises(NotThere):
            await post.desk.attempt(ADMIN, hook.id)
        page = await post.accounts.audit_page(action=Action.CHANNEL_CHANGED)
        assert [each.detail.split(":")[0] for each in reversed(page.entries)] == [
            "made",
            "made",
            "another secret",
            "deleted; 1 waited there",
        ]
        assert not any(secret in each.detail for each in page.entries)
        assert page.entries[-1].detail == "made: webhook to example.org:443, of lists all"


async def test_whoever_tries_a_channel_holds_no_stop_up(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with socket.create_server(("127.0.0.1", 0)) as server:
            hook = await post.webhook(f"http://127.0.0.1:{server.getsockname()[1]}/")
            for is_cancelled in (True, False):
                trying = asyncio.create_task(post.desk.attempt(ADMIN, hook.id))
                line, _ = await asyncio.to_thread(server.accept)
                with line:
                    line.settimeout(5.0)  # half of what an answer is waited for
                    assert await asyncio.to_thread(line.recv, 4) == b"POST"
                    if is_cancelled:
                        trying.cancel()
                    else:
                        post.postman.close()
                    while await asyncio.to_thread(line.recv, 4096):
                        pass
                told = asyncio.CancelledError if is_cancelled else NotDelivered
                with pytest.raises(told):
                    await trying
