"""The contract between the outbox, which keeps rows, and the uplink, which delivers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from wire.rows import Row, Table
from wire.watchlist import WholeWatchlist


class RowKey(NamedTuple):
    """Where a row lies: the table by its name on the wire, and its id there."""

    table: Table
    row_id: int


class WaitingRow(NamedTuple):
    """A row that the server has not acknowledged, in the wire's form but for its picture.

    `pictures` are the names under which its picture may lie, the likeliest first; a row of ours
    has at most one. `may_need_scaling` marks pictures that an older system wrote.
    """

    key: RowKey
    row: Row
    pictures: tuple[str, ...] = ()
    may_need_scaling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCounts:
    """The books: `captured = waiting + acknowledged + refused + evicted`, always."""

    captured: int = 0
    waiting: int = 0
    acknowledged: int = 0
    refused: int = 0
    evicted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRefused:
    """A row to set aside for good, and why.

    `is_id_known`: the server holds a row of this id that is not the same; one that was numbered
    before the device was renamed is that very row, delivered under the former name.
    """

    key: RowKey
    error: str
    is_id_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of rows that were sent, to be written in one transaction.

    `server_rows`: how many rows of this store's epoch the server said it held by then, if it did.
    """

    acknowledged: Sequence[RowKey] = field(default=())
    refused: Sequence[RowRefused] = field(default=())
    server_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIdentity:
    """Whose rows these are; `epoch` begins anew when a database had to be replaced.

    Numbers up to `epoch_after` were given before it: rows that have one may still wait here.
    `server_runs` are the runs of the server that were spoken to in this epoch, the latest first.
    `watchlist` is the version of the one that is held, empty for none.
    """

    device_id: str
    epoch: str
    epoch_after: int
    last_sequence: int
    server_runs: tuple[str, ...] = ()
    watchlist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHolds:
    """What a server says of this store's epoch when it is greeted.

    `rows` counts what it ever stored of it. `run` names this run of the server; `known_run` is the
    latest of the runs that we spoke to which its database has seen.
    """

    rows: int
    run: str
    known_run: str | None


class DeliveryStore(Protocol):
    """The outbox as a sender sees it. Blocking; used by one thread at a time.

    Errors are `agent.errors.OutboxError`. Every method may be repeated without harm.
    """

    def identity(self) -> StoreIdentity:
        """To be asked first on each connection: where the database was replaced, the new one is
        opened here."""

    def newest(self) -> Mapping[Table, int]:
        """The highest row id of each table, 0 where it is empty."""

    def waiting(
        self,
        table: Table,
        *,
        after_id: int,
        up_to_id: int | None,
        limit: int,
        watched: bool | None = None,
    ) -> Sequence[WaitingRow]:
        """Waiting rows with `after_id < id <= up_to_id` in the order of their ids.

        `watched`: only plates on the watchlist, or only others; None: both. Rows that never had one
        are given their message id and sequence here, durably.
        """

    def read_picture(self, row: WaitingRow, *, small: bool = False) -> bytes | None:
        """The picture's bytes as they go out, None where there is none; `small`: a quarter."""

    def settle(self, settlement: Settlement) -> None:
        """Flags the rows; those settled already stay as they are."""

    def note_failure(self, key: RowKey, error: str, *, delay_s: float) -> float:
        """Remembers a refusal that may pass, and that the row is put off by `delay_s`.

        Returns the seconds that it was put off before, in all: no clock's step, no reboot and no
        time without a server adds to them.
        """

    def count_waiting(self, tables: Iterable[Table]) -> int:
        """How many rows of these tables wait."""

    def counts(self) -> OutboxCounts: ...

    def resend_missing(self, server: ServerHolds) -> int:
        """Queues again what a server lacks that was put back to an older backup; how many rows.

        To be called at each greeting, before anything is sent.
        """

    def keep_watchlist(self, whole: WholeWatchlist) -> None:
        """What to watch for from now on, in place of what was held."""

    def data_version(self) -> int:
        """Changes when another connection has committed; costs next to nothing."""

    def close(self) -> None: ...
