"""Alerts reach real receivers: once accepted, signed, tried again, and never inside by mistake."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Action, Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Role
from server.accounts.store import AccountStore
from server.bell import Bell
from server.channels.attempt import Attempt
from server.channels.contract import (
    Channel,
    ChannelDetails,
    ChannelKind,
    Delivery,
    NotDelivered,
)
from server.channels.desk import ChannelDesk, made_up
from server.channels.postman import CLAIMED_FOR, MOST_AT_ONCE, Postman, PostmanParts
from server.channels.telling import Mail, MailServer, Message, signature
from server.channels.wording import House
from server.errors import NotThere, QuestionInvalid, StorageUnavailable, TooBusy
from server.storage.channels import StoredChannels
from server.storage.writing_thread import SqliteWriting
from server.watch_side import tellers_of
from telemetry.error_book import ErrorBook
from telemetry.error_report import Severity
from telemetry.logging import configure_logging
from tests.server.cameras import jpeg
from tests.server.channels.receivers import http_receiver, mail_receiver
from tests.server.conftest import settings_in
from tests.server.storage.history import NOON, plate
from tests.server.watchlist.watching import Watch, watching_in
from tests.telemetry.own_log import own_log
from wire.errors import ErrorCode

ADMIN = Caller(
    kind=CallerKind.TOKEN, name="anna", address="192.0.2.7", permissions=TABLE[Role.ADMIN]
)
PICTURE = jpeg()
HERE = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass(slots=True, kw_only=True)
class Post:
    """A post office with a clock of its own."""

    watch: Watch
    desk: ChannelDesk
    store: StoredChannels
    accounts: AccountStore
    postman: Postman
    wake: Bell
    parts: PostmanParts
    moment: datetime = NOON

    async def webhook(self, url: str, *, name: str = "hook", **given: Any) -> Channel:
        details = ChannelDetails(name=name, kind=ChannelKind.WEBHOOK, target=url, **given)
        return (await self.desk.make(ADMIN, details)).channel

    async def alert(self, number: int = 1) -> None:
        await self.watch.centre.take(plate(number, f"AB {number}", image=PICTURE))
        await self.watch.alerts()

    async def until(self, is_so: Callable[[Channel], bool], *, step_s: float = 1.0) -> Channel:
        """Until the first channel is so, with time going on by that much a look."""
        running = asyncio.create_task(self.postman.run())
        try:
            async with asyncio.timeout(30):
                while True:
                    (channel, *_) = await self.store.channels()
                    if is_so(channel):
                        return channel
                    self.wake.ring()
                    await asyncio.sleep(0.005)
                    self.moment += timedelta(seconds=step_s)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def post_office(folder: Path, **settings: Any) -> AsyncIterator[Post]:
    async with watching_in(folder) as watch:
        centre = watch.centre
        given = settings_in(folder, **{"webhook_networks": HERE, **settings})
        writing = SqliteWriting(centre.database, name="channels")
        store = StoredChannels(centre.pool, writing)
        wake, tellers = Bell(), tellers_of(given)
        office: list[Post] = []

        def now() -> datetime:
            return office[0].moment if office else NOON

        accounts = accounts_in_sqlite(centre.database, Lifetimes(), now)
        parts = PostmanParts(
            store=store, tellers=tellers, pictures=centre.sightings, now=now, wake=wake
        )
        postman = Postman(parts)
        desk = ChannelDesk(store, tellers, postman, accounts, wake, now=now)
        await watch.list_of("AB*", name="stolen", cooldown_s=0)
        office.append(
            Post(
                watch=watch,
                desk=desk,
                store=store,
                accounts=accounts,
                postman=postman,
                wake=wake,
                parts=parts,
            )
        )
        yield office[0]
        postman.close()
        await accounts.close()
        writing.close()


async def test_what_another_process_delivered_stays_delivered(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        channel = await post.webhook("http://127.0.0.1:9/")
        await post.alert()
        (delivery,) = await post.store.due(channel.id, NOON, limit=2)
        again_at = NOON + timedelta(seconds=1)
        await post.store.failed(delivery, "slow", NOON, next_at=again_at)
        await post.store.failed(delivery, "slow here too", NOON, next_at=None)
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


async def test_a_receiver_that_refuses_for_a_day_is_given_up_and_named(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver(*[410] * 50) as receiver:
            await post.webhook(receiver.url)
            await post.alert()
            await post.until(lambda each: each.failures > 0)
            post.moment += timedelta(days=1)
            channel = await post.until(lambda each: each.given_up > 0)
            assert channel.waiting == 0
            assert "answered 410" in (channel.last_error or "")


async def test_a_receiver_that_is_gone_is_tried_with_one_alert_at_a_time_and_told_of_once(
    tmp_path: Path,
) -> None:
    errors, count = ErrorBook(), 25
    async with post_office(tmp_path) as post:
        with http_receiver(*[503] * 1000) as receiver, own_log():
            await post.webhook(receiver.url, name="control room")
            for number in range(1, count + 1):
                await post.alert(number)
            configure_logging(file=None, level="info", to_stderr=False, errors=errors)
            await post.until(lambda _: post.moment > NOON + timedelta(minutes=10), step_s=5)
            assert 5 < len(receiver.posts) < 30  # each by itself: 7 tries within ten minutes
            (report,) = errors.summary().reports
            assert "channel=control room" in report.details
            post.moment += timedelta(days=1)
            channel = await post.until(lambda each: each.given_up == count, step_s=5)
            assert channel.waiting == 0
            assert len(receiver.posts) < 40
            receiver.answers.clear()
            await post.alert(count + 1)
            await post.until(lambda each: each.last_success_at is not None)
    said = [each.code for each in errors.summary().reports]
    assert set(said) == {"alerts_are_not_delivered", "alerts_are_given_up"}
    assert len(said) < 8


@dataclass(slots=True)
class Broken:
    """Tells nobody, and not as tellers fail."""

    told: int = 0
    wants_picture: bool = False

    def check(self, target: str) -> str:
        return target

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        self.told += 1
        raise RuntimeError("unforeseen")


async def test_what_breaks_the_telling_is_reported_and_not_tried_again_at_once(
    tmp_path: Path,
) -> None:
    errors = ErrorBook()
    async with post_office(tmp_path) as post:
        await post.webhook("https://receiver.example/")
        await post.alert()
        teller = Broken()
        parts = PostmanParts(
            store=post.store,
            tellers={ChannelKind.WEBHOOK: teller},
            pictures=post.watch.centre.sightings,
            now=lambda: NOON + timedelta(hours=1),
            wake=post.wake,
        )
        postman = Postman(parts)
        with own_log():
            configure_logging(file=None, level="info", to_stderr=False, errors=errors)
            running = asyncio.create_task(postman.run())
            async with asyncio.timeout(30):
                while not errors.summary().reports:
                    await post.store.channels()
            for _ in range(200):  # so often it could have asked what is due
                post.wake.ring()
                await post.store.channels()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        postman.close()
    assert teller.told < 10
    report = errors.summary().reports[-1]
    assert (report.severity, "part=channel 1" in report.details) == (Severity.CRITICAL, True)


class Deaf:
    """Of most receivers no answer ever comes; implements Teller."""

    wants_picture = False

    def __init__(self) -> None:
        self.told: list[str] = []
        self.may_end = threading.Event()

    def check(self, target: str) -> str:
        return target

    def tell(self, message: Message, target: str, secret: str, attempt: Attempt) -> str:
        attempt.begin()
        self.told.append(target)
        if "deaf" in target:
            self.may_end.wait(60)
        return ""


async def test_channels_that_hang_hold_up_no_other_and_are_not_tried_without_end(
    tmp_path: Path,
) -> None:
    teller = Deaf()
    async with post_office(tmp_path) as post:
        for number in range(12):
            await post.webhook(f"https://deaf-{number}.example/", name=f"deaf {number}")
        hears = await post.webhook("https://hears.example/", name="hears")
        await post.alert()
        tellers = {ChannelKind.WEBHOOK: teller}
        postman = Postman(
            PostmanParts(
                store=post.store,
                tellers=tellers,
                pictures=post.watch.centre.sightings,
                now=lambda: NOON + timedelta(hours=1),
                wake=post.wake,
            )
        )
        desk = ChannelDesk(post.store, tellers, postman, post.accounts, post.wake, now=lambda: NOON)
        running = asyncio.create_task(postman.run())
        trying: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(30):
                while (await post.store.channel(hears.id)).last_success_at is None:  # noqa: ASYNC110 - the database has no event
                    await asyncio.sleep(0.005)
                deaf = (await post.store.channels())[0]
                trying = [
                    asyncio.create_task(desk.attempt(ADMIN, deaf.id)) for _ in range(MOST_AT_ONCE)
                ]
                done, _ = await asyncio.wait(trying, return_when=asyncio.FIRST_COMPLETED)
                with pytest.raises(TooBusy, match="channel deaf 0 is being told 4 things"):
                    await done.pop()
        finally:
            teller.may_end.set()
            await asyncio.gather(*trying, return_exceptions=True)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            postman.close()
    assert teller.told.count("https://hears.example/") == 1
    assert len({each for each in teller.told if "deaf" in each}) == 12


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver() as inner, http_receiver(307, location=inner.url) as receiver:
            channel = await post.webhook(receiver.url)
            with pytest.raises(NotDelivered, match="answered 307"):
                await post.desk.attempt(ADMIN, channel.id)
            assert inner.posts == []


@pytest.mark.parametrize("host", ["localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1"])
async def test_an_address_inside_is_not_kept_and_not_even_connected_to(
    tmp_path: Path, host: str
) -> None:
    async with post_office(tmp_path, webhook_networks=()) as post:
        with http_receiver() as receiver:
            port = receiver.url.rpartition(":")[2]
            url, said = f"http://{host}:{port}/", "is inside this network: allow it with SERVER_WEB"
            for kind, target in ((ChannelKind.WEBHOOK, url), (ChannelKind.NTFY, f"{url}gate")):
                with pytest.raises(QuestionInvalid, match=said):
                    await post.desk.make(ADMIN, ChannelDetails(name="x", kind=kind, target=target))
            hook = await post.webhook("https://receiver.example/")
            inside = replace(hook.details, target=url)
            with pytest.raises(QuestionInvalid, match=said):
                await post.desk.change(ADMIN, hook.id, inside)
            # As when the network was allowed, or its name meant another address.
            await post.store.change(hook.id, inside, None, by="anna", now=NOON)
            with pytest.raises(NotDelivered, match=said):
                await post.desk.attempt(ADMIN, hook.id)
            assert receiver.posts == []
            off = await post.desk.change(ADMIN, hook.id, replace(inside, is_enabled=False))
            assert (off.failures, off.details.is_enabled) == (1, False)


async def test_a_mail_has_the_picture(tmp_path: Path) -> None:
    async with mail_receiver() as mailbox:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_encryption": "none"}
        async with post_office(tmp_path, smtp_from="gate@example.org", **mail) as post:
            details = ChannelDetails(
                name="guard", kind=ChannelKind.EMAIL, target="a@example.org,b@example.org"
            )
            await post.desk.make(ADMIN, details)
            await post.alert()
            await post.until(lambda each: each.last_success_at is not None)
    (mail_,) = mailbox.mails
    assert mailbox.recipients == [["a@example.org", "b@example.org"]]
    assert mail_["subject"] == "Alert: AB 1: in stolen"
    assert mail_["from"] == "gate@example.org"
    assert "Camera: gate-1" in mail_.get_body().get_content()  # type: ignore[union-attr]
    (picture,) = mail_.iter_attachments()
    assert (picture.get_content_type(), picture.get_content()) == ("image/jpeg", PICTURE)


async def test_a_mail_that_only_some_get_is_not_sent_again_and_says_who_did_not(
    tmp_path: Path,
) -> None:
    async with mail_receiver() as mailbox:
        mailbox.unknown = {"b@example.org"}
        mail = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_encryption": "none"}
        async with post_office(tmp_path, smtp_from="gate@example.org", **mail) as post:
            details = ChannelDetails(
                name="guard", kind=ChannelKind.EMAIL, target="a@example.org,b@example.org"
            )
            made = await post.desk.make(ADMIN, details)
            await post.alert()
            channel = await post.until(lambda each: each.last_error is not None)
            assert "b@example.org" in (channel.last_error or "")
            assert (channel.waiting, channel.failures) == (0, 0)
            assert channel.last_success_at is not None
            assert mailbox.recipients == [["a@example.org"]]
            with pytest.raises(NotDelivered, match=r"b@example\.org"):
                await post.desk.attempt(ADMIN, made.channel.id)


async def test_a_mail_server_that_thinks_about_a_mail_is_waited_for() -> None:
    """Else it takes the mail, and gets it again."""
    async with mail_receiver() as mailbox:
        mailbox.thinks_s = 1.5
        server = MailServer(
            host="127.0.0.1",
            port=mailbox.port,
            user="",
            password="",
            sender="gate@example.org",
            encryption="none",
        )
        mail = Mail(server, House(public_url="", zone=UTC), patience_s=1.0)
        message = Message(alert=made_up(NOON), key="key", at_s=0)
        assert await asyncio.to_thread(mail.tell, message, "a@example.org", "", Attempt()) == ""
    assert len(mailbox.mails) == 1


async def test_what_a_library_does_not_take_is_a_failure_like_others(tmp_path: Path) -> None:
    given = {"smtp_host": "no..host", "smtp_from": "gate@example.org"}
    async with post_office(tmp_path, **given) as post:
        details = ChannelDetails(name="guard", kind=ChannelKind.EMAIL, target="a@example.org")
        await post.desk.make(ADMIN, details)
        await post.alert()
        channel = await post.until(lambda each: each.failures > 0)
        assert channel.waiting == 1
        assert "cannot be told: UnicodeError" in (channel.last_error or "")


async def test_what_is_no_http_is_a_failure_like_others(tmp_path: Path) -> None:
    """Such as an alert of TLS, which has a NUL in it, from a port that takes nothing else."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def refuse() -> None:
            while True:
                line, _ = server.accept()
                with line:
                    if is_over.is_set():
                        return
                    if not line.recv(1):
                        continue  # called off when it was connected
                    line.sendall(b"\x15\x03\x01\x00\x02\x02F\n")
                    while line.recv(4096):  # else it resets, and what it said is lost
                        pass

        refusing = threading.Thread(target=refuse)
        refusing.start()
        try:
            async with post_office(tmp_path) as post:
                hook = await post.webhook(f"http://127.0.0.1:{port}/")
                await post.alert()
                channel = await post.until(lambda each: each.failures > 0)
                assert channel.waiting == 1
                assert channel.last_error == f"127.0.0.1:{port} does not answer: F"
                with pytest.raises(NotDelivered, match="does not answer"):
                    await post.desk.attempt(ADMIN, hook.id)
        finally:
            is_over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            refusing.join()


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


async def test_mail_addresses_are_checked(tmp_path: Path) -> None:
    given = {"smtp_host": "127.0.0.1", "smtp_from": "gate@example.org"}
    async with post_office(tmp_path, **given) as post:
        for target in ("", "nobody", "a@example.org\nBcc: b@example.org", "a b@example.org"):
            with pytest.raises(QuestionInvalid, match="mail address"):
                await post.desk.make(
                    ADMIN, ChannelDetails(name="x", kind=ChannelKind.EMAIL, target=target)
                )
        assert await post.desk.channels() == ()


def test_the_signature_is_that_of_the_documentation() -> None:
    # printf '1772366400.{}' | openssl dgst -sha256 -hmac secret
    assert signature("secret", 1772366400, b"{}") == (
        "b0c2c5e288833b007355aa343b97fd4bb8f9825725b0961e7aaa0f867a720061"
    )
