"""Channels as pages and REST use them: checks, audits, then has it done."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from server.accounts.contract import Action, Auditor, Caller
from server.bell import Bell
from server.channels.attempt import Attempt
from server.channels.contract import (
    Channel,
    ChannelDetails,
    ChannelKind,
    ChannelStore,
    Made,
    NotDelivered,
)
from server.channels.posting import place_of
from server.channels.postman import Postman
from server.channels.telling import Teller
from server.errors import QuestionInvalid
from server.row_id import is_id
from server.watchlist.contract import Alert, Source, Verdict
from server.watchlist.rules import Kind

LONGEST_NAME: Final = 100
LONGEST_TARGET: Final = 2000
LONGEST_TOKEN: Final = 500


class ChannelDesk:
    """Implements the contract's Channels; rings `changed` after each change."""

    def __init__(
        self,
        store: ChannelStore,
        tellers: Mapping[ChannelKind, Teller],
        postman: Postman,
        auditor: Auditor,
        changed: Bell,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._tellers = tellers
        self._postman = postman
        self._auditor = auditor
        self._changed = changed
        self._now = now

    async def channels(self) -> tuple[Channel, ...]:
        return await self._store.channels()

    async def make(self, caller: Caller, details: ChannelDetails, token: str = "") -> Made:
        wanted = self._checked(details)
        secret = _token(wanted.kind, token)
        made = None
        if wanted.kind is ChannelKind.WEBHOOK:
            made = secret = secrets.token_urlsafe(32)
        await self._audit(caller, wanted.name, f"made: {_said(wanted)}")
        channel = await self._store.make(wanted, secret, by=caller.name, now=self._now())
        return Made(channel=channel, secret=made)

    async def change(
        self, caller: Caller, channel_id: int, details: ChannelDetails, token: str | None = None
    ) -> Channel:
        held = await self._store.channel(channel_id)
        if details.kind is not held.details.kind:
            raise QuestionInvalid(f"kind={details.kind}: this is {held.details.kind}, make another")
        wanted = self._checked(details, held.details.target)
        secret = None if token is None else _token(wanted.kind, token)
        await self._audit(caller, held.details.name, f"changed: {_said(wanted)}")
        changed = await self._store.change(
            channel_id, wanted, secret, by=caller.name, now=self._now()
        )
        self._postman.expect_more(channel_id)
        self._changed.ring()
        return changed

    async def new_secret(self, caller: Caller, channel_id: int) -> Made:
        held = await self._store.channel(channel_id)
        if held.details.kind is not ChannelKind.WEBHOOK:
            raise QuestionInvalid(f"channel {channel_id} is no webhook: it has no secret of ours")
        await self._audit(caller, held.details.name, "another secret")
        secret = secrets.token_urlsafe(32)
        channel = await self._store.change(
            channel_id, held.details, secret, by=caller.name, now=self._now()
        )
        return Made(channel=channel, secret=secret)

    async def drop(self, caller: Caller, channel_id: int) -> None:
        held = await self._store.channel(channel_id)
        await self._audit(caller, held.details.name, f"deleted; {held.waiting} waited there")
        await self._store.drop(channel_id)
        self._postman.forget(channel_id)

    async def attempt(self, caller: Caller, channel_id: int) -> None:
        channel = await self._store.channel(channel_id)
        await self._audit(caller, channel.details.name, "tried")
        now = self._now()
        key = f"test-{secrets.token_hex(16)}"
        is_taken = True
        try:
            said = await self._postman.tell(channel, made_up(now), key, Attempt(), is_test=True)
        except NotDelivered as failure:
            is_taken, said = False, str(failure)
        await self._store.noted(channel_id, said, now, is_taken=is_taken)
        if said:
            raise NotDelivered(said)

    def _checked(self, details: ChannelDetails, held: str | None = None) -> ChannelDetails:
        """`held` is the target that it has: one that is tried in vain can be turned off."""
        name = " ".join(details.name.split())
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise QuestionInvalid(f"name={name[:40]!r}: expected 1 to {LONGEST_NAME} characters")
        if len(details.target) > LONGEST_TARGET:
            raise QuestionInvalid(f"target: expected at most {LONGEST_TARGET} characters")
        if not all(is_id(each) for each in details.list_ids):
            raise QuestionInvalid(f"list_ids={details.list_ids}: expected numbers of watchlists")
        target = details.target.strip()
        if target != held:
            target = self._tellers[details.kind].check(target)
        return replace(details, name=name, target=target, list_ids=tuple(set(details.list_ids)))

    async def _audit(self, caller: Caller, name: str, detail: str) -> None:
        await self._auditor.audit(caller, Action.CHANNEL_CHANGED, f"channel {name}", detail)


def made_up(now: datetime) -> Alert:
    """What a channel is tried with."""
    return Alert(
        id=0,
        list_id=0,
        list_name="a list",
        kind=Kind.ALERT,
        entry_id=None,
        listed="TEST 123",
        reason="somebody tries this channel",
        source=Source.PLATES,
        sighting_id=0,
        device_id="no camera",
        plate="TEST 123",
        class_id=None,
        likelihood=1.0,
        captured_at=now,
        received_at=now,
        raised_at=now,
        repeats=0,
        acknowledged_by=None,
        acknowledged_at=None,
        verdict=Verdict.NONE,
        note="",
    )


def _said(details: ChannelDetails) -> str:
    """For the audit log, where it stays for ever: the path of an address is often its key."""
    is_mail = details.kind is ChannelKind.EMAIL
    where = details.target if is_mail else place_of(details.target).shown
    lists = ", ".join(map(str, details.list_ids)) or "all"
    return f"{details.kind} to {where}, of lists {lists}{'' if details.is_enabled else ', off'}"


def _token(kind: ChannelKind, token: str) -> str:
    if token and kind is not ChannelKind.NTFY:
        raise QuestionInvalid(f"token: a channel of kind {kind} takes none")
    if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise QuestionInvalid(f"token: expected at most {LONGEST_TOKEN} characters of ASCII")
    return token
