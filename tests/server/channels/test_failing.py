"""Receivers that refuse, hang, break or lie inside: tried again, given up, told, never let in."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.channels.attempt import Attempt
from server.channels.contract import ChannelDetails, ChannelKind, Delivery, NotDelivered
from server.channels.desk import ChannelDesk
from server.channels.postman import GIVEN_UP, MOST_AT_ONCE, Postman, PostmanParts
from server.channels.telling import Message
from server.errors import QuestionInvalid, StorageUnavailable, TooBusy
from server.storage.channels import StoredChannels
from server.storage.writing_thread import SqliteWriting
from telemetry.error_book import ErrorBook
from telemetry.error_report import Severity
from telemetry.logging import configure_logging
from tests.server.channels.post_office import ADMIN, post_office
from tests.server.channels.receivers import http_receiver
from tests.server.storage.history import NOON
from tests.telemetry.own_log import own_log
from wire.errors import ErrorCode


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


async def test_a_clock_that_is_set_back_holds_no_alert_back(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with http_receiver(*[503] * 8) as receiver:
            await post.webhook(receiver.url)
            await post.alert()
            post.moment += timedelta(hours=20)
            await post.until(lambda each: each.failures > 2)
            post.moment -= timedelta(hours=20)
            receiver.answers.clear()
            before = post.moment
            await post.until(lambda each: each.last_success_at is not None, step_s=60)
            assert post.moment - before < timedelta(hours=1)


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
            await post.until(
                lambda _: post.moment > NOON + timedelta(minutes=10), step_s=5, in_turn=True
            )
            assert 5 < len(receiver.posts) < 30  # each by itself: 7 tries within ten minutes
            (report,) = errors.summary().reports
            assert "channel=control room" in report.details
            post.moment += timedelta(days=1)
            channel = await post.until(lambda each: each.given_up == count, step_s=5, in_turn=True)
            assert channel.waiting == 0
            assert len(receiver.posts) < 40
            receiver.answers.clear()
            await post.alert(count + 1)
            await post.until(lambda each: each.last_success_at is not None)
    said = [each.code for each in errors.summary().reports]
    assert set(said) == {"alerts_are_not_delivered", "alerts_are_given_up"}
    assert len(said) < 8


async def of_four_given_up(folder: Path, store: type[StoredChannels]) -> tuple[int, list[int]]:
    """How many the postman counts as given up, and how many it told of each time, where a receiver
    refuses four alerts for a day."""
    async with post_office(folder) as post:
        writing = SqliteWriting(post.watch.centre.database, name="channels")
        parts = replace(post.parts, store=store(post.watch.centre.pool, writing))
        with http_receiver(*[503] * 1000) as receiver, capture_logs() as said:
            post.postman = Postman(parts)
            await post.webhook(receiver.url)
            for number in range(1, 5):
                await post.alert(number)
            await post.until(lambda each: each.failures > 8, step_s=60, in_turn=True)
            post.moment += timedelta(days=1)
            await post.until(lambda each: each.given_up == 4, step_s=60, in_turn=True)
        counted = post.postman.outcomes[GIVEN_UP]
        post.postman.close()
        writing.close()
    return counted, [each["count"] for each in said if each["event"] == "alerts are given up"]


class OthersAreFaster(StoredChannels):
    """Another process notes an attempt a moment before this one does."""

    async def failed(
        self, delivery: Delivery, error: str, now: datetime, *, next_at: datetime | None
    ) -> bool:
        await super().failed(delivery, "noted elsewhere", now, next_at=next_at)
        return await super().failed(delivery, error, now, next_at=next_at)


async def test_what_another_process_gave_up_is_neither_counted_nor_told_a_second_time(
    tmp_path: Path,
) -> None:
    counted, told = await of_four_given_up(tmp_path, OthersAreFaster)
    assert counted == 0
    assert not told


class AwayOnce(StoredChannels):
    """Is gone for a moment when the third alert is given up."""

    given_up: int = 0

    async def failed(
        self, delivery: Delivery, error: str, now: datetime, *, next_at: datetime | None
    ) -> bool:
        self.given_up += next_at is None
        if next_at is None and self.given_up == 3:
            raise StorageUnavailable(ErrorCode.STORAGE_FAILED, "gone", retry_after_s=1)
        return await super().failed(delivery, error, now, next_at=next_at)


async def test_what_was_given_up_before_the_database_was_away_is_counted_and_told(
    tmp_path: Path,
) -> None:
    counted, told = await of_four_given_up(tmp_path, AwayOnce)
    assert counted == 4
    assert sum(told) == 4


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


async def test_an_address_inside_is_not_kept_and_not_even_connected_to(tmp_path: Path) -> None:
    said = "is inside this network: allow it with SERVER_WEB"
    async with post_office(tmp_path, webhook_networks=()) as post:
        hook = await post.webhook("https://receiver.example/")
        with http_receiver() as receiver:
            port = receiver.url.rpartition(":")[2]
            for host in ("localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1"):
                url = f"http://{host}:{port}/"
                for kind, target in ((ChannelKind.WEBHOOK, url), (ChannelKind.NTFY, f"{url}gate")):
                    with pytest.raises(QuestionInvalid, match=said):
                        await post.desk.make(
                            ADMIN, ChannelDetails(name="x", kind=kind, target=target)
                        )
                inside = replace(hook.details, target=url)
                with pytest.raises(QuestionInvalid, match=said):
                    await post.desk.change(ADMIN, hook.id, inside)
                # As when the network was allowed, or its name meant another address.
                await post.store.change(hook.id, inside, None, by="anna", now=NOON)
                with pytest.raises(NotDelivered, match=said):
                    await post.desk.attempt(ADMIN, hook.id)
                await post.store.change(hook.id, hook.details, None, by="anna", now=NOON)
            assert receiver.posts == []
        await post.store.change(hook.id, inside, None, by="anna", now=NOON)
        off = await post.desk.change(ADMIN, hook.id, replace(inside, is_enabled=False))
        assert (off.failures, off.details.is_enabled) == (4, False)


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
