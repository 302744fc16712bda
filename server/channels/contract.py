"""What pages and REST meet of channels: values, and the promises of each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from server.accounts.contract import Caller
from server.errors import ServerError
from server.watchlist.contract import Alert


class ChannelKind(StrEnum):
    """How alerts are told: a signed POST, a mail with the picture, a message through ntfy."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    NTFY = "ntfy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDetails:
    """What is written down of a channel. `target` is an address: of a webhook, of a topic
    (`https://ntfy.example/topic`), or of people, with commas. No `list_ids`: of all lists."""

    name: str
    kind: ChannelKind
    target: str
    list_ids: tuple[int, ...] = ()
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and how it does. `failures` counts those since the last success; without any,
    `last_error` says what was wrong though the last alert was taken. `waiting` deliveries are tried
    again, `given_up` ones are not."""

    id: int
    details: ChannelDetails
    failures: int
    waiting: int
    given_up: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A channel, and the secret that was made for it, shown once; None where it has none."""

    channel: Channel
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An alert to be told by a channel. `idempotency_key` is the same for every attempt. `due_at`:
    when it is to be tried, and of one that was claimed until when it is."""

    id: int
    channel_id: int
    alert: Alert
    idempotency_key: str
    attempts: int
    ordered_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a channel leads at this moment, and what is shown or signed with there; one belongs to
    the other."""

    target: str
    secret: str


LONGEST_ANSWER: Final = 400


class NotDelivered(ServerError):
    """The other side did not take it; the text says what was tried and what came back, of which
    nothing is kept that no database takes: what is no HTTP may be anything."""

    def __init__(self, said: str) -> None:
        super().__init__("".join(each for each in said if each.isprintable())[:LONGEST_ANSWER])


class Channels(Protocol):
    """What people do with channels. Each change is audited before it is made.

    All raise StorageUnavailable, QuestionInvalid naming what is wrong, and NotThere.
    """

    async def channels(self) -> tuple[Channel, ...]:
        """All of them, by name."""
        ...

    async def make(self, caller: Caller, details: ChannelDetails, token: str = "") -> Made:
        """A new channel; `token` is what ntfy asks for, if it does. A webhook gets a secret."""
        ...

    async def change(
        self, caller: Caller, channel_id: int, details: ChannelDetails, token: str | None = None
    ) -> Channel:
        """All of its details; its kind stays. `token` None: as it was."""
        ...

    async def new_secret(self, caller: Caller, channel_id: int) -> Made:
        """Another secret for a webhook; the old one signs nothing any more."""
        ...

    async def drop(self, caller: Caller, channel_id: int) -> None:
        """With what waits there."""
        ...

    async def attempt(self, caller: Caller, channel_id: int) -> None:
        """Tells a made-up alert at once. Raises NotDelivered. Audited."""
        ...


LONGEST_WAIT: Final = timedelta(hours=1)
"""Between two attempts. What would wait longer was put off before the clock was set back."""


class ChannelStore(Protocol):
    """Channels and what they have to deliver. All raise StorageUnavailable; those that name a
    channel raise NotThere."""

    async def channels(self) -> tuple[Channel, ...]:
        """By name."""
        ...

    async def channel(self, channel_id: int) -> Channel: ...

    async def goal(self, channel_id: int) -> Goal: ...

    async def make(
        self, details: ChannelDetails, secret: str, *, by: str, now: datetime
    ) -> Channel:
        """Raises QuestionInvalid where the name is taken."""
        ...

    async def change(
        self,
        channel_id: int,
        details: ChannelDetails,
        secret: str | None,
        *,
        by: str,
        now: datetime,
    ) -> Channel:
        """Raises QuestionInvalid where the name is taken."""
        ...

    async def drop(self, channel_id: int) -> None: ...

    async def due(self, channel_id: int, now: datetime, *, limit: int) -> Sequence[Delivery]:
        """What is to be tried by now, or only after LONGEST_WAIT, in the order of the alerts."""
        ...

    async def claim(self, delivery: Delivery, now: datetime, *, until: datetime) -> Delivery | None:
        """As it is claimed, before an attempt: nobody else tries it until then. None where somebody
        else claimed it, or noted an attempt or its end, since it was read, or turned the channel
        off."""
        ...

    async def let_go(self, delivery: Delivery, now: datetime) -> None:
        """It was claimed, and nobody was told: it is due again. Nothing where that claim was over
        and somebody else claimed it."""
        ...

    async def next_due(self) -> dict[int, datetime]:
        """When each channel that is enabled has something to try."""
        ...

    async def delivered(self, delivery: Delivery, now: datetime, *, remark: str = "") -> None:
        """It is told, for good; `remark` is what was wrong all the same. Nothing where it ended
        already, by another process."""
        ...

    async def failed(
        self, delivery: Delivery, error: str, now: datetime, *, next_at: datetime | None
    ) -> bool:
        """It is tried again at `next_at`; None: given up. False, and nothing of it, where another
        process claimed it, noted an attempt, or its end, since the delivery was read or claimed."""
        ...

    async def noted(self, channel_id: int, error: str, now: datetime, *, is_taken: bool) -> None:
        """What came of an attempt without an alert, and what was wrong with it, '' for nothing."""
        ...

    async def sweep(self, before: datetime) -> None:
        """Forgets deliveries that ended before that."""
        ...
