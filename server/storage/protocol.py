"""The contract between ingest and any store: values, and the promises of each method."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.analytics.work import Work
from server.device_token import DeviceToken
from server.storage.fleet import Fleet
from wire.accepted import AcceptedRow
from wire.v1 import Hello


@dataclass(frozen=True, slots=True)
class Stored:
    """The row is on disk as `record_id` of its table; `is_duplicate`: it was before.

    `rows_stored` counts the rows ever stored of its device and epoch, this one included.
    """

    record_id: int
    is_duplicate: bool
    rows_stored: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another row has that id: other content, or from another device. Final."""

    record_id: int


Outcome = Stored | Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store has of a device's epoch: the highest sequence, and how many rows ever.

    `run` names this run of the server for ever; `known_run` is the first of the runs that hello
    named which the store has seen. Both tell an older backup of the store from the store.
    """

    last_sequence: int
    rows_stored: int
    run: str
    known_run: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStats:
    """A row of `server_stats`: counts since the server was started."""

    total_connections: int
    active_connections: int
    messages_received: int
    messages_processed: int
    errors: int


class RowStore(Protocol):
    """Where rows go."""

    async def commit_group(
        self, rows: Sequence[AcceptedRow], received_at: datetime
    ) -> list[Outcome]:
        """Stores all rows in one transaction and returns, after its fsync, an outcome for each.

        Idempotent by row id, also within the group. Pictures are on disk before the rows that
        name them. Raises StorageUnavailable where nothing can be stored now, GroupRefused where
        some row of the group is at fault; either way none of the group is stored.
        """
        ...

    async def greet(self, hello: Hello, now: datetime) -> Held:
        """Notes that the camera is here; returns what is held of its epoch.

        Raises StorageUnavailable.
        """
        ...


class TokenLookup(Protocol):
    """Who holds which token."""

    async def find_token(self, token_sha256: bytes) -> DeviceToken | None:
        """The token with that hash, also a revoked one. Raises StorageUnavailable."""
        ...

    async def name_has_token(self, name: str) -> bool:
        """Whether a token of that name is in force. Raises StorageUnavailable."""
        ...

    async def live_tokens(self) -> frozenset[bytes]:
        """The SHA-256 of all tokens that are not revoked. Raises StorageUnavailable."""
        ...

    async def note_token_use(self, names: Collection[str], now: datetime) -> None:
        """Notes that these tokens were used at about `now`. Raises StorageUnavailable."""
        ...


class StatsStore(Protocol):
    """Where the server writes about itself."""

    async def record_stats(self, stats: ServerStats, now: datetime) -> None:
        """Appends a row to `server_stats`. Raises StorageUnavailable."""
        ...

    async def check(self) -> None:
        """Reads from the database; raises StorageUnavailable where that fails."""
        ...


class CentreStore(RowStore, TokenLookup, StatsStore, Protocol):
    """Everything that the running server asks of the one place where it writes."""

    async def fleet(self, *, now: datetime, most: int) -> Fleet:
        """All cameras together, at most so many one by one. Raises StorageUnavailable."""
        ...

    async def keep_minutes(self, works: Mapping[str, Work]) -> None:
        """Writes down what services did in a minute. Raises StorageUnavailable."""
        ...

    async def active_users(self, since: datetime) -> int:
        """People at work since then. Raises StorageUnavailable."""
        ...

    async def release_memory(self) -> None:
        """Gives back what it keeps of the database. Raises StorageUnavailable."""
        ...

    async def uncorrected_share(self) -> float | None:
        """How many of the latest readings stand, 0..1. Raises StorageUnavailable."""
        ...
