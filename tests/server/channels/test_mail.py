"""Alerts as mails: with their picture, once, and only to addresses that can be some."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from server.channels.attempt import Attempt
from server.channels.contract import ChannelDetails, ChannelKind, NotDelivered
from server.channels.desk import made_up
from server.channels.postman import Postman
from server.channels.telling import Mail, MailServer, Message
from server.channels.wording import House
from server.errors import QuestionInvalid
from server.storage.picture_stores.folder import FolderPictures
from server.storage.sightings import StoredSightings
from tests.server.channels.post_office import ADMIN, PICTURE, post_office
from tests.server.channels.receivers import Mailbox, mail_receiver
from tests.server.storage.history import NOON


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


async def test_a_mail_whose_picture_cannot_be_read_goes_without_it(tmp_path: Path) -> None:
    """And is not waited for by all that come after it."""
    folder = tmp_path / "another store"
    (folder / NOON.date().isoformat() / hashlib.sha256(PICTURE).hexdigest()).mkdir(parents=True)
    pictures = FolderPictures(folder)
    async with mail_receiver() as mailbox:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_encryption": "none"}
        async with post_office(tmp_path, smtp_from="gate@example.org", **mail) as post:
            post.postman = Postman(
                replace(post.parts, pictures=StoredSightings(post.watch.centre.pool, pictures))
            )
            details = ChannelDetails(name="guard", kind=ChannelKind.EMAIL, target="a@example.org")
            await post.desk.make(ADMIN, details)
            await post.alert()
            channel = await post.until(lambda each: each.last_success_at is not None)
            post.postman.close()
    pictures.close()
    assert (len(mailbox.mails), list(mailbox.mails[0].iter_attachments())) == (1, [])
    assert channel.failures == 0


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


def mail_to(mailbox: Mailbox, *, patience_s: float) -> tuple[Mail, Message]:
    server = MailServer(
        host="127.0.0.1",
        port=mailbox.port,
        user="",
        password="",
        sender="gate@example.org",
        encryption="none",
    )
    mail = Mail(server, House(public_url="", zone=UTC), patience_s=patience_s)
    return mail, Message(alert=made_up(NOON), key="key", at_s=0)


async def test_a_farewell_that_comes_byte_by_byte_keeps_nobody() -> None:
    async with mail_receiver() as mailbox:
        mailbox.drips = 200
        mail, message = mail_to(mailbox, patience_s=0.2)
        assert await asyncio.to_thread(mail.tell, message, "a@example.org", "", Attempt()) == ""
        assert 0 < mailbox.dripped < 200
    assert len(mailbox.mails) == 1


async def test_a_mail_server_that_thinks_about_a_mail_is_waited_for() -> None:
    """Else it takes the mail, and gets it again."""
    async with mail_receiver() as mailbox:
        mailbox.thinks_s = 1.5
        mail, message = mail_to(mailbox, patience_s=1.0)
        assert await asyncio.to_thread(mail.tell, message, "a@example.org", "", Attempt()) == ""
    assert len(mailbox.mails) == 1


async def test_mail_addresses_are_checked(tmp_path: Path) -> None:
    given = {"smtp_host": "127.0.0.1", "smtp_from": "gate@example.org"}
    async with post_office(tmp_path, **given) as post:
        for target in ("", "nobody", "a@example.org\nBcc: b@example.org", "a b@example.org"):
            with pytest.raises(QuestionInvalid, match="mail address"):
                await post.desk.make(
                    ADMIN, ChannelDetails(name="x", kind=ChannelKind.EMAIL, target=target)
                )
        assert await post.desk.channels() == ()
